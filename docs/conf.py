"""How Sphinx builds the documentation's site: ``make docs``."""

from __future__ import annotations

import os
import re
import tempfile
from typing import Any

# Importing Airflow writes a configuration file into its home: not into the one of whoever builds this.
_home = tempfile.TemporaryDirectory(prefix="airflow-docs-")
os.environ["AIRFLOW_HOME"] = _home.name

import airflow_provider_j2v  # noqa: E402

project = "airflow-provider-j2v"
author = "the authors of airflow-provider-j2v"
copyright = f"{author}, Apache-2.0"
release = version = airflow_provider_j2v.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_static"]

# As on the pages of a repository: headings have anchors by the same rule, and links name files.
myst_heading_anchors = 4
highlight_language = "none"

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
maximum_signature_line_length = 60
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries = False

html_theme = "furo"
html_title = "airflow-provider-j2v"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#5b3fc4", "color-brand-content": "#4a33a8"},
    "dark_css_variables": {"color-brand-primary": "#b3a3f5", "color-brand-content": "#c3b6f7"},
}

# Asked by the hosted workflow, not by `make docs`: what is outside may be down.
linkcheck_timeout = 20
linkcheck_retries = 2
linkcheck_workers = 4
linkcheck_anchors = False
linkcheck_ignore = [
    r"https?://(127\.0\.0\.1|localhost)",
    r"https://(assets|hooks|media)\.(example\.com|json2video\.com)",
]

# Pages that stand beside this folder, for those who look at the repository, and where the site has them.
_OUTSIDE = {"SECURITY": "reporting", "CONTRIBUTING": "contributing", "CHANGELOG": "changelog"}


def _inside(app: Any, name: str, source: list[str]) -> None:
    links = re.compile(rf"\]\((?:\.\./)+({'|'.join(_OUTSIDE)})\.md")
    source[0] = links.sub(lambda link: f"](/{_OUTSIDE[link[1]]}.md", source[0])


def setup(app: Any) -> None:
    """Have links out of this folder lead to the same page within the site."""
    app.connect("source-read", _inside)

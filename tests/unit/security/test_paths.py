"""A row of data is part of a path, and never leads out of the folder that the author of the DAG wrote."""

from __future__ import annotations

import posixpath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_j2v.exceptions import ConfigurationError
from airflow_provider_j2v.operators.homes import Pattern
from airflow_provider_j2v.renders.rows import Row

PARTS = st.sampled_from(
    ["..", ".", "/", "\\", "//", "~", "%2e%2e", "%2f", "\x00", "\n", "{slug}", "a", ":", "@", "\uff0e"]
)
VALUES = st.lists(PARTS | st.text(max_size=3), max_size=6).map("".join) | st.integers() | st.floats() | st.none()


@pytest.mark.parametrize("folder", ["/videos/", "s3://conn@bucket/videos/", "file:///videos/"])
def test_a_row_never_leads_out_of_the_folder_of_a_destination(folder: str) -> None:
    pattern = Pattern(folder + "{slug}/{day}.mp4")

    @given(VALUES, VALUES)
    @example("../../etc", "passwd")
    @example("..\\..\\etc", "passwd")
    @example(".", ".")
    @example("a/.", "./..")
    @example("/etc", "passwd")
    @example("{slug.__class__}", "{0}")
    def look(slug: Any, day: Any) -> None:
        try:
            path = pattern.of(Row(0, "k", {"slug": slug, "day": day}), "project")
        except ConfigurationError:
            return
        assert path.startswith(folder)
        assert path.isprintable()
        assert posixpath.normpath(path.replace("\\", "/")).startswith(posixpath.normpath(folder) + "/")

    look()


@pytest.mark.parametrize(
    "pattern", ["/v/{slug.__class__}.mp4", "/v/{slug[0]}.mp4", "/v/{0}.mp4", "/v/{}.mp4", "/v/{slug"]
)
def test_a_destination_names_fields_and_nothing_inside_them(pattern: str) -> None:
    with pytest.raises(ConfigurationError):
        Pattern(pattern)

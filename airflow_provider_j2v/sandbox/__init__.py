"""The service in a box: a local server that speaks JSON2Video's API and renders real previews.

``python -m airflow_provider_j2v.sandbox`` on the command line, ``with Sandbox() as sandbox:`` in tests.
Importing this package is cheap: the web framework is loaded when a sandbox starts, the encoder when a frame
is drawn.
"""

from __future__ import annotations

from airflow_provider_j2v.sandbox.accounts import Account
from airflow_provider_j2v.sandbox.faults import Fault, Faults
from airflow_provider_j2v.sandbox.journal import Journal
from airflow_provider_j2v.sandbox.server import Sandbox
from airflow_provider_j2v.sandbox.variants import Variants

__all__ = ["Account", "Fault", "Faults", "Journal", "Sandbox", "Variants"]

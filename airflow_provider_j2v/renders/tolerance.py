"""How many rows of a batch may fail."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction
from typing import Any

from airflow_provider_j2v.exceptions import ConfigurationError


class Tolerance:
    """What failed rows do to a batch.

    :param on_failure: ``"fail"``, ``"continue"``, a share of the rows such as ``"5%"``, or a number of rows.
    :raises ConfigurationError: it is none of these.
    """

    def __init__(self, on_failure: Any) -> None:
        self._renders_all = on_failure in ("fail", "continue")
        self._share = Fraction(0)
        self._rows: float = math.inf if on_failure == "continue" else 0
        if isinstance(on_failure, int) and not isinstance(on_failure, bool) and on_failure >= 0:
            self._rows = on_failure
        elif not self._renders_all:
            self._share = _share(on_failure)

    def is_exceeded(self, failed: int, rows: int) -> bool:
        """Whether more rows have failed than may, out of so many."""
        return failed > self._rows + self._share * rows

    def stops(self, failed: int, rows: int) -> bool:
        """Whether so many have failed that no more are submitted."""
        return not self._renders_all and self.is_exceeded(failed, rows)


def _share(text: Any) -> Fraction:
    with suppress(ValueError, ZeroDivisionError):
        if isinstance(text, str) and text.endswith("%") and 0 <= (share := Fraction(text[:-1].strip())) <= 100:
            return share / 100
    raise ConfigurationError(
        f'on_failure must be "fail", "continue", a share such as "5%" or a number of rows, not {text!r:.80}. '
        "Nothing was sent."
    )

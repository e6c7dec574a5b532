"""How many rows may fail, counted exactly."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_j2v.exceptions import ConfigurationError
from airflow_provider_j2v.renders.tolerance import Tolerance


@pytest.mark.parametrize(
    ("on_failure", "rows", "allowed"),
    [
        ("fail", 100, 0),
        (0, 100, 0),
        ("0%", 100, 0),
        (10, 100, 10),
        ("5%", 1000, 50),
        ("5 %", 100, 5),
        ("5%", 19, 0),
        ("5%", 20, 1),
        ("0.1%", 1000, 1),
        ("18.4%", 375, 69),  # a little less in floats
        ("100%", 3, 3),
    ],
)
def test_the_task_fails_when_more_than_that_failed(on_failure: Any, rows: int, allowed: int) -> None:
    tolerance = Tolerance(on_failure)
    assert not tolerance.is_exceeded(allowed, rows)
    assert tolerance.is_exceeded(allowed + 1, rows)


def test_only_a_threshold_stops_the_submitting() -> None:
    assert [Tolerance(on_failure).stops(2, 10) for on_failure in ("fail", "continue", 1, "10%", 2)] == [
        *(False, False),
        *(True, True, False),
    ]
    assert not Tolerance("continue").is_exceeded(10, 10)


@pytest.mark.parametrize("bad", ["maybe", "5", "-1%", "100.1%", "nan%", "%", -1, 1.0, True, None, ["fail"], "1/0%"])
def test_what_says_no_number_is_refused(bad: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"on_failure must be .*Nothing was sent\.$"):
        Tolerance(bad)

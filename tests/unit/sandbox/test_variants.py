"""Variants that show in the status of a movie."""

from __future__ import annotations

import pytest


def test_never_finish_keeps_every_movie_running_until_it_is_switched_off(sandbox, submit, read):
    sandbox.variants.never_finish = True
    project = submit()
    sandbox.advance(3600)
    assert read(project)["status"] == "running"

    sandbox.variants.never_finish = False

    assert read(project)["status"] == "done"


def test_a_movie_running_for_15_minutes_can_be_shown_as_timeout_and_still_finish(sandbox, submit, read):
    sandbox.variants.timeout_status = True
    project = submit(seconds=1800)
    sandbox.advance(1 + 899)
    assert read(project)["status"] == "running"
    sandbox.advance(1.1)
    assert read(project)["status"] == "timeout"

    sandbox.advance(30)

    assert read(project)["status"] == "done"


def test_progress_shows_only_while_running_and_only_as_a_variant(sandbox, submit, read):
    project = submit(seconds=18)
    sandbox.advance(6)
    assert "progress" not in read(project)

    sandbox.variants.progress_field = True

    assert read(project)["progress"] == 50
    sandbox.advance(60)
    assert "progress" not in read(project)


@pytest.mark.parametrize(("variant", "status"), [("black", "done"), ("error", "error")])
def test_an_empty_movie_is_black_or_an_error(sandbox, submit, read, variant, status):
    sandbox.variants.empty_movie = variant
    project = submit({"scenes": [{"elements": []}]})
    sandbox.advance(60)

    shown = read(project)

    assert shown["status"] == status
    assert shown.get("duration") == (5 if status == "done" else None)


@pytest.mark.parametrize("height", [360, 480])
def test_sd_has_two_heights(sandbox, submit, read, make_movie, height):
    sandbox.variants.sd_height = height
    project = submit(make_movie(resolution="sd"))
    sandbox.advance(60)

    assert (read(project)["width"], read(project)["height"]) == (640, height)

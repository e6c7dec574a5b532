"""Bringing a paid movie home: before it is paid what can be refused, afterwards never a second charge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_j2v.exceptions import DestinationTaken, DownloadFailed, JSON2VideoError, NotFound
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.operators.download import bring_home
from airflow_provider_j2v.operators.movie import (
    JSON2VideoDeleteMovieOperator,
    JSON2VideoDownloadMovieOperator,
    JSON2VideoRenderMovieOperator,
)
from airflow_provider_j2v.renders.ledger import LedgerError
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.movie import Fate
from airflow_provider_j2v.sandbox.rendering import CANNED
from tests.unit.context import HAS_STORE, Store, a_context, connect
from tests.unit.operators.stores import FullDisk, Memory, Rival, attached

MOVIE = {"resolution": "sd", "scenes": [{"duration": 1}]}
SPOKEN = MOVIE | {"elements": [{"type": "voice", "text": "Hello", "duration": 1}, {"type": "subtitles"}]}
VIDEO = CANNED.read_bytes()


@pytest.fixture(autouse=True)
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    return sandbox


def render(destination: Any, **kwargs: Any) -> JSON2VideoRenderMovieOperator:
    kwargs = {"movie": MOVIE, "poll_interval": 0.05, "destination": destination} | kwargs
    return JSON2VideoRenderMovieOperator(task_id="render", **kwargs)


def download(project: Any, destination: Any, **kwargs: Any) -> dict[str, Any]:
    task = JSON2VideoDownloadMovieOperator(task_id="home", project=project, destination=destination, **kwargs)
    return task.execute(a_context())


def retried(context: Any, **fields: Any) -> Any:
    return a_context(try_number=2, store=context.get("task_state_store"), **fields)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def project(sandbox: Sandbox) -> str:
    """A finished movie with subtitles."""
    made = JSON2VideoHook().submit_movie(SPOKEN)
    sandbox.advance(600)
    return made


# The render operator.


def test_a_finished_movie_is_at_its_destination(tmp_path: Path) -> None:
    context = a_context()
    result = render(str(tmp_path / "movie.mp4")).execute(context)
    assert result["destination"] == str(tmp_path / "movie.mp4")
    assert files(tmp_path) == {"movie.mp4": VIDEO}
    assert "subtitles" not in result
    assert len(json.dumps(result)) < 2048


def test_any_object_storage_will_do() -> None:
    memory = Memory()
    path = f"{attached(memory)}bucket/{{{{ day }}}}.mp4"
    task = render(path)
    context = a_context(day="monday")
    task.render_template_fields(context)
    assert task.execute(context)["destination"] == path.replace("{{ day }}", "monday")
    assert memory.files == {"/bucket/monday.mp4": VIDEO}


def test_subtitles_come_beside_it(tmp_path: Path) -> None:
    result = render(tmp_path / "movie.mp4", movie=SPOKEN, subtitles=True).execute(a_context())
    assert result["subtitles"] == str(tmp_path / "movie.ass")
    assert files(tmp_path)["movie.mp4"] == VIDEO
    assert b"Hello" in files(tmp_path)["movie.ass"]


def test_a_movie_without_subtitles_comes_alone(tmp_path: Path) -> None:
    result = render(tmp_path / "movie.mp4", subtitles=True).execute(a_context())
    assert result["subtitles"] is None
    assert set(files(tmp_path)) == {"movie.mp4"}


@pytest.mark.parametrize("code", [403, 404, 410])
def test_subtitles_that_are_gone_are_a_warning_beside_the_video(
    sandbox: Sandbox, tmp_path: Path, project: str, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.faults.add("file", "status", status=code, skip=1, times=None)
    result = download(project, tmp_path / "movie.mp4", subtitles=True)
    assert (result["destination"], result["subtitles"]) == (str(tmp_path / "movie.mp4"), None)
    assert files(tmp_path) == {"movie.mp4": VIDEO}
    assert f"Project {project}: no subtitles came" in caplog.text


def test_empty_subtitles_come_as_they_are(sandbox: Sandbox, tmp_path: Path, project: str) -> None:
    sandbox.faults.add("file", "body", body=b"", content_type="text/plain", skip=1)
    result = download(project, tmp_path / "movie.mp4", subtitles=True)
    assert result["subtitles"] == str(tmp_path / "movie.ass")
    assert files(tmp_path) == {"movie.mp4": VIDEO, "movie.ass": b""}


def test_subtitles_that_do_not_come_keep_no_video_away(project: str) -> None:
    disk = FullDisk(room=len(VIDEO))
    path = f"{attached(disk)}bucket/movie"
    with pytest.raises(DownloadFailed) as e:
        download(project, f"{path}.mp4", subtitles=True)
    words = (project, f"the video is at {path}.mp4", "movie.ass", "No space left on device", "subtitles=False", "retry")
    assert all(word in str(e.value) for word in words)
    assert disk.files == {"/bucket/movie.mp4": VIDEO}
    disk.room = 1_000_000
    download(project, f"{path}.mp4", subtitles=True)
    assert set(disk.files) == {"/bucket/movie.mp4", "/bucket/movie.ass"}


def test_the_download_is_the_worker_s_and_not_the_trigger_s(sandbox: Sandbox, tmp_path: Path) -> None:
    context = a_context()
    with pytest.raises(TaskDeferred) as deferred:
        render(tmp_path / "movie.mp4", deferrable=True).execute(context)
    assert "movie.mp4" not in str(deferred.value.trigger.serialize())
    sandbox.advance(600)
    project = deferred.value.kwargs["project"]
    event = {"project": project, "status": "done", "message": ""}
    result = render(tmp_path / "movie.mp4", deferrable=True).execute_complete(context, event, project)
    assert result["destination"] == str(tmp_path / "movie.mp4")
    assert files(tmp_path) == {"movie.mp4": VIDEO}


REFUSED = {
    "a task that only submits": ({"wait_for_completion": False}, "needs wait_for_completion=True"),
    "subtitles of nothing": ({"destination": None, "subtitles": True}, "subtitles=True needs a destination"),
    "a relative path": ({"destination": "movie.mp4"}, "must be an absolute path"),
    "a missing provider": ({"destination": "gs://bucket/a.mp4"}, "It needs apache-airflow-providers-google"),
    "an empty template": ({"destination": ""}, "must name a file"),
}


@pytest.mark.parametrize(("kwargs", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_brought_home_is_not_rendered(
    sandbox: Sandbox, tmp_path: Path, kwargs: dict, message: str
) -> None:
    kwargs = {"destination": tmp_path / "movie.mp4"} | kwargs
    with pytest.raises(AirflowFailException, match=f"{message}.*Nothing was sent."):
        render(**kwargs).execute(a_context())
    assert sandbox.journal.requests["submit"] == 0


def test_a_destination_that_is_taken_is_refused_before_it_is_paid(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "movie.mp4").write_bytes(b"mine")
    with pytest.raises(AirflowFailException, match="file at the destination .* already .*Nothing was sent."):
        render(tmp_path / "movie.mp4").execute(a_context())
    assert sandbox.journal.requests["submit"] == 0
    render(tmp_path / "movie.mp4", overwrite=True).execute(a_context())
    assert files(tmp_path) == {"movie.mp4": VIDEO}


def test_a_failed_render_brings_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    task, context = render(tmp_path / "movie.mp4", deferrable=True, fail_on_render_error=False), a_context()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    project = deferred.value.kwargs["project"]
    sandbox.movies[project].fate = Fate(error="it broke")
    sandbox.advance(600)
    result = task.execute_complete(context, {"project": project, "status": "error", "message": "it broke"}, project)
    assert (result["status"], result["destination"]) == ("error", None)
    assert files(tmp_path) == {}


# When it fails: what is named, and what another try costs.


def test_a_full_disk_is_named_and_the_next_try_pays_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    disk = FullDisk(room=100)
    path = f"{attached(disk)}bucket/movie.mp4"
    context = a_context(max_tries=1)
    with pytest.raises(DownloadFailed) as e:
        render(path).execute(context)
    (submission,) = sandbox.journal.submissions
    words = (submission.project, path, "No space left on device", "paid for", "until 20", "retry", "pays nothing")
    assert all(word in str(e.value) for word in words)
    assert disk.files == {}
    disk.room = 1_000_000
    assert render(path).execute(retried(context, max_tries=1))["project"] == submission.project
    assert disk.files == {"/bucket/movie.mp4": VIDEO}
    assert len(sandbox.journal.submissions) == 1


@pytest.mark.skipif(not HAS_STORE, reason="below Airflow 3.3 a clear renders anew")
def test_a_clear_after_a_failed_download_pays_nothing_wherever_it_goes_then(sandbox: Sandbox, tmp_path: Path) -> None:
    context = a_context()
    with pytest.raises(DownloadFailed):
        render(f"{attached(FullDisk(room=0))}bucket/movie.mp4").execute(context)
    render(tmp_path / "movie.mp4").execute(retried(context, max_tries=1))
    assert files(tmp_path) == {"movie.mp4": VIDEO}
    assert len(sandbox.journal.submissions) == 1


def test_where_no_clear_remembers_a_download_costs_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    context = a_context()
    context.pop("task_state_store", None)  # as below Airflow 3.3
    with pytest.raises(DownloadFailed) as e:
        render(f"{attached(FullDisk(room=0))}bucket/movie.mp4").execute(context)
    (submission,) = sandbox.journal.submissions
    way = f"JSON2VideoDownloadMovieOperator(project='{submission.project}')"
    taken = DestinationTaken(submission.project, "/movie.mp4", "another file is there")
    for error in (e.value, taken):
        assert way in str(error)
        assert "from Airflow 3.3 on a clear" in str(error)
    download(submission.project, tmp_path / "movie.mp4")
    assert files(tmp_path) == {"movie.mp4": VIDEO}
    assert len(sandbox.journal.submissions) == 1


class DiesAfterTheMove(Store):
    def set(self, key: str, value: Any, **kwargs: Any) -> None:
        if value.get("outcome") == "done" and not hasattr(self, "died"):
            self.died = True
            raise RuntimeError("the worker was lost")
        super().set(key, value, **kwargs)


@pytest.mark.skipif(not HAS_STORE, reason="needs the task state store")
def test_a_try_that_died_after_the_move_is_no_obstacle_to_the_next(sandbox: Sandbox, tmp_path: Path) -> None:
    context = a_context(max_tries=1, store=DiesAfterTheMove())
    with pytest.raises(LedgerError):
        render(tmp_path / "movie.mp4").execute(context)
    assert files(tmp_path) == {"movie.mp4": VIDEO}
    written = (tmp_path / "movie.mp4").stat()
    result = render(tmp_path / "movie.mp4").execute(retried(context, max_tries=1))
    assert result["destination"] == str(tmp_path / "movie.mp4")
    assert (tmp_path / "movie.mp4").stat().st_mtime_ns == written.st_mtime_ns
    assert len(sandbox.journal.submissions) == 1


@pytest.mark.skipif(not HAS_STORE, reason="needs the task state store")
def test_a_clear_of_a_finished_movie_does_not_pay_for_one_that_has_no_room(sandbox: Sandbox, tmp_path: Path) -> None:
    context = a_context()
    render(tmp_path / "movie.mp4").execute(context)
    with pytest.raises(AirflowFailException, match="already .*Nothing was sent."):
        render(tmp_path / "movie.mp4").execute(retried(context, max_tries=1))
    assert len(sandbox.journal.submissions) == 1
    render(tmp_path / "movie.mp4", overwrite=True).execute(retried(context, max_tries=2))
    assert len(sandbox.journal.submissions) == 2


@pytest.mark.parametrize("size", [len(VIDEO), 5])
def test_another_file_that_came_meanwhile_stays_and_ends_the_task(tmp_path: Path, project: str, size: int) -> None:
    (tmp_path / "movie.mp4").write_bytes(bytes(size))
    with pytest.raises(AirflowFailException, match=f"Project {project} .*movie.mp4: another file is there.*overwrite"):
        download(project, tmp_path / "movie.mp4", subtitles=True)
    assert files(tmp_path)["movie.mp4"] == bytes(size)


def test_a_try_taken_for_dead_that_was_first_is_no_obstacle(project: str) -> None:
    rival = Rival(VIDEO)
    download(project, f"{attached(rival)}bucket/movie.mp4")
    assert rival.files == {"/bucket/movie.mp4": VIDEO}


def test_a_stranger_s_file_that_was_first_stays(project: str) -> None:
    rival = Rival(b"mine")
    with pytest.raises(AirflowFailException, match="another file is there"):
        download(project, f"{attached(rival)}bucket/movie.mp4")
    assert rival.files == {"/bucket/movie.mp4": b"mine"}


def test_subtitles_never_come_beside_another_movie(tmp_path: Path, project: str) -> None:
    (tmp_path / "movie.mp4").write_bytes(b"mine")
    with pytest.raises(AirflowFailException):
        download(project, tmp_path / "movie.mp4", subtitles=True)
    assert set(files(tmp_path)) == {"movie.mp4"}


def test_a_destination_that_went_bad_after_the_payment_names_the_project(sandbox: Sandbox, tmp_path: Path) -> None:
    context = a_context(max_tries=1)
    sandbox.variants.never_finish = True
    with pytest.raises(TaskDeferred):
        render(tmp_path / "movie.mp4", deferrable=True).execute(context)
    sandbox.variants.never_finish = False
    sandbox.advance(600)
    (submission,) = sandbox.journal.submissions
    with pytest.raises(DownloadFailed, match=f"Project {submission.project} is rendered and paid for.*absolute path"):
        render("movie.mp4").execute(retried(context, max_tries=1))


@pytest.mark.parametrize("code", [403, 404, 410])
def test_an_expired_link_is_told_in_words(sandbox: Sandbox, tmp_path: Path, project: str, code: int) -> None:
    sandbox.faults.add("file", "status", status=code, times=None)
    with pytest.raises(NotFound) as e:
        download(project, tmp_path / "movie.mp4")
    words = (project, str(tmp_path / "movie.mp4"), "paid for", "gone", "7 days", f"HTTP {code}")
    assert all(word in str(e.value) for word in words)
    assert files(tmp_path) == {}


def test_a_movie_past_its_seven_days_is_told_in_words(sandbox: Sandbox, tmp_path: Path, project: str) -> None:
    sandbox.advance(8 * 86_400)
    with pytest.raises(NotFound, match=f"Project {project} was rendered and paid for, but its file is gone.*7 days"):
        download(project, tmp_path / "movie.mp4")
    assert files(tmp_path) == {}


def test_a_file_that_may_have_come_home_before_its_link_died_is_not_called_lost(
    sandbox: Sandbox, tmp_path: Path, project: str
) -> None:
    download(project, tmp_path / "movie.mp4")
    sandbox.faults.add("file", "status", status=404, times=None)
    with pytest.raises(NotFound, match=f"a file of the same size is at {tmp_path}/movie.mp4") as e:
        download(project, tmp_path / "movie.mp4")
    assert "did not get to" not in str(e.value)


def test_a_password_in_a_destination_is_not_shown_afterwards_either(tmp_path: Path, project: str) -> None:
    hook = JSON2VideoHook()
    with pytest.raises(DownloadFailed, match="has a password") as e:
        bring_home(hook, project, hook.get_movie(project), "s3://key:hunter2@bucket/a.mp4")
    assert "hunter2" not in str(e.value)


def test_a_cut_connection_is_no_failure(sandbox: Sandbox, tmp_path: Path, project: str) -> None:
    sandbox.faults.add("file", "truncate", after=True)
    download(project, tmp_path / "movie.mp4")
    assert files(tmp_path) == {"movie.mp4": VIDEO}


def test_on_kill_says_that_the_movie_is_paid_for(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    task = render(tmp_path / "movie.mp4")
    task.execute(a_context())
    task.on_kill()
    assert f"Project {task.project} is rendered and paid for" in capsys.readouterr().out


# The operators of their own.


def test_a_download_returns_what_a_render_returns(sandbox: Sandbox, tmp_path: Path, project: str) -> None:
    result = download(project, tmp_path / "a.mp4", subtitles=True)
    assert (result["project"], result["status"], result["size"]) == (project, "done", len(VIDEO))
    assert (result["destination"], result["subtitles"]) == (str(tmp_path / "a.mp4"), str(tmp_path / "a.ass"))
    assert download(project, tmp_path / "a.mp4", subtitles=True) == result  # again, and nothing happens


def test_a_render_that_goes_on_is_not_downloaded_yet(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.variants.never_finish = True
    project = JSON2VideoHook().submit_movie(MOVIE)
    with pytest.raises(JSON2VideoError, match=f"Project {project} is '(pending|running)': wait for its end first"):
        download(project, tmp_path / "a.mp4")


def test_a_failed_render_is_never_downloaded(sandbox: Sandbox, tmp_path: Path) -> None:
    project = JSON2VideoHook().submit_movie(MOVIE)
    sandbox.movies[project].fate = Fate(error="it broke")
    sandbox.advance(600)
    with pytest.raises(AirflowFailException, match=f"Project {project} failed to render: it broke"):
        download(project, tmp_path / "a.mp4")


def test_a_render_s_result_stands_for_its_project(tmp_path: Path, project: str) -> None:
    result = download({"project": project, "status": "submitted"}, tmp_path / "a.mp4")
    assert result["project"] == project
    assert remove(result)["project"] == project


@pytest.mark.parametrize("bad", [None, "", "a b", ["x"], {}, {"project": None}])
def test_a_project_that_is_none_is_refused(tmp_path: Path, bad: Any) -> None:
    with pytest.raises(AirflowFailException, match="must be the id of a render"):
        download(bad, tmp_path / "a.mp4")


def remove(project: Any) -> dict[str, Any]:
    return JSON2VideoDeleteMovieOperator(task_id="remove", project=project).execute(a_context())


def test_a_deletion_may_be_asked_for_again_and_says_that_credits_stay_spent(
    project: str, capsys: pytest.CaptureFixture
) -> None:
    first = remove(project)
    assert first["project"] == project
    assert first["deleted_at"]
    assert remove(project) == first
    assert "credits are not returned" in capsys.readouterr().out
    assert JSON2VideoHook().get_movie(project).url is None


def test_a_render_that_goes_on_is_not_deleted(sandbox: Sandbox) -> None:
    sandbox.variants.never_finish = True
    project = JSON2VideoHook().submit_movie(MOVIE)
    with pytest.raises(JSON2VideoError, match="wait for its end first"):
        remove(project)
    assert sandbox.journal.requests["delete"] == 0


def test_an_unknown_project_is_not_taken_for_deleted() -> None:
    with pytest.raises(NotFound, match="Project 0123456789abcdef"):
        remove("0123456789abcdef")


def test_an_unknown_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Project 0123456789abcdef"):
        download("0123456789abcdef", tmp_path / "a.mp4")

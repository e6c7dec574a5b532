"""The render operator: what it refuses, what it sends, what it returns, and how it fails."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import airflow.sdk
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException, TaskDeferred

from airflow_provider_j2v.catalog import source as catalog_source
from airflow_provider_j2v.exceptions import NotFound, OutOfCredits, RenderFailed, RenderTimeout
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import a_context, connect

MOVIE = {"resolution": "sd", "scenes": [{"duration": 2}]}


@pytest.fixture
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    return sandbox


def operator(**kwargs: Any) -> JSON2VideoRenderMovieOperator:
    kwargs = {"poll_interval": 0.05} | kwargs
    return JSON2VideoRenderMovieOperator(task_id="render", **kwargs)


def sent(sandbox: Sandbox, result: dict) -> dict:
    """The movie as it arrived."""
    return json.loads(sandbox.movies[result["project"]].submitted)


BAD_INPUT = {
    "nothing at all": ({}, "Give exactly one of movie, movie_file and template_id: none is given"),
    "two sources": ({"movie": MOVIE, "template_id": "x"}, "exactly one of .*: movie and template_id are given"),
    "an empty movie": ({"movie": {}}, "movie is empty"),
    "no scenes": ({"movie": {"scenes": []}}, "neither scenes nor elements nor a template"),
    "a list": ({"movie": [MOVIE]}, "movie must be a JSON object, not a list"),
    "text that is not JSON": ({"movie": "hello"}, "movie is not JSON"),
    "a file's name": ({"movie": "hello.json"}, "give its path as movie_file"),
    "Jinja that was not asked for": ({"movie": "{{ ti.xcom_pull('a') }}"}, r"\.output, or set jinja=True"),
    "NaN": ({"movie": {"scenes": [{"duration": math.nan}]}}, r"movie\.scenes\[0\]\.duration is nan"),
    "NaN in text": ({"movie": '{"scenes": [{"duration": NaN}]}'}, "holds NaN"),
    "a set": ({"movie": {"scenes": [{"a"}]}}, r"movie\.scenes\[0\] is a set"),
    "an unknown file": ({"movie_file": "nowhere.json"}, "no movie file at '.*nowhere.json'"),
    "client_data with underscore": ({"movie": MOVIE | {"client_data": {}}}, 'write "client-data"'),
    "our own key": ({"movie": MOVIE, "client_data": {"airflow": 1}}, "may not use the key 'airflow'"),
    "an unknown override": ({"movie": MOVIE, "overrides": {"size": 1}}, "overrides has 'size'; it may hold resolution"),
    "too much": ({"movie": MOVIE | {"comment": "x" * 2_100_000}}, "2.1 MB of JSON"),
    "an Airflow connection that is not there": (
        {"movie": {"scenes": [{"elements": [{"type": "voice", "text": "Hi", "connection": "airflow:nope"}]}]}},
        r"movie\.scenes\[0\]\.elements\[0\]\.connection: There is no Airflow connection 'nope': create one",
    ),
    "exports that are text": ({"movie": MOVIE, "exports": "ftp"}, "movie.exports must be a list of objects, not a str"),
    "variables that are none": ({"movie": MOVIE, "variables": []}, "variables must be an object, not a list"),
    "a map that is text": ({"movie": MOVIE, "connections": "abc"}, "connections of the task must be an object"),
    "a map of numbers": ({"movie": MOVIE, "connections": {"elevenlabs": 5}}, "must be an object of provider"),
    "a catalog that is none": ({"movie": MOVIE, "catalog": {"fetched_at": "2026-01-01", 1: []}}, "catalog must be"),
    "a file that is no path": ({"movie_file": 7}, "movie_file must be a path, not 7"),
    "a reference in a tuple": (
        {"movie": MOVIE, "exports": ({"destinations": ({"id": "airflow:nope"},)},)},
        "There is no Airflow connection 'nope'",
    ),
    "a reference out of place": (
        {"movie": {"scenes": [{"connection": "airflow:nope"}]}},
        r"movie\.scenes\[0\]\.connection: 'airflow:nope' is not where",
    ),
    "a wait without end": ({"movie": MOVIE, "timeout": 1e18, "deferrable": True}, "at most a year"),
    "an endless interval": ({"movie": MOVIE, "poll_interval": math.inf, "deferrable": True}, "poll_interval is inf"),
    "a timeout of nothing": ({"movie": MOVIE, "timeout": 0}, "timeout must be seconds above 0"),
    "a timeout in words": ({"movie": MOVIE, "timeout": "soon"}, "timeout must be seconds above 0, .*, not 'soon'"),
    "an interval of nothing": ({"movie": MOVIE, "poll_interval": 0}, "poll_interval is 0 s; the service asks for 5 s"),
}


@pytest.mark.parametrize(("kwargs", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_gives_one_clear_line_before_any_post(connected: Sandbox, kwargs: dict, message: str) -> None:
    with pytest.raises(AirflowFailException, match=message) as e:
        operator(**kwargs).execute(a_context())
    assert "\n" not in str(e.value)
    assert connected.journal.requests["submit"] == 0


BAD_CONNECTIONS = {
    "no key": ({"password": None}, "no API key: put it into the Password field"),
    "a key with a space": ({"password": "a b"}, "copy it again"),
    "http to a public host": ({"host": "http://api.json2video.com"}, "plain http would show the API key"),
    "a wrong scheme": ({"host": "ftp://api.json2video.com"}, "the scheme must be https, not 'ftp'"),
    "no host in it": ({"host": "https://"}, "there is no host name"),
    "an Extra that is no object": ({"extra": "[1]"}, "must be a JSON object"),
    "too many digits": ({"extra": {"read_timeout": int("9" * 400)}}, "must be seconds above 0, at most a day"),
    "a proxy with a line break": ({"extra": {"proxy": "http://a\nb"}}, "must be a URL"),
    "no such port": ({"port": 99999, "host": "api.json2video.com"}, "there is no port 99999"),
    "seconds that are none": ({"extra": '{"submit_timeout": "soon"}'}, "'submit_timeout' .* must be seconds above 0"),
}


@pytest.mark.parametrize(("fields", "message"), BAD_CONNECTIONS.values(), ids=BAD_CONNECTIONS)
def test_a_bad_connection_gives_one_clear_line(
    connected: Sandbox, monkeypatch: pytest.MonkeyPatch, fields: dict, message: str
) -> None:
    connect(monkeypatch, connected, **fields)
    with pytest.raises(AirflowFailException, match=message) as e:
        operator(movie=MOVIE).execute(a_context())
    assert "\n" not in str(e.value)
    assert "json2video_default" in str(e.value)


def test_a_connection_that_does_not_exist_says_what_to_create() -> None:
    with pytest.raises(AirflowFailException, match="no Airflow connection 'nowhere': create one of type 'json2video'"):
        operator(movie=MOVIE, json2video_conn_id="nowhere").execute(a_context())


def test_a_bad_key_ends_the_task_without_retries(connected: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, connected, password="wrong")
    with pytest.raises(AirflowFailException, match="Invalid API Key; check the API key in the Password field"):
        operator(movie=MOVIE).execute(a_context())


def test_a_synchronous_render_returns_what_is_promised(connected: Sandbox) -> None:
    context = a_context()
    result = operator(movie=MOVIE, client_data={"row": 7}).execute(context)
    assert set(result) == {
        "project", "status", "url", "expires_at", "duration", "size", "width", "height", "rendering_time", "credits",
        "destination", "client_data",
    }  # fmt: skip
    assert (result["status"], result["client_data"]) == ("done", {"row": 7})
    assert result["url"].startswith(connected.url)
    assert set(result["credits"]) == {"estimated", "consumed", "remaining"}
    assert context["ti"].xcoms["project"] == result["project"]
    assert len(json.dumps(result)) < 2048


def test_the_project_and_its_links_are_pushed_before_the_wait(connected: Sandbox) -> None:
    context = a_context()
    with pytest.raises(TaskDeferred):
        operator(movie=MOVIE, deferrable=True).execute(context)
    pushed = context["ti"].xcoms
    assert pushed["project"] == connected.journal.submissions[0].project
    assert pushed["_link_JSON2VideoMovieLink"] == pushed["_link_JSON2VideoDashboardLink"] == f"{connected.url}/"


def test_the_deferral_waits_a_little_longer_than_our_own_deadline(connected: Sandbox) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        operator(movie=MOVIE, deferrable=True, timeout=timedelta(minutes=10)).execute(a_context())
    kwargs = deferred.value.trigger.serialize()[1]
    assert set(kwargs) == {"json2video_conn_id", "project", "deadline", "poll_interval"}
    assert timedelta(seconds=600) < deferred.value.timeout < timedelta(seconds=700)


def test_the_earlier_of_timeout_and_execution_timeout_is_the_deadline(connected: Sandbox) -> None:
    with pytest.raises(TaskDeferred) as deferred:
        operator(movie=MOVIE, deferrable=True, execution_timeout=timedelta(seconds=30)).execute(a_context())
    assert deferred.value.timeout < timedelta(seconds=100)


def test_placeholders_of_the_movie_are_left_to_json2video(connected: Sandbox) -> None:
    task = operator(movie={"scenes": [{"elements": [{"text": "{{ds}} {{headline}}"}]}]}, variables={"day": "{{ day }}"})
    context = a_context(day="Monday")
    task.render_template_fields(context)
    assert task.movie["scenes"][0]["elements"][0]["text"] == "{{ds}} {{headline}}"
    assert task.variables == {"day": "Monday"}


def test_jinja_in_the_movie_is_rendered_when_asked_for(connected: Sandbox) -> None:
    task = operator(movie={"comment": "{{ day }}"}, jinja=True)
    task.render_template_fields(a_context(day="Monday"))
    assert task.movie == {"comment": "Monday"}


@pytest.mark.skipif(not hasattr(airflow.sdk, "literal"), reason="Airflow 3.1.2 has no literal()")
def test_a_literal_is_not_rendered_as_jinja(connected: Sandbox) -> None:
    task = operator(movie={"comment": airflow.sdk.literal("{{ day }}")}, jinja=True)
    task.render_template_fields(a_context(day="Monday"))
    assert task.movie == {"comment": "{{ day }}"}


def test_a_path_object_names_a_movie_file(connected: Sandbox, tmp_path: Path) -> None:
    (file := tmp_path / "movie.json").write_text(json.dumps(MOVIE))
    assert operator(movie_file=file, wait_for_completion=False).execute(a_context())["project"]


def test_a_paid_render_whose_file_is_gone_does_not_end_green(connected: Sandbox) -> None:
    context = a_context(max_tries=1)
    project = operator(movie=MOVIE, wait_for_completion=False).execute(context)["project"]
    connected.advance(600)
    JSON2VideoHook().delete_movie(project)
    retried = a_context(try_number=2, max_tries=1, store=context.get("task_state_store"))
    with pytest.raises(NotFound, match="rendered and paid for, but its file is gone"):
        operator(movie=MOVIE).execute(retried)


def test_a_movie_file_beside_the_dag_is_data_and_never_a_template(connected: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "movie.json").write_text(json.dumps(MOVIE | {"comment": "{{ds}}"}))
    with DAG("d", schedule=None) as dag:
        task = operator(movie_file="movie.json", wait_for_completion=False)
    dag.fileloc = str(tmp_path / "dag.py")
    context = a_context()
    task.render_template_fields(context)
    result = task.execute(context)
    assert result["status"] == "submitted"
    assert sent(connected, result)["comment"] == "{{ds}}"


def test_a_movie_file_that_is_gone_on_a_retry_strands_no_paid_render(connected: Sandbox, tmp_path: Path) -> None:
    connected.variants.never_finish = True
    (file := tmp_path / "movie.json").write_text(json.dumps(MOVIE))
    context = a_context(max_tries=2)
    with pytest.raises(RenderTimeout):
        operator(movie_file=str(file), timeout=0.2).execute(context)
    file.unlink()
    connected.variants.never_finish = False
    retried = a_context(try_number=2, max_tries=2, store=context.get("task_state_store"))
    assert operator(movie_file=str(file)).execute(retried)["status"] == "done"
    assert len(connected.journal.submissions) == 1


def test_a_movie_file_that_is_gone_pays_for_nothing_new(connected: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match=r"no movie file at .* Nothing was sent"):
        operator(movie_file=str(tmp_path / "gone.json")).execute(a_context(run_id="gone", try_number=2, max_tries=2))
    assert connected.journal.submissions == []


def test_the_author_s_client_data_travels_beside_the_tag(connected: Sandbox) -> None:
    result = operator(movie=MOVIE | {"client-data": {"a": 1}}, client_data={"b": 2}, wait_for_completion=False).execute(
        a_context(dag_id="nightly", run_id="r1", map_index=3)
    )
    client_data = sent(connected, result)["client-data"]
    assert (client_data["a"], client_data["b"]) == (1, 2)
    ours = client_data["airflow"]
    assert (ours["dag_id"], ours["run_id"], ours["task_id"], ours["map_index"]) == ("nightly", "r1", "render", 3)
    assert ours["tag"] in connected.journal.per_tag


BROKEN = {
    "resolution": "sd",
    "scenes": [{"duration": 1}, {"elements": [{"type": "text"}, {"type": "video", "id": "x"}]}],
}


def test_a_failed_render_names_the_element_the_project_and_the_money(
    connected: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises((AirflowFailException, RenderFailed)) as e:
        operator(movie=BROKEN, preflight="off").execute(a_context())
    assert connected.journal.submissions[0].project in str(e.value)
    assert "movie.scenes[1].elements[" in str(e.value)
    assert "not billed for rendering" in str(e.value)
    told = next(record.message for record in caplog.records if "failed to render" in record.message)
    assert " ".join(told.splitlines()) == str(e.value)
    assert len(told.splitlines()) == 5  # Airflow's web interface cuts long lines off


def test_a_failed_render_is_data_when_asked_for(connected: Sandbox) -> None:
    result = operator(movie=BROKEN, preflight="off", fail_on_render_error=False).execute(a_context())
    assert result["status"] == "error"
    assert "Scene #2" in result["message"]
    assert result["url"] is None


def test_a_deadline_fails_with_the_render_going_on(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    with pytest.raises(RenderTimeout, match="goes on and is charged.*retry of the task waits for it again"):
        operator(movie=MOVIE, timeout=0.2).execute(a_context())


def test_a_retry_waits_for_the_recorded_project(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    context = a_context()
    with pytest.raises(RenderTimeout):
        operator(movie=MOVIE, timeout=0.2).execute(context)
    connected.variants.never_finish = False
    result = operator(movie=MOVIE).execute(a_context(try_number=2, store=context.get("task_state_store")))
    assert result["project"] == connected.journal.submissions[0].project
    assert len(connected.journal.submissions) == 1


SIGNED = "https://bucket.s3.amazonaws.com/logo.png?X-Amz-Date={0}&X-Amz-Signature={0}"


def with_image(src: str) -> dict:
    return MOVIE | {"scenes": [{"duration": 2, "elements": [{"type": "image", "src": src}]}]}


@pytest.mark.parametrize(
    ("first", "second", "paid"),
    [
        pytest.param(SIGNED.format("1"), SIGNED.format("2"), 1, id="signed anew"),
        pytest.param("https://a.invalid/1.png", "https://a.invalid/2.png", 2, id="another image"),
    ],
)
def test_a_clear_pays_again_only_when_the_input_is_another(
    connected: Sandbox, first: str, second: str, paid: int
) -> None:
    connected.variants.never_finish = True
    context = a_context()
    operator(movie=with_image(first), wait_for_completion=False).execute(context)
    cleared = a_context(try_number=2, max_tries=1, store=context.get("task_state_store"))
    operator(movie=with_image(second), wait_for_completion=False).execute(cleared)
    assert len(connected.journal.submissions) == paid


def test_a_movie_written_anew_by_each_try_is_paid_once(connected: Sandbox) -> None:
    context = a_context(max_tries=2)
    operator(movie=MOVIE | {"comment": "written at 12:00"}, wait_for_completion=False).execute(context)
    retried = a_context(try_number=2, max_tries=2, store=context.get("task_state_store"))
    operator(movie=MOVIE | {"comment": "written at 12:05"}, wait_for_completion=False).execute(retried)
    assert len(connected.journal.submissions) == 1


def test_a_catalog_that_is_down_on_the_second_try_costs_nothing(
    connected: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ELEVEN", json.dumps({"conn_type": "json2video_connection", "login": "mine"}))
    voice = {"type": "voice", "text": "Hi", "model": "elevenlabs"}
    kwargs = {"movie": {"scenes": [{"elements": [voice]}]}, "connections": {"elevenlabs": "eleven"}}
    context = a_context(max_tries=2)
    operator(**kwargs, wait_for_completion=False).execute(context)
    catalog_source._cache.clear()
    connected.faults.add("catalog", "status", status=403, times=None)
    retried = a_context(try_number=2, max_tries=2, store=context.get("task_state_store"))
    operator(**kwargs, wait_for_completion=False).execute(retried)
    assert len(connected.journal.submissions) == 1


def test_two_runs_of_one_logical_date_are_two_renders(connected: Sandbox) -> None:
    operator(movie=MOVIE, wait_for_completion=False).execute(a_context(run_id="scheduled__2026-03-02"))
    operator(movie=MOVIE, wait_for_completion=False).execute(a_context(run_id="backfill__2026-03-02"))
    assert len(connected.journal.submissions) == 2
    assert connected.journal.duplicates == []


def test_a_render_of_an_hour_is_paid_once_over_three_retries(connected: Sandbox) -> None:
    """Scaled: one try waits half as long as the render takes."""
    connected.variants.never_finish = True
    context = a_context(max_tries=3)
    for number in (1, 2):
        tried = a_context(try_number=number, max_tries=3, store=context.get("task_state_store"))
        with pytest.raises(RenderTimeout):
            operator(movie=MOVIE, timeout=0.1, retries=3).execute(tried)
    connected.variants.never_finish = False
    last = a_context(try_number=3, max_tries=3, store=context.get("task_state_store"))
    assert operator(movie=MOVIE, timeout=5, retries=3).execute(last)["status"] == "done"
    assert len(connected.journal.submissions) == 1


def test_no_credits_can_be_retried_later(connected: Sandbox) -> None:
    connected.accounts[0].credits = 0
    with pytest.raises(OutOfCredits, match="top up"):
        operator(movie=MOVIE).execute(a_context())


@pytest.mark.parametrize("event", [None, {}, {"project": "other", "status": "done"}, {"status": 7}, "done"])
def test_a_foreign_event_never_passes_for_success(connected: Sandbox, event: Any) -> None:
    connected.variants.never_finish = True
    context = a_context()
    with pytest.raises(TaskDeferred) as deferred:
        operator(movie=MOVIE, deferrable=True).execute(context)
    with pytest.raises(Exception, match="ended early"):
        operator(movie=MOVIE, deferrable=True).execute_complete(context, event, **deferred.value.kwargs)


def test_a_done_render_wins_over_a_late_timeout_event(connected: Sandbox) -> None:
    context = a_context()
    with pytest.raises(TaskDeferred) as deferred:
        operator(movie=MOVIE, deferrable=True).execute(context)
    connected.advance(600)
    project = deferred.value.kwargs["project"]
    event = {"project": project, "status": "timeout", "message": "too late"}
    result = operator(movie=MOVIE, deferrable=True).execute_complete(context, event, project)
    assert result["status"] == "done"


def test_on_kill_says_what_goes_on_and_asks_nobody(connected: Sandbox, capsys: pytest.CaptureFixture) -> None:
    task = operator(movie=MOVIE, wait_for_completion=False)
    task.execute(a_context())
    before = connected.journal.requests.total()
    task.on_kill()
    assert connected.journal.requests.total() == before
    assert f"Project {task.project} goes on" in capsys.readouterr().out


def test_a_provider_map_gives_every_voice_of_that_provider_its_connection(
    connected: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {"conn_type": "json2video_connection", "login": "my-eleven"}
    monkeypatch.setenv("AIRFLOW_CONN_ELEVEN", json.dumps(fields))
    voice = {"type": "voice", "text": "Hi", "model": "elevenlabs", "duration": 1}
    result = operator(
        movie={"resolution": "sd", "scenes": [{"elements": [voice]}]},
        connections={"elevenlabs": "eleven"},
        wait_for_completion=False,
    ).execute(a_context())
    assert sent(connected, result)["scenes"][0]["elements"][0]["connection"] == "my-eleven"

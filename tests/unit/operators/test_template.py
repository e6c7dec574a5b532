"""The sync operator: what it creates, changes and leaves alone, and that a template is never created twice."""

from __future__ import annotations

import json
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException

from airflow_provider_j2v.exceptions import ConfigurationError, ServerError, Unreachable
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.operators.template import JSON2VideoSyncTemplateOperator
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.shipped_templates import HELLO
from tests.unit.context import a_context, connect

SCENE = {"duration": 2, "elements": [{"type": "text", "text": "Hello {{name}}"}]}
MOVIE = {"resolution": "sd", "variables": {"name": "Ada", "loud": True}, "scenes": [SCENE]}


@pytest.fixture
def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    connect(monkeypatch, sandbox)
    return sandbox


def sync(context: Any = None, **kwargs: Any) -> dict[str, Any]:
    kwargs = {"name": "Offer"} | ({} if "movie_file" in kwargs else {"movie": MOVIE}) | kwargs
    return JSON2VideoSyncTemplateOperator(task_id="sync", **kwargs).execute(context or a_context())


def written(sandbox: Sandbox) -> int:
    return sandbox.journal.requests["template-write"]


def named(sandbox: Sandbox, name: str = "Offer") -> list[Any]:
    return [template for template in sandbox.templates.all.values() if template.name == name]


def test_a_template_that_is_not_there_is_created(connected: Sandbox) -> None:
    result = sync(tags=["shop", "week"])
    (template,) = named(connected)
    assert result == {"template_id": template.id, "name": "Offer", "action": "created", "changes": []}
    assert (template.movie, template.tags) == (MOVIE, ("shop", "week"))


def test_the_id_is_pushed_for_renders(connected: Sandbox) -> None:
    first, second, check = (a_context() for _ in range(3))
    template_id = sync(first)["template_id"]
    sync(second)
    sync(check, name="Another", check_only=True)
    assert first["ti"].xcoms == second["ti"].xcoms == {"template_id": template_id}
    assert check["ti"].xcoms == {}


def test_a_second_run_changes_nothing(connected: Sandbox) -> None:
    first = sync(tags="shop, week")
    before = written(connected)
    assert sync(tags=["week", "shop"]) == first | {"action": "unchanged"}
    assert written(connected) == before


SAME = {
    "another order of keys": dict(reversed(MOVIE.items())),
    "JSON text": json.dumps(MOVIE),
    "one kind of number": MOVIE | {"scenes": [SCENE | {"duration": 2.0}]},
}


@pytest.mark.parametrize("form", ["string", "object"])
@pytest.mark.parametrize("movie", SAME.values(), ids=SAME)
def test_what_means_the_same_is_no_change(connected: Sandbox, movie: Any, form: Any) -> None:
    connected.variants.template_movie = form
    sync()
    assert sync(movie=movie)["action"] == "unchanged"


def test_what_differs_is_written_and_told(connected: Sandbox) -> None:
    template_id = sync(tags=["shop"])["template_id"]
    longer = MOVIE | {"scenes": [SCENE | {"duration": 3}]}
    assert sync(movie=longer) == {
        "template_id": template_id,
        "name": "Offer",
        "action": "updated",
        "changes": ["movie.scenes[0].duration"],
    }
    (template,) = named(connected)
    assert (template.movie, template.tags) == (longer, ("shop",))
    assert sync(movie=longer, tags=["other"])["changes"] == ["tags"]
    assert sync(movie=longer, tags=[])["changes"] == ["tags"]
    assert named(connected)[0].tags == ()


def test_many_changes_stay_small_in_xcom(connected: Sandbox) -> None:
    sync(movie=MOVIE | {"variables": {f"{'x' * 150}{i}": i for i in range(50)}})
    result = sync()
    assert len(result["changes"]) == 11
    assert result["changes"][-1] == "and 42 more"
    assert len(json.dumps(result)) < 2048


def test_a_check_tells_what_would_be_done_and_writes_nothing(connected: Sandbox) -> None:
    assert sync(check_only=True) == {"template_id": None, "name": "Offer", "action": "would create", "changes": []}
    assert written(connected) == 0
    template_id = sync()["template_id"]
    before = written(connected)
    result = sync(check_only=True, movie=MOVIE | {"resolution": "hd"})
    assert (result["template_id"], result["action"]) == (template_id, "would update")
    assert result["changes"] == ["movie.resolution"]
    assert sync(check_only=True)["action"] == "unchanged"
    assert written(connected) == before


def test_a_dry_run_outside_of_any_dag_logs_what_would_change(
    connected: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sync()
    before = written(connected)
    (tmp_path / "offer.json").write_text(json.dumps(MOVIE | {"resolution": "hd"}))
    monkeypatch.chdir(tmp_path)
    JSON2VideoSyncTemplateOperator(task_id="sync", name="Offer", movie_file="offer.json").dry_run()
    logged = capsys.readouterr().out
    assert "would update" in logged
    assert "Differs: movie.resolution" in logged
    assert written(connected) == before


def test_two_templates_of_one_name_are_refused_with_their_ids(connected: Sandbox) -> None:
    ids = [JSON2VideoHook().create_template("Offer", MOVIE).id for _ in range(2)]
    with pytest.raises(AirflowFailException, match="2 templates are named 'Offer'") as e:
        sync()
    assert all(template_id in str(e.value) for template_id in ids)


def test_of_two_that_were_created_at_the_same_time_the_oldest_stays(connected: Sandbox) -> None:
    older = JSON2VideoHook().create_template("Offer", MOVIE | {"resolution": "hd"}).id
    nothing = json.dumps({"success": True, "templates": []})
    connected.faults.add("template", "body", body=nothing)  # it was not there yet
    result = sync()
    assert (result["template_id"], result["action"], result["changes"]) == (older, "updated", ["movie.resolution"])
    assert [template.id for template in named(connected)] == [older]


def test_first_deploys_at_the_same_time_leave_one_template(connected: Sandbox) -> None:
    connected.faults.add("template", "delay", seconds=0.3, times=2)
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda _: sync(), range(2)))
    (template,) = named(connected)
    assert {result["template_id"] for result in results} == {template.id}
    assert sorted(result["action"] for result in results) == ["created", "unchanged"]


@pytest.mark.parametrize(("first", "second"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_both_unicode_spellings_are_one_name(connected: Sandbox, first: Any, second: Any) -> None:
    sync(name=unicodedata.normalize(first, "Größe"))
    assert sync(name=unicodedata.normalize(second, "Größe"))["action"] == "unchanged"


def test_a_template_that_is_not_the_account_s_own_is_left_alone(connected: Sandbox) -> None:
    assert sync(name=HELLO.name)["action"] == "created"
    assert connected.templates.all[HELLO.id] == HELLO
    assert sync(name=HELLO.name)["action"] == "unchanged"


ENDS: dict[str, tuple[int, str]] = {
    "list": (0, "nothing was saved"),
    "write": (1, "whether the change is saved is not known, and a retry compares again"),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_error_names_the_template_and_says_what_is_saved(
    connected: Sandbox, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr("airflow_provider_j2v.api.client._pause", lambda _: 0)
    sync()
    writing, words = ENDS[end]
    connected.faults.add("template-write" if writing else "template", "status", status=503, times=None)
    with pytest.raises(ServerError, match=f"^Template 'Offer': .*; {words}"):
        sync(movie=MOVIE | {"resolution": "hd"})


@pytest.mark.parametrize("name", ["Offer {{ ds }}", "{% if x %}Offer{% endif %}"])
def test_a_dry_run_does_not_take_a_jinja_template_for_a_name(connected: Sandbox, name: str) -> None:
    task = JSON2VideoSyncTemplateOperator(task_id="sync", name=name, movie=MOVIE)
    with pytest.raises(ConfigurationError, match=r"dry_run\(\) renders no Jinja.*Nothing was sent"):
        task.dry_run()
    task.render_template_fields(a_context(ds="today", x=True))
    task.dry_run()


def test_other_names_do_not_matter(connected: Sandbox) -> None:
    JSON2VideoHook().create_template("Offer (custom)", {"scenes": []})
    JSON2VideoHook().create_template("offer", {"scenes": []})
    assert sync()["action"] == "created"


def test_a_name_in_other_capitals_is_pointed_out_and_left_alone(
    connected: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    other = JSON2VideoHook().create_template("OFFER", {"scenes": []}).id
    assert sync()["action"] == "created"
    hint = f"Template 'OFFER' is another one than 'Offer', as names differ by case: {other} is left alone."
    assert hint in capsys.readouterr().out
    sync()
    assert "is another one than" not in capsys.readouterr().out


LOST = {
    "reset": {"kind": "reset", "after": True},
    "503": {"kind": "status", "status": 503, "after": True},
    "no answer": {"kind": "body", "name": "html", "after": True},
}


@pytest.mark.parametrize("fault", LOST.values(), ids=LOST)
def test_a_lost_answer_does_not_lead_to_a_second_template(connected: Sandbox, fault: dict[str, Any]) -> None:
    connected.faults.add("template-write", times=None, **fault)
    assert sync()["template_id"] == named(connected)[0].id
    connected.faults.clear()
    assert sync()["action"] == "unchanged"
    assert len(named(connected)) == 1


@pytest.mark.parametrize(
    ("fault", "kind"), [({"kind": "reset"}, Unreachable), ({"kind": "status", "status": 503}, ServerError)]
)
def test_a_template_that_was_not_created_is_left_to_the_retry(
    connected: Sandbox, fault: dict[str, Any], kind: type[Exception]
) -> None:
    connected.faults.add("template-write", **fault)
    with pytest.raises(kind):
        sync()
    assert named(connected) == []
    assert sync()["action"] == "created"


def test_a_template_that_shows_late_is_waited_for(connected: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connected.faults.add("template-write", "reset", after=True)
    empty = json.dumps({"success": True, "templates": []})
    connected.faults.add("template", "body", body=empty, times=2)  # before the creation, and right after it
    assert sync()["template_id"] == named(connected)[0].id


def test_when_the_lookup_fails_nothing_is_created_and_the_retry_looks_again(
    connected: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_j2v.api.client._pause", lambda _: 0)
    connected.faults.add("template-write", "reset", after=True)
    connected.faults.add("template", "status", status=503, skip=1, times=5)
    with pytest.raises(ServerError):
        sync()
    assert sync()["action"] == "unchanged"
    assert len(named(connected)) == 1


def test_connections_are_those_of_the_environment(connected: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for conn_id, login in (("eleven_dev", "my-dev"), ("eleven_prod", "my-prod")):
        connection = {"conn_type": "json2video_connection", "login": login}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(connection))
    voice = {"type": "voice", "text": "Hi", "model": "elevenlabs"}
    movie = {"scenes": [{"elements": [voice]}]}
    sync(movie=movie, connections={"elevenlabs": "eleven_dev"})
    assert named(connected)[0].movie["scenes"][0]["elements"][0]["connection"] == "my-dev"
    result = sync(movie=movie, connections={"elevenlabs": "eleven_prod"})
    assert result["changes"] == ["movie.scenes[0].elements[0].connection"]


def test_placeholders_are_left_to_json2video_and_names_to_airflow(connected: Sandbox) -> None:
    task = JSON2VideoSyncTemplateOperator(task_id="sync", name="Offer {{ day }}", movie=MOVIE, tags=["{{ day }}"])
    task.render_template_fields(a_context(day="Monday"))
    assert (task.name, task.movie, task.tags) == ("Offer Monday", MOVIE, ["Monday"])


def test_a_movie_file_beside_the_dag_is_data_and_never_a_template(connected: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "offer.json").write_text(json.dumps(MOVIE | {"comment": "{{ds}}"}))
    with DAG("d", schedule=None) as dag:
        task = JSON2VideoSyncTemplateOperator(task_id="sync", name="Offer", movie_file="offer.json")
    dag.fileloc = str(tmp_path / "dag.py")
    task.execute(a_context())
    assert named(connected)[0].movie["comment"] == "{{ds}}"


BAD_INPUT = {
    "no movie": ({"movie": None}, "Give exactly one of movie and movie_file: none is given"),
    "two movies": ({"movie": MOVIE, "movie_file": "x.json"}, "movie and movie_file are given"),
    "an unknown file": ({"movie_file": "nowhere.json"}, "no movie file at"),
    "a file that is no path": ({"movie_file": 7}, "movie_file must be a path"),
    "an empty movie": ({"movie": {}}, "movie is empty"),
    "text that is none": ({"movie": "hello"}, "movie is not JSON"),
    "a template's id": ({"movie": {"template": "x" * 20}}, r"movie\.template: .* give the movie itself"),
    "an unknown level": ({"preflight": "loud"}, "preflight must be"),
    "no name": ({"name": " "}, "1 to 100 characters"),
    "a long name": ({"name": "x" * 101}, "1 to 100 characters"),
    "a name that is none": ({"name": 7}, "1 to 100 characters"),
    "tags that are none": ({"tags": {"a": 1}}, "tags must be text or a list"),
    "a connection that is not there": (
        {"movie": {"scenes": [{"elements": [{"type": "voice", "text": "Hi", "connection": "airflow:nope"}]}]}},
        "There is no Airflow connection 'nope'",
    ),
}


@pytest.mark.parametrize(("kwargs", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_told_before_anything_is_asked_or_written(connected: Sandbox, kwargs: Any, message: str) -> None:
    with pytest.raises(AirflowFailException, match=message) as e:
        sync(**kwargs)
    assert "Nothing was sent." in str(e.value)
    assert connected.journal.requests["template"] == written(connected) == 0


WRONG = {"scenes": [{"elements": [{"type": "image"}, {"type": "text", "text": "{{later}}"}]}]}


def test_mistakes_in_the_movie_are_refused_before_anything_is_written(connected: Sandbox) -> None:
    with pytest.raises(AirflowFailException, match=r"movie\.scenes\[0\]\.elements\[0\].*") as e:
        sync(movie=WRONG)
    assert "Nothing was sent." in str(e.value)
    assert written(connected) == 0


@pytest.mark.parametrize("level", ["warn", "off"])
def test_mistakes_may_be_let_through(connected: Sandbox, capsys: pytest.CaptureFixture[str], level: Any) -> None:
    assert sync(movie=WRONG, preflight=level)["action"] == "created"
    assert ("error: movie.scenes[0].elements[0]" in capsys.readouterr().out) == (level == "warn")


def test_a_variable_that_only_renders_bring_along_is_a_warning(
    connected: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    movie = {"scenes": [{"elements": [{"type": "text", "text": "{{later}}"}]}]}
    assert sync(movie=movie)["action"] == "created"
    assert "warning: movie.scenes[0].elements[0].text" in capsys.readouterr().out


def test_a_key_that_may_only_render_is_told_so(connected: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    connected.accounts[0].other_keys = {"r3nder": "render"}
    connect(monkeypatch, connected, password="r3nder")
    with pytest.raises(AirflowFailException, match="'Offer': Insufficient.*key of role Editor.*nothing was saved"):
        sync()


def test_a_movie_larger_than_the_service_likes_is_a_warning(
    connected: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AirflowFailException, match="100 KB"):
        sync(movie=MOVIE | {"comment": "x" * 110_000})
    assert "110 kB of JSON" in capsys.readouterr().out

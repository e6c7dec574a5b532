"""The batch operator: what it refuses, what it sends, what it brings home, tells and returns, and how it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    DAG,
    AirflowFailException,
    AirflowTaskTimeout,
    Asset,
    AssetAlias,
    TaskDeferred,
)
from airflow.sdk.execution_time.context import OutletEventAccessors

from airflow_provider_j2v.exceptions import JSON2VideoError, OutOfCredits, RenderTimeout, ServerError, SubmitAmbiguous
from airflow_provider_j2v.hooks import templates
from airflow_provider_j2v.operators.homes import Homes
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMoviesOperator
from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.rendering import CANNED
from tests.unit.context import HAS_STORE, a_context, connect

MOVIE = {
    "resolution": "sd",
    "scenes": [{"duration": 2, "elements": [{"type": "text", "text": "{{headline}}"}]}],
}
ROWS = [{"slug": f"movie-{i}", "headline": f"News {i}"} for i in range(3)]
BROKEN = {"resolution": "sd", "scenes": [{"duration": 1, "elements": [{"type": "text"}]}]}
GOOD = {"resolution": "sd", "scenes": [{"duration": 1}]}


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A service of its own, whose balance nobody else changes."""
    templates._cache.clear()
    with Sandbox(render="off", speed=200) as sandbox:
        connect(monkeypatch, sandbox)
        yield sandbox


def operator(**kwargs: Any) -> JSON2VideoRenderMoviesOperator:
    kwargs = {"items": ROWS, "key": "slug", "poll_interval": 0.05, "movie": MOVIE} | kwargs
    return JSON2VideoRenderMoviesOperator(task_id="render", **kwargs)


def mixed(*broken: int, rows: int = 4) -> dict[str, Any]:
    """A movie for each row, some of which fail at the service."""
    items = [{"slug": f"movie-{i}", "movie": BROKEN if i in broken else GOOD} for i in range(rows)]
    return {"items": items, "movie": None, "preflight": "off"}


def sent(sandbox: Sandbox) -> dict[str, Any]:
    """The movies that arrived, by row."""
    movies = [json.loads(movie.submitted) for movie in sandbox.movies.values()]
    return {movie["client-data"]["airflow"]["row"]: movie for movie in movies}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def refused(sandbox: Sandbox, **kwargs: Any) -> str:
    with pytest.raises(AirflowFailException) as e:
        operator(**kwargs).execute(a_context())
    assert sandbox.journal.requests["submit"] == 0
    assert str(e.value).endswith("Nothing was sent.")
    return str(e.value)


BAD_INPUT = {
    "no rows": ({"items": None}, "items must be a list of rows, or the path"),
    "one row": ({"items": ROWS[0]}, "items must be a list of rows"),
    "a row that is none": ({"items": [*ROWS, 7]}, r"items\[3\] must be an object, not a int"),
    "a date": ({"items": [{"slug": "a", "day": Path("x")}]}, r"items\[0\]\.day is a PosixPath, which JSON cannot say"),
    "no key": (
        {"items": [*ROWS, {"headline": "x"}]},
        r"items\[3\] has no field 'slug' to be named by; it has headline",
    ),
    "an empty key": ({"items": [{"slug": " "}]}, r"items\[0\]: its key 'slug' must be text or a number, not ' '"),
    "a key that is a list": ({"items": [{"slug": ["a"]}]}, r"must be text or a number, not \['a'\]"),
    "a key that is no text": ({"items": [{"slug": "a\ud800"}]}, r"must be text or a number, not 'a\\ud800'"),
    "a long key": ({"items": [{"slug": "a" * 201}]}, "longer than 200 characters"),
    "a key twice": ({"items": [{"slug": 1}, {"slug": "1"}]}, r"items\[1\] has the key '1', which items\[0\] has too"),
    "two sources": ({"template_id": "x"}, "exactly one of .*: movie and template_id are given"),
    "no source": ({"movie": None}, "Row 'movie-0': there is no movie: give movie, movie_file or template_id for all"),
    "a row's movie that is none": (
        {"movie": None, "items": [{"slug": "a", "movie": [1]}]},
        "Row 'a': movie must be a JSON object",
    ),
    "a password in a row": (
        {
            "movie": None,
            "items": [{"slug": "a", "movie": GOOD | {"exports": [{"destinations": [{"password": "secret"}]}]}}],
        },
        "Row 'a': movie.exports holds a password",
    ),
    "none in flight": ({"max_in_flight": 0}, "max_in_flight must be a number of rows above 0"),
    "a policy that there is not": ({"on_failure": "maybe"}, "on_failure must be"),
    "more than all": ({"on_failure": "101%"}, "on_failure must be"),
    "a level that there is not": ({"preflight": "loud"}, 'must be "error", "warn" or "off"'),
    "an unknown field in the destination": (
        {"destination": "/tmp/{name}.mp4"},
        "Row 'movie-0' has no field 'name', which the destination names",
    ),
    "one destination for all": ({"destination": "/tmp/all.mp4"}, "Row 'movie-1' and Row 'movie-0' would both go to"),
    "an attribute in the destination": (
        {"destination": "/tmp/{slug.__class__}"},
        "names 'slug.__class__': name a field",
    ),
    "half a brace": ({"destination": "/tmp/{slug"}, "cannot be read"),
    "one file in two spellings": (
        {"items": [{"slug": "a", "headline": "x"}, {"slug": "./a", "headline": "x"}], "destination": "/tmp/{slug}.mp4"},
        "Row './a' and Row 'a' would both go to '/tmp/./a.mp4'",
    ),
    "one file with two slashes": (
        {"items": [{"slug": "a", "headline": "x"}, {"slug": "/a", "headline": "x"}], "destination": "/tmp/{slug}.mp4"},
        "Row '/a' and Row 'a' would both go to",
    ),
    "a way out": (
        {"items": [{"slug": "../../etc/passwd", "headline": "x"}], "destination": "/tmp/{slug}.mp4"},
        "would lead out of its folder",
    ),
    "half a way out": (
        {"items": [{"slug": "a", "x": ".", "headline": "x"}], "destination": "/tmp/{x}{x}/{slug}.mp4"},
        "would lead out of its folder",
    ),
    "another connection": (
        {"items": [{"slug": "other@bucket", "headline": "x"}], "destination": "file://{slug}/a.mp4"},
        "the destination 'file://other@bucket/a.mp4' would be of another connection",
    ),
    "a destination of nothing": (
        {"items": [{"slug": "a", "x": "", "headline": "x"}], "destination": "/tmp/{x}.mp4"},
        "Row 'a': its 'x' is '', which is no part of a path",
    ),
    "a scheme that there is not": ({"destination": "nosuch://b/{slug}.mp4"}, "cannot be used"),
    "a relative destination": ({"destination": "out/{slug}.mp4"}, "must be an absolute path"),
    "a relative manifest": ({"manifest": "manifest.jsonl"}, "must be an absolute path"),
    "a budget that is too small": (
        {"max_credits": 5},
        "batch of 3 movies would cost 6 credits, and max_credits allows 5",
    ),
    "an unknown file": ({"items": "nowhere.jsonl"}, "There is no items file at '.*nowhere.jsonl'"),
    "a file of another kind": ({"items": "rows.parquet"}, "must end in .jsonl, .ndjson, .json or .csv"),
}


@pytest.mark.parametrize(("kwargs", "message"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_gives_one_clear_line_before_any_post(connected: Sandbox, kwargs: dict, message: str) -> None:
    with pytest.raises(AirflowFailException, match=message) as e:
        operator(**kwargs).execute(a_context())
    assert "\n" not in str(e.value)
    assert connected.journal.requests["submit"] == 0
    assert str(e.value).endswith("Nothing was sent.")


FILES = {
    "a broken line": ("a.jsonl", '{"slug": "a"}\n\n{"slug": \n', "a.jsonl, line 3 is not JSON"),
    "a line that is no row": ("a.ndjson", '{"slug": "a"}\n7\n', "a.ndjson, line 2 must be an object"),
    "a key twice": ("a.jsonl", '{"slug": "a"}\n{"slug": "a"}', "line 2 has the key 'a', which .*line 1 has too"),
    "JSON that is no list": ("a.json", "{}", "must hold a list, not a dict"),
    "a CSV line too long": (
        "a.csv",
        "slug,headline\na,b\nc,d,e\n",
        "a.csv, line 3 has 3 cells, and there are 2 columns",
    ),
    "a column twice": ("a.csv", "slug,slug\na,b\n", "must name each column once"),
    "no text": ("a.csv", b"slug\n\xff\n", "is not UTF-8 text"),
}


@pytest.mark.parametrize(("name", "content", "message"), FILES.values(), ids=FILES)
def test_a_bad_row_in_a_file_names_its_line(
    connected: Sandbox, tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    (file := tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(AirflowFailException, match=message):
        operator(items=str(file)).execute(a_context())
    assert connected.journal.requests["submit"] == 0


GOOD_FILES = {
    "rows.jsonl": '{"slug": "ä", "headline": "1"}\r\n\n{"slug": "b", "headline": "2"}',
    "rows.json": '[{"slug": "ä", "headline": "1"}, {"slug": "b", "headline": "2"}]',
    "rows.csv": '\ufeffslug,headline\nä,"1"\n\nb,2\n',
}


@pytest.mark.parametrize(("name", "content"), GOOD_FILES.items())
def test_a_file_of_rows_beside_the_dag_is_read(connected: Sandbox, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with DAG("d", schedule=None) as dag:
        task = operator(items=name)
    dag.fileloc = str(tmp_path / "dag.py")
    assert task.execute(a_context())["done"] == 2
    assert {row: movie["variables"] for row, movie in sent(connected).items()} == {
        "ä": {"slug": "ä", "headline": "1"},
        "b": {"slug": "b", "headline": "2"},
    }


def test_every_row_is_rendered_once_and_the_summary_is_small(connected: Sandbox, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    result = operator(manifest=str(manifest), client_data={"night": 1}).execute(a_context())
    assert result == {
        "total": 3,
        "done": 3,
        "failed": 0,
        "skipped": 0,
        "credits": {"estimated": [6.0, 6.0], "charged": None},
        "manifest": str(manifest),
    }
    assert [movie["client-data"]["night"] for movie in sent(connected).values()] == [1, 1, 1]
    assert sorted(sent(connected)) == ["movie-0", "movie-1", "movie-2"]
    told = lines(manifest)
    assert [line["key"] for line in told] == ["movie-0", "movie-1", "movie-2"]
    assert set(told[0]) == {
        "key", "project", "status", "url", "file", "duration", "size", "credits", "error",
    }  # fmt: skip
    assert all(line["status"] == "done" and connected.movies[line["project"]] for line in told)


def test_no_rows_are_a_success(connected: Sandbox, tmp_path: Path) -> None:
    result = operator(items=[], manifest=str(tmp_path / "m.jsonl")).execute(a_context())
    assert (result["total"], result["done"], lines(tmp_path / "m.jsonl")) == (0, 0, [])


def test_rows_without_a_key_are_named_by_their_place(connected: Sandbox, tmp_path: Path) -> None:
    operator(key=None, manifest=str(tmp_path / "m.jsonl")).execute(a_context())
    assert [line["key"] for line in lines(tmp_path / "m.jsonl")] == [0, 1, 2]


def test_a_row_may_bring_its_own_movie(connected: Sandbox) -> None:
    items = [{"slug": "a", "movie": GOOD}, {"slug": "b", "movie": json.dumps(GOOD | {"comment": "{{ds}}"})}]
    operator(movie=None, items=items).execute(a_context())
    assert sent(connected)["b"]["comment"] == "{{ds}}"


def test_strings_of_rows_are_data_and_a_path_is_a_template(connected: Sandbox, tmp_path: Path) -> None:
    task = operator(items=[{"slug": "a", "headline": "{{ day }}"}])
    task.render_template_fields(a_context(day="Monday"))
    assert task.items == [{"slug": "a", "headline": "{{ day }}"}]
    task = operator(items="{{ day }}.csv", destination="/x/{{ day }}/{slug}.mp4")
    task.render_template_fields(a_context(day="Monday"))
    assert (task.items, task.destination) == ("Monday.csv", "/x/Monday/{slug}.mp4")
    task = operator(items=[{"slug": "a", "headline": "{{ day }}"}], jinja=True)
    task.render_template_fields(a_context(day="Monday"))
    assert task.items[0]["headline"] == "Monday"


# Before anything is paid for.


def test_mistakes_name_their_rows_and_the_same_one_is_told_once(connected: Sandbox) -> None:
    items = [{"slug": f"r{i}", "movie": BROKEN if i else GOOD} for i in range(40)]
    message = refused(connected, movie=None, items=items)
    assert "39 movies of the batch have errors" in message
    assert "Row 'r1' and 38 more: error: movie.scenes[0].elements[0].text" in message
    assert message.count("\n") == 2


def test_a_balance_that_is_too_small_is_told_before_the_first_post(connected: Sandbox) -> None:
    connected.accounts[0].credits = 5
    assert "the account has 5 left" in refused(connected)


def test_a_template_is_fetched_once_for_all_rows(connected: Sandbox) -> None:
    operator(movie=None, template_id="hello000000000000000").execute(a_context())
    assert connected.journal.requests["template"] <= 2


def test_a_file_that_is_at_a_destination_stops_all(connected: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "movie-1.mp4").write_text("mine")
    message = refused(connected, destination=f"{tmp_path}/{{slug}}.mp4")
    assert "There is a file at the destination" in message


def test_a_dry_run_tells_and_spends_nothing(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    operator(items=ROWS).dry_run()
    told = capsys.readouterr().out
    assert "3 rows, " in told
    assert "Estimate: 6 credits" in told
    assert connected.journal.requests["submit"] == 0


# Failed rows.


@pytest.mark.parametrize(
    ("policy", "fails"), [("fail", True), ("continue", False), (1, True), (2, False), ("50%", False)]
)
def test_failed_rows_do_to_the_task_what_was_asked_for(
    connected: Sandbox, tmp_path: Path, policy: Any, fails: bool
) -> None:
    task = operator(**mixed(1, 2), on_failure=policy, manifest=str(tmp_path / "m.jsonl"))
    if fails:
        with pytest.raises(AirflowFailException, match=r"2 of 4 rows failed.*Row 'movie-1': .*Clear the task"):
            task.execute(a_context())
    else:
        result = task.execute(a_context())
        assert (result["total"], result["done"], result["failed"], result["skipped"]) == (4, 2, 2, 0)
    told = lines(tmp_path / "m.jsonl")
    assert [line["status"] for line in told] == ["done", "error", "error", "done"]
    assert told[1]["error"]
    assert len(connected.movies) == 4


def test_a_threshold_stops_the_submitting_and_the_rest_is_skipped(connected: Sandbox, tmp_path: Path) -> None:
    task = operator(**mixed(0, 1, 2, rows=40), max_in_flight=4, on_failure=2, manifest=str(tmp_path / "m.jsonl"))
    with pytest.raises(AirflowFailException, match=r"3 of 40 rows failed, \d+ were not submitted \(on_failure=2\)"):
        task.execute(a_context())
    statuses = [line["status"] for line in lines(tmp_path / "m.jsonl")]
    assert statuses.count("error") == 3
    assert statuses.count("skipped") == 40 - len(connected.movies) > 20


def test_all_rows_are_rendered_before_a_failure_fails_the_task(connected: Sandbox) -> None:
    with pytest.raises(AirflowFailException):
        operator(**mixed(0, rows=20), max_in_flight=2).execute(a_context())
    assert len(connected.movies) == 20


def test_a_clear_after_a_failure_pays_for_that_row_alone(connected: Sandbox) -> None:
    if not HAS_STORE:
        pytest.skip("needs the task state store")
    context = a_context()
    with pytest.raises(AirflowFailException):
        operator(**mixed(1)).execute(context)
    cleared = a_context(try_number=2, max_tries=1, store=context["task_state_store"])
    assert operator(**mixed()).execute(cleared)["done"] == 4
    assert len(connected.movies) == 5


def test_an_empty_account_ends_the_task_when_what_is_under_way_has_ended(connected: Sandbox, tmp_path: Path) -> None:
    connected.faults.add("submit", "status", skip=1, times=None, status=401, body='{"message": "Insufficient credits"}')
    context = a_context()
    with pytest.raises(OutOfCredits):
        operator(manifest=str(tmp_path / "m.jsonl")).execute(context)
    statuses = [line["status"] for line in lines(tmp_path / "m.jsonl")]
    assert sorted(statuses) == ["done", "pending", "pending"]
    connected.faults.clear()
    again = a_context(try_number=2, store=context.get("task_state_store"))
    assert operator().execute(again)["done"] == 3
    assert len(connected.movies) == 3


# Files.


def test_files_come_home_and_the_manifest_says_where(connected: Sandbox, tmp_path: Path) -> None:
    operator(destination=f"{tmp_path}/{{index:02}}-{{slug}}.mp4", manifest=str(tmp_path / "m.jsonl")).execute(
        a_context()
    )
    files = [Path(line["file"]) for line in lines(tmp_path / "m.jsonl")]
    assert [file.name for file in files] == ["00-movie-0.mp4", "01-movie-1.mp4", "02-movie-2.mp4"]
    assert all(file.read_bytes() == CANNED.read_bytes() for file in files)


def test_a_download_that_fails_is_brought_by_the_next_try_and_pays_nothing(connected: Sandbox, tmp_path: Path) -> None:
    connected.faults.add("file", "status", status=403)
    options: dict[str, Any] = {"destination": f"{tmp_path}/{{slug}}.mp4", "manifest": str(tmp_path / "m.jsonl")}
    context = a_context()
    with pytest.raises(JSON2VideoError, match="1 movies are rendered and paid for, but their files did not get"):
        operator(**options).execute(context)
    told = lines(tmp_path / "m.jsonl")
    assert [line["status"] for line in told] == ["done"] * 3
    assert sum(line["file"] is None and "did not get to" in line["error"] for line in told) == 1
    again = a_context(try_number=2, store=context.get("task_state_store"))
    assert operator(**options).execute(again)["done"] == 3
    assert all(line["file"] and line["error"] is None for line in lines(tmp_path / "m.jsonl"))
    assert len(connected.movies) == 3


@pytest.mark.skipif(not HAS_STORE, reason="needs the task state store")
def test_a_file_that_is_known_to_be_done_is_fetched_without_asking_again(connected: Sandbox, tmp_path: Path) -> None:
    def asked(**options: Any) -> int:
        context, before = a_context(task_id=str(options)), connected.journal.requests["get"]
        wait = deferred(context, **options)
        connected.advance(600)
        event = {"outcomes": {project: {} for project in wait.trigger.serialize()[1]["projects"]}, "pending": []}
        operator(**options).execute_complete(context, event=event)
        return connected.journal.requests["get"] - before

    assert asked(destination=f"{tmp_path}/{{slug}}.mp4") == asked()
    assert len(list(tmp_path.iterdir())) == 3


def test_a_clear_trusts_the_file_at_home_more_than_the_service(connected: Sandbox, tmp_path: Path) -> None:
    if not HAS_STORE:
        pytest.skip("needs the task state store")
    options: dict[str, Any] = {"destination": f"{tmp_path}/{{slug}}.mp4"}
    context = a_context()
    operator(**options).execute(context)
    connected.advance(8 * 86_400)
    (tmp_path / "movie-1.mp4").unlink()
    cleared = a_context(try_number=2, max_tries=1, store=context["task_state_store"])
    assert operator(**options).execute(cleared)["done"] == 3
    assert list(sent(connected)) != []
    assert len(connected.movies) == 4


def test_a_manifest_that_cannot_be_written_fails_the_task_at_the_end_alone(connected: Sandbox, tmp_path: Path) -> None:
    manifest = tmp_path / "folder" / "m.jsonl"
    context = a_context()
    task = operator(manifest=str(manifest))
    manifest.mkdir(parents=True)
    with pytest.raises(AirflowFailException, match="a folder is there"):
        task.execute(context)
    manifest.rmdir()
    assert operator(manifest=str(manifest)).execute(a_context(try_number=2, store=context.get("task_state_store")))


def test_a_task_that_takes_too_long_leaves_its_manifest(
    connected: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ring(*_: Any) -> None:
        raise AirflowTaskTimeout

    monkeypatch.setattr(Homes, "bring", ring)  # Airflow's alarm, which rings anywhere
    with pytest.raises(AirflowTaskTimeout):
        operator(destination=f"{tmp_path}/{{slug}}.mp4", manifest=str(tmp_path / "m.jsonl")).execute(a_context())
    assert [line["status"] for line in lines(tmp_path / "m.jsonl")] == ["running"] * 3


def test_a_manifest_is_of_one_task_instance(connected: Sandbox, tmp_path: Path) -> None:
    def render(manifest: str, rendered: str) -> None:
        with DAG("batch", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)):
            partial = JSON2VideoRenderMoviesOperator.partial(task_id="render", movie=GOOD, manifest=manifest)
            mapped = partial.expand(items=[[{"a": 1}], [{"a": 2}]])
        task = mapped.unmap({"items": [{"a": 1}], "poll_interval": 0.05})
        task.manifest = rendered
        task.execute(a_context(map_index=0, run_id=manifest))

    one = str(tmp_path / "m.jsonl")
    with pytest.raises(AirflowFailException, match="is the same for every instance of this mapped task.*Nothing was"):
        render(one, one)
    assert connected.journal.requests["submit"] == 0
    render(f"{tmp_path}/{{{{ ti.map_index }}}}.jsonl", f"{tmp_path}/0.jsonl")
    assert len(lines(tmp_path / "0.jsonl")) == 1


def test_an_alias_gets_an_event_for_the_manifest(connected: Sandbox, tmp_path: Path) -> None:
    alias, asset = AssetAlias("batches"), Asset("nightly")
    manifest = f"{tmp_path}/m.jsonl"
    events = OutletEventAccessors()
    result = operator(manifest=manifest, outlets=[alias, asset]).execute(a_context(outlet_events=events))
    (event,) = events[alias].asset_alias_events
    assert event.dest_asset_key.uri == f"file://{manifest}"
    assert event.extra == events[asset].extra == result


# Waiting.


def deferred(context: Any, **kwargs: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as e:
        operator(deferrable=True, **kwargs).execute(context)
    return e.value


def test_no_worker_waits_and_it_is_woken_for_a_useful_portion_only(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    context = a_context()
    wait = deferred(context, **mixed(rows=100), max_in_flight=80)
    arguments = wait.trigger.serialize()[1]
    assert (len(arguments["projects"]), arguments["min_finished"]) == (80, 20)
    everything = deferred(a_context(task_id="other"), **mixed(rows=10), max_in_flight=80)
    assert everything.trigger.serialize()[1]["min_finished"] is None


def test_a_resume_submits_the_rest_and_believes_the_service_alone(connected: Sandbox) -> None:
    context = a_context()
    wait = deferred(context, max_in_flight=2)
    projects = wait.trigger.serialize()[1]["projects"]
    connected.advance(600)
    event = {"outcomes": {projects[0]: {"status": "error", "message": "a lie"}}, "pending": projects[1:]}
    with pytest.raises(TaskDeferred) as e:
        operator(deferrable=True, max_in_flight=2).execute_complete(context, event=event, **(wait.kwargs or {}))
    assert len(connected.movies) == 3
    assert e.value.kwargs["deadline"] == wait.kwargs["deadline"]
    connected.advance(600)
    rest = e.value.trigger.serialize()[1]["projects"]
    event = {"outcomes": {p: {"status": "done", "message": ""} for p in rest}, "pending": []}
    result = operator(deferrable=True, max_in_flight=2).execute_complete(context, event=event)
    assert (result["done"], len(connected.movies)) == (3, 3)


def test_a_deadline_fails_with_the_renders_going_on(connected: Sandbox, tmp_path: Path) -> None:
    connected.variants.never_finish = True
    context = a_context()
    with pytest.raises(RenderTimeout, match=r"not finished at the deadline; 1 rows were not submitted.*goes on"):
        operator(timeout=0.5, max_in_flight=2, manifest=str(tmp_path / "m.jsonl")).execute(context)
    assert [line["status"] for line in lines(tmp_path / "m.jsonl")] == ["running", "running", "pending"]
    connected.variants.never_finish = False
    assert operator().execute(a_context(try_number=2, store=context.get("task_state_store")))["done"] == 3
    assert len(connected.movies) == 3


def test_a_foreign_event_fails_closed(connected: Sandbox) -> None:
    connected.variants.never_finish = True
    context = a_context()
    deferred(context)
    with pytest.raises(ServerError, match="ended early: a foreign event"):
        operator(deferrable=True).execute_complete(context, event={"hello": 1})


def test_a_kill_says_what_goes_on(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    connected.variants.never_finish = True
    task = operator(deferrable=True)
    with pytest.raises(TaskDeferred):
        task.execute(a_context())
    task.on_kill()
    assert "About 3 renders go on at JSON2Video" in capsys.readouterr().out


def test_a_file_that_changes_does_not_mix_two_batches(connected: Sandbox, tmp_path: Path) -> None:
    if not HAS_STORE:
        pytest.skip("needs the task state store")
    (file := tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, ROWS)))
    context = a_context()
    wait = deferred(context, items=str(file), max_in_flight=1)
    file.write_text('{"slug": "another"}')
    connected.advance(600)
    event = {"outcomes": {p: {} for p in wait.trigger.serialize()[1]["projects"]}, "pending": []}
    assert operator(items=str(file)).execute_complete(context, event=event)["done"] == 3
    assert sorted(sent(connected)) == ["movie-0", "movie-1", "movie-2"]


def test_a_retry_without_its_movie_brings_home_what_is_paid(connected: Sandbox, tmp_path: Path) -> None:
    if not HAS_STORE:
        pytest.skip("needs the task state store")
    (file := tmp_path / "movie.json").write_text(json.dumps(MOVIE))
    options: dict[str, Any] = {"movie": None, "movie_file": str(file), "destination": f"{tmp_path}/{{slug}}.mp4"}
    for most, home in ((50, 3), (2, 2)):
        context = a_context(task_id=str(most))
        deferred(context, max_in_flight=most, **options)
        file.rename(tmp_path / "away")
        connected.advance(600)
        again = a_context(task_id=str(most), try_number=2, store=context["task_state_store"])
        if home == 3:
            assert operator(**options).execute(again)["done"] == 3
        else:
            with pytest.raises(AirflowFailException, match="no movie file at.*Nothing was sent"):
                operator(**options).execute(again)
        assert len(list(tmp_path.glob("*.mp4"))) == home
        for brought in tmp_path.glob("*.mp4"):
            brought.unlink()
        (tmp_path / "away").rename(file)


def test_rows_without_an_answer_are_named(connected: Sandbox) -> None:
    connected.faults.add("submit", "status", times=2, status=500, body='{"message": "Boom"}')
    with pytest.raises(SubmitAmbiguous, match="Row 'movie-0': sent, and no usable answer came"):
        operator(max_in_flight=1).execute(a_context())
    assert sorted(sent(connected)) == ["movie-1", "movie-2"]


def test_the_log_tells_how_far_it_is(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    operator(max_in_flight=2, **mixed(0, rows=5), on_failure="continue").execute(a_context())
    told = capsys.readouterr().out
    assert "0 of 5 done, 0 failed, 2 in flight, 3 to submit" in told
    assert "left." in told
    assert "4 of 5 done, 1 failed, 0 in flight, 0 to submit" in told


def test_the_summary_stays_small_whatever_the_rows(connected: Sandbox) -> None:
    result = operator(**mixed(rows=200), max_in_flight=200).execute(a_context())
    assert len(json.dumps(result)) < 2048

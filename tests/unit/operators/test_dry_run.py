"""What a dry run tells: nothing is rendered in it, neither Jinja nor a video."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, task

from airflow_provider_j2v.hooks import templates
from airflow_provider_j2v.movies import Movie, Scene, Text
from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator, JSON2VideoRenderMoviesOperator
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import a_context, connect

IMAGE = {"type": "image", "model": "flux-pro", "prompt": "a lake"}
HELLO = "hello000000000000000"
Told = Callable[..., str]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    templates._cache.clear()
    with Sandbox(render="off", speed=100) as sandbox:
        connect(monkeypatch, sandbox)
        yield sandbox


@pytest.fixture
def output() -> Any:
    """The output of another task."""
    with DAG("outputs", schedule=None):

        @task
        def made() -> None: ...

        return made()


@pytest.fixture
def told(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> Told:
    def told(kind: type[Any] = JSON2VideoRenderMovieOperator, **kwargs: Any) -> str:
        kind(task_id="render", **kwargs).dry_run()
        assert connected.journal.requests["submit"] == 0
        return capsys.readouterr().out

    return told


def a_text(text: str, **scene: Any) -> dict[str, Any]:
    return {"scenes": [{"duration": 5, **scene, "elements": [{"type": "text", "text": text}]}]}


def test_jinja_in_variables_is_named_and_counts_as_a_value(told: Told) -> None:
    out = told(
        movie=a_text("{{day}} {{nobody}}", duration="{{s}}"), variables={"day": "{{ ds }}", "s": "{{ params.s }}"}
    )
    assert "Not rendered in a dry run: variables.day: {{ ds }}" in out
    assert "defines nobody" in out
    assert out.count("error: ") == 1
    assert "not known: movie.scenes[0].duration: a variable is not given" in out
    assert "A run would be refused, as far as a dry run can tell:" in out


def test_an_output_in_variables_may_be_anything(told: Told, output: Any) -> None:
    movie = a_text("{{title}}", iterate="rows")
    out = told(movie=movie, variables={"rows": output})
    assert "Not rendered in a dry run: variables.rows: output of made" in out
    assert "0 findings." in out
    assert "A run would be submitted, as far as a dry run can tell." in out


def test_variables_that_are_an_output_may_define_every_name(told: Told, output: Any) -> None:
    out = told(
        movie={"scenes": [{"duration": 3, "elements": [{"type": "video"}]}, *a_text("{{a}}")["scenes"]]},
        variables=output,
    )
    assert "Not rendered in a dry run: variables: output of made" in out
    assert "error: movie.scenes[0].elements[0].src" in out
    assert "1 findings." in out
    assert "Estimate: 8 credits" in out


@pytest.mark.parametrize(
    "source",
    [
        {"movie": "output"},
        {"movie_file": "movies/{{ params.name }}.json"},
        {"template_id": "{{ var.value.template }}"},
        {"movie": "{{ ti.xcom_pull('made') }}", "jinja": True},
    ],
    ids=str,
)
def test_a_movie_that_only_a_run_knows_is_told_so_and_the_rest_checked(
    told: Told, output: Any, source: dict[str, Any]
) -> None:
    source = {name: output if value == "output" else value for name, value in source.items()}
    out = told(**source, timeout="ten", max_credits="much")
    assert "nothing more can be told in a dry run" in out
    assert "- timeout must be seconds above 0" in out
    assert "- max_credits must be a number of credits, not 'much'." in out


def test_an_output_inside_a_movie_hides_only_its_place(told: Told, output: Any) -> None:
    out = told(movie={"scenes": output, "elements": [{"type": "video"}], "draft": True})
    assert "Not rendered in a dry run: movie.scenes: output of made" in out
    assert "movie.draft" in out
    assert "movie.elements[0].src" in out
    assert "2 findings." in out


def test_overrides_that_are_an_output_hide_nothing(told: Told, output: Any) -> None:
    out = told(movie={"scenes": [{"duration": 5, "elements": [{"type": "video"}]}]}, overrides=output)
    assert "Not rendered in a dry run: overrides: output of made" in out
    assert "1 findings." in out


def test_a_number_that_is_none_hides_no_findings_and_is_told_once(told: Told) -> None:
    movie = {"scenes": [{"duration": 5, "elements": [{"type": "video"}]}]}
    for options in ({"movie": movie}, {"items": [{"a": 1}], "movie": movie, "kind": JSON2VideoRenderMoviesOperator}):
        out = told(**options, expected_duration="long", max_credits="much")
        assert out.count("expected_duration must be a number of seconds, not 'long'") == 1
        assert out.count("max_credits must be a number of credits, not 'much'") == 1
        assert "movie.scenes[0].elements[0].src" in out
        assert "Estimate: 5 credits" in out


def test_an_output_in_one_element_hides_no_problem_of_another(told: Told, output: Any) -> None:
    elements = [IMAGE | {"prompt": output}, IMAGE | {"connection": "airflow:nope"}]
    assert "no Airflow connection 'nope'" in told(movie={"scenes": [{"duration": 5, "elements": elements}]})


def test_with_jinja_what_it_renders_is_not_judged(told: Told) -> None:
    assert "0 findings." in told(movie=a_text("{{ ds }} {{name}}"), jinja=True)
    assert "2 findings." in told(movie=a_text("{{ ds }} {{name}}"))


def test_all_connections_that_do_not_resolve_are_listed_and_those_of_jinja_left_out(told: Told) -> None:
    images = [IMAGE | {"connection": f"airflow:{name}"} for name in ("nope", "neither")]
    out = told(
        movie={
            "scenes": [{"duration": 5, "elements": [*images, {"type": "voice", "text": "a", "model": "elevenlabs"}]}]
        },
        connections={"elevenlabs": "{{ var.value.c }}"},
        exports={"destinations": [{"id": "airflow:{{ params.c }}"}, {"id": "airflow:server"}]},
    )
    assert [name for name in ("nope", "neither", "server", "params", "var.value") if f"connection '{name}" in out] == [
        "nope",
        "neither",
        "server",
    ]
    assert "at elevenlabs: Connection 'not-rendered' (provider map)" in out
    assert "- Not all connections resolve" in out
    assert "Estimate: 5 to 45 credits" in out
    assert "Not rendered in a dry run: exports[0].destinations[0].id: airflow:{{ params.c }}" in out


def test_what_the_budget_and_the_balance_say_is_told(told: Told, connected: Sandbox) -> None:
    movie = {"scenes": [{"duration": 50}]}
    assert "- The movie would cost 50 credits, and max_credits allows 40." in told(movie=movie, max_credits="40")
    assert "Budget: max_credits=60 allows it." in told(movie=movie, max_credits=60)
    connected.accounts[0].credits = 12
    assert "and the account has 12 left" in told(movie=movie, check_quota=True)
    assert "Not rendered in a dry run: max_credits: {{ params.most }}" in told(
        movie=movie, max_credits="{{ params.most }}"
    )


def test_a_template_is_read_and_a_variable_that_is_not_rendered_settles_nothing(told: Told) -> None:
    assert "Estimate: 7 credits" in told(template_id=HELLO, variables={"seconds": 7})
    assert "and what is not known" in told(template_id=HELLO, variables={"seconds": "{{ params.s }}"})
    assert "- The account has no template 'nosuchtemplate000000'." in told(template_id="nosuchtemplate000000")


def test_a_template_that_cannot_be_read_is_told_and_refuses_nothing(told: Told, connected: Sandbox) -> None:
    connected.faults.add("template", "status", status=403, times=None)
    out = told(template_id=HELLO)
    assert "not known: movie.template: the saved template was not read" in out
    assert "A run would be submitted." in out


@pytest.mark.parametrize("conn_id", ["nope", "{{ params.c }}"])
def test_without_an_account_the_movie_is_looked_at_all_the_same(told: Told, conn_id: str) -> None:
    out = told(movie={"scenes": [{"duration": 5, "elements": [IMAGE, {"type": "video"}]}]}, json2video_conn_id=conn_id)
    assert "movie.scenes[0].elements[1].src" in out
    assert "Estimate: 25 credits" in out
    assert ("There is no Airflow connection 'nope'" in out) == (conn_id == "nope")


def test_a_destination_that_cannot_be_is_told(told: Told) -> None:
    assert "- The destination 'a.mp4' must be an absolute path" in told(movie=a_text("a"), destination="a.mp4")
    assert "A run would be submitted" in told(movie=a_text("a"), destination="/nowhere/{{ ds }}.mp4")


def test_whatever_the_level_findings_are_told_and_only_error_refuses(told: Told) -> None:
    for level, refused in (("error", True), ("warn", False), ("off", False)):
        out = told(movie={"scenes": [{"duration": 5, "elements": [{"type": "video"}]}]}, preflight=level)
        assert "1 findings." in out
        assert ("would be refused" in out) == refused


def test_what_is_refused_at_any_level_is_told_at_any_level(told: Told) -> None:
    for level in ("error", "warn", "off"):
        assert "would be refused" in told(movie={"scenes": []}, preflight=level)


def test_no_movie_at_all_is_told(told: Told) -> None:
    assert "- Give exactly one of movie, movie_file and template_id: none is given." in told()


def test_a_typed_movie_is_told_like_its_document(told: Told) -> None:
    out = told(movie=Movie(scenes=[Scene(duration=5, elements=[Text(text="{{nobody}}")])]))
    assert "defines nobody" in out


def test_what_a_run_has_rendered_is_taken_as_it_is(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    render = JSON2VideoRenderMovieOperator(task_id="render", movie=a_text("{{a}}"), variables={"a": "{{ '{{b}}' }}"})
    render.render_template_fields(a_context())
    render.dry_run()
    out = capsys.readouterr().out
    assert "Not rendered" not in out
    assert "placeholder-in-variable" in out


def test_a_dry_run_leaves_the_task_as_it_was(told: Told, output: Any, connected: Sandbox) -> None:
    render = JSON2VideoRenderMovieOperator(task_id="render", movie={"scenes": output}, variables={"a": "{{ ds }}"})
    render.dry_run()
    assert render.movie == {"scenes": output}
    assert render.variables == {"a": "{{ ds }}"}


def test_the_function_of_a_decorated_task_is_not_called(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    with DAG("decorated", schedule=None) as dag:

        @task.json2video_render(max_credits="{{ params.most }}", timeout=-1)
        def build() -> dict[str, Any]:
            raise AssertionError

        build()
    dag.get_task("build").dry_run()
    out = capsys.readouterr().out
    assert "The movie is what build() returns, which only a run calls" in out
    assert "Not rendered in a dry run: max_credits: {{ params.most }}" in out
    assert "- timeout must be seconds above 0" in out


ROWS = [{"slug": "a", "seconds": 3}, {"slug": "b", "seconds": 4}]


def test_rows_that_only_a_run_knows_are_told_so(told: Told, output: Any) -> None:
    out = told(JSON2VideoRenderMoviesOperator, items=output, movie=a_text("a"))
    assert "Not rendered in a dry run: items: output of made" in out
    assert "nothing more can be told" in out


def test_rows_are_told_together_with_why_they_would_be_refused(told: Told) -> None:
    movie = {"scenes": [{"duration": "{{seconds}}", "elements": [{"type": "text", "text": "{{day}} {{nobody}}"}]}]}
    movie["scenes"][0]["elements"].append(IMAGE | {"connection": "airflow:nope"})
    out = told(
        JSON2VideoRenderMoviesOperator,
        items=ROWS,
        key="slug",
        movie=movie,
        variables={"day": "{{ ds }}"},
        max_credits=5,
    )
    assert "Row 'a' and 1 more: error: movie.scenes[0].elements[0].text holds {{nobody}}" in out
    assert "2 rows, 1 different findings." in out
    assert "Estimate: 7 to 47 credits, for 2 movies" in out
    assert "no Airflow connection 'nope': create one of type 'json2video_connection'. (2 x)" in out
    assert "and max_credits allows 5" in out


def test_one_row_without_a_movie_hides_no_other(told: Told) -> None:
    rows = [{"slug": "a", "movie": a_text("{{nobody}}")}, {"slug": "b"}]
    out = told(JSON2VideoRenderMoviesOperator, items=rows, key="slug")
    assert "defines nobody" in out
    assert "- Row 'b': there is no movie" in out


def test_the_page_shows_what_a_dry_run_tells(connected: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "costs.md").read_text("utf-8")
    code, shown = re.findall(r"```(?:python|text)\n(.*?)```", page.partition("### A dry run\n")[2], re.DOTALL)[:2]
    exec(code)
    out = capsys.readouterr().out
    for line in shown.splitlines():
        assert line.removesuffix("…").strip() in out

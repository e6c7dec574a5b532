"""What is wrong with a movie is found before it is sent, at its place, and what is right is left alone."""

from __future__ import annotations

import copy
import json
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_j2v.catalog.models import Catalog
from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.movies.document import MAX_MOVIE_BYTES, check_movie, compose
from airflow_provider_j2v.movies.lint import lint
from airflow_provider_j2v.movies.rules import RULES
from airflow_provider_j2v.movies.rules.elements import REQUIRED
from airflow_provider_j2v.sandbox import timeline
from airflow_provider_j2v.sandbox.shipped_templates import SHIPPED
from airflow_provider_j2v.sandbox.variants import Variants

ROOT = Path(__file__).parents[3]
GOOD = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "tests/corpus/good").glob("*.json"))}
GOOD |= {f"template {template.id}": template.movie for template in SHIPPED}
GOOD |= {path.stem: json.loads(path.read_text()) for path in (ROOT / "example_dags" / "movies").glob("*.json")}
BAD = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / "tests/corpus/bad").glob("*.json"))}
CATALOG = Catalog.parse(json.loads((ROOT / "airflow_provider_j2v" / "catalog" / "snapshot.json").read_text()))

TEXT = {"type": "text", "text": "Hello", "duration": 3}


def movie_of(*elements, **more):
    return {"scenes": [{"elements": list(elements)}], **more}


def the(rule, movie, **beside):
    """The one finding of a rule."""
    (finding,) = [finding for finding in lint(movie, catalog=CATALOG, **beside) if finding.rule == rule]
    return finding


# The corpus.


def test_both_corpora_are_large():
    assert len(GOOD) >= 60
    assert len(BAD) >= 60


@pytest.mark.parametrize("name", GOOD)
def test_a_good_movie_has_no_error(name):
    findings = lint(GOOD[name], catalog=CATALOG)
    assert [str(finding) for finding in findings if finding.severity == "error"] == []


@pytest.mark.parametrize("name", BAD)
def test_a_bad_movie_has_what_is_expected_and_no_other_error(name):
    case = BAD[name]
    beside = {key: case[key] for key in ("template", "variables_schema") if key in case}
    findings = lint(case["movie"], catalog=CATALOG, **beside)
    given = Counter((f.severity, f.rule, f.path) for f in findings)
    expected = Counter((e["severity"], e["rule"], e["path"]) for e in case["expect"])
    assert expected
    assert not expected - given, [str(f) for f in findings]
    assert not [key for key in given - expected if key[0] == "error"], [str(f) for f in findings]


def test_every_rule_has_a_bad_movie():
    expected = {e["rule"] for case in BAD.values() for e in case["expect"]}
    # What a JSON file cannot hold, or would be too large for one, is below.
    assert {rule.id for rule in RULES} - expected == {"not-json", "too-large"}


def test_findings_come_in_the_order_of_the_document():
    movie = {"scenes": [{"elements": [{"type": "image"}]} for _ in range(12)]}
    paths = [finding.path for finding in lint(movie)]
    assert paths == [f"movie.scenes[{i}].elements[0].src" for i in range(12)]


def test_one_mistake_is_one_finding():
    """What a rule says of a place, the schema does not say again."""
    schema = {rule.id for rule in RULES if "deviation" in rule.subjects}
    for case in BAD.values():
        findings = lint(case["movie"], catalog=CATALOG, template=case.get("template"))
        own = {finding.path for finding in findings if finding.rule not in schema}
        assert [f for f in findings if f.rule in schema and f.path in own] == []


def test_lint_changes_nothing():
    for case in BAD.values():
        before = copy.deepcopy(case)
        lint(case["movie"], catalog=CATALOG, template=case.get("template"))
        assert case == before


ALL = {**GOOD, **{name: case["movie"] for name, case in BAD.items()}}


@pytest.mark.parametrize("name", [name for name, movie in ALL.items() if "template" not in movie])
def test_a_render_that_the_sandbox_fails_is_a_finding(name):
    movie = ALL[name]
    failure = ""
    try:
        timeline.build(movie, Variants())
    except timeline.RenderError as e:
        failure = str(e)
    assert not failure or lint(movie)


# What no JSON file can hold.


@pytest.mark.parametrize(
    ("scene", "path"),
    [
        ({"duration": float("nan")}, "movie.scenes[0].duration"),
        ({"elements": [{"start": float("-inf")}]}, "movie.scenes[0].elements[0].start"),
        ({"elements": [{"when": date(2026, 1, 1)}]}, "movie.scenes[0].elements[0].when"),
        ({"variables": {"rows": {1, 2}}}, "movie.scenes[0].variables.rows"),
        ({"x": 10**5000}, "movie"),
        ({"x": "\ud800"}, "movie"),
    ],
    ids=["nan", "infinity", "a date", "a set", "a huge number", "half a character"],
)
def test_what_json_cannot_say_is_an_error_at_its_place(scene, path):
    (finding,) = [finding for finding in lint({"scenes": [scene]}) if finding.rule == "not-json"]
    assert (finding.severity, finding.path) == ("error", path)


def endless():
    movie: dict = {"scenes": [{"elements": [TEXT]}]}
    movie["scenes"].append(movie)
    movie["scenes"].append(movie)
    return movie


def nested(levels):
    value: dict = {}
    for _ in range(levels):
        value = {"settings": [value, "{{ ds }}"]}
    return movie_of({**TEXT, **value})


@pytest.mark.parametrize("movie", [endless(), nested(100_000)], ids=["endless", "deep"])
def test_a_movie_without_end_is_an_error_and_not_a_hang(movie):
    assert "not-json" in {finding.rule for finding in lint(movie)}


def test_placeholders_are_found_however_deep_they_lie():
    assert sum(finding.rule == "jinja-placeholder" for finding in lint(nested(150))) == 150


def test_a_movie_that_is_too_large_is_an_error():
    large = movie_of(TEXT, comment="x" * MAX_MOVIE_BYTES)
    assert [finding.rule for finding in lint(large)] == ["too-large"]
    assert lint(movie_of(TEXT, comment="x" * (MAX_MOVIE_BYTES - 200))) == []


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_sent_at_all_is_an_error_of_lint_too(name):
    """``check_movie`` runs even with preflight="off": it must not be stricter than lint."""
    movie = BAD[name]["movie"]
    refusal = ""
    try:
        check_movie(compose(movie))
    except InvalidMovie as e:
        refusal = str(e)
    errors = [finding.path for finding in lint(movie) if finding.severity == "error"]
    assert not refusal or any(refusal.startswith(path) for path in errors)


# Anything at all.

KEYS = st.sampled_from(
    sorted(
        {key for rule in RULES for key in rule.keys}
        | {"type", "text", "scenes", "exports", "destinations", "model", "id", "src", "preload"}
        | {"iterate-from", "iterate-to", "iterate-step"}
    )
)
WORDS = st.sampled_from(
    ["image", "voice", "subtitles", "rows", "{{rows}}", "{{ ds }}", "{{a.b", "{{rows[0]}}", "https://x/a.svg", "json"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20) | WORDS
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6),
    max_leaves=30,
)
OBJECTS = st.dictionaries(KEYS | st.text(max_size=5), JSON, max_size=6)
ELEMENTS = st.fixed_dictionaries({"type": st.sampled_from([*REQUIRED, "template"])}, optional={}).flatmap(
    lambda typed: OBJECTS.map(lambda more: {**more, **typed})
)
MOVIES = st.fixed_dictionaries(
    {},
    optional={
        "scenes": JSON
        | st.lists(OBJECTS | st.fixed_dictionaries({"elements": st.lists(ELEMENTS, max_size=3)}), max_size=3),
        "elements": JSON | st.lists(ELEMENTS, max_size=3),
        "variables": JSON | st.fixed_dictionaries({"rows": JSON}),
        "exports": JSON | st.lists(st.fixed_dictionaries({"destinations": st.lists(OBJECTS, max_size=3)}), max_size=2),
        "template": JSON,
        "resolution": JSON,
        "width": JSON,
    },
)


@settings(max_examples=150, deadline=None)
@given(OBJECTS | MOVIES, st.none() | MOVIES, st.none() | OBJECTS)
@example({"scenes": [{"iterate": "rows"}], "variables": {"rows": [{}, 1]}}, None, None)
@example(
    {"scenes": [{"id": "rows", "condition": None, "elements": [{"variables": []}]}, {"import": "rows"}]}, None, None
)
@example({"template": "x" * 20, "variables": {"a": 1}}, {"template": "y" * 20}, {"properties": {"a": {"$ref": "#/x"}}})
@example({"template": "x" * 20, "variables": {"a": "1"}}, None, {"properties": {"a": {"pattern": "("}}, "type": 5})
def test_no_json_object_breaks_lint(movie, template, schema):
    for finding in lint(movie, catalog=CATALOG, template=template, variables_schema=schema):
        assert finding.path.startswith(("movie", "template"))
        assert "\n" not in str(finding)
        assert len(str(finding)) < 1500


# Messages.


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{{headlnie}}", 'did you mean "headline"? give it a value: variables={"headlnie": …}'),
        ("{{headlnie}}", 'variables={"day": "{{ dag_run.run_after | ds }}"}'),
        ("{{ ds }}", 'variables={"day": "{{ dag_run.run_after | ds }}"}; ds itself is undefined in runs without'),
        ("{{ ti.xcom_pull('x') }}", "pass the other task's .output, here or in variables, or set jinja=True"),
        ("{{ task_instance.xcom_pull('x') }}", ".output"),
        ("{{ params.shop }}", "let Airflow fill a variable"),
        ("{{ macros.ds_add(ds, 7) }}", "let Airflow fill a variable"),
        ("{{ var.value.shop }}", "set jinja=True"),
    ],
)
def test_a_placeholder_that_nothing_fills_comes_with_what_to_do(text, hint):
    (finding,) = lint(movie_of({**TEXT, "text": text}, variables={"headline": "News"}))
    assert finding.severity == "error"
    assert hint in finding.hint


@pytest.mark.parametrize(
    ("element", "rule", "hint"),
    [
        ({"type": "image", "prompt": "x", "model": "flux-prro"}, "unknown-model", 'did you mean "flux-pro"?'),
        ({"type": "image", "prompt": "x", "model": "azure"}, "model-category", 'for example "flux-schnell"'),
        ({"type": "vidoe", "src": "https://x.org/a.mp4"}, "element-type", 'did you mean "video"?'),
        ({"type": "image", "src": "https://x.org/a.mp4"}, "source-type", 'write "type": "video"'),
        ({**TEXT, "condition": "show"}, "constant-condition", 'write "{{show}}"'),
    ],
)
def test_a_hint_names_what_was_probably_meant(element, rule, hint):
    assert hint in the(rule, movie_of(element, variables={"show": True})).hint


def test_what_the_movie_says_is_escaped_and_cut_in_messages():
    movie = movie_of({"type": "x\x1b[31m\n" + "y" * 500, "duration": 3}, variables={"a\nb" * 200: 1})
    for finding in lint(movie):
        assert str(finding).isprintable()
        assert len(str(finding)) < 400


def test_secrets_are_not_in_messages():
    secret = "s3cret-token"
    movie = movie_of(
        {"type": "image", "src": f"https://ada:{secret}@10.0.0.1/a.svg?X-Amz-Signature={secret}"},
        {"type": "video", "src": f"s3://bucket/a.mp4?token={secret}"},
        exports=[{"destinations": [{"type": "sftp", "password": secret}]}],
        apiKey=secret,
    )
    findings = lint(movie)
    assert {"login-in-url", "expiring-url", "no-url", "inline-password", "key-in-movie"} <= {f.rule for f in findings}
    assert not [str(finding) for finding in findings if secret in str(finding)]


# Templates.

TEMPLATE = {
    "resolution": "hd",
    "variables": {"name": "World", "rows": [{"a": 1}]},
    "scenes": [{"iterate": "rows", "duration": 4, "elements": [{"type": "text", "text": "{{name}} {{a}} {{own}}"}]}],
}
ID = "hello000000000000000"


def test_placeholders_of_a_template_that_is_not_given_are_not_undefined():
    assert lint({"template": ID, "variables": {"own": "{{anything}}"}, "width": "{{side}}"}) == [
        the("placeholder-in-variable", {"template": ID, "variables": {"own": "{{anything}}"}})
    ]


def test_a_template_is_checked_with_the_variables_it_is_given():
    (finding,) = lint({"template": ID, "variables": {}}, template=TEMPLATE)
    assert (finding.rule, finding.path) == ("undefined-placeholder", "template.scenes[0].elements[0].text")
    assert "own" in finding.message
    assert lint({"template": ID, "variables": {"own": 1}}, template=TEMPLATE) == []
    assert the("iterate-target", {"template": ID, "variables": {"own": 1, "rows": "x"}}, template=TEMPLATE)


def test_what_the_movie_sets_over_its_template_is_not_blamed_on_the_template():
    template = {**TEMPLATE, "resolution": "custom", "width": 10, "height": 720, "exports": [{"destinations": []}]}
    movie = {"template": ID, "variables": {"own": 1}}
    paths = [finding.path for finding in lint(movie, template=template)]
    assert paths == ["template.exports[0].destinations", "template.width"]
    over = {"width": 1280, "exports": [{"destinations": [{"id": "my-sftp"}]}]}
    assert lint({**movie, **over}, template=template) == []


# What a rule must not complain about.

ROWS = {"rows": [{"photo": "https://x.org/a.jpg", "idea": ""}, {"photo": "", "idea": "a cat"}]}


@pytest.mark.parametrize(
    "movie",
    [
        {"variables": {"photo": ""}, **movie_of({"type": "image", "src": "{{photo}}", "condition": "{{photo}}"})},
        {
            "variables": {"photo": ""},
            "scenes": [{"condition": "{{photo}}", "elements": [{"type": "image", "src": "{{photo}}"}]}],
        },
        {"variables": {"line": ""}, **movie_of({**TEXT, "text": "{{line}}", "condition": "{{line}}"})},
        {
            "variables": ROWS,
            "scenes": [
                {
                    "iterate": "rows",
                    "elements": [{"type": "image", "src": "{{photo}}", "prompt": "{{idea}}", "model": "flux-pro"}],
                }
            ],
        },
        {"preload": [{"id": "cat", "type": "image", "prompt": "a cat"}], **movie_of({"id": "cat", "type": "image"})},
        movie_of({"type": "{{kind}}"}, variables={"kind": "text"}),
        movie_of(TEXT) | {"client-data": {"raw": "{{anything}} {% x %}"}, "comment": "{{anything}}"},
        movie_of({"type": "html", "html": "<script>f({{a: {b: 1}}})</script>"}),
        {"scenes": [{"duration": 0.5, "elements": [TEXT]}, {"duration": 0.5}]},
        {"scenes": [{"duration": 0.5}], "elements": [{"type": "audio", "src": "https://x.org/a.mp3"}]},
        {"scenes": [{"iterate": "rows", "duration": 0.6}], "variables": ROWS},
        movie_of(TEXT, exports=[{"destinations": [{"type": "webhook", "id": "my-hook", "content-type": ""}]}]),
    ],
    ids=range(12),
)
def test_what_may_well_be_meant_is_no_error(movie):
    assert [str(finding) for finding in lint(movie) if finding.severity == "error"] == []


def test_a_webhook_is_too_early_only_before_an_upload():
    hook, upload = {"type": "webhook", "endpoint": "https://x.org/done"}, {"type": "sftp", "id": "files"}
    exports = [{"destinations": [hook, upload, hook]}]
    found = the("webhook-before-upload", movie_of(TEXT, exports=exports))
    assert found.path == "movie.exports[0].destinations[0]"


def test_a_login_before_a_host_is_not_shown():
    for source in (
        "ada:s3cret@files.example.com/a.png",
        "ftp:s3cret@x",
        "s3://id:s3/cret@bucket/a.png",
        "a:s3cret@b@c",
    ):
        found = the("no-url", movie_of({"type": "image", "src": source}))
        assert "cret" not in str(found)
        assert "…@" in found.message
    assert "photo@2x.png" in str(the("no-url", movie_of({"type": "image", "src": "photo@2x.png"})))


def test_the_own_host_of_a_service_that_is_not_public_can_be_reached():
    movie = movie_of({"type": "image", "src": "http://127.0.0.1:8765/media/a.png"})
    assert the("private-url", movie)
    assert the("private-url", movie, base_url="https://api.json2video.com/v2")
    assert the("private-url", movie, base_url="http://10.0.0.5:8765")
    assert lint(movie, base_url="http://127.0.0.1:9000/v2") == []


def test_what_the_service_puts_into_a_template_is_defined() -> None:
    template = {"scenes": [{"duration": 2, "elements": [{"type": "text", "text": "{{make_webhook_url}}"}]}]}
    assert lint({"template": "a" * 20}, template=template) == []

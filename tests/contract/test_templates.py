"""Saved templates: what is documented of them, what was seen live, and where the two disagree.

At the real service a template is made for each test and removed after it, which costs nothing; the key must be of
role *Editor*.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_j2v.api.calls import submit_movie
from airflow_provider_j2v.api.templates import (
    create_template,
    delete_template,
    duplicate_template,
    get_template,
    list_templates,
    template_library,
    template_variables,
    update_template,
)
from airflow_provider_j2v.exceptions import (
    AuthenticationError,
    ConfigurationError,
    InvalidMovie,
    InvalidRequest,
    NotFound,
    PermissionDenied,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)
from airflow_provider_j2v.sandbox import Account, Sandbox

UNKNOWN = "zzzzzzzzzzzzzzzzzzzz"
MOVIE = {
    "resolution": "sd",
    "variables": {"name": "Ada", "shop": {"city": "Turin", "open": True}},
    "scenes": [{"duration": 1.5, "elements": [{"type": "text", "text": "Grüße, {{name}} \U0001f3ac"}]}],
}


@pytest.fixture
def create(send: Callable[..., Any]) -> Iterator[Callable[..., str]]:
    """Create a template; it is removed at the end."""
    made: list[str] = []

    def call(name: str = "Contract test", movie: Any = MOVIE, **parts: Any) -> str:
        template_id: str = send(create_template(name, movie, **parts)).id
        made.append(template_id)
        return template_id

    yield call
    for template_id in made:
        with contextlib.suppress(NotFound):
            send(delete_template(template_id))


def rows(send: Callable[..., Any], **query: Any) -> dict[str, Any]:
    return {row.id: row for row in send(list_templates(**query))}


# Writing and reading back.


def test_a_created_template_has_an_id_of_20_characters_and_is_listed_at_once(send, create):
    template_id = create("Contract test", tags=["contract", "two words"])
    row = rows(send)[template_id]
    assert len(template_id) == 20
    assert (row.name, sorted(row.tags)) == ("Contract test", ["contract", "two words"])
    assert row.updated_at >= row.created_at


def test_the_movie_comes_back_as_it_was_saved(send, create):
    assert send(get_template(create())).movie == MOVIE


@pytest.mark.parametrize("form", ["string", "object"])
def test_the_movie_is_read_as_text_and_as_an_object(send, sandbox, create, form):
    sandbox.variants.template_movie = form
    assert send(get_template(create())).movie == MOVIE


def test_the_list_shows_no_movies_and_the_last_changed_first(send, create):
    older, newer = create("Contract test 1"), create("Contract test 2")
    send(update_template(older, tags="contract"))
    listed = send(list_templates())
    assert [row.id for row in listed if row.id in (older, newer)] == [older, newer]
    assert not any(hasattr(row, "movie") for row in listed)


def test_a_long_list_comes_without_pages(send, sandbox):
    for number in range(150):
        send(create_template(f"Template {number}", MOVIE))
    assert len(send(list_templates())) >= 150


@pytest.mark.parametrize("heeded", [True, False], ids=["filtered there", "filtered here"])
def test_a_tag_sifts_the_list_whether_or_not_the_service_heeds_it(send, sandbox, create, heeded):
    sandbox.variants.template_tag_filter = heeded
    tagged = create(tags=["contract"])
    create("Another")
    assert set(rows(send, tag="contract")) == {tagged}


@pytest.mark.parametrize(
    "tags",
    [["a", "b c"], ("a", "b c"), "a,b c", " a , b c ,, a", ["a,b c"]],
    ids=["list", "tuple", "text", "loose", "both"],
)
def test_tags_may_be_a_list_or_text_with_commas(send, create, tags):
    assert send(get_template(create(tags=tags))).tags == ["a", "b c"]


@pytest.mark.parametrize(("tags", "read"), [("a, b", ["a", "b"]), (["a"], ["a"]), (None, None), ({"a": 1}, None)])
def test_tags_are_read_in_both_forms_and_never_end_a_list(send, sandbox, tags, read):
    body = {"success": True, "count": 1, "templates": [{"id": "x" * 20, "name": "X", "tags": tags}]}
    sandbox.faults.add("template", "body", body=json.dumps(body))
    (row,) = send(list_templates())
    assert row.tags == read


def test_the_prompt_is_a_flag_unless_it_is_asked_for(send, create):
    template_id = create(prompt="A calm greeting")
    assert send(get_template(template_id)).ai_prompt is None
    asked = send(get_template(template_id, prompt=True))
    assert (asked.ai_prompt, asked.movie) == ("A calm greeting", MOVIE)


def test_an_update_leaves_alone_what_it_does_not_name(send, create):
    template_id = create(tags=["contract"])
    assert send(update_template(template_id, name="Contract test, renamed")).id == template_id
    read = send(get_template(template_id))
    assert (read.name, read.tags, read.movie) == ("Contract test, renamed", ["contract"], MOVIE)


def test_an_update_replaces_the_movie_wholesale(send, create):
    template_id = create()
    shorter = {"scenes": [{"duration": 2}]}
    send(update_template(template_id, movie=shorter))
    assert send(get_template(template_id)).movie == shorter


def test_tags_can_be_taken_away(send, create):
    template_id = create(tags=["contract"])
    send(update_template(template_id, tags=[]))
    assert send(get_template(template_id)).tags == []


def test_a_copy_is_named_custom_and_has_an_id_of_its_own(send, create):
    source = create()
    copy = send(duplicate_template(source))
    try:
        assert copy.id != source
        assert copy.name == "Contract test (custom)"
    finally:
        send(delete_template(copy.id))


def test_a_copy_s_variables_are_merged_deep(send, create):
    copy = send(duplicate_template(create(), "Contract copy", {"shop": {"city": "Oslo"}}))
    try:
        read = send(get_template(copy.id))
    finally:
        send(delete_template(copy.id))
    assert read.name == "Contract copy"
    assert read.movie["variables"] == {"name": "Ada", "shop": {"city": "Oslo", "open": True}}


def test_a_template_of_the_library_can_be_copied(send, create):
    source = send(template_library())[0].id
    copy = send(duplicate_template(source, "Contract copy"))
    try:
        assert copy.id in rows(send)
    finally:
        send(delete_template(copy.id))


def test_a_deleted_template_is_not_found(send, create):
    template_id = create()
    send(delete_template(template_id))
    assert template_id not in rows(send)
    with pytest.raises(NotFound, match=f"Template {template_id} not found"):
        send(get_template(template_id))


def test_a_movie_that_names_a_template_takes_its_body(send, sandbox, create):
    template_id = create(movie={"template": create(), "variables": {"name": "Grace"}})
    read = send(get_template(template_id)).movie
    assert read["scenes"] == MOVIE["scenes"]
    assert read["variables"] == {"name": "Grace", "shop": {"city": "Turin", "open": True}}


def test_a_saved_template_renders_with_its_variables(send, sandbox, create):
    project = send(submit_movie({"template": create(), "variables": {"name": "Grace"}})).project
    sandbox.advance(60)
    assert sandbox.movies[project].path


# Its variables.


def test_variables_come_as_a_json_schema(send, create):
    schema = send(template_variables(create()))
    assert set(schema["properties"]) == {"name", "shop"}


def test_variables_nobody_wrote_are_left_out(send, sandbox, create):
    sandbox.variants.injected_in_schema = True
    assert set(send(template_variables(create()))["properties"]) == {"name", "shop"}


def test_no_variables_are_an_empty_schema(send, create):
    assert not send(template_variables(create(movie={"scenes": [{"duration": 1}]}))).get("properties")


@pytest.mark.parametrize("variables", [[], None, "", '{"type": "object", "properties": {}}'])
def test_no_variables_are_read_in_every_form(send, sandbox, variables):
    body = json.dumps({"success": True, "template": {"id": "x" * 20, "variables": variables}})
    sandbox.faults.add("template", "body", body=body)
    assert send(template_variables("x" * 20)) == {"type": "object", "properties": {}}


# The library.


def test_the_library_has_pictures_and_no_movies(send):
    published = send(template_library())
    assert published
    assert all(row.video_url and row.thumbnail_url and row.width and row.height for row in published)
    assert not any("movie" in (row.model_extra or {}) for row in published)


def test_tags_add_to_the_library_and_do_not_filter_it(send, create):
    tagged = create(tags=["contract"])
    published = {row.id for row in send(template_library())}
    assert {row.id for row in send(template_library(["contract", "other"]))} == published | {tagged}


# Refusals.


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize(
    "call",
    [
        get_template(UNKNOWN),
        template_variables(UNKNOWN),
        update_template(UNKNOWN, name="X"),
        duplicate_template(UNKNOWN),
        delete_template(UNKNOWN),
    ],
    ids=lambda call: call.name,
)
def test_an_unknown_template_is_not_found_in_both_spellings(driver, sandbox, status, call):
    sandbox.variants.template_missing_status = status
    with pytest.raises(NotFound, match=f"Template {UNKNOWN} not found"):
        driver.send(call)
    assert not driver.pauses


def test_another_account_s_template_is_not_found(driver):
    with Sandbox(port=0, accounts=[Account(key="mine"), Account(key="other")], render="off") as sandbox:
        mine = driver.with_account(base_url=sandbox.url, key="mine")
        theirs = driver.with_account(base_url=sandbox.url, key="other")
        template_id = theirs.send(create_template("Theirs", MOVIE)).id
        assert template_id not in rows(mine.send)
        for call in (get_template(template_id), delete_template(template_id)):
            with pytest.raises(NotFound):
                mine.send(call)
        with pytest.raises(InvalidRequest, match="Template not found"):
            mine.send(submit_movie({"template": template_id}))


WRITES = [
    create_template("X", MOVIE),
    update_template("x" * 20, name="X"),
    duplicate_template("x" * 20),
    delete_template("x" * 20),
]
READS = [list_templates(), get_template("hello000000000000000"), template_library()]


@pytest.mark.parametrize("call", WRITES, ids=lambda call: call.name)
def test_a_key_that_renders_may_not_write_templates(driver, sandbox, call):
    sandbox.accounts[0].other_keys = {"r3nder": "render"}
    with pytest.raises(PermissionDenied, match="Insufficient permissions.*role"):
        driver.with_account(key="r3nder").send(call)


@pytest.mark.parametrize("call", READS, ids=lambda call: call.name)
def test_a_key_that_renders_may_read_templates(driver, sandbox, call):
    sandbox.accounts[0].other_keys = {"r3nder": "render"}
    assert driver.with_account(key="r3nder").send(call)


def test_a_key_that_edits_may_write_templates(driver, sandbox):
    sandbox.accounts[0].other_keys = {"3ditor": "editor"}
    assert driver.with_account(key="3ditor").send(create_template("X", MOVIE)).id


@pytest.mark.parametrize("call", [*READS, *WRITES], ids=lambda call: call.name)
def test_a_bad_key_is_an_authentication_error(driver, call):
    with pytest.raises(AuthenticationError):
        driver.with_account(key="no-such-key").send(call)


def test_a_movie_over_100_kb_is_refused(send, sandbox):
    with pytest.raises(InvalidRequest, match="100 KB"):
        send(create_template("X", {"scenes": [], "comment": "x" * 110_000}))


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, None, 7])
def test_a_name_that_cannot_be_is_refused_before_anything_is_sent(name):
    with pytest.raises(ConfigurationError, match=r"1 to 100 characters.*Nothing was sent"):
        create_template(name, MOVIE)


@pytest.mark.parametrize("template_id", ["", " ", "a b", None, "x" * 201, "ä"])
@pytest.mark.parametrize(
    "make",
    [get_template, template_variables, lambda i: update_template(i, name="X"), duplicate_template, delete_template],
)
def test_no_id_is_never_sent_since_it_would_mean_another_call(make, template_id):
    with pytest.raises(ConfigurationError, match="not the id of a template"):
        make(template_id)


@pytest.mark.parametrize("tags", [7, [7], {"a": 1}])
def test_tags_that_are_none_are_refused_before_anything_is_sent(tags):
    with pytest.raises(ConfigurationError, match="tags must be text or a list of texts"):
        create_template("X", MOVIE, tags)


def test_an_empty_update_is_refused_before_anything_is_sent():
    with pytest.raises(ConfigurationError, match="Nothing of the template is to be changed"):
        update_template(UNKNOWN)


def test_a_movie_json_cannot_say_is_refused_before_anything_is_sent():
    with pytest.raises(InvalidMovie):
        create_template("X", {"scenes": [{"duration": float("nan")}]})


# What breaks on the way.


@pytest.mark.parametrize("movie", ["{", "[]", 7, '"text"', '{"a": NaN}'])
def test_a_movie_that_is_none_is_unreadable_and_not_an_empty_one(send, sandbox, movie):
    body = json.dumps({"success": True, "template": {"id": "x" * 20, "movie": movie}})
    sandbox.faults.add("template", "body", body=body, times=None)
    with pytest.raises(UnreadableAnswer, match=r"without a usable template\.movie"):
        send(get_template("x" * 20))


@pytest.mark.parametrize("body", ['{"success": true}', '{"success": true, "templateId": ""}', "[]", "null"])
def test_a_success_without_an_id_is_unreadable(send, sandbox, body):
    sandbox.faults.add("template-write", "body", body=body)
    with pytest.raises(UnreadableAnswer):
        send(create_template("X", MOVIE))


@pytest.mark.parametrize("call", [create_template("X", MOVIE), duplicate_template("hello000000000000000")])
@pytest.mark.parametrize(
    ("kind", "fault"), [(Unreachable, {"kind": "reset"}), (ServerError, {"kind": "status", "status": 503})]
)
def test_what_makes_a_new_template_is_never_repeated(driver, sandbox, call, kind, fault):
    before = len(sandbox.templates.all)
    added = sandbox.faults.add("template-write", after=True, times=None, **fault)
    with pytest.raises(kind):
        driver.send(call)
    assert added.hits == 1
    assert len(sandbox.templates.all) == before + 1


@pytest.mark.parametrize("on", ["update", "get"])
def test_what_can_be_repeated_is(driver, sandbox, on):
    template_id = driver.send(create_template("X", MOVIE)).id
    name, call = {
        "update": ("template-write", update_template(template_id, name="Y")),
        "get": ("template", get_template(template_id)),
    }[on]
    sandbox.faults.add(name, "reset", after=True, times=2)
    assert driver.send(call).id == template_id
    assert len(driver.pauses) == 2

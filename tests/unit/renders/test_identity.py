"""The stamp that finds a paid render again, and the fingerprint that tells one wish from another."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_j2v.api.answers import MovieStatus
from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.renders.identity import Identity, Stamp, fingerprint, judge, new_tag

STAMP = Stamp("tag", Identity("prod", "dag", "run", "task", 3), 2, "abc")
STAMPED = STAMP.on({"scenes": [], "client-data": {"row": 7}})


def row(**fields):
    return MovieStatus.model_validate({"status": "done", **fields})


def test_a_stamp_is_read_as_it_was_written_and_the_authors_data_is_kept():
    movie = {"scenes": [], "client-data": {"row": 7}}
    before = copy.deepcopy(movie)
    stamped = json.loads(json.dumps(STAMP.on(movie)))
    assert movie == before
    assert stamped["client-data"].pop("airflow")["tag"] == "tag"
    assert stamped == before
    assert Stamp.read(STAMPED["client-data"]) == STAMP


@pytest.mark.parametrize("namespace", [None, "prod"])
@pytest.mark.parametrize("client_data", [None, {}])
def test_a_movie_without_client_data_is_stamped_too(namespace, client_data):
    stamp = Stamp("t", Identity(namespace, "d", "r", "k"), 0, "f")
    assert Stamp.read(stamp.on({"client-data": client_data})["client-data"]) == stamp


@pytest.mark.parametrize(
    ("client_data", "words"),
    [("text", "not str"), ([1], "not list"), ({"airflow": 1}, "may not use the key 'airflow'")],
)
def test_client_data_that_cannot_carry_a_stamp_is_refused(client_data, words):
    with pytest.raises(InvalidMovie, match=words):
        STAMP.on({"client-data": client_data})


OURS = STAMPED["client-data"]["airflow"]


@pytest.mark.parametrize(
    "client_data",
    [None, "text", [], {}, {"airflow": None}, {"airflow": "tag"}, {"airflow": {}}, {"airflow": {"tag": "tag"}}]
    + [{"airflow": {k: v for k, v in OURS.items() if k != name}} for name in OURS if name != "namespace"]
    + [{"airflow": OURS | {"map_index": bad}} for bad in (None, "x", [], float("inf"), float("nan"))],
)
def test_what_carries_no_whole_stamp_of_ours_is_not_ours(client_data):
    assert Stamp.read(client_data) is None


@pytest.mark.parametrize(
    ("fields", "stamp", "certain"),
    [
        ({"client-data": STAMPED["client-data"]}, STAMP, True),
        ({"json": json.dumps(STAMPED)}, STAMP, True),
        ({"client-data": {}, "json": json.dumps(STAMPED)}, STAMP, True),
        ({"client-data": {"row": 7}, "json": json.dumps(STAMPED)}, STAMP, True),
        ({"client-data": "text", "json": json.dumps(STAMPED)}, STAMP, True),
        ({"client-data": {"row": 7}}, None, True),
        ({"json": '{"scenes": []}'}, None, True),
        ({"json": "[]"}, None, True),
        ({"json": "null"}, None, True),
        ({}, None, False),
        ({"client-data": {}}, None, False),
        ({"client-data": None, "json": None}, None, False),
        ({"json": json.dumps(STAMPED)[:-2]}, None, False),
        ({"json": "[" * 100_000}, None, False),
        ({"client-data": {"row": 7}, "json": "{"}, None, True),
        ({"json": json.dumps(STAMPED).replace('"map_index": 3', '"map_index": 1e999')}, None, True),
    ],
)
def test_a_row_is_judged_by_its_client_data_its_json_or_not_at_all(fields, stamp, certain):
    judged = judge(row(**fields))
    assert (judged.stamp, judged.certain) == (stamp, certain)


@given(st.text())
def test_any_json_text_can_be_judged(text):
    assert judge(row(json=text)).stamp is None


def test_tags_are_never_the_same():
    assert len({new_tag() for _ in range(1000)}) == 1000


# Fingerprints.


def test_a_changed_password_of_a_destination_is_no_other_movie():
    def of(password):
        exports = [{"destinations": [{"type": "sftp", "host": "h", "password": password}]}]
        return fingerprint(movie={"exports": exports, "variables": {"password": "x"}})

    assert of("old") == of("new")
    assert fingerprint(movie={"variables": {"password": "x"}}) != fingerprint(movie={"variables": {"password": "y"}})


S3 = "https://b.s3.amazonaws.com/a.mp4?versionId=7&"
SIGNED = {
    "S3 v4": (
        S3 + "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A&X-Amz-Date=1&X-Amz-Expires=900&X-Amz-Signature=aa",
        S3 + "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=B&X-Amz-Date=2&X-Amz-Expires=900&X-Amz-Signature=bb"
        "&X-Amz-Security-Token=t",
    ),
    "S3 v2": (S3 + "AWSAccessKeyId=A&Expires=1&Signature=aa", S3 + "AWSAccessKeyId=B&Expires=2&Signature=bb"),
    "GCS v4": (
        "https://storage.googleapis.com/b/a?X-Goog-Credential=A&X-Goog-Date=1&X-Goog-Signature=aa",
        "https://storage.googleapis.com/b/a?X-Goog-Credential=B&X-Goog-Date=2&X-Goog-Signature=bb",
    ),
    "GCS v2": (
        "https://storage.googleapis.com/b/a?GoogleAccessId=A&Expires=1&Signature=aa",
        "https://storage.googleapis.com/b/a?GoogleAccessId=A&Expires=2&Signature=bb",
    ),
    "Azure": (
        "https://x.blob.core.windows.net/c/a?sv=2024-01-01&st=1&se=2&sr=b&sp=r&spr=https&sig=aa",
        "https://x.blob.core.windows.net/c/a?sv=2024-01-01&st=3&se=4&sr=b&sp=r&spr=https&sig=bb",
    ),
    "Azure by delegation": (
        "https://x.blob.core.windows.net/c/a?skoid=1&sktid=2&skt=3&ske=4&sks=b&skv=5&sig=aa&se=1",
        "https://x.blob.core.windows.net/c/a?skoid=1&sktid=2&skt=6&ske=7&sks=b&skv=5&sig=bb&se=2",
    ),
    "CloudFront": (
        "https://cdn.example/a?Expires=1&Signature=aa&Key-Pair-Id=K&Policy=p",
        "https://cdn.example/a?Expires=2&Signature=bb&Key-Pair-Id=K&Policy=q",
    ),
}


def of(url):
    return fingerprint(movie={"scenes": [{"elements": [{"src": url}]}]})


@pytest.mark.parametrize("name", SIGNED)
def test_a_new_signature_is_the_same_wish(name):
    first, second = SIGNED[name]
    assert first != second
    assert of(first) == of(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://x.example/a?v=1", "https://x.example/a?v=2"),
        ("https://x.example/a?Expires=1", "https://x.example/a?Expires=2"),
        ("https://x.example/a?token=1", "https://x.example/a?token=2"),
        ("https://x.example/a?sp=1", "https://x.example/a?sp=2"),
        ("https://x.example/a?v=1&sig=a", "https://x.example/a?v=2&sig=a"),
        ("https://x.example/a?sig=a", "https://x.example/b?sig=a"),
        ("https://x.example/a?sig=a", "https://y.example/a?sig=a"),
        ("https://x.example/a?sig=a&v=", "https://x.example/a?sig=a"),
        ("https://x.example/a?sig=a#t=1", "https://x.example/a?sig=a#t=2"),
        ("What is a?Signature=1", "What is a?Signature=2"),
    ],
)
def test_any_other_change_of_an_address_is_another_wish(first, second):
    assert of(first) != of(second)


@pytest.mark.parametrize("text", ["http://[what?", "https://[::1?sig=1", "http://?", "https://x:port/?sig=a"])
def test_text_that_only_begins_like_a_url_has_a_fingerprint(text):
    assert len(of(text)) == 64


def test_the_order_of_keys_does_not_matter_and_everything_else_does():
    assert fingerprint(a=1, b={"x": 1, "y": 2}) == fingerprint(b={"y": 2, "x": 1}, a=1)
    wishes = [{"a": 1}, {"a": "1"}, {"a": [1]}, {"a": True}, {"a": None}, {"b": 1}, {"a": 1, "b": None}, {"a": 1.5}]
    assert len({fingerprint(**wish) for wish in wishes}) == len(wishes)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
        max_leaves=10,
    )
)
def test_every_json_value_has_a_fingerprint_that_stays(value):
    assert fingerprint(movie=value) == fingerprint(movie=copy.deepcopy(value))

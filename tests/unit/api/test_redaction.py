"""No text that is shown holds a secret, in whatever spelling it came back."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_j2v.api.calls import submit_movie
from airflow_provider_j2v.api.redaction import hide, secrets_of, without_secrets
from airflow_provider_j2v.api.reply import Reply, check, escape
from airflow_provider_j2v.exceptions import ApiError

#: A password that JSON, Python and URLs spell differently; every part of it is a "zq".
SECRET = 'zq1"zq2\\zq3/zqö zq5'
EXPORTS = [{"destinations": [{"type": "sftp", "host": "h", "username": "u", "password": SECRET}]}]
MOVIE = {"exports": EXPORTS, "scenes": []}

QUOTES = {
    "JSON": json.dumps(MOVIE),
    "JSON with its letters": json.dumps(MOVIE, ensure_ascii=False),
    "JSON inside JSON": json.dumps(json.dumps(MOVIE)),
    "JSON inside JSON inside JSON": json.dumps(json.dumps(json.dumps(MOVIE))),
    "Python": repr({"password": "geheim-9"}),
    "JavaScript": "{ type: 'sftp', password: 'geheim-9', port: 22 }",
    "an assignment": 'password = "geheim-9"',
    "a URL": "Failed to upload to sftp://user:geheim-9@h.example.com/a.mp4 (timeout)",
    "a query": "Failed to download 'https://h.example.com/a.mp4?x=1&X-Amz-Signature=geheim-9&y=2' (403)",
    "a key": '{"x-api-key":"geheim-9"}',
    "cut off": '{"exports":[{"destinations":[{"password":"geheim-9',
}


@pytest.mark.parametrize("text", QUOTES.values(), ids=QUOTES)
def test_what_looks_like_a_secret_is_hidden(text):
    shown = hide(text)
    assert "***" in shown
    assert "geheim" not in shown
    assert "zq" not in shown


def test_what_stands_around_a_secret_stays():
    text = '{"host":"h","password":"geheim","port":22} at sftp://u:geheim@h/x?token=geheim&y=2'
    assert hide(text) == '{"host":"h","password":"***","port":22} at sftp://u:***@h/x?token=***&y=2'


@pytest.mark.parametrize(
    "text",
    [
        "Error: Invalid API Key",
        "Insufficient credits",
        "Scene #1, element #2: Failed to download 'https://h.example.com/a.mp4?id=7' (404)",
        'Unexpected token < in JSON at position 0, "elements" expected',
        "The password is wrong",
        "https://h.example.com:8080/a@b",
    ],
)
def test_a_message_without_a_secret_is_left_as_it_is(text):
    assert hide(text) == text


def in_json(text, **how):
    return json.dumps(text, **how)[1:-1]


SPELLINGS = [str, in_json, lambda s: in_json(s, ensure_ascii=False), lambda s: in_json(in_json(s)), quote]
TEXTS = st.text(st.characters(exclude_characters="<>", exclude_categories=["Cs"]), min_size=4)


@given(TEXTS, st.sampled_from(SPELLINGS))
@example('"\\"\\', SPELLINGS[3])
@example("a/b:c", quote)
def test_a_known_secret_is_hidden_in_every_spelling(secret, spelling):
    assert hide(f"<<{spelling(secret)}>>", [secret]) == "<<***>>"


def test_a_secret_at_the_end_of_what_is_shown_is_not_shown_in_half():
    for length in range(40, 80):
        assert "gehe" not in escape(f"{'x' * 40} {'geheim' * 4} {'y' * 99}", length, ["geheim" * 4])


def test_the_secrets_of_a_movie_are_those_of_its_destinations():
    assert secrets_of(EXPORTS) == (SECRET,)
    assert secrets_of({"destinations": {"a": {"Private-Key": "k1", "token": ["no text"]}}}) == ("k1",)
    assert secrets_of(None) == ()
    assert without_secrets(EXPORTS)[0]["destinations"][0] == {
        "type": "sftp",
        "host": "h",
        "username": "u",
        "password": "***",
    }


REPLIES = {
    "a refusal": (400, json.dumps({"success": False, "message": f"sftp: {SECRET} is not the password"})),
    "a refusal that quotes the movie": (400, json.dumps({"message": f"Bad: {json.dumps(MOVIE)}"})),
    "an error page": (500, f"<pre>{json.dumps(MOVIE)}</pre>"),
    "an echo": (200, json.dumps(MOVIE)),
    "an echo cut off": (200, json.dumps(MOVIE)[:-9]),
    "a secret at the cut": (400, json.dumps({"message": "x" * 495 + SECRET})),
    "the key": (400, json.dumps({"message": "the key is k3y-of-the-account"})),
}


@pytest.mark.parametrize(("status", "body"), REPLIES.values(), ids=REPLIES)
def test_no_error_quotes_what_the_request_carried(status, body):
    call = submit_movie(MOVIE)
    reply = Reply(status, {}, body.encode(), ("k3y-of-the-account", *call.secrets))
    with pytest.raises(ApiError) as raised:
        check(reply, is_submit=True)
        call.read(reply)
    shown = f"{raised.value!r} {raised.value} {call!r} {reply!r}"
    assert "zq" not in shown
    assert "k3y-of" not in shown

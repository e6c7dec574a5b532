"""Uploads: registered, put to the storage by a signed address, confirmed; and whatever goes wrong between."""

from __future__ import annotations

import io
import json
import logging
import time
import traceback
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.media import get_media, list_media, register_media
from airflow_provider_j2v.api.media_answers import Ticket
from airflow_provider_j2v.api.upload import SLOWEST, Content, Uploader, put_content
from airflow_provider_j2v.exceptions import (
    ApiError,
    ConfigurationError,
    MediaError,
    NotFound,
    OutOfCredits,
    ServerError,
    UnreadableAnswer,
)
from airflow_provider_j2v.sandbox import Sandbox, media_routes
from airflow_provider_j2v.sandbox.refusals import Refusal
from tests.contract.media import DATA, a_folder, content, uploader_of

#: Three looks of a minute, for what may be on its way.
ROUNDS = 3 * 56


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def uploader(account: Account, sandbox: Sandbox, pauses: list[float]) -> Iterator[Uploader]:
    """Its pauses are noted, and are the sandbox's time. Content is confirmed at once."""

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        sandbox.advance(seconds)

    sandbox.variants.media_pending = 0
    with uploader_of(account, sleep, sandbox.clock.now) as made:
        yield made


def files(sandbox: Sandbox) -> list[str]:
    return list(sandbox.media.drive(sandbox.accounts[0]).files)


def read(url: str) -> httpx.Response:
    return httpx.get(url, trust_env=not url.startswith("http://127."))


# The good case.


def test_what_was_sent_is_what_the_url_gives(account, confirming):
    with a_folder(account) as folder, uploader_of(account) as uploader, Client(account) as client:
        done = uploader.upload(content(), folder)
        assert (done.path, done.size, done.action) == (f"{folder}/a.png", len(DATA), "uploaded")
        assert client.send(get_media(done.path)).status == "uploaded"
        answer = read(done.url)
        assert (answer.content, answer.headers["content-type"]) == (DATA, "image/png")
        assert uploader.upload(content(), folder).action == "unchanged"


def test_the_content_goes_without_key_with_the_very_type_and_its_length(account, recorder):
    ticket = Ticket(uploadUrl=f"{recorder.url}/bucket/a%20b.png?X-Amz-Date=1&X-Amz-Signature=%2Fx+y%20z")
    with Client(account) as client:
        client.send(put_content(ticket, content(content_type="image/x-odd"), io.BytesIO(DATA), recorder.url))
    (seen,) = recorder.seen
    assert (seen.method, seen.path) == ("PUT", "/bucket/a%20b.png?X-Amz-Date=1&X-Amz-Signature=%2Fx+y%20z")
    assert (seen.headers["content-type"], seen.headers["content-length"]) == ("image/x-odd", str(len(DATA)))
    assert seen.body == DATA
    assert not {"x-api-key", "authorization", "transfer-encoding"} & seen.headers.keys()
    assert account.key not in str(seen.headers)


def test_neither_side_holds_a_file_in_memory(uploader, sandbox):
    size = 24 * 1024 * 1024

    class Zeros:
        def read(self, wanted: int) -> bytes:
            self.left = getattr(self, "left", size)
            given = min(wanted, self.left)
            self.left -= given
            return bytes(given)

    uploader.upload(content("warm.mp4"))
    tracemalloc.start()
    try:
        uploader.upload(Content.of("large.mp4", size, lambda: nullcontext(Zeros())))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * 1024 * 1024


# Pending.


def test_a_file_that_is_confirmed_some_seconds_later_is_waited_for(uploader, sandbox, pauses):
    sandbox.variants.media_pending = 7
    assert uploader.upload(content()).action == "uploaded"
    assert 7 <= sum(pauses) < 12


def test_a_file_that_is_never_confirmed_is_an_error_after_a_minute(uploader, sandbox, pauses):
    sandbox.variants.media_pending = 3600
    with pytest.raises(ServerError, match="is pending"):
        uploader.upload(content())
    assert 50 < sum(pauses) < 60
    assert sandbox.journal.requests["upload"] == 1


def test_what_a_broken_upload_left_pending_is_replaced(uploader, sandbox, account, pauses):
    with Client(account) as client:
        client.send(register_media("a.png", "", len(DATA), "image/png"))
    assert uploader.upload(content()).action == "uploaded"
    assert 120 < sum(pauses) < ROUNDS + 16
    assert read(uploader.upload(content()).url).content == DATA


@pytest.mark.parametrize("policy", ["replace", "skip", "fail"])
def test_what_may_be_on_its_way_still_is_left_alone(uploader, sandbox, account, pauses, policy):
    size = 200 * SLOWEST  # it may take that many seconds more
    with Client(account) as client:
        client.send(register_media("a.png", "", size, "image/png"))
        with pytest.raises(ServerError, match="Somebody began to send a.png 1.. s ago.*; a retry looks again"):
            uploader.upload(content(), if_exists=policy)
        assert (client.send(get_media("a.png")).size, sandbox.journal.requests["upload"]) == (size, 0)
        sandbox.advance(320)
        assert uploader.upload(content(), if_exists=policy).action == "uploaded"
    assert sum(pauses) > ROUNDS - 10


def test_a_registration_whose_answer_was_lost_is_made_anew_at_once(uploader, sandbox, pauses):
    sandbox.faults.add("media", "status", status=502, after=True, skip=1)
    assert read(uploader.upload(content()).url).content == DATA
    assert sum(pauses) < 10


def test_a_registration_whose_answers_are_all_lost_leaves_nothing(uploader, sandbox):
    sandbox.faults.add("media", "status", status=502, after=True, skip=1, times=3)
    with pytest.raises(ServerError, match="^a.png: "):
        uploader.upload(content())
    assert files(sandbox) == []


def test_what_somebody_else_is_sending_is_not_sent_too(uploader, sandbox, account, monkeypatch):
    with Client(account) as client:
        ticket = client.send(register_media("a.png", "", len(DATA), "image/png"))
        other = put_content(ticket, content(), io.BytesIO(DATA), account.base_url)
        monkeypatch.setattr(uploader, "_sleep", lambda seconds: client.send(other))
        assert uploader.upload(content()).action == "unchanged"
    assert sandbox.journal.requests["upload"] == 1


# What is there already.


@pytest.mark.parametrize("policy", ["replace", "skip", "fail"])
def test_a_file_of_the_same_name_and_size_is_not_sent_again(uploader, sandbox, policy):
    first = uploader.upload(content(), "charts")
    again = uploader.upload(content(), "/charts/", if_exists=policy)
    assert (again.action, again.url) == ("unchanged", first.url)
    assert sandbox.journal.requests["upload"] == 1


@pytest.mark.parametrize(("policy", "action", "kept"), [("replace", "replaced", b"new"), ("skip", "skipped", DATA)])
def test_a_file_of_another_size_is_replaced_or_stays(uploader, sandbox, caplog, policy, action, kept):
    uploader.upload(content())
    done = uploader.upload(content(data=b"new"), if_exists=policy)
    assert (done.action, done.size) == (action, len(kept))
    assert read(done.url).content == kept
    assert ("Another file is at a.png" in caplog.text) == (policy == "skip")


@pytest.mark.parametrize("broken", ["storage", "credits", "pending"])
def test_a_file_stays_until_the_one_that_replaces_it_is_there(uploader, sandbox, broken):
    url = uploader.upload(content(), "brand").url
    if broken == "storage":
        sandbox.faults.add("upload", "status", status=503, times=None)
    elif broken == "credits":
        sandbox.accounts[0].storage_blocked_at = sandbox.clock.now()
    else:
        sandbox.variants.media_pending = 3600
        sandbox.advance(3600)
    with pytest.raises(ApiError, match="brand/a.png"):
        uploader.upload(content(data=b"new"), "brand")
    assert read(url).content == DATA
    sandbox.faults.clear()
    sandbox.accounts[0].storage_blocked_at, sandbox.variants.media_pending = None, 0
    assert uploader.upload(content(data=b"new"), "brand").action == "replaced"
    assert (read(url).content, files(sandbox)) == (b"new", ["brand/a.png"])
    assert sandbox.media.drive(sandbox.accounts[0]).all_folders() == {"", "brand", "temp"}


def test_a_file_that_is_replaced_moves_only_when_it_is_confirmed(uploader, sandbox):
    uploader.upload(content())
    sandbox.variants.media_pending = 7
    sandbox.advance(7)
    assert read(uploader.upload(content(data=b"new")).url).content == b"new"


@pytest.mark.parametrize("after", [True, False], ids=["moved", "not moved"])
def test_a_move_without_answer_is_made_once(uploader, sandbox, after):
    uploader.upload(content())
    # look, look, register, confirm, delete, move
    sandbox.faults.add("media", "reset", after=after, skip=5)
    assert read(uploader.upload(content(data=b"new")).url).content == b"new"
    assert files(sandbox) == ["a.png"]


def test_a_move_that_fails_says_that_the_old_file_is_gone_and_a_retry_sends_the_new_one(uploader, sandbox, monkeypatch):
    def refuse(*_: Any) -> Any:
        raise Refusal(400, "Not today")

    uploader.upload(content())
    with monkeypatch.context() as patch:
        patch.setattr(sandbox.media, "move", refuse)
        with pytest.raises(
            ServerError, match="was at a.png is deleted already, .* not leave _new/a.png: Not today.*a retry"
        ):
            uploader.upload(content(data=b"new"))
    assert read(uploader.upload(content(data=b"new")).url).content == b"new"


def test_a_file_of_another_size_can_be_an_error(uploader, sandbox):
    done = uploader.upload(content())
    with pytest.raises(MediaError, match=f"{len(DATA)} bytes, this one has 3.*It was not sent"):
        uploader.upload(content(data=b"new"), if_exists="fail")
    assert read(done.url).content == DATA


def test_another_policy_is_refused(uploader):
    with pytest.raises(ConfigurationError, match="replace, skip, fail"):
        uploader.upload(content(), if_exists="overwrite")  # type: ignore[arg-type]


def test_a_name_that_is_taken_between_looking_and_registering_is_looked_at_again(uploader, sandbox, pauses):
    conflict = {"success": False, "message": "A file with this name already exists. Delete it first."}
    sandbox.faults.add("media", "status", status=409, body=conflict, skip=1)
    assert uploader.upload(content()).action == "uploaded"
    assert len(pauses) == 1


# Several.


def test_all_are_sent_before_the_first_is_waited_for(uploader, sandbox, pauses):
    sandbox.variants.media_pending = 5
    done = uploader.upload_all([content(f"{i}.png", DATA[: i + 1]) for i in range(9)], "charts")
    assert [file.path for file in done] == [f"charts/{i}.png" for i in range(9)]
    assert 5 <= sum(pauses) < 9
    assert read(done[8].url).content == DATA[:9]


def test_the_files_before_one_that_fails_are_there(uploader, sandbox):
    uploader.upload_all([content("0.png"), content("2.png")])
    sandbox.faults.add("upload", "status", status=500, skip=2, times=3)
    contents = [content("0.png", b"new"), content("1.png"), content("2.png", b"new"), content("3.png")]
    with pytest.raises(
        ServerError, match="get _new/2.png: .*; the file at 2.png stays as it was; 2 of 4 files are there; a retry"
    ):
        uploader.upload_all(contents)
    assert sorted(files(sandbox)) == ["0.png", "1.png", "2.png"]
    assert [done.action for done in uploader.upload_all(contents)] == ["unchanged", "unchanged", "replaced", "uploaded"]


def test_an_error_of_the_service_names_the_file(uploader, sandbox):
    sandbox.accounts[0].storage_blocked_at = sandbox.clock.now()
    with pytest.raises(OutOfCredits, match="^brand/a.png: Storage is blocked.*; 0 of 2 files are there"):
        uploader.upload_all([content(), content("b.png")], "brand")


def test_content_that_is_refused_says_how_many_are_there(uploader):
    uploader.upload(content("b.png"))
    with pytest.raises(MediaError, match="at b.png.* It was not sent. 1 of 2 files are there"):
        uploader.upload_all([content(), content("b.png", b"new")], if_exists="fail")


# A transfer that breaks.

BREAKS: dict[str, dict[str, Any]] = {
    "reset": {"kind": "reset"},
    "closed": {"kind": "reset", "orderly": True},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503, "body": "<Error><Code>SlowDown</Code></Error>"},
    "redirect": {"kind": "status", "status": 307, "headers": {"Location": "http://127.0.0.1:9/elsewhere"}},
    "lost": {"kind": "reset", "after": True},
}


@pytest.mark.parametrize("fault", BREAKS)
def test_a_broken_transfer_is_begun_anew(uploader, sandbox, fault):
    sandbox.faults.add("upload", times=2, **BREAKS[fault])
    assert read(uploader.upload(content()).url).content == DATA
    assert sandbox.journal.requests["upload"] == 3


@pytest.mark.parametrize("fault", BREAKS)
def test_a_transfer_that_stays_broken_leaves_nothing_in_the_way(uploader, sandbox, fault):
    sandbox.faults.add("upload", times=None, **BREAKS[fault])
    with pytest.raises(ServerError, match="The storage did not get a.png"):
        uploader.upload(content())
    assert sandbox.journal.requests["upload"] == 3
    assert files(sandbox) == []


def test_a_signed_address_that_became_too_old_is_renewed(uploader, sandbox, monkeypatch):
    monkeypatch.setattr(media_routes, "EXPIRES", -1)
    monkeypatch.setattr(uploader, "_sleep", lambda seconds: monkeypatch.setattr(media_routes, "EXPIRES", 120))
    assert uploader.upload(content()).action == "uploaded"
    assert sandbox.journal.requests["upload"] == 2


def test_the_storage_s_own_words_are_told(uploader, monkeypatch):
    monkeypatch.setattr(media_routes, "EXPIRES", -1)
    with pytest.raises(ServerError, match=r"did not get a.png: AccessDenied: Request has expired \(HTTP 403\)"):
        uploader.upload(content())


def test_a_refusal_of_the_storage_does_not_blame_the_connection(uploader, sandbox):
    for status in (403, 307):
        sandbox.faults.add("upload", "status", status=status, body="no", headers={"Location": "/x"}, times=3)
        with pytest.raises(ServerError, match="did not get a.png") as raised:
            uploader.upload(content())
        assert not {"key", "Host"} & set(str(raised.value).split())


def test_a_storage_that_does_not_answer_is_given_up(account, sandbox):
    from dataclasses import replace

    sandbox.faults.add("upload", "hang", times=None)
    with uploader_of(replace(account, read_timeout=0.1)) as uploader, pytest.raises(ServerError, match="no answer"):
        uploader.upload(content())
    assert files(sandbox) == []


def test_a_transfer_has_a_limit_in_all(account, sandbox):
    from dataclasses import replace

    sandbox.faults.add("upload", "drip", part="headers", interval=0.03, times=None)
    with Client(account) as client:
        ticket = client.send(register_media("a.png", "", len(DATA), "image/png"))
        call = put_content(ticket, content(), io.BytesIO(DATA), account.base_url)
        began = time.monotonic()
        with pytest.raises(Exception, match="no answer in time"):
            client.send(replace(call, total=0.3))
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("size", "words"), [(len(DATA) + 5, "ended 5 bytes early"), (len(DATA) - 5, "longer than")], ids=["short", "long"]
)
def test_content_that_changes_while_it_is_sent_is_an_error_and_leaves_nothing(uploader, sandbox, size, words):
    changed = Content.of("a.png", size, lambda: nullcontext(io.BytesIO(DATA)))
    with pytest.raises(MediaError, match=words):
        uploader.upload(changed)
    assert files(sandbox) == []


def test_content_that_cannot_be_read_leaves_nothing(uploader, sandbox):
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        uploader.upload(Content.of("a.png", 5, lambda: nullcontext(Broken())))
    assert files(sandbox) == []


def test_content_that_cannot_be_opened_is_not_even_registered(uploader, sandbox):
    def no_such() -> Any:
        raise FileNotFoundError("gone")

    with pytest.raises(FileNotFoundError):
        uploader.upload(Content.of("a.png", 5, no_such))
    assert sandbox.journal.requests["media"] == 1  # the look whether it is there


def test_a_refusal_to_register_is_told_as_it_is(uploader, sandbox):
    sandbox.accounts[0].storage_blocked_at = sandbox.clock.now()
    with pytest.raises(OutOfCredits, match="Storage is blocked"):
        uploader.upload(content())
    assert sandbox.journal.requests["upload"] == 0


# The signed address is a secret.


@pytest.mark.parametrize(
    "address", ["", "nowhere", "file:///tmp/x", "ftp://127.0.0.1/x", "http://h/x?s=1", "http://[/x"]
)
def test_an_address_that_is_none_gets_nothing(sandbox, account, address):
    sandbox.faults.add("media", "body", body=json.dumps({"success": True, "uploadUrl": address}), times=None)
    with Client(account, sleep=lambda seconds: None) as client, pytest.raises(UnreadableAnswer) as raised:
        ticket = client.send(register_media("a.png", "", len(DATA), "image/png"))
        client.send(put_content(ticket, content(), io.BytesIO(DATA), "https://api.json2video.com"))
    assert not address or address not in str(raised.value)


def test_the_signature_is_in_no_log_and_no_error(account, sandbox, caplog, monkeypatch):
    for logger in ("", "httpx"):  # Airflow keeps httpx quiet
        caplog.set_level(logging.DEBUG, logger)
    signature = "5ecre7" * 8
    monkeypatch.setattr(
        media_routes.Storage, "_signature", lambda *_: {"X-Amz-Signature": signature, "X-Amz-Token": signature}
    )
    body = f"<Error><Code>AccessDenied</Code><Message>X-Amz-Signature={signature}</Message></Error>"
    sandbox.faults.add("upload", "status", status=403, body=body, times=None)
    with uploader_of(account, lambda seconds: None) as uploader, pytest.raises(ServerError) as raised:
        uploader.upload(content())
    assert sandbox.journal.requests["upload"] == 3
    assert "HTTP Request: PUT" in caplog.text
    logged = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("uvicorn"))
    shown = logged + "".join(traceback.format_exception(raised.value))
    assert signature not in shown
    assert account.key not in shown


# The sandbox's storage is as strict as the real one.


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"x-api-key": "k"}, 403, "SignatureDoesNotMatch"),
        ({"authorization": "Bearer k"}, 400, "InvalidArgument"),
        ({"content-type": "image/jpeg"}, 403, "SignatureDoesNotMatch"),
        ({"content-type": "image/png; charset=utf-8"}, 403, "SignatureDoesNotMatch"),
    ],
    ids=["key", "authorization", "type", "parameter"],
)
def test_the_sandbox_refuses_what_the_storage_would(account, sandbox, headers, status, code):
    with Client(account) as client:
        ticket = client.send(register_media("a.png", "", 3, "image/png"))
        answer = httpx.put(ticket.upload_url, content=b"png", headers={"content-type": "image/png", **headers})
        assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True)
        assert client.send(get_media("a.png")).status == "pending"


def test_the_sandbox_takes_content_for_120_seconds(account, sandbox):
    headers = {"content-type": "image/png"}
    with Client(account) as client:
        ticket = client.send(register_media("a.png", "", 3, "image/png"))
        sandbox.advance(115)
        assert httpx.put(ticket.upload_url, content=b"png", headers=headers).status_code == 200
        sandbox.advance(10)
        late = httpx.put(ticket.upload_url, content=b"PNG", headers=headers)
        assert (late.status_code, "Request has expired" in late.text) == (403, True)
        (file,) = client.send(list_media()).files
    assert httpx.get(file.url).content == b"png"


def test_a_moved_pending_file_is_lost_in_the_sandbox_as_it_was_live(account, sandbox):
    from airflow_provider_j2v.api.media import move_media

    with uploader_of(account, sandbox.advance) as uploader, Client(account) as client:
        uploader.upload(content())
        client.send(move_media("a.png", "kept"))
        assert client.send(get_media("kept/a.png"))
        client.send(register_media("b.png", "", 3, "image/png"))
        client.send(move_media("b.png", "lost"))
        with pytest.raises(NotFound):
            client.send(get_media("lost/b.png"))

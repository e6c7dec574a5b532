"""A file comes whole and comes as it is, or it does not come: over any wire, from any file server."""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager

import httpx
import pytest

from airflow_provider_j2v.api import download
from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import delete_movie, get_movie
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.download import fetch
from airflow_provider_j2v.exceptions import ApiError, NotFound, ServerError, Unreachable, UnreadableAnswer

WEEK = 7 * 86_400.0
SIZE = 300_000


class Sink:
    """What a file is written to: each time it is begun anew, in a new place."""

    def __init__(self):
        self.begun = []
        self.done = []

    @contextmanager
    def begin(self):
        body = bytearray()
        self.begun.append(body)
        yield body.extend
        self.done.append(bytes(body))


@pytest.fixture
def sink():
    return Sink()


@pytest.fixture
def content():
    return os.urandom(SIZE)


@pytest.fixture
def movie(account, finished, sandbox, content, tmp_path):
    """The status of a finished movie whose file is larger than one piece."""
    path = tmp_path / "served.mp4"
    path.write_bytes(content)
    served = sandbox.movies[finished]
    served.path, served.size = path, len(content)
    return status(account, finished)


def status(account, project):
    with Client(account) as client:
        return client.send(get_movie(project)).movie


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def bring(account, sink, pauses):
    def bring(url, size=None, account=account, **options):
        with Client(account) as client:
            return fetch(client, url, sink.begin, size=size, sleep=pauses.append, **options)

    return bring


def requests(sandbox):
    return sandbox.journal.requests["file"]


def test_a_file_comes_as_it_is_in_small_pieces(bring, sink, movie, content):
    assert bring(movie.url, movie.size) == SIZE
    assert sink.done == [content]


@pytest.mark.parametrize("cuts", [1, 2, 4])
def test_a_download_that_breaks_off_goes_on_from_there(bring, sink, sandbox, movie, content, cuts):
    sandbox.faults.add("file", "truncate", after=True, times=cuts)
    bring(movie.url, movie.size)
    assert sink.begun == sink.done == [content]
    assert requests(sandbox) == cuts + 1


def test_each_step_forward_buys_new_attempts(bring, sink, sandbox, movie, content, monkeypatch):
    monkeypatch.setattr(download, "PROGRESS", 1000)
    sandbox.faults.add("file", "truncate", after=True, times=8, keep=0.3)
    bring(movie.url, movie.size)
    assert sink.done == [content]


def test_connections_that_break_before_the_answer_are_repeated(bring, sink, sandbox, movie, content, pauses):
    sandbox.faults.add("file", "reset", times=2)
    sandbox.faults.add("file", "status", status=503, times=2)
    bring(movie.url, movie.size)
    assert sink.done == [content]
    assert len(pauses) == 4


def test_without_ranges_it_is_begun_anew(bring, sink, sandbox, movie, content):
    sandbox.variants.file_ranges = False
    sandbox.faults.add("file", "truncate", after=True)
    bring(movie.url, movie.size)
    assert sink.done == [content]
    assert [len(body) for body in sink.begun] == [SIZE // 2, SIZE]


@pytest.mark.parametrize("size", [SIZE, SIZE + 1], ids=["of the same size", "of another size"])
@pytest.mark.parametrize("ranges", [True, False])
def test_two_files_are_never_mixed(sink, sandbox, movie, tmp_path, size, ranges):
    other = os.urandom(size)
    sandbox.variants.file_ranges = ranges
    sandbox.faults.add("file", "truncate", after=True)

    def replace(_):
        path = tmp_path / "served.mp4"
        path.write_bytes(other)
        os.utime(path, (0, 0))

    with Client(Account(base_url=sandbox.url, key="k")) as client:
        fetch(client, movie.url, sink.begin, sleep=replace)
    assert sink.done == [other]


RESTS = {
    "of another file": (206, {"etag": '"other"'}),
    "of nobody knows what": (206, {"etag": ""}),
    "from another byte on": (206, {"content-range": f"bytes 0-{SIZE - 1}/{SIZE}"}),
    "of a longer file": (206, {"content-range": f"bytes {SIZE // 2}-{SIZE - 1}/{SIZE + 1}"}),
    "that is the whole": (200, {}),
    "that is encoded": (206, {"content-encoding": "gzip"}),
}


@pytest.mark.parametrize(("code", "headers"), RESTS.values(), ids=RESTS)
def test_a_rest_is_never_taken_on_trust(bring, sink, sandbox, movie, content, code, headers):
    with httpx.Client(trust_env=False) as client:
        etag = client.head(movie.url).headers["etag"]
    good = {"etag": etag, "content-range": f"bytes {SIZE // 2}-{SIZE - 1}/{SIZE}"}
    sandbox.faults.add("file", "truncate", after=True)
    sandbox.faults.add("file", "status", status=code, body=bytes(SIZE - SIZE // 2), headers=good | headers)
    bring(movie.url, movie.size)
    assert sink.done == [content]
    assert len(sink.begun) == 2


def test_an_end_that_nobody_declared_is_not_taken_for_the_end(bring, sink, sandbox, movie, content):
    sandbox.faults.add("file", "truncate", after=True, declared=False)
    bring(movie.url, movie.size)
    assert sink.done == [content]


def test_without_any_length_nothing_is_taken(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "truncate", after=True, declared=False, times=None)
    with pytest.raises(UnreadableAnswer, match="Nothing tells how long the file is"):
        bring(movie.url)
    assert sink.done == []


def test_a_file_of_another_size_than_the_service_says_is_refused(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "body", body=b"x" * 100, times=None)
    with pytest.raises(UnreadableAnswer, match=f"has 100 bytes, where the service says {SIZE}"):
        bring(movie.url, movie.size)
    assert sink.done == []
    assert not any(sink.begun)


def test_a_wrong_size_that_rights_itself_is_waited_for(bring, sink, sandbox, movie, content):
    sandbox.faults.add("file", "body", body=b"x" * 100, times=2)
    bring(movie.url, movie.size)
    assert sink.done == [content]


def test_more_than_the_file_is_never_taken(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "big", megabytes=2, times=None)  # chunked: it declares no length
    with pytest.raises(UnreadableAnswer, match=f"More than the file's {SIZE} bytes"):
        bring(movie.url, movie.size)
    assert sink.done == []
    assert max(map(len, sink.begun)) <= SIZE


def test_a_file_that_is_always_cut_off_is_given_up(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "truncate", after=True, keep=0, times=None)
    with pytest.raises(Unreachable, match="download: .*its answer broke off"):
        bring(movie.url, movie.size)
    assert sink.done == []
    assert requests(sandbox) == download.ATTEMPTS


def test_a_file_server_that_is_down_is_given_up(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "status", status=503, times=None)
    with pytest.raises(ServerError):
        bring(movie.url, movie.size)
    assert sink.done == []


@pytest.mark.parametrize("code", [403, 404, 410])
@pytest.mark.parametrize("how", ["expired", "deleted"])
def test_a_file_that_is_gone_is_not_asked_for_again(bring, sink, sandbox, account, movie, code, how):
    sandbox.variants.gone_file_status = code
    if how == "expired":
        sandbox.advance(WEEK)
    else:
        with Client(account) as client:
            client.send(delete_movie(movie.project))
    with pytest.raises(NotFound, match=f"does not have the file.*{code}"):
        bring(movie.url, movie.size)
    assert requests(sandbox) == 1
    assert sink.done == []


def test_a_file_that_goes_while_it_is_downloaded_leaves_nothing(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "truncate", after=True)
    sandbox.faults.add("file", "status", status=404, times=None)
    with pytest.raises(NotFound):
        bring(movie.url, movie.size)
    assert sink.done == []


def test_a_drip_is_not_waited_for(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "drip", interval=0, times=None)
    seconds = itertools.count()
    with pytest.raises(Unreachable, match="too slow"):
        bring(movie.url, movie.size, clock=lambda: next(seconds))
    assert sink.done == []
    assert requests(sandbox) == download.ATTEMPTS


SILENCES = {
    "no answer": ("hang", {}),
    "a head that drips": ("drip", {"part": "headers", "interval": 0.03}),
    "a body that stops": ("drip", {"interval": 60}),
}


@pytest.mark.parametrize(("kind", "details"), SILENCES.values(), ids=SILENCES)
def test_an_answer_that_does_not_come_is_not_waited_for(bring, sink, sandbox, account, movie, kind, details):
    sandbox.faults.add("file", kind, times=None, **details)
    impatient = Account(base_url=account.base_url, key=account.key, read_timeout=0.1)
    with pytest.raises(Unreachable, match="no answer in time"):
        bring(movie.url, movie.size, account=impatient)
    assert sink.done == []


NO_FILES = {
    "a web page": {"body": b"<html>", "headers": {"content-type": "text/html; charset=utf-8"}},
    "a store's refusal": {"body": b"<Error/>", "headers": {"content-type": "Application/XML"}},
    "an empty file": {"body": b""},
    "an encoded file": {"body": b"x", "headers": {"content-encoding": "gzip"}},
    "a part that nobody asked for": {"status": 206, "body": b"x"},
    "an answer without a file": {"status": 401, "body": b"no"},
}


@pytest.mark.parametrize("details", NO_FILES.values(), ids=NO_FILES)
def test_what_is_not_the_file_is_refused(bring, sink, sandbox, movie, details):
    sandbox.faults.add("file", "status", times=None, **{"status": 200} | details)
    with pytest.raises(UnreadableAnswer):
        bring(movie.url)
    assert sink.done == []


def test_an_empty_file_is_taken_where_it_may_be_one(bring, sink, sandbox, movie):
    sandbox.faults.add("file", "body", body=b"")
    assert bring(movie.url, may_be_empty=True) == 0
    assert sink.done == [b""]


ADDRESSES = [
    "",
    "ftp://127.0.0.1/a.mp4",
    "file:///etc/passwd",
    "//127.0.0.1/a.mp4",
    "http://169.254.169.254/latest/meta-data",
    "http://localhost/a.mp4",
    "https://user:word@127.0.0.1/a.mp4",
    "https://[/a.mp4",
    "https:///a.mp4",
    "https://10.0.0.5/a.mp4",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/a.mp4",
    "https://2130706433/a.mp4",
    "https://127.1/a.mp4",
    "https://[::1]/a.mp4",
    "https://[fe80::1%25eth0]/a.mp4",
    "https://[::ffff:10.0.0.5]/a.mp4",
    "https://localhost/a.mp4",
    "https://a.localhost./a.mp4",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_no_public_one_is_not_asked(bring, sandbox, address):
    with pytest.raises(UnreadableAnswer, match="not a public https one"):
        bring(address)
    assert not requests(sandbox)


def test_public_addresses_and_the_account_s_own_are_good():
    own = Account(base_url="https://10.0.0.5:8765", key="k")
    for address in ("https://10.0.0.5/a.mp4", "https://93.184.216.34/a.mp4", "https://assets.example.com/a.mp4"):
        download._check_url(own, address)


def test_plain_http_is_for_an_account_that_speaks_it_itself(bring, movie, sandbox):
    with pytest.raises(UnreadableAnswer, match="not a public https one"):
        bring(movie.url, account=Account(key="k"))
    assert not requests(sandbox)


@pytest.mark.parametrize("target", ["http://169.254.169.254/x", "ftp://127.0.0.1/x"])
def test_a_redirect_leads_to_no_private_place(bring, sink, sandbox, movie, target):
    sandbox.faults.add("file", "status", status=302, headers={"Location": target}, times=None)
    with pytest.raises(ApiError):
        bring(movie.url)
    assert sink.done == []


def test_a_redirect_is_followed_without_the_key(bring, sink, sandbox, account, recorder, movie):
    recorder.body = b"the file"
    sandbox.faults.add("file", "status", status=307, headers={"Location": f"{recorder.url}/there.mp4"})
    assert bring(movie.url) == len(recorder.body)
    (seen,) = recorder.seen
    assert (seen.method, seen.path) == ("GET", "/there.mp4")
    assert "x-api-key" not in seen.headers
    assert account.key not in str(seen)
    assert sink.done == [recorder.body]


def test_a_circle_of_redirects_ends(bring, sandbox, movie):
    sandbox.faults.add("file", "status", status=302, headers={"Location": movie.url}, times=None)
    with pytest.raises(UnreadableAnswer, match="redirects more than 5 times"):
        bring(movie.url)


def test_the_key_is_not_sent_to_the_file_server(bring, account, recorder):
    bring(f"{recorder.url}/a.mp4")
    (seen,) = recorder.seen
    assert "x-api-key" not in seen.headers
    assert account.key not in str(seen)


def test_what_it_is_written_to_may_fail_and_nothing_is_asked_again(account, sandbox, movie):
    @contextmanager
    def full():
        def write(piece):
            raise OSError(28, "No space left on device")

        yield write

    with Client(account) as client, pytest.raises(OSError, match="No space left"):
        fetch(client, movie.url, full, size=movie.size)
    assert requests(sandbox) == 1

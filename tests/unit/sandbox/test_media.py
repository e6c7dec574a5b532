"""Media in the sandbox: content on its way in and out, and in a movie."""

from __future__ import annotations

import io
import socket
import time
from urllib.parse import urlsplit

import av
import httpx
import pytest
from PIL import Image

from airflow_provider_j2v.sandbox import Sandbox

RED = (220, 20, 20)
KEY = {"x-api-key": "sandbox"}


def picture(colour=RED):
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def register(client):
    def call(size, name="a.png", content_type="image/png", **more):
        body = {"name": name, "size": size, "contentType": content_type, **more}
        return client.post("/v2/media/file", json=body).json()

    return call


@pytest.fixture
def put(register):
    """Register and upload; the answer to the registration."""

    def call(data, name="a.png", content_type="image/png", **more):
        ticket = register(len(data), name, content_type, **more)
        assert httpx.put(ticket["uploadUrl"], content=data, headers={"content-type": content_type}).status_code == 200
        return ticket

    return call


def upload_entry(sandbox):
    """An entry is written when the exchange is over, which may be after its answer came."""
    ends = time.monotonic() + 5
    while not (found := [entry for entry in sandbox.journal.last() if entry.call == "upload"]):
        assert time.monotonic() < ends
        time.sleep(0.005)
    return found[0]


def first_frame(content):
    with av.open(io.BytesIO(content)) as film:
        return next(film.decode(video=0)).to_image()


def rendered(sandbox, document):
    project = httpx.post(f"{sandbox.url}/v2/movies", json=document, headers=KEY).json()["project"]
    sandbox.advance(3600)
    return httpx.get(f"{sandbox.url}/v2/movies", params={"project": project}, headers=KEY).json()["movie"]


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"], ids=["loopback", "exposed"])
def test_an_uploaded_picture_is_drawn_under_whatever_name_of_this_machine(host, frozen):
    data = picture()
    with Sandbox(host=host, clock=frozen) as sandbox:
        body = {"name": "a.png", "size": len(data), "contentType": "image/png", "folder": "brand"}
        ticket = httpx.post(f"{sandbox.url}/v2/media/file", json=body, headers=KEY).json()
        httpx.put(ticket["uploadUrl"], content=data, headers={"content-type": "image/png"})
        for url in (ticket["fileUrl"], f"http://host.docker.internal:1{urlsplit(ticket['fileUrl']).path}"):
            image = {"type": "image", "src": url}
            movie = rendered(sandbox, {"resolution": "sd", "scenes": [{"duration": 1, "elements": [image]}]})
            frame = first_frame(httpx.get(movie["url"]).content)
            assert all(abs(a - b) < 14 for a, b in zip(frame.getpixel((32, 32)), RED, strict=True))


def test_a_picture_that_was_never_uploaded_fails_the_render(frozen):
    with Sandbox(clock=frozen) as sandbox:
        body = {"name": "a.png", "size": 5, "contentType": "image/png"}
        url = httpx.post(f"{sandbox.url}/v2/media/file", json=body, headers=KEY).json()["fileUrl"]
        image = {"type": "image", "src": url}
        movie = rendered(sandbox, {"resolution": "sd", "scenes": [{"duration": 1, "elements": [image]}]})
        assert movie["status"] == "error"
        assert f"Failed to download '{url}' (404)" in movie["message"]


def test_a_file_is_served_as_what_it_was_sent_and_never_as_a_page(put):
    ticket = put(b"<script>", "a.html", "text/html")
    answer = httpx.get(ticket["fileUrl"])
    assert (answer.content, answer.headers["content-type"].partition(";")[0]) == (b"<script>", "text/html")
    assert answer.headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize("status", [404, 403])
def test_a_file_without_content_is_not_served(sandbox, register, status):
    sandbox.variants.gone_file_status = status
    assert httpx.get(register(3)["fileUrl"]).status_code == status
    assert httpx.get(f"{sandbox.url}/media/nobody/files/a.png").status_code == status


def test_an_upload_whose_client_leaves_stores_nothing(sandbox, client, register):
    ticket = register(1_000_000)
    url = urlsplit(ticket["uploadUrl"])
    head = (
        f"PUT {url.path}?{url.query} HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 1000000\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as connection:
        connection.sendall(head.encode() + bytes(300_000))
    assert upload_entry(sandbox).bytes_in < 1_000_000
    assert client.get("/v2/media/file", params={"path": "a.png"}).json()["file"]["status"] == "pending"
    assert httpx.get(ticket["fileUrl"]).status_code == 404


def test_the_size_that_is_shown_is_that_of_the_content(client, register):
    ticket = register(999)
    headers = {"content-type": "image/png"}
    assert httpx.put(ticket["uploadUrl"], content=b"four", headers=headers).status_code == 200
    assert client.get("/v2/media/file", params={"path": "a.png"}).json()["file"]["size"] == 4


def test_a_later_upload_to_the_same_address_wins(put, register):
    ticket = put(b"old")
    httpx.put(ticket["uploadUrl"], content=b"newer", headers={"content-type": "image/png"})
    assert httpx.get(ticket["fileUrl"]).content == b"newer"


def test_content_for_a_file_that_was_deleted_meanwhile_is_let_go(client, register):
    ticket = register(3)
    client.request("DELETE", "/v2/media/file", json={"name": "a.png", "folder": ""})
    assert httpx.put(ticket["uploadUrl"], content=b"png", headers={"content-type": "image/png"}).status_code == 200
    assert httpx.get(ticket["fileUrl"]).status_code == 404
    assert client.get("/v2/media/folder").json()["files"] == []


def test_the_bytes_of_an_upload_are_counted_and_its_signature_is_not_kept(sandbox, put):
    ticket = put(bytes(3_000_000))
    entry = upload_entry(sandbox)
    assert (entry.status, entry.bytes_in) == (200, 3_000_000)
    assert sandbox.journal.bytes_in > 3_000_000
    assert ticket["uploadUrl"].partition("?")[2] not in str(sandbox.journal.as_dict())


def test_a_fault_of_the_storage_answers_a_client_that_is_still_sending(sandbox, register):
    sandbox.faults.add("upload", "status", status=503, body="slow down")
    ticket = register(8_000_000)
    answer = httpx.put(ticket["uploadUrl"], content=bytes(8_000_000), headers={"content-type": "image/png"})
    assert (answer.status_code, answer.text) == (503, "slow down")


REFUSED = {
    "no JSON": (b"{", "No payload provided"),
    "no object": (b"[]", "No payload provided"),
    "no name": (b'{"size": 1, "contentType": "a/b"}', "name is required"),
    "no type": (b'{"size": 1, "name": "a"}', "contentType is required"),
    "no size": (b'{"name": "a", "contentType": "a/b"}', "size must be greater than 0"),
    "size true": (b'{"name": "a", "contentType": "a/b", "size": true}', "size must be greater than 0"),
    "size 0": (b'{"name": "a", "contentType": "a/b", "size": 0}', "size must be greater than 0"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_missing_in_a_registration_is_told(client, what):
    raw, message = REFUSED[what]
    answer = client.post("/v2/media/file", content=raw)
    assert (answer.status_code, answer.json()) == (400, {"success": False, "message": message})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"folder": "a", "destination": "b"}, "name is required"),
        ({"name": "a.png", "folder": "a"}, "destination is required"),
        ({"name": "a.png", "folder": "a", "destination": ""}, "File not found"),
    ],
)
def test_what_is_missing_in_a_move_is_told(client, body, message):
    answer = client.put("/v2/media/file", json=body)
    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("folder", "message"), [("", "folder is required"), ("???", "Invalid folder name"), (None, "folder is required")]
)
def test_a_folder_needs_a_usable_name(client, folder, message):
    answer = client.post("/v2/media/folder", json={"folder": folder})
    assert (answer.status_code, answer.json()["message"]) == (400, message)


@pytest.mark.parametrize(
    ("folder", "message"),
    [("/", "Cannot delete root folder"), ("nowhere", "Folder not found"), ("temp/", "the temp folder")],
)
def test_a_folder_that_cannot_be_deleted_is_told(client, folder, message):
    answer = client.request("DELETE", "/v2/media/folder", json={"folder": folder})
    assert answer.status_code == 400
    assert message in answer.json()["message"]


def test_a_file_is_confirmed_some_seconds_after_its_content_came(sandbox, client, put):
    def status():
        return client.get("/v2/media/file", params={"path": "a.png"}).json()["file"]["status"]

    put(b"png")
    assert status() == "pending"
    sandbox.advance(2)
    assert status() == "uploaded"


def test_everything_is_forgotten_on_demand(sandbox, client, put):
    url = put(b"png")["fileUrl"]
    sandbox.media.clear()
    assert client.get("/v2/media/folder").json()["files"] == []
    assert httpx.get(url).status_code == 404

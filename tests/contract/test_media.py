"""Media: what is documented of them, what was seen live, and where the two disagree.

At the real service everything is put in a folder of its own and removed again, which costs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.media import (
    MAX_SIZE,
    create_folder,
    delete_folder,
    delete_media,
    file_name,
    get_media,
    list_media,
    media_tree,
    media_usage,
    move_media,
    register_media,
)
from airflow_provider_j2v.exceptions import InvalidRequest, NotFound, OutOfCredits, PermissionDenied
from tests.contract.media import a_folder, content, uploader_of

PNG = "image/png"


@pytest.fixture
def folder(account) -> Iterator[str]:
    with a_folder(account) as name:
        yield name


@pytest.fixture
def upload(account, confirming) -> Iterator[Callable[..., Any]]:
    """Have a small picture there."""
    with uploader_of(account) as uploader:
        yield lambda name, folder, data=b"png": uploader.upload(content(name, data), folder)


# What is sent.


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize(
    ("call", "target", "body"),
    [
        (media_usage(), "GET /v2/media", None),
        (get_media("/a/b/c.png"), "GET /v2/media/file?path=a/b/c.png", None),
        (get_media("c.png"), "GET /v2/media/file?path=c.png", None),
        (list_media(), "GET /v2/media/folder?path=/&page=0&page_size=100", None),
        (
            list_media("/a/", page=2, limit=5, kind="image", search="x y"),
            "GET /v2/media/folder?path=a&page=2&page_size=5&type=image&q=x y",
            None,
        ),
        (media_tree(), "GET /v2/media/folder?tree=true", None),
        (
            register_media("c.png", "", 3, PNG),
            "POST /v2/media/file",
            {"name": "c.png", "contentType": PNG, "size": 3, "folder": ""},
        ),
        (move_media("a/c.png", ""), "PUT /v2/media/file", {"name": "c.png", "folder": "a", "destination": ""}),
        (move_media("c.png", "/a/"), "PUT /v2/media/file", {"name": "c.png", "folder": "", "destination": "a"}),
        (delete_media("c.png"), "DELETE /v2/media/file", {"name": "c.png", "folder": ""}),
        (create_folder("a/b"), "POST /v2/media/folder", {"folder": "a/b"}),
        (delete_folder("/a/b/"), "DELETE /v2/media/folder", {"folder": "a/b"}),
    ],
)
def test_the_root_is_a_slash_where_folders_are_read_and_empty_where_they_are_written(
    driver, recorder, call, target, body
):
    answer = {"storage": {}, "file": {"name": "c.png"}, "files": [], "tree": [], "uploadUrl": "https://s3"}
    recorder.body = json.dumps({"success": True, **answer}).encode()
    driver.with_account(base_url=recorder.url).send(call)
    (seen,) = recorder.seen
    assert f"{seen.method} {seen.path}".replace("%2F", "/").replace("+", " ").replace("%20", " ") == target
    assert (json.loads(seen.body) if seen.body else None) == body
    assert seen.headers.get("content-type") == (body and "application/json")


# Files.


def test_a_registered_file_is_pending_and_in_the_way_of_the_next(send, folder):
    ticket = send(register_media("a.png", folder, 3, PNG))
    assert (ticket.expires_in, ticket.upload_url.partition("://")[0] in ("http", "https")) == (120, True)
    assert ticket.file_url.endswith(f"/files/{folder}/a.png")
    file = send(get_media(f"{folder}/a.png"))
    assert (file.status, file.size, file.type, file.content_type) == ("pending", 3, "image", PNG)
    with pytest.raises(InvalidRequest, match="already exists. Delete it first") as raised:
        send(register_media("a.png", folder, 3, PNG))
    assert raised.value.status == 409


def test_a_ticket_does_not_show_its_address(send, folder):
    ticket = send(register_media("a.png", folder, 3, PNG))
    assert ticket.upload_url not in repr(ticket)


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("call", [get_media, delete_media, lambda path: move_media(path, "")])
def test_a_file_that_is_not_there_is_not_found_with_either_code(driver, sandbox, status, call):
    sandbox.variants.media_missing_status = status
    with pytest.raises(NotFound, match="File not found"):
        driver.send(call("no-such/file.png"))
    assert not driver.pauses


def test_names_that_the_service_would_write_alike_stay_apart(send, upload, folder):
    first, second = "\u4ea7\u54c1\u4e00.png", "\u4ea7\u54c1\u4e8c.png"
    paths = [upload(name, folder).path for name in (first, second)]
    assert paths == [f"{folder}/___-275264db.png", f"{folder}/___-73f5f68e.png"]
    assert send(get_media(f"{folder}/{second}")).name == "___-73f5f68e.png"


@pytest.mark.parametrize("sent", ["mi v\u00eddeo (final).png", "a b.png", "\u6f22.png", "x%2e.png"])
def test_what_the_service_makes_of_a_name_is_known_before(send, sandbox, sent):
    send(register_media(file_name(sent), "", 3, PNG))
    assert send(list_media()).files[0].name == file_name(sent)


def test_a_deleted_file_is_gone(send, upload, folder):
    upload("a.png", folder)
    assert send(delete_media(f"{folder}/a.png")).timestamp
    with pytest.raises(NotFound):
        send(get_media(f"{folder}/a.png"))


def test_a_file_moves_between_folders_and_takes_its_url_along(send, upload, folder):
    before = upload("a.png", folder).url
    send(move_media(f"{folder}/a.png", f"{folder}/below"))
    file = send(get_media(f"{folder}/below/a.png"))
    assert (file.folder, file.url) == (f"{folder}/below", before.replace(folder, f"{folder}/below"))
    with pytest.raises(NotFound):
        send(get_media(f"{folder}/a.png"))


def test_a_move_to_the_root_names_an_empty_destination(send, sandbox, upload):
    upload("a.png", "below")
    send(move_media("below/a.png", ""))
    assert send(get_media("a.png")).folder == ""


def test_a_move_onto_another_file_is_a_conflict(send, upload, folder):
    upload("a.png", folder)
    upload("a.png", f"{folder}/below")
    with pytest.raises(InvalidRequest, match="already exists in the destination folder") as raised:
        send(move_media(f"{folder}/a.png", f"{folder}/below"))
    assert raised.value.status == 409


def test_a_file_in_temp_is_temporary_and_not_counted(send, sandbox, upload):
    upload("a.png", "temp")
    upload("b.png", "", b"four")
    assert send(get_media("temp/a.png")).temporary
    assert send(media_usage()).used_bytes == 4


# Folders.


def test_a_folder_is_made_with_those_above_it_and_once_more_is_fine(send, folder):
    assert send(create_folder(f"{folder}/below")).message is None
    assert send(create_folder(f"{folder}/below")).message == "Folder already exists"
    assert {folder, f"{folder}/below"} <= {row.path for row in send(media_tree()).tree}


def test_the_tree_knows_the_root_and_temp(send):
    assert {"/", "temp"} <= {row.path for row in send(media_tree()).tree}


def test_only_an_empty_folder_is_deleted(send, upload, folder):
    upload("a.png", f"{folder}/below")
    for full in (folder, f"{folder}/below"):
        with pytest.raises(InvalidRequest, match="not empty"):
            send(delete_folder(full))
    send(delete_media(f"{folder}/below/a.png"))
    send(create_folder(f"{folder}/below"))
    send(delete_folder(f"{folder}/below"))
    assert f"{folder}/below" not in {row.path for row in send(media_tree()).tree}


def test_what_a_test_leaves_is_removed_whatever_fails_meanwhile(account, confirming, sandbox):
    with a_folder(account) as folder, uploader_of(account) as uploader:
        for name in ("a.png", "b.png", "c.png"):
            uploader.upload(content(name), f"{folder}/below")
        with Client(account) as client:
            client.send(register_media("d.png", folder, 3, PNG))
        sandbox.faults.add("media", "status", status=400, body='{"success": false, "message": "Error"}')
    left = {row["path"] for row in sandbox.media.tree(sandbox.accounts[0])["tree"]} - {"/", "temp"}
    assert left == set()


def test_temp_cannot_be_deleted(send):
    with pytest.raises(InvalidRequest, match="Cannot delete the temp folder"):
        send(delete_folder("temp"))


def test_a_folder_is_listed_in_pages_and_sifted(send, sandbox):
    for number in range(7):
        send(register_media(f"{number}.{'png' if number % 2 else 'mp4'}", "a", 3, PNG if number % 2 else "video/mp4"))
    send(create_folder("a/below"))
    pages = [send(list_media("a", page=page, limit=3)) for page in range(4)]
    assert [len(page.files) for page in pages] == [3, 3, 1, 0]
    assert [file.name[0] for page in pages for file in page.files] == list("0123456")
    assert (pages[0].folders, pages[0].total_files, pages[0].total_size) == (["below"], 7, 21)
    images = send(list_media("a", kind="image"))
    assert [file.name for file in images.files] == ["1.png", "3.png", "5.png"]
    assert (images.total, images.total_files) == (3, 7)
    assert [file.name for file in send(list_media("a", search="4.M")).files] == ["4.mp4"]


def test_an_unusable_name_among_the_folders_hides_no_file(send, sandbox):
    body = {"success": True, "files": [{"name": "a.png", "size": "many"}], "folders": ["x", 7, None], "total": "?"}
    sandbox.faults.add("media", "body", body=json.dumps(body))
    page = send(list_media())
    assert (page.folders, page.total, [(file.name, file.size) for file in page.files]) == (
        ["x"],
        None,
        [("a.png", None)],
    )


# Refusals.


def test_storage_that_is_blocked_is_a_matter_of_credits(send, sandbox):
    sandbox.accounts[0].storage_blocked_at = sandbox.clock.now()
    usage = send(media_usage())
    assert usage.blocked
    assert usage.blocked_at
    with pytest.raises(OutOfCredits, match="Storage is blocked"):
        send(register_media("a.png", "", 3, PNG))


def test_what_lies_beyond_the_free_allowance_costs_credits(send, sandbox):
    usage = send(media_usage())
    assert (usage.used_bytes, usage.free_allowance, usage.credits_per_week) == (0, 52_428_800, 0)
    sandbox.media.drive(sandbox.accounts[0]).files["big"] = big = _stored(sandbox, 2 * 2**30)
    usage = send(media_usage())
    assert (usage.used_bytes, usage.credits_per_week) == (big.size, 20)


def _stored(sandbox: Any, size: int) -> Any:
    from airflow_provider_j2v.sandbox.media import File

    now = sandbox.clock.now()
    return File("big", "", "video/mp4", size, now, sandbox.media.part(), stored=now)


def test_a_file_over_500_mb_is_refused_by_the_service_too(send, sandbox):
    with pytest.raises(InvalidRequest) as raised:
        send(register_media("a.mp4", "", MAX_SIZE + 1, "video/mp4"))
    assert raised.value.status == 413


@pytest.mark.parametrize(
    "call",
    [
        media_usage(),
        get_media("a"),
        list_media(),
        register_media("a", "", 1, PNG),
        delete_media("a"),
        create_folder("a"),
    ],
    ids=lambda call: call.name,
)
def test_a_role_below_render_may_do_nothing_with_media(send, sandbox, call):
    sandbox.accounts[0].role = "viewer"
    with pytest.raises(PermissionDenied, match="Insufficient permissions"):
        send(call)


def test_another_account_s_files_are_not_seen(send, sandbox, upload):
    from airflow_provider_j2v.sandbox import Account

    upload("a.png", "")
    sandbox.accounts.insert(0, Account(key=sandbox.accounts[0].key))
    assert send(list_media()).files == []
    with pytest.raises(NotFound):
        send(get_media("a.png"))

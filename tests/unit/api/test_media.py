"""Names, folders and sizes: what is known before anything is sent."""

from __future__ import annotations

import io
from contextlib import nullcontext

import pytest

from airflow_provider_j2v.api.media import MAX_SIZE, create_folder, delete_folder, file_name, folder_name, split
from airflow_provider_j2v.api.upload import Content
from airflow_provider_j2v.exceptions import MediaError


def content(name: str = "a.png", size: int = 1, content_type: str | None = None) -> Content:
    return Content.of(name, size, lambda: nullcontext(io.BytesIO(b"a")), content_type)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a-b_c.1.png", "a-b_c.1.png"),
        (".x", ".x"),
        ("a b(1).png", "a_b_1_-94d23ed0.png"),
        ("é\U0001f3ac.png", "__-b3b96c83.png"),
        ("e\u0301\U0001f3ac.png", "__-b3b96c83.png"),  # the same name, as some file systems spell it
    ],
)
def test_a_name_that_the_service_would_change_gets_a_hash(name: str, written: str) -> None:
    assert file_name(name) == written
    assert file_name(written) == written


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b.png", None, 7])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(MediaError, match="Nothing was sent"):
        file_name(name)


@pytest.mark.parametrize(("folder", "written"), [("", ""), ("/", ""), ("/a//b-1_2/", "a/b-1_2"), ("temp", "temp")])
def test_slashes_around_a_folder_are_of_no_matter(folder: str, written: str) -> None:
    assert folder_name(folder) == written


@pytest.mark.parametrize("folder", ["Q1 assets", "a/../b", "v1.0", "é", "a\n", None])
def test_a_folder_with_characters_that_folders_do_not_have_is_refused(folder: str) -> None:
    with pytest.raises(MediaError, match="A media folder is named with"):
        folder_name(folder)


def test_a_path_is_a_folder_and_a_name() -> None:
    assert split("/a/b/c d.png") == ("a/b", "c_d-c89d476a.png")
    assert split("c.png") == ("", "c.png")


@pytest.mark.parametrize("call", [create_folder, delete_folder])
def test_the_root_is_neither_made_nor_deleted(call) -> None:
    with pytest.raises(MediaError, match="The root folder"):
        call("/")


@pytest.mark.parametrize(("size", "words"), [(0, "is empty"), (MAX_SIZE + 1, "524,288,001 bytes")])
def test_a_size_that_the_service_refuses_is_refused_here(size: int, words: str) -> None:
    with pytest.raises(MediaError, match=words):
        content(size=size)
    assert content(size=MAX_SIZE).size == MAX_SIZE


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.png", "image/png"),
        ("A.JPG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.mp4", "video/mp4"),
        ("a.mp3", "audio/mpeg"),
        ("a", "application/octet-stream"),
    ],
)
def test_the_content_type_is_guessed_from_the_name(name: str, kind: str) -> None:
    assert content(name).content_type == kind


def test_a_content_type_that_is_given_is_sent_as_it_is() -> None:
    assert content(content_type="text/plain; charset=utf-8").content_type == "text/plain; charset=utf-8"


@pytest.mark.parametrize("kind", ["png", "image/png\r\nx: y", "image/", "bild/größe", 7])
def test_a_content_type_that_is_none_is_refused(kind: str) -> None:
    with pytest.raises(MediaError, match="content_type is a MIME type"):
        content(content_type=kind)

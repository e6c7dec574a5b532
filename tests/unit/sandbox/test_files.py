"""What the sandbox's file server serves, whole and in part, and how it says that something is gone."""

from __future__ import annotations

import pytest

SPOKEN = {
    "scenes": [{"elements": [{"type": "voice", "text": "Hello", "start": 1, "duration": 2}]}],
    "elements": [{"type": "subtitles"}],
}


@pytest.fixture
def url(sandbox, submit, read):
    project = submit(SPOKEN)
    sandbox.advance(60)
    return read(project)["url"]


def test_a_part_of_a_file_can_be_asked_for(client, url):
    whole = client.get(url)
    part = client.get(url, headers={"Range": "bytes=100-", "If-Range": whole.headers["etag"]})

    assert (part.status_code, part.content) == (206, whole.content[100:])
    assert part.headers["content-range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"


def test_or_not(sandbox, client, url):
    sandbox.variants.file_ranges = False

    assert client.get(url, headers={"Range": "bytes=100-"}).status_code == 200


@pytest.mark.parametrize("code", [403, 404, 410])
def test_a_file_that_is_gone_says_so_in_one_of_three_ways(sandbox, client, url, code):
    sandbox.variants.gone_file_status = code
    sandbox.advance(7 * 86_400)

    assert client.get(url).status_code == code
    assert client.get(url.replace(".mp4", ".ass")).status_code == code


def test_a_movie_with_subtitles_has_a_file_of_them(sandbox, client, submit, read):
    project = submit(SPOKEN)
    assert "ass" not in read(project)
    sandbox.advance(60)

    file = client.get(read(project)["ass"])

    assert file.text.startswith("[Script Info]")
    assert "Dialogue: 0,0:00:01.00,0:00:03.00,Default,Hello" in file.text


def test_a_movie_without_subtitles_has_none(sandbox, client, submit, read):
    project = submit()
    sandbox.advance(60)

    assert "ass" not in read(project)
    assert client.get(read(project)["url"].replace(".mp4", ".ass")).status_code == 404

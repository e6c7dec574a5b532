"""Rules about the files that a movie is made of."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.rules.places import Place
from airflow_provider_j2v.movies.rules.registry import DOCUMENTED, OURS, rule, words

_FILE_KEYS = ("src", "mask", "captions")
_LONGEST_HOST = 253

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?://(?:([^/?#@\s]*)@)?(\[[^\]\s]*\]|[^/?#:\s]*))?([^?#]*)(?:\?([^#]*))?")
_PLAIN = re.compile(r"https?://([a-z0-9.-]+)/[^?#@\s]*\.([a-z0-9]+)(?:\?([^#\s]*))?")
#: What files of some endings hold. Codecs are documented, their endings are our reading.
_ENDINGS = {
    "image": words("png jpg jpeg gif bmp tif tiff webp mjpeg"),
    "video": words("mp4 m4v mov webm mkv avi wmv mpg mpeg ogv flv ts 3gp"),
    "audio": words("mp3 aac m4a flac ogg oga opus"),
    "a picture of a kind that is not accepted": words("svg heic heif avif ico psd eps ai pdf jxl"),
    "sound of a kind that is not accepted": words("wav aif aiff wma mid midi amr"),
    "no media": words("html htm php txt json xml csv zip doc docx ppt pptx xls xlsx md"),
}
_KINDS = {ending: kind for kind, endings in _ENDINGS.items() for ending in endings}
#: The kinds an element takes: sound may come from a video (documented).
_TAKEN = {"image": ("image",), "video": ("video",), "audio": ("audio", "video"), "audiogram": ("audio", "video")}
_PRIVATE = (".local", ".localhost", ".internal", ".lan", ".intranet", ".corp", ".home.arpa", ".svc", ".test")
_SIGNED = re.compile(
    r"(?:^|&)(?:X-Amz-Signature|X-Goog-Signature|X-Amz-Security-Token|Signature|sig|Key-Pair-Id)=", re.IGNORECASE
)
_PLAYERS = ("youtube.com", "youtu.be", "vimeo.com", "tiktok.com", "instagram.com", "facebook.com", "soundcloud.com")
_RENDERED = "assets.json2video.com"
_SHARES = ("drive.google.com", "dropbox.com", "docs.google.com", "onedrive.live.com", "1drv.ms", "sharepoint.com")


class Url(NamedTuple):
    """The parts of a source that rules look at. Of a text that is no URL all are empty but itself.

    :param is_web: whether it is an http(s) URL with a host.
    :param login: whether it holds a user name or a password.
    :param ending: of the path, in lower case, without the dot.
    """

    text: str
    is_web: bool = False
    scheme: str = ""
    login: bool = False
    host: str = ""
    ending: str = ""
    query: str = ""


def parse(text: str) -> Url:
    """Take a source apart."""
    match = _URL.match(text)
    if match is None or len(match[3] or "") > _LONGEST_HOST:
        return Url(text)
    scheme, login, host, path, query = match.groups(default="")
    scheme, host = scheme.lower(), host.strip("[].").lower()
    is_web = bool(host) and scheme in ("http", "https")
    _, dot, ending = path.rpartition("/")[2].rpartition(".")
    return Url(text, is_web, scheme, bool(login), host, ending.lower() if dot else "", query)


def is_plain(text: str, kind: str | None) -> bool:
    """Whether a source is a file on a public host and nothing else is to be said of it; most are.

    :param kind: the type of the element.
    """
    match = _PLAIN.fullmatch(text)
    if match is None or _is_odd(match[1]) or _KINDS.get(match[2], kind) != kind:
        return False
    return not match[3] or not _SIGNED.search(match[3])


@lru_cache(maxsize=1024)
def is_private(host: str) -> bool:
    """Whether only this machine or its network can reach a host."""
    if host[-1:].isalpha() and ":" not in host:
        return "." not in host or host.endswith(_PRIVATE)
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


@lru_cache(maxsize=1024)
def _is_odd(host: str) -> bool:
    """Whether some rule may have something to say about a host."""
    return is_private(host) or host == _RENDERED or _site(host) in (*_PLAYERS, *_SHARES)


def _site(host: str) -> str:
    return host.removeprefix("www.").removeprefix("m.")


@rule("no-url", "warning", f"{DOCUMENTED} (elements: sources are URLs)", on="url", keys=_FILE_KEYS)
def no_url(place: Place, key: str, url: Url) -> Problem | None:
    """A source that is no http(s) URL: a path of this machine, `s3://…`, `file:…`, embedded data."""
    if url.is_web:
        return None
    if url.scheme == "data":
        return place.problem(key, "is data inside the movie, which no document says is read", "upload it, give its URL")
    if key == "captions" and ("\n" in url.text or not url.scheme):  # the captions themselves
        return None
    shown = f"'{escape(_without_login(url.text.partition('?')[0]), 60)}'"
    hint = "the service fetches files itself: upload it to JSON2Video's media, or give a public or signed https URL"
    return place.problem(key, f"is no URL the service could fetch: {shown}", hint)


def _without_login(text: str) -> str:
    """A source as a message may show it: what may be a password before an ``@`` is left out."""
    login, at, rest = text.rpartition("@")
    return f"…@{rest}" if at and ":" in login else text


@rule("private-url", "warning", OURS, on="url", keys=_FILE_KEYS)
def private_url(place: Place, key: str, url: Url) -> Problem | None:
    """A source on localhost or in a private network, where the service cannot reach it."""
    if not url.is_web or not is_private(url.host) or url.host == place.whole.host:
        return None
    what = f"is on {escape(url.host, 60)}, which the service cannot reach"
    return place.problem(key, what, "give a public URL, or upload the file to JSON2Video's media")


@rule("expiring-url", "warning", OURS, on="url", keys=_FILE_KEYS)
def expiring_url(place: Place, key: str, url: Url) -> Problem | None:
    """A signed URL: it must still work when the render starts, and again when the task is retried."""
    if url.query and _SIGNED.search(url.query):
        hint = "let it live for hours: the render may wait in the queue, and a retry fetches it again"
        return place.problem(key, "is a signed URL, which stops working", hint)
    return None


@rule("rendered-source", "warning", f"{DOCUMENTED} (file retention)", on="url", keys=_FILE_KEYS)
def rendered_source(place: Place, key: str, url: Url) -> Problem | None:
    """A file that the service rendered: it is deleted after 7 days."""
    if url.host != _RENDERED or "/renders/" not in url.text:
        return None
    hint = "copy the file to JSON2Video's media or to your own storage"
    return place.problem(key, "is a rendered file, which is deleted after 7 days", hint)


@rule("login-in-url", "warning", OURS, on="url", keys=_FILE_KEYS)
def login_in_url(place: Place, key: str, url: Url) -> Problem | None:
    """A user name or password in a source's URL: every API key of the account can read the movie."""
    if not url.login:
        return None
    return place.problem(key, "holds a login, which everybody can read who can read the movie", "give a signed URL")


@rule(
    "source-type",
    "warning",
    f"{DOCUMENTED} (accepted codecs); what an ending holds: {OURS}",
    on="url",
    keys=("src",),
    types=tuple(_TAKEN),
)
def source_type(place: Place, key: str, url: Url) -> Problem | None:
    """A file whose ending speaks of another kind than the element takes, or of one that is not accepted."""
    kind, taken = _KINDS.get(url.ending), _TAKEN[place.kind or ""]
    if kind is None or kind in taken or not url.is_web:
        return None
    takes = " or ".join(taken)
    hint = f'write "type": "{kind}"' if kind in _TAKEN else f"convert it to {takes}"
    return place.problem(key, f"ends in .{url.ending}: {kind}, and the element takes {takes}", hint)


@rule(
    "page-not-file",
    "warning",
    f"{DOCUMENTED} (image) for the exception, else {OURS}",
    on="url",
    keys=("src",),
    types=tuple(_TAKEN),
)
def page_not_file(place: Place, key: str, url: Url) -> Problem | None:
    """A page that plays or shares a file instead of the file. Share links of Drive and Dropbox work for images."""
    host = _site(url.host)
    if host in _PLAYERS:
        return place.problem(key, f"is a page of {host}, not a file", "give the URL of the file itself")
    if host in _SHARES and (place.kind != "image" or host not in _SHARES[:2]):
        what = f"is a share link of {host}, which is documented only for images of Drive and Dropbox"
        return place.problem(key, what, "give a URL that answers with the file itself")
    return None

"""Rules about where the service itself sends the finished file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_j2v.api.reply import escape
from airflow_provider_j2v.movies.document import objects
from airflow_provider_j2v.movies.findings import Problem
from airflow_provider_j2v.movies.rules.models import strange_connection
from airflow_provider_j2v.movies.rules.places import Place
from airflow_provider_j2v.movies.rules.registry import CLIENT, DISPUTED, DOCUMENTED, rule, words
from airflow_provider_j2v.movies.rules.sources import is_private, parse
from airflow_provider_j2v.movies.values import shown

#: Types of destinations, and what each must have.
REQUIRED: Mapping[str, tuple[str, ...]] = {
    "webhook": ("endpoint",),
    "ftp": ("host", "port", "username", "password"),
    "sftp": ("host", "port", "username", "password"),
    "email": ("to", "subject", "message"),
}
#: Named somewhere by the service, but without a syntax.
_ADVERTISED = ("s3", "youtube")
_MIME = ("application/json", "application/x-www-form-urlencoded")
_MACROS = words("yyyy mm dd hh nn ss random filename filename_without_extension filename_extension video_url")
_MACRO = re.compile(r"__([A-Za-z][A-Za-z_]*?)__")
_MACRO_KEYS = ("remote-path", "file", "subject", "message")


@rule("several-exports", "warning", DISPUTED, on="movie", keys=("exports",))
def several_exports(place: Place, key: str, value: Any) -> Problem | None:
    """More than one item in `exports`: documents say that one is supported, or that all run in turn."""
    if not isinstance(value, list) or len(value) < 2:
        return None
    what = f"has {len(value)} items, and documents disagree whether more than one is served"
    return place.problem(key, what, "put all destinations into one item")


@rule("no-destinations", "warning", f"{DOCUMENTED} (exports)", on="movie", keys=("exports",))
def no_destinations(place: Place, key: str, value: Any) -> Iterator[Problem]:
    """An export without destinations."""
    for i, export in objects(value):
        if not export.get("destinations"):
            path = f"{place.path}.exports[{i}].destinations"
            yield Problem(path, "is empty, so that nothing is sent anywhere", "add a destination, or take exports out")


@rule("destination-type", "error", f"{DOCUMENTED} (exports)", on="destination")
def destination_type(place: Place) -> Problem | None:
    """A destination with neither `id` nor a type that exists (webhook, ftp, sftp, email)."""
    kind = place.data.get("type")
    if kind is None and place.data.get("id"):
        return None
    if isinstance(kind, str) and (kind in REQUIRED or kind in _ADVERTISED or "{{" in kind):
        return None
    said = "is missing" if kind in (None, "") else f"is {shown(kind)}, which is no type of destination"
    return place.problem("type", said, f"write one of {', '.join(REQUIRED)}, or the id of a saved connection")


@rule("destination-advertised", "warning", DISPUTED, on="destination")
def destination_advertised(place: Place) -> Problem | None:
    """A destination that the service names in a text, but whose syntax is nowhere documented (S3, YouTube)."""
    kind = place.data.get("type")
    if not isinstance(kind, str) or kind not in _ADVERTISED:
        return None
    what = f"is {shown(kind)}, a destination without any documented syntax"
    return place.problem("type", what, "let the operator download the file and put it there: destination=…")


@rule("destination-incomplete", "error", f"{DOCUMENTED} (exports)", on="destination")
def destination_incomplete(place: Place) -> Iterator[Problem]:
    """A destination without what its type must have.

    A webhook has an `endpoint`; ftp and sftp `host`, `port`, `username`, `password`; email `to`, `subject`, `message`.
    """
    kind = place.data.get("type")
    if not isinstance(kind, str) or place.data.get("id"):
        return
    for name in REQUIRED.get(kind, ()):
        if place.data.get(name) in (None, ""):
            yield place.problem(name, "is missing", f"a destination of type {kind} needs it, or the id of a connection")


@rule("destination-id", "warning", f"{DOCUMENTED} (connections)", on="destination")
def destination_id(place: Place) -> Problem | None:
    """The connection of a destination that is no id as the dashboard makes them: lower case, without spaces."""
    return strange_connection(place, "id", place.data.get("id"))


@rule("webhook-endpoint", "error", f"{DOCUMENTED} (webhooks)", on="destination")
def webhook_endpoint(place: Place) -> Problem | None:
    """A webhook that is no public https URL."""
    endpoint = place.data.get("endpoint")
    if not isinstance(endpoint, str) or not endpoint or "{{" in endpoint:
        return None
    url = parse(endpoint)
    if url is None or url.scheme != "https" or not url.host:
        return place.problem("endpoint", "is no https URL, and the service calls no other", "write https://…")
    if is_private(url.host):
        what = f"is on {escape(url.host, 60)}, which the service cannot reach"
        return place.problem("endpoint", what, "give a public host with a certificate of a known authority")
    return None


@rule("webhook-content-type", "error", CLIENT, on="destination")
def webhook_content_type(place: Place) -> Problem | None:
    """A short `content-type` such as `json` or `urlencoded`: it is ignored in silence. Some pages write it so."""
    mime = place.data.get("content-type")
    if not isinstance(mime, str) or not mime or "/" in mime or "{{" in mime:
        return None
    meant = _MIME[1] if "form" in mime or "url" in mime else _MIME[0]
    return place.problem("content-type", f"would be ignored: {shown(mime)} is no full MIME type", f'write "{meant}"')


@rule("webhook-mime-type", "warning", f"{DOCUMENTED} (webhooks)", on="destination")
def webhook_mime_type(place: Place) -> Problem | None:
    """A `content-type` other than application/json and application/x-www-form-urlencoded."""
    mime = place.data.get("content-type")
    if not isinstance(mime, str) or "/" not in mime or "{{" in mime or mime in _MIME:
        return None
    return place.problem("content-type", f"is {shown(mime)}, which is not documented", f"write {' or '.join(_MIME)}")


@rule("webhook-before-upload", "warning", f"{DOCUMENTED} (exports)", on="movie", keys=("exports",))
def webhook_before_upload(place: Place, key: str, value: Any) -> Iterator[Problem]:
    """A webhook before an upload in the same list: destinations are served in order."""
    for i, export in objects(value):
        listed = list(objects(export.get("destinations")))
        last = max((j for j, destination in listed if destination.get("type") in ("ftp", "sftp")), default=-1)
        for j, destination in listed:
            if destination.get("type") == "webhook" and j < last:
                path = f"{place.path}.exports[{i}].destinations[{j}]"
                yield Problem(path, "is called before the upload that follows it", "put the webhook last")


@rule("unknown-macro", "warning", f"{DOCUMENTED} (exports)", on="destination")
def unknown_macro(place: Place) -> Iterator[Problem]:
    """A macro between double underscores that is not documented, or `__video_url__` outside an email."""
    for key in _MACRO_KEYS:
        value = place.data.get(key)
        for name in dict.fromkeys(_MACRO.findall(value)) if isinstance(value, str) else ():
            if name not in _MACROS:
                hint = f"documented are {', '.join(f'__{macro}__' for macro in sorted(_MACROS))}"
                yield place.problem(key, f"has __{escape(name, 40)}__, which is no documented macro", hint)
            elif name == "video_url" and place.data.get("type") in ("ftp", "sftp"):
                yield place.problem(key, "has __video_url__, which only emails know", "use __filename__")


@rule("inline-password", "warning", f"{DOCUMENTED} (connections)", on="destination")
def inline_password(place: Place) -> Problem | None:
    """A password in a destination: the service keeps the movie readable for every API key of the account."""
    if not place.data.get("password"):
        return None
    hint = 'save a connection in the dashboard and write {"id": …}, or "airflow:<conn id>"'
    return place.problem("password", "can be read by everybody who can read the account's movies", hint)

"""Files, templates and the catalog."""

from __future__ import annotations

from contextlib import nullcontext
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

from airflow_provider_j2v.api.calls import Call, delete_movie, get_models
from airflow_provider_j2v.api.templates import get_template, list_templates, template_variables
from airflow_provider_j2v.api.upload import Content, Uploader
from airflow_provider_j2v.catalog.shapes import Shape
from dev.live.looking import Look, finished
from dev.live.movies import template
from dev.live.questions import DISPUTED, DOCUMENTED, INFERRED, SEEN, UNKNOWN, Question, Unsettled
from dev.live.visit import Visit

_TEXT = b"live readiness\n"
_INJECTED = ("make_webhook_url", "client_data")


def _catalog(visit: Visit) -> tuple[str, Any]:
    reply = visit.ask(get_models(visit.account.catalog_url))
    shape = Shape.of(reply.document)
    seen = {
        "models": len(shape.models),
        "aliases": len(shape.aliases),
        "skipped": shape.skipped,
        "etag": "etag" in reply.headers,
        "begins": reply.excerpt(),
    }
    if not shape.models:
        return "unreadable", seen
    return "read in part" if shape.skipped else "read whole", seen


def _there(path: str) -> Look:
    def look(visit: Visit) -> tuple[str, Any]:
        url = urljoin(visit.account.catalog_url, path) if path.startswith("..") else path
        reply = visit.ask(Call("look", "GET", url, lambda reply: None))
        return "there" if reply.status == 200 else "not there", {"status": reply.status, "body": reply.excerpt()}

    return look


def _range(visit: Visit) -> tuple[str, Any]:
    url = finished(visit, "movie").movie.get("url")
    if not url:
        raise Unsettled("the movie has no address")
    headers = {"Range": "bytes=100-", "Accept": "*/*"}
    reply = visit.ask(Call("look", "GET", url, lambda reply: None, headers=headers))
    strong = reply.headers.get("etag", "").startswith('"')
    seen = {"status": reply.status, "strong etag": strong, "content-range": reply.headers.get("content-range")}
    return "taken up again" if reply.status == 206 and strong else "begun anew", seen


def _gone(visit: Visit) -> tuple[str, Any]:
    done = finished(visit, "fraction")
    visit.client.send(delete_movie(done.project or ""))
    reply = visit.ask(Call("look", "GET", done.movie.get("url") or "", lambda reply: None))
    return f"HTTP {reply.status}", None


def _media(visit: Visit) -> tuple[str, Any]:
    name = f"{visit.tag}.txt"
    visit.media.append(name)
    began = visit.now()
    content = Content.of(name, len(_TEXT), lambda: nullcontext(BytesIO(_TEXT)))
    Uploader(visit.client, sleep=visit.sleep).upload(content)
    return "in time", {"seconds": round(visit.now() - began, 1)}


def _tag_filter(visit: Visit) -> tuple[str, Any]:
    mine = template(visit)
    rows = visit.ask(list_templates(visit.tag)).document["templates"]
    if mine not in [row.get("id") for row in rows]:
        return "hides it", len(rows)
    return "heeded" if len(rows) == 1 else "ignored", len(rows)


def _template_movie(visit: Visit) -> tuple[str, Any]:
    movie = visit.ask(get_template(template(visit))).document["template"].get("movie")
    kind = type(movie).__name__
    return {"str": "a text", "dict": "an object"}.get(kind, "something else"), kind


def _injected(visit: Visit) -> tuple[str, Any]:
    variables = visit.ask(template_variables(template(visit))).document["template"]["variables"]
    names = sorted(variables.get("properties", variables))
    return "there" if set(names) & set(_INJECTED) else "left out", names


QUESTIONS = (
    Question(
        id="catalog",
        asks="What does the file of AI models really look like?",
        takes="a list or mapping of models with a name, credits and a unit, in any of several shapes",
        where=("catalog/shapes.py: class Shape",),
        rests_on=UNKNOWN,
        look=_catalog,
        fits=("read whole",),
        copes=("read in part",),
    ),
    Question(
        id="components",
        asks="Is there an index of components beside it?",
        takes="nothing: it is not used",
        where=("movies/elements.py: component",),
        rests_on=UNKNOWN,
        look=_there("../components/schemas/index.json"),
        fits=("there", "not there"),
    ),
    Question(
        id="preloads",
        asks="Is there a call `/preloads`?",
        takes="nothing: it is not used",
        where=("api/calls.py: Every call",),
        rests_on=f"{UNKNOWN}: two pages name it",
        look=_there("/v2/preloads"),
        fits=("not there", "there"),
    ),
    Question(
        id="file-ranges",
        asks="Can part of a video file be asked for, with an ETag that vouches for it?",
        takes="yes; else a broken download begins anew",
        where=("api/download.py: Range",),
        rests_on=INFERRED,
        needs=("movie",),
        look=_range,
        fits=("taken up again",),
        copes=("begun anew",),
    ),
    Question(
        id="gone-file",
        asks="What does the file server answer for a video that was deleted?",
        takes="404, 403 or 410",
        where=("api/download.py: (403, 404, 410)",),
        rests_on=UNKNOWN,
        needs=("fraction",),
        look=_gone,
        fits=("HTTP 404", "HTTP 403", "HTTP 410"),
        copes=("HTTP 200",),
    ),
    Question(
        id="media",
        asks="How long does an uploaded file stay `pending`?",
        takes="less than a minute; the upload waits for it and else fails",
        where=("api/upload.py: LOOKS",),
        rests_on=f"some seconds, {SEEN}",
        look=_media,
        fits=("in time",),
    ),
    Question(
        id="template-tags",
        asks="Does the list of templates heed `tag`?",
        takes="perhaps: the rows are sifted here as well",
        where=("api/templates.py: def list_templates",),
        rests_on=DOCUMENTED,
        look=_tag_filter,
        fits=("heeded",),
        copes=("ignored",),
    ),
    Question(
        id="template-movie",
        asks="Is the `movie` of a template that is read an object, or JSON as text?",
        takes="either",
        where=("api/template_answers.py: class Template(",),
        rests_on=f"{DISPUTED}: a text {SEEN}",
        look=_template_movie,
        fits=("a text",),
        copes=("an object",),
    ),
    Question(
        id="template-schema",
        asks="Does the schema of a template's variables hold the two that nobody wrote?",
        takes="perhaps: they are left out here",
        where=("api/template_answers.py: def _schema",),
        rests_on=UNKNOWN,
        look=_injected,
        fits=("left out",),
        copes=("there",),
    ),
)

"""The documented routes over HTTP. Everything else answers as the service's gateway does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.exceptions import HTTPException

from airflow_provider_j2v.sandbox import refusals
from airflow_provider_j2v.sandbox.clock import Clock, iso
from airflow_provider_j2v.sandbox.refusals import Refusal
from airflow_provider_j2v.sandbox.service import Service

if TYPE_CHECKING:
    from collections.abc import Mapping

Key = Annotated[str | None, Header(alias="x-api-key")]


class Json(JSONResponse):
    """Escaped to ASCII, as client data may hold halves of surrogate pairs that UTF-8 cannot carry."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


def create_app(service: Service, clock: Clock) -> FastAPI:
    """The public API of the service, rows 1 to 7 of its endpoint table, and its model catalog."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, default_response_class=Json)

    @app.post("/v2/movies")
    async def submit(request: Request, key: Key = None) -> Response:
        raw = await request.body()
        try:
            return Json(service.submit(service.account(key), raw))
        except Refusal as refusal:
            return _refused_submission(refusal, service)

    @app.get("/v2/movies")
    async def read(request: Request, key: Key = None) -> Response:
        query = request.query_params
        account = service.account(key)
        if project := query.get("project") or query.get("id"):
            simple = query.get("format") == "simple"
            return Json(service.get(account, project, _base(request), simple=simple))
        return Json(service.list(account, query, _base(request)))

    @app.delete("/v2/movies")
    async def delete(request: Request, key: Key = None) -> Response:
        project = request.query_params.get("project") or request.query_params.get("id") or ""
        return Json(service.delete(service.account(key), project))

    @app.get("/v2/templates")
    async def templates(request: Request, key: Key = None) -> Response:
        service.account(key)
        query = request.query_params
        read = service.templates.get if query.get("id") else service.templates.list
        return Json(read(query, iso(clock.now())))

    @app.get("/v2/templates/library")
    async def library(request: Request, key: Key = None) -> Response:
        service.account(key)
        return Json(service.templates.library(request.query_params, _base(request)))

    @app.get("/data/ai/models.json")
    async def catalog(request: Request) -> Response:
        content, etag = service.catalog.file(service.variants)
        headers = {"etag": etag, "cache-control": "max-age=900"}
        if _matches(request.headers, etag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    @app.api_route("/clients/{client}/renders/{name}", methods=["GET", "HEAD"])
    async def file(request: Request) -> Response:
        return FileResponse(service.file(request.url.path), media_type="video/mp4")

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return Json(refusal.body(), refusal.status)

    @app.exception_handler(HTTPException)
    async def not_a_route(request: Request, error: HTTPException) -> Response:
        refusal = refusals.NOT_A_ROUTE
        headers = {"x-amzn-errortype": "MissingAuthenticationTokenException"}
        return Json(refusal.body(), refusal.status, headers)

    return app


def _refused_submission(refusal: Refusal, service: Service) -> Response:
    body = refusal.body()
    if service.variants.submit_error_shape != "success":
        body.pop("success", None)
    if service.variants.submit_error_shape == "code":
        body["code"] = "E1002"
    return Json(body, refusal.status)


def _base(request: Request) -> str:
    """The address the client used, so that links work from inside a container too."""
    return str(request.base_url).rstrip("/")


def _matches(headers: Mapping[str, str], etag: str) -> bool:
    wanted = headers.get("if-none-match", "")
    return wanted == "*" or etag in (tag.strip().removeprefix("W/") for tag in wanted.split(","))

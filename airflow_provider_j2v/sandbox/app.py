"""The documented routes over HTTP. Everything else answers as the service's gateway does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from airflow_provider_j2v.sandbox import refusals
from airflow_provider_j2v.sandbox.clock import Clock, iso
from airflow_provider_j2v.sandbox.media_routes import media_routes
from airflow_provider_j2v.sandbox.refusals import Refusal
from airflow_provider_j2v.sandbox.service import Service
from airflow_provider_j2v.sandbox.web import Json, Key, base_url

if TYPE_CHECKING:
    from collections.abc import Mapping


def create_app(service: Service, clock: Clock) -> FastAPI:
    """The public API of the service, rows 1 to 20 of its endpoint table, and its model catalog."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, default_response_class=Json)
    app.include_router(media_routes(service, clock))

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
            return Json(service.get(account, project, base_url(request), simple=simple))
        return Json(service.list(account, query, base_url(request)))

    @app.delete("/v2/movies")
    async def delete(request: Request, key: Key = None) -> Response:
        project = request.query_params.get("project") or request.query_params.get("id") or ""
        return Json(service.delete(service.account(key), project))

    @app.get("/v2/templates")
    async def templates(request: Request, key: Key = None) -> Response:
        query = request.query_params
        read = service.templates.get if query.get("id") else service.templates.list
        return Json(read(service.account(key), query, iso(clock.now())))

    @app.post("/v2/templates")
    async def write_template(request: Request, key: Key = None) -> Response:
        account, raw = service.account(key, edits=True), await request.body()
        return Json(service.templates.write(account, request.query_params, raw, iso(clock.now())))

    @app.delete("/v2/templates")
    async def delete_template(request: Request, key: Key = None) -> Response:
        account = service.account(key, edits=True)
        return Json(service.templates.delete(account, request.query_params, iso(clock.now())))

    @app.get("/v2/templates/library")
    async def library(request: Request, key: Key = None) -> Response:
        account = service.account(key)
        return Json(service.templates.library(account, request.query_params, base_url(request)))

    @app.get("/data/ai/models.json")
    async def catalog(request: Request) -> Response:
        content, etag = service.catalog.file(service.variants)
        headers = {"etag": etag, "cache-control": "max-age=900"}
        if _matches(request.headers, etag):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type="application/json")

    @app.api_route("/clients/{client}/renders/{name}", methods=["GET", "HEAD"])
    async def file(request: Request) -> Response:
        path = request.url.path
        if not service.variants.file_ranges:
            request.scope["headers"] = [(name, value) for name, value in request.headers.raw if name != b"range"]
        if path.endswith(".ass"):
            return Response(service.subtitles(path), media_type="text/plain")
        return FileResponse(service.file(path), media_type="video/mp4")

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


def _matches(headers: Mapping[str, str], etag: str) -> bool:
    wanted = headers.get("if-none-match", "")
    return wanted == "*" or etag in (tag.strip().removeprefix("W/") for tag in wanted.split(","))

"""Media over HTTP: the calls of the API, the signed address that content is put to, and the public files."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from airflow_provider_j2v.sandbox.clock import Clock
from airflow_provider_j2v.sandbox.media import Media, public_path
from airflow_provider_j2v.sandbox.refusals import Refusal
from airflow_provider_j2v.sandbox.service import Service
from airflow_provider_j2v.sandbox.web import Json, Key, base_url

EXPIRES = 120
"""Seconds of service time that a signed address is good for (documented)."""

_STAMP = "%Y%m%dT%H%M%SZ"


class Storage:
    """The storage behind the service: it knows signatures, not keys, and answers in XML."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def sign(self, path: str, content_type: str) -> str:
        """The query that lets anybody put content of this type to a path."""
        stamp = datetime.fromtimestamp(self._clock.now(), UTC).strftime(_STAMP)
        return urlencode({"X-Amz-Date": stamp, "X-Amz-Expires": EXPIRES, **self._signature(path, content_type, stamp)})

    def refusal(self, request: Request) -> tuple[int, str, str] | None:
        """Status, code and message of what is wrong with a request, as S3 words it."""
        headers, query = request.headers, request.query_params
        stamp = query.get("X-Amz-Date", "")
        wanted = self._signature(request.url.path, headers.get("content-type", ""), stamp)["X-Amz-Signature"]
        if "authorization" in headers:
            return 400, "InvalidArgument", "Only one auth mechanism allowed"
        if "x-api-key" in headers or not hmac.compare_digest(wanted, query.get("X-Amz-Signature", "")):
            return 403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature"
        if self._clock.now() > datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC).timestamp() + EXPIRES:
            return 403, "AccessDenied", "Request has expired"
        if "content-length" not in headers:
            return 411, "MissingContentLength", "You must provide the Content-Length HTTP header."
        return None

    def _signature(self, path: str, content_type: str, stamp: str) -> dict[str, str]:
        signed = "\n".join(("PUT", path, content_type, stamp)).encode()
        return {"X-Amz-Signature": hmac.new(self._secret, signed, hashlib.sha256).hexdigest()}


def media_routes(service: Service, clock: Clock) -> APIRouter:
    """Rows 12 to 20 of the endpoint table, and the files themselves."""
    router = APIRouter()
    media, storage = service.media, Storage(clock)

    @router.get("/v2/media")
    async def usage(key: Key = None) -> Response:
        return Json(media.usage(service.account(key)))

    @router.get("/v2/media/file")
    async def get(request: Request, key: Key = None) -> Response:
        return Json(media.get(service.account(key), request.query_params, base_url(request)))

    @router.get("/v2/media/folder")
    async def contents(request: Request, key: Key = None) -> Response:
        account, query = service.account(key), request.query_params
        if query.get("tree") == "true":
            return Json(media.tree(account))
        return Json(media.list(account, query, base_url(request)))

    @router.post("/v2/media/file")
    async def register(request: Request, key: Key = None) -> Response:
        account = service.account(key)
        file = media.register(account, await request.body())
        target = f"/storage/{account.client}/{file.path}"
        answer = {
            "success": True,
            "uploadUrl": f"{base_url(request)}{target}?{storage.sign(target, file.content_type)}",
            "fileUrl": f"{base_url(request)}{public_path(account.client, file.path)}",
            "expiresIn": EXPIRES,
        }
        return Json(answer)

    @router.put("/v2/media/file")
    async def move(request: Request, key: Key = None) -> Response:
        return Json(media.move(service.account(key), await request.body()))

    @router.delete("/v2/media/file")
    async def delete(request: Request, key: Key = None) -> Response:
        return Json(media.delete(service.account(key), await request.body()))

    @router.post("/v2/media/folder")
    async def create_folder(request: Request, key: Key = None) -> Response:
        return Json(media.create_folder(service.account(key), await request.body()))

    @router.delete("/v2/media/folder")
    async def delete_folder(request: Request, key: Key = None) -> Response:
        return Json(media.delete_folder(service.account(key), await request.body()))

    @router.put("/storage/{client}/{path:path}")
    async def put(request: Request, client: str, path: str) -> Response:
        if wrong := storage.refusal(request):
            status, code, message = wrong
            error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            xml = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
            return Response(xml, status, media_type="application/xml")
        await _receive(request, media, client, path)
        return Response()

    @router.api_route("/media/{client}/files/{path:path}", methods=["GET", "HEAD"])
    async def public(client: str, path: str) -> Response:
        file = media.content(client, path)
        if file is None:
            raise Refusal(service.variants.gone_file_status, "Not Found", bare=True)
        # What somebody uploaded must not run as a page of the sandbox.
        return FileResponse(file.content, media_type=file.content_type, headers={"content-security-policy": "sandbox"})

    return router


async def _receive(request: Request, media: Media, client: str, path: str) -> None:
    """Content goes to disk as it comes; the half of one whose client left is thrown away."""
    part = media.part()
    with part.open("wb") as file:
        try:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
        except ClientDisconnect:
            part.unlink()
            return
    media.store(client, path, part)

"""The sandbox's own pages: a dashboard for people, and controls for tests on this machine."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from typing import Annotated, Any

import jinja2
from fastapi import APIRouter, Body, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from airflow_provider_j2v.sandbox.clock import Clock
from airflow_provider_j2v.sandbox.faults import Faults
from airflow_provider_j2v.sandbox.hosts import is_loopback
from airflow_provider_j2v.sandbox.journal import Journal
from airflow_provider_j2v.sandbox.movie import Fate
from airflow_provider_j2v.sandbox.refusals import Refusal
from airflow_provider_j2v.sandbox.service import Service
from airflow_provider_j2v.sandbox.variants import Variants

SHOWN_MOVIES = 100
SHOWN_TEMPLATES = 20


class FaultRequest(BaseModel):
    """The arguments of ``Faults.add``; what is not named here are details of the kind."""

    model_config = ConfigDict(extra="allow")
    on: str
    kind: str
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    after: bool = False


class ClockRequest(BaseModel):
    """Seconds of service time to move forward."""

    advance: float


class CatalogRequest(BaseModel):
    """The arguments of ``Catalog.change``."""

    models: dict[str, dict[str, Any] | None] = {}
    aliases: dict[str, str | None] = {}


def set_variants(variants: Variants, changes: dict[str, Any]) -> None:
    """Change variants by name, with their types checked; ValueError tells what is wrong."""
    known = {field.name for field in dataclasses.fields(Variants)}
    if unknown := sorted(set(changes) - known):
        raise ValueError(f"unknown variant {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    try:
        checked = TypeAdapter(Variants).validate_python({**dataclasses.asdict(variants), **changes})
    except ValidationError as error:
        raise ValueError("; ".join(f"{e['loc'][0]}: {e['msg']}" for e in error.errors())) from None
    for name in changes:
        setattr(variants, name, getattr(checked, name))


def pages(service: Service, clock: Clock) -> APIRouter:
    """What everybody may see: the dashboard, and a sign of life."""
    router = APIRouter()

    @router.get("/sandbox/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/", response_class=HTMLResponse)
    async def dashboard() -> HTMLResponse:
        service.settle()
        now = clock.now()
        rows = [
            {
                "project": movie.project,
                "status": movie.status(now, service.variants),
                "created": datetime.fromtimestamp(movie.created, UTC),
                "comment": movie.comment,
                "size": f"{t.width}x{t.height}" if (t := movie.timeline) else "",
                "seconds": t.duration if t else None,
                "credits": movie.credits,
                "link": movie.file if movie.available(now) else None,
                "message": movie.message,
            }
            for movie in list(service.movies.values())[: -SHOWN_MOVIES - 1 : -1]
        ]
        templates = sorted(service.templates.all.values(), key=lambda t: t.updated_at, reverse=True)
        accounts = [(account.client, account.role, account.credits) for account in service.accounts]
        html = _page().render(
            rows=rows, accounts=accounts, total=len(service.movies), templates=templates[:SHOWN_TEMPLATES]
        )
        return HTMLResponse(html.encode("utf-8", "replace"))

    return router


def controls(service: Service, faults: Faults, journal: Journal, clock: Clock) -> APIRouter:
    """Faults, journal, clock, variants and the fate of single movies. Loopback only."""
    router = APIRouter(prefix="/sandbox", dependencies=[Depends(_asked_on_loopback)])

    @router.get("/faults")
    async def list_faults() -> list[dict[str, Any]]:
        return [fault.as_dict() for fault in faults]

    @router.post("/faults")
    async def add_fault(wanted: FaultRequest) -> dict[str, Any]:
        try:
            return faults.add(**wanted.model_dump()).as_dict()
        except (TypeError, ValueError) as error:
            raise Refusal(400, str(error)) from None

    @router.delete("/faults")
    async def clear_faults() -> dict[str, bool]:
        faults.clear()
        return {"success": True}

    @router.get("/journal")
    async def read_journal() -> dict[str, Any]:
        service.settle()
        return journal.as_dict()

    @router.delete("/journal")
    async def reset_journal() -> dict[str, bool]:
        journal.reset()
        return {"success": True}

    @router.post("/clock")
    def advance(wanted: ClockRequest) -> dict[str, float]:
        try:
            service.advance(wanted.advance)
        except ValueError as error:
            raise Refusal(400, str(error)) from None
        return {"now": clock.now()}

    @router.get("/variants")
    async def read_variants() -> dict[str, Any]:
        return dataclasses.asdict(service.variants)

    @router.post("/variants")
    async def change_variants(changes: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        try:
            set_variants(service.variants, changes)
        except ValueError as error:
            raise Refusal(400, str(error)) from None
        return dataclasses.asdict(service.variants)

    @router.post("/catalog")
    async def change_catalog(wanted: CatalogRequest) -> dict[str, Any]:
        service.catalog.change(wanted.models, wanted.aliases)
        return service.catalog.document

    @router.post("/movies/{project}")
    async def decide(project: str, fate: Fate) -> dict[str, Any]:
        if project not in service.movies:
            raise Refusal(404, "no such movie")
        service.movies[project].fate = fate
        return dataclasses.asdict(fate)

    return router


def _asked_on_loopback(request: Request) -> None:
    """A page of another site that had its name point here (DNS rebinding) does not get in."""
    if not is_loopback(request.url.hostname or ""):
        raise HTTPException(403)


@lru_cache(maxsize=1)
def _page() -> jinja2.Template:
    source = (resources.files(__package__) / "dashboard.html").read_text(encoding="utf-8")
    return jinja2.Environment(autoescape=True).from_string(source)

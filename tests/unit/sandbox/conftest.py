"""A sandbox whose time stands still until a test moves it, and a client with the right key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from airflow_provider_j2v.sandbox import Sandbox

NOON = 1_789_214_400.0  # 2026-09-12T12:00:00Z

Json = dict[str, Any]


def movie(seconds: float = 5, **more: Any) -> Json:
    """A movie of one scene with a text."""
    return {"scenes": [{"duration": seconds, "elements": [{"type": "text", "text": "Hello"}]}], **more}


@pytest.fixture
def make_movie() -> Callable[..., Json]:
    return movie


@pytest.fixture
def frozen() -> Callable[[], float]:
    return lambda: NOON


@pytest.fixture
def sandbox(frozen: Callable[[], float]) -> Iterator[Sandbox]:
    """Without drawing: for everything but the picture."""
    with Sandbox(clock=frozen, render="off") as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sandbox.url, headers={"x-api-key": "sandbox"}, trust_env=False) as open_client:
        yield open_client


@pytest.fixture
def submit(client: httpx.Client) -> Callable[..., str]:
    """Submit a movie (by default a good one) and answer with its project."""

    def send(document: Json | None = None, **more: Any) -> str:
        answer = client.post("/v2/movies", json=document or movie(**more))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["project"])

    return send


@pytest.fixture
def read(client: httpx.Client) -> Callable[..., Json]:
    """The ``movie`` of a project's answer."""

    def get(project: str, **query: str) -> Json:
        answer = client.get("/v2/movies", params={"project": project, **query})
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()["movie"]
        return found

    return get

"""What the routes share: the header of the key, JSON for every client, and addresses that lead back here."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse

Key = Annotated[str | None, Header(alias="x-api-key")]


class Json(JSONResponse):
    """Escaped to ASCII, as client data may hold halves of surrogate pairs that UTF-8 cannot carry."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, separators=(",", ":")).encode()


def base_url(request: Request) -> str:
    """The address the client used, so that links work from inside a container too."""
    return str(request.base_url).rstrip("/")

"""The service's refusals: status and message, verbatim where a source has them."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer that is not a success. ``bare`` leaves the ``success`` field out, as the gateway does."""

    def __init__(self, status: int, message: str, *, bare: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.bare = bare

    def body(self) -> dict[str, Any]:
        return {"message": self.message} if self.bare else {"success": False, "message": self.message}


_KEY_TEXTS = {401: "Unauthorized", 403: "Forbidden"}


def bad_key(status: int, key: str | None) -> Refusal:
    """400 with the documented texts; at 401 and 403 the gateway's own words (inferred)."""
    if status in _KEY_TEXTS:
        return Refusal(status, _KEY_TEXTS[status], bare=True)
    return Refusal(status, "Error: Invalid API Key" if key else "Error: API Key not provided")


def unknown_project() -> Refusal:
    """The leaked error that production gives for a project it does not know (seen live)."""
    return Refusal(400, "TypeError: Cannot read properties of null (reading 'success')")


NOT_A_ROUTE = Refusal(403, "Missing Authentication Token", bare=True)
TOO_LARGE = Refusal(413, "Request Too Long", bare=True)
NO_PERMISSION = Refusal(403, "Insufficient permissions")
SUSPENDED = Refusal(403, "account_suspended")
NO_CREDITS = Refusal(400, "Insufficient credits")
NO_MOVIE = Refusal(400, "No movie JSON received")
BAD_JSON = Refusal(400, "Error parsing movie JSON or the movie was empty")
NOT_AN_OBJECT = Refusal(400, "No valid movie JSON received")
NO_PAYLOAD = Refusal(400, "No payload provided")
BAD_TAGS = Refusal(400, "Tags must be a string or an array")
BAD_TEMPLATE_MOVIE = Refusal(400, "Payload movie must be a JSON string or JSON object")  # the end is inferred
# The texts of these three for a template are not known; the first is documented for media.
NO_NAME = Refusal(400, "name is required")
LONG_NAME = Refusal(400, "The name must be 100 characters or less")
LARGE_TEMPLATE = Refusal(400, "The movie is larger than 100 KB")
NO_PROJECT = Refusal(400, "A 16-character project ID must be provided in the 'project' query parameter")

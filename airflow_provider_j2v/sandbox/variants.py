"""Where sources about the service disagree, a switch: which of the versions the sandbox plays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Variants:
    """Mutable at any time. The default is what was seen live, or else what the newest documentation says."""

    bad_key_status: Literal[400, 401, 403] = 400
    """A missing or wrong key: 400 seen live, 401 in older documentation, 403 in the endpoint overview."""

    unknown_project: Literal["typeerror", "404", "status-error"] = "typeerror"
    """An unknown project: 400 with a leaked TypeError seen live, 404 or a movie in ``error`` documented."""

    template_missing_status: Literal[400, 404] = 400
    """An unknown template: 400 seen live, 404 documented."""

    submit_error_shape: Literal["success", "bare", "code"] = "success"
    """A refused submission: with ``success`` documented; without it, or with a ``code``, read in a client."""

    early_validation: bool = False
    """An element without ``src``: accepted, failing at render time, seen live; refused at once documented."""

    empty_movie: Literal["black", "error"] = "black"
    """Scenes without elements: 5 s of black by a tutorial, a zero duration error by the error page."""

    sd_height: Literal[360, 480] = 360
    """Resolution ``sd``: 640x360 documented, one render of 640x480 seen live."""

    multiplier_4k: int = 1
    """Credits per second above full HD: 1 by the limits page, 4 by the price page."""

    elevenlabs_per_second: int = 0
    """Credits of a managed ElevenLabs voice: 0 by the model table, 1 by a worked example."""

    bill_assets_of_failed_renders: bool = False
    """AI assets made before a render failed: unknown."""

    list_order: Literal["newest", "oldest"] = "newest"
    """Order of list rows: unknown."""

    list_lag: float = 0.0
    """Seconds of service time before a new movie shows in the list: unknown."""

    rows_with_client_data: bool = True
    """List rows carry ``client-data``: unknown."""

    rows_with_json: bool = True
    """List rows carry the submitted movie as text: seen live."""

    repeated_token: bool = False
    """A page answers with the token it was asked with: a guard against endless paging, seen in a client."""

    quota_shape: Literal["time", "full"] = "time"
    """``remaining_quota``: only ``time``, or also ``movies`` and ``drafts``; both documented."""

    consumed_credits: Literal["empty", "items"] = "empty"
    """``consumed_credits``: an empty array seen live; the shape of an item is unknown."""

    progress_field: bool = False
    """A running movie has ``progress`` in percent: one guide only."""

    timeout_status: bool = False
    """A movie running for over 15 minutes is shown as ``timeout``: sources conflict on who computes it."""

    never_finish: bool = False
    """No movie reaches a final status."""

    template_movie: Literal["string", "object"] = "string"
    """``movie`` of a template that is read: a string seen live, an object documented."""

    template_tag_filter: bool = True
    """The list of templates heeds ``tag``: documented, and untested by the client that could have."""

    injected_in_schema: bool = False
    """The two variables that ``format=make`` adds are in ``format=jsonschema`` too: unknown."""

    catalog_shape: Literal["snapshot", "list", "by-category", "by-name", "other-words"] = "snapshot"
    """``models.json``: its real shape is unknown."""

    media_missing_status: Literal[400, 404] = 400
    """An unknown media file: 400 seen live, 404 documented."""

    media_pending: float = 2.0
    """Seconds of service time that a media file stays ``pending`` after its content came: some, seen live."""

    pending_move_loses: bool = True
    """A media file that is moved while it is ``pending`` is gone: seen live, not always."""

    gone_file_status: Literal[404, 403, 410] = 404
    """A file that expired or was deleted: unknown; storage without list permission answers 403."""

    file_ranges: bool = True
    """Part of a file can be asked for: unknown, and usual."""

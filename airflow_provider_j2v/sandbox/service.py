"""The service itself: movies that queue, run and end, and the credits they cost. No HTTP in here."""

from __future__ import annotations

import heapq
import json
import secrets
import string
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow_provider_j2v.sandbox import billing, documents, listing
from airflow_provider_j2v.sandbox.accounts import Account
from airflow_provider_j2v.sandbox.catalog import Catalog
from airflow_provider_j2v.sandbox.clock import Clock, iso
from airflow_provider_j2v.sandbox.journal import Journal, Submission
from airflow_provider_j2v.sandbox.media import Media
from airflow_provider_j2v.sandbox.movie import Movie
from airflow_provider_j2v.sandbox.placeholders import Json
from airflow_provider_j2v.sandbox.redaction import redact
from airflow_provider_j2v.sandbox.refusals import (
    BAD_JSON,
    NO_CREDITS,
    NO_PERMISSION,
    NO_PROJECT,
    SUSPENDED,
    Refusal,
    bad_key,
    unknown_project,
)
from airflow_provider_j2v.sandbox.rendering import Outcome, Renderer
from airflow_provider_j2v.sandbox.subtitles import ass
from airflow_provider_j2v.sandbox.templates import Templates
from airflow_provider_j2v.sandbox.timeline import ElementError, RenderError, Timeline, build, canvas
from airflow_provider_j2v.sandbox.variants import Variants

_LETTERS = string.ascii_letters + string.digits


class Service:
    """All state of a sandbox. Thread-safe: tests, the event loop and the render threads share it."""

    def __init__(
        self,
        *,
        accounts: Sequence[Account],
        clock: Clock,
        renderer: Renderer,
        media: Media,
        variants: Variants,
        journal: Journal,
        queue_seconds: float,
        seconds_per_second: float,
    ) -> None:
        self.accounts = list(accounts)
        self.movies: dict[str, Movie] = {}
        self.catalog = Catalog()
        self.templates = Templates(variants)
        self.media = media
        self.variants = variants
        self._clock = clock
        self._renderer = renderer
        self._journal = journal
        self._queue_seconds = queue_seconds
        self._seconds_per_second = seconds_per_second
        self._by_account: defaultdict[str, list[Movie]] = defaultdict(list)
        self._files: dict[str, Movie] = {}
        self._caches: defaultdict[str, billing.AssetCache] = defaultdict(billing.AssetCache)
        self._known: list[tuple[float, int, Movie, Outcome]] = []
        """Movies whose outcome is known, by the time at which the service shows it."""

        self._rendering: set[Movie] = set()
        self._changed = threading.Condition(threading.RLock())

    # who asks

    def account(self, key: str | None, *, edits: bool = False) -> Account:
        """The account of a key. All calls need more than a ``viewer``, templates an ``editor`` (documented)."""
        for account in self.accounts:
            role = account.role_of(key) if key else None
            if role == "viewer" or (role == "render" and edits):
                raise NO_PERMISSION
            if role is not None:
                return account
        raise bad_key(self.variants.bad_key_status, key)

    # the calls

    def submit(self, account: Account, raw: bytes) -> Json:
        """``POST /movies``: accepted unless it is refused at once; most mistakes only show at render time."""
        request = documents.read(raw)
        if account.suspended:
            raise SUSPENDED
        with self._changed:
            self._settle()
            if account.credits <= 0:
                raise NO_CREDITS
            try:
                movie = self._accept(account, request)
            except RecursionError:
                raise BAD_JSON from None
        return {"success": True, "project": movie.project, "timestamp": iso(movie.created)}

    def get(self, account: Account, project: str, base_url: str, *, simple: bool) -> Json:
        """``GET /movies?project=``."""
        movie = self._find(account, project)
        if movie is None:
            return self._unknown(account, project)
        with self._changed:
            shown = movie.answer(self._clock.now(), self.variants, base_url)
            quota = self._quota(account)
        if not simple:
            shown["json"] = movie.submitted
        return {"success": True, "movie": shown, "remaining_quota": quota}

    def list(self, account: Account, query: Mapping[str, str], base_url: str) -> Json:
        """``GET /movies`` without a project. ``format`` is ignored (seen live)."""
        now = self._clock.now()
        wanted = listing.window(query, now)
        with self._changed:
            self._settle()
            page = listing.page(self._by_account[account.client], wanted, self.variants, now)
            rows = [self._row(movie, now, base_url) for movie in page.rows]
            quota = self._quota(account)
        return {
            "success": True,
            "from": iso(wanted.start.timestamp()),
            "to": iso(wanted.end.timestamp()),
            "count": len(rows),
            "limit": wanted.limit,
            "has_next": page.next_token is not None,
            "has_prev": wanted.token is not None,
            "next_token": page.next_token,
            "movies": rows,
            "remaining_quota": quota,
        }

    def delete(self, account: Account, project: str) -> Json:
        """``DELETE /movies``: the file goes, the entry stays; again is fine (documented, seen live)."""
        if len(project) != 16:
            raise NO_PROJECT
        movie = self._find(account, project)
        if movie is None:
            raise unknown_project()
        with self._changed:
            now = self._clock.now()
            movie.deleted = movie.deleted or now
            return {
                "success": True,
                "project": project,
                "deleted_at": iso(movie.deleted),
                "timestamp": iso(now),
            }

    def file(self, url_path: str) -> Path:
        """The video behind the path of a URL, while it can be fetched."""
        movie = self._available(url_path)
        if movie is None or movie.path is None:
            raise Refusal(self.variants.gone_file_status, "Not Found", bare=True)
        return movie.path

    def subtitles(self, url_path: str) -> str:
        """The subtitles behind the path of a URL, while they can be fetched."""
        movie = self._available(url_path.removesuffix(".ass") + ".mp4")
        text = movie and movie.timeline and ass(movie.timeline)
        if not text:
            raise Refusal(self.variants.gone_file_status, "Not Found", bare=True)
        return text

    # time

    def advance(self, seconds: float, timeout: float = 60.0) -> None:
        """Move the clock, once every movie that is due by then has its file; ``timeout`` in real seconds."""
        with self._changed:
            then = self._clock.now() + seconds
            if not self._changed.wait_for(lambda: not any(m.due <= then for m in self._rendering), timeout):
                raise TimeoutError(f"renders are not finished after {timeout} s")
            self._clock.advance(seconds)
            self._settle()

    def settle(self) -> None:
        """Bring every movie up to the present."""
        with self._changed:
            self._settle()

    # inside

    def _accept(self, account: Account, request: Json) -> Movie:
        document = request
        if isinstance(request.get("template"), str) and request["template"]:
            template = self.templates.for_movie(account, request["template"])
            document = documents.over_template(request, template.movie)
        timeline, message = self._plan(account, document)
        now = self._clock.now()
        starts = now + self._queue_seconds
        output = timeline.duration if timeline else 0.0
        movie = Movie(
            project="".join(secrets.choice(_LETTERS) for _ in range(16)),
            sequence=len(self.movies) + 1,
            account=account,
            submitted=json.dumps(redact(request), separators=(",", ":")),
            client_data=request.get("client-data", {}),
            comment=str(request.get("comment") or ""),
            created=now,
            starts=starts,
            due=starts + 1.0 + self._seconds_per_second * output,
            timeline=timeline,
        )
        self.movies[movie.project] = movie
        self._by_account[account.client].append(movie)
        self._files[movie.file] = movie
        self._journal.submitted(Submission(movie.project, movie.tag, now, account.client))
        if timeline is None:
            self._finish(movie, Outcome(message=message))
        else:
            self._rendering.add(movie)
            self._renderer.start(movie.file_name, timeline, lambda outcome: self._finish(movie, outcome))
        return movie

    def _plan(self, account: Account, document: Json) -> tuple[Timeline | None, str]:
        """What will be rendered, or why that fails. Only the plan's limits, and a variant, refuse at once."""
        try:
            size = canvas(document, self.variants)
            if account.max_size and (size[0] > account.max_size[0] or size[1] > account.max_size[1]):
                plan = "({}x{})".format(*account.max_size)
                raise Refusal(401, f"Movie is larger ({size[0]}x{size[1]}) than your plan allowance {plan}")
            timeline = build(document, self.variants)
            if timeline.duration > account.max_duration:
                raise RenderError(f"Movie duration exceeds your plan allowance ({account.max_duration:g} seconds)")
        except RenderError as error:
            if self.variants.early_validation:
                place = f"Scene #{error.scene} Element #{error.element}: " if isinstance(error, ElementError) else ""
                reason = error.reason if isinstance(error, ElementError) else str(error)
                raise Refusal(400, place + reason) from None
            return None, str(error)
        return timeline, ""

    def _finish(self, movie: Movie, outcome: Outcome) -> None:
        """The outcome is known: from when on the service shows it, is a matter of its time."""
        with self._changed:
            self._rendering.discard(movie)
            shown = max(movie.due, self._clock.now()) if movie.timeline else movie.due
            heapq.heappush(self._known, (shown, movie.sequence, movie, outcome))
            self._changed.notify_all()

    def _settle(self) -> None:
        now = self._clock.now()
        kept = []
        while not self.variants.never_finish and self._known and self._known[0][0] <= now:
            ended, _, movie, outcome = entry = heapq.heappop(self._known)
            if movie.fate.never_finish:
                kept.append(entry)
            else:
                self._end(movie, outcome, ended)
        for entry in kept:
            heapq.heappush(self._known, entry)

    def _end(self, movie: Movie, outcome: Outcome, ended: float) -> None:
        movie.ended = ended
        movie.message = outcome.message if movie.fate.error is None else movie.fate.error
        if outcome.path is not None and movie.fate.error is None:
            movie.path = outcome.path
            movie.size = outcome.path.stat().st_size
        if movie.timeline is not None and (movie.path or self.variants.bill_assets_of_failed_renders):
            cache = self._caches[movie.account.client]
            items = list(billing.asset_items(movie.timeline, self.catalog, self.variants, cache, ended))
            if movie.path:
                items.insert(0, billing.render_item(movie.timeline, self.variants))
            movie.bill = tuple(items)
            movie.account.credits -= movie.credits
            self._journal.charged(movie.credits)

    def _available(self, url_path: str) -> Movie | None:
        with self._changed:
            self._settle()
            movie = self._files.get(url_path)
            return movie if movie is not None and movie.available(self._clock.now()) else None

    def _find(self, account: Account, project: str) -> Movie | None:
        with self._changed:
            self._settle()
            movie = self.movies.get(project)
            return movie if movie is not None and movie.account is account else None

    def _unknown(self, account: Account, project: str) -> Json:
        if self.variants.unknown_project == "typeerror":
            raise unknown_project()
        if self.variants.unknown_project == "404":
            raise Refusal(404, "Project not found")
        movie = {"success": False, "status": "error", "message": "Project not found", "project": project}
        return {"success": True, "movie": movie, "remaining_quota": self._quota(account)}

    def _row(self, movie: Movie, now: float, base_url: str) -> Json:
        row: dict[str, Any] = movie.answer(now, self.variants, base_url)
        if not self.variants.rows_with_client_data:
            del row["client-data"]
        if self.variants.rows_with_json:
            row["json"] = movie.submitted
        return row

    def _quota(self, account: Account) -> Json:
        left = {"time": max(0, account.credits)}
        return {"movies": 0, "drafts": 0, **left} if self.variants.quota_shape == "full" else left

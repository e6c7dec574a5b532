"""One visit to the service: what was rendered, what it cost, what has to be deleted again."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tenacity import Retrying, retry_if_exception_type, retry_if_result, stop_after_attempt, wait_fixed

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import Call, delete_movie, get_movie, list_movies, submit_movie
from airflow_provider_j2v.api.client import Client
from airflow_provider_j2v.api.media import delete_media
from airflow_provider_j2v.api.redaction import hide
from airflow_provider_j2v.api.reply import Reply, check
from airflow_provider_j2v.api.templates import delete_template
from airflow_provider_j2v.exceptions import ApiError, JSON2VideoError, Unreachable
from airflow_provider_j2v.renders.identity import Identity, Stamp, new_tag
from airflow_provider_j2v.renders.lookup import find

#: A render is waited for, and looked for in the list, for so long, in seconds.
PATIENCE = 300.0
LIST_PATIENCE = 180.0
#: The service asks for five seconds between two polls.
INTERVAL = 5.0
ENDS = ("done", "error")
#: So many more looks at the balance are taken when it has not changed: the bill may come a little later.
LATE_BILL = 3
#: Pages of the list that are read at most.
PAGES = 20
RUN = "dev.live"

_ADDRESS = re.compile(r"(https?://[^/\s\"'\\]+)[^\s\"'\\]*")
_SHOWN = 300


class TooDear(Exception):
    """What was allowed to be spent does not reach."""


@dataclass
class Rendered:
    """A movie that was asked for, and all that was seen of it.

    :param stamp: what it carries in its client data.
    :param sent: the movie as it was sent.
    :param reply: the answer to the submission.
    :param asked: when (epoch seconds).
    :param project: its project; None when it was refused.
    :param seen: the ``movie`` of every poll, the last one last.
    :param unknown: for so many seconds after its submission the service knew no such project.
    :param row: its first row in the list, and ``listed`` seconds after the submission from … to it came up there.
    :param last_row: its row when it had ended.
    :param charged: credits by which the balance fell, or None where the service did not tell.
    """

    stamp: Stamp
    sent: dict[str, Any]
    reply: Reply
    asked: float
    project: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    unknown: float = 0.0
    row: dict[str, Any] | None = None
    listed: tuple[float, float] | None = None
    last_row: dict[str, Any] | None = None
    charged: float | None = None

    @property
    def movie(self) -> dict[str, Any]:
        """Its last state; empty before the first poll."""
        return self.seen[-1] if self.seen else {}


@dataclass(frozen=True)
class Order:
    """A movie to pay for.

    :param about: what it is.
    :param credits: what it costs at most, by what is known.
    :param movie: makes it.
    :param listed: whether to look for it in the list, from its submission on.
    :param meanwhile: done with its project right after the submission.
    """

    about: str
    credits: int
    movie: Callable[[Visit], dict[str, Any]]
    listed: bool = False
    meanwhile: Callable[[Visit, str], Any] | None = None


class Visit:
    """One visit to the service, which spends no more than it may and deletes what it made.

    :param account: whose service.
    :param orders: what may be rendered, by name; each at most once.
    :param limit: credits that may be spent in all.
    :param clock: the present (epoch seconds).
    :param sleep: how it pauses.
    """

    def __init__(
        self,
        account: Account,
        orders: dict[str, Order],
        limit: float,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.account = account
        self.limit = limit
        self.now = clock
        self.sleep = sleep
        #: Credits by which the balance has fallen since this visit began.
        self.fallen = 0.0
        self.began = datetime.fromtimestamp(clock(), UTC)
        self.templates: list[str] = []
        self.media: list[str] = []
        self.rendered: dict[str, Rendered | Exception] = {}
        self._committed = 0.0
        self._most = 0.0
        self._orders = orders
        self._projects: list[str] = []
        self._unclear = False
        self._interval = 0.5 if account.is_local else INTERVAL
        self.client = Client(account, product="live-readiness", sleep=sleep)
        self._run = new_tag()
        self.tag = f"live-{self._run[:8]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    # asking

    def ask(self, call: Call[Any], *, key: str | None = None, attempts: int = 3) -> Reply:
        """The raw reply to a call, a refusal too; after 429, 5xx and broken connections it is repeated if it may be.

        :param key: an API key to use instead of the account's.
        :raises Unreachable: no answer came.
        """
        again = Retrying(
            stop=stop_after_attempt(attempts if call.repeatable else 1),
            retry=retry_if_exception_type(Unreachable)
            | retry_if_result(lambda reply: reply.status == 429 or reply.status >= 500),
            wait=wait_fixed(2 * self._interval),
            sleep=self.sleep,
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        reply: Reply = again(self._ask, call, key)
        return reply

    def _ask(self, call: Call[Any], key: str | None) -> Reply:
        call = replace(call, headers={**call.headers, "Accept-Encoding": "identity"})
        client = self.client if key is None else Client(replace(self.account, key=key))
        with client.open(call) as answer:
            body = b"".join(answer.pieces())
        return Reply(answer.status, answer.headers, body, (self.account.key, key or ""))

    def balance(self) -> float | None:
        """Credits left, as the service says."""
        quota = self.client.send(list_movies(limit=1)).remaining_quota
        left = quota.time if quota else None
        if left is not None:
            self._most = max(left, self._most)
            self.fallen = self._most - left
        return left

    def rows(self, start: datetime | None = None) -> Iterator[dict[str, Any]]:
        """The rows of the list as they came, from an hour before this visit on."""
        token = None
        for _ in range(PAGES):
            page = self.ask(list_movies(start or self.began - timedelta(hours=1), next_token=token)).document
            yield from page["movies"]
            token = page.get("next_token")
            if not (page.get("has_next") and token):
                return

    def row(self, project: str) -> dict[str, Any] | None:
        """The row of a project in the list."""
        return next((row for row in self.rows() if row.get("project") == project), None)

    # paying

    @property
    def spent(self) -> float:
        """Credits spent at most: what was asked for could cost so much, or the balance fell by even more."""
        return max(self._committed, self.fallen)

    def reserve(self, credits: float) -> None:
        """Count credits as spent.

        :raises TooDear: that is more than is left to spend.
        """
        if self.spent + credits > self.limit:
            left = max(self.limit - self.spent, 0)
            raise TooDear(f"it may cost {credits:g} more credits, and {left:g} of {self.limit:g} are left to spend")
        self._committed += credits

    def render(self, name: str) -> Rendered:
        """The movie of that name, rendered at the first call.

        :raises TooDear: it could cost more than is left to spend.
        :raises Exception: its submission was not answered, or it could not be followed.
        """
        if name not in self.rendered:
            try:
                self.rendered[name] = self._render(name, self._orders[name])
            except TooDear:
                raise
            except Exception as e:
                self.rendered[name] = e  # not paid for once more by the next question
        found = self.rendered[name]
        if isinstance(found, Exception):
            raise found
        return found

    def _render(self, name: str, order: Order) -> Rendered:
        before = self.balance()
        movie = order.movie(self)
        stamp = Stamp(new_tag(), Identity(None, RUN, self._run, name), 0, "0" * 64)
        call = submit_movie(stamp.on(movie))
        asked = self.now()
        reply = self.pay(call, order.credits)
        done = Rendered(stamp, stamp.on(movie), reply, asked, _project(reply))
        if done.project:
            if order.meanwhile:
                order.meanwhile(self, done.project)
            self._follow(done, order)
        after = self.balance()
        for _ in range(LATE_BILL if done.project else 0):
            if after != before:
                break
            self.sleep(self._interval)
            after = self.balance()
        done.charged = before - after if before is not None and after is not None else None
        return done

    def pay(self, call: Call[Any], credits: float) -> Reply:
        """Send a submission that costs so much at most; what it makes is deleted at the end.

        :raises TooDear: that is more than is left to spend.
        :raises Unreachable: whether it was taken is not known.
        """
        self.reserve(credits)
        try:
            reply = self._ask(call, None)
        except Unreachable as e:
            if e.sent:
                self._unclear = True
            else:
                self._committed -= credits
            raise
        if project := _project(reply):
            self._projects.append(project)
        elif 400 <= reply.status < 500:
            self._committed -= credits
        else:
            self._unclear = True
        return reply

    def _follow(self, done: Rendered, order: Order) -> None:
        """Poll until the render ended and was seen in the list, or patience did."""
        assert done.project
        absent = 0.0
        while True:
            if order.listed and done.row is None:
                looked = self.now() - done.asked
                done.row = self.row(done.project)
                if done.row is None:
                    absent = looked
                else:
                    done.listed = (absent, self.now() - done.asked)
            told = self.ask(get_movie(done.project)).document
            passed = self.now() - done.asked
            if isinstance(told, dict) and isinstance(told.get("movie"), dict):
                done.seen.append(told["movie"])
            elif not done.seen:
                done.unknown = passed
            ended = done.movie.get("status") in ENDS or passed > PATIENCE
            if ended and (not order.listed or done.row is not None or passed > LIST_PATIENCE):
                break
            self.sleep(self._interval)
        if order.listed:
            done.last_row = self.row(done.project)

    # leaving

    def clean_up(self) -> list[str]:
        """Delete what was made; what could not be deleted comes back, each with the reason."""
        left = []
        if self._unclear:
            try:
                now = datetime.fromtimestamp(self.now(), UTC)
                found = find(self.client, lambda stamp: stamp.identity.run_id == self._run, self.began, now)
                self._projects += [row.project for _, row in found if row.project and row.project not in self._projects]
            except JSON2VideoError as e:
                left.append(f"a movie whose submission was not answered, if there is one: {e}")
        calls: list[tuple[str, Call[Any]]] = [(f"movie {name}", delete_movie(name)) for name in self._projects]
        calls += [(f"template {name}", delete_template(name)) for name in self.templates]
        calls += [(f"media {name}", delete_media(name)) for name in self.media]
        for name, call in calls:
            try:
                self.client.send(call)
            except ApiError as e:
                left.append(f"{name}: {e}")
        with suppress(JSON2VideoError):
            self.balance()
        return left


def error_of(call: Call[Any], reply: Reply) -> ApiError | None:
    """What the clients make of a reply: the error, or None where it is an answer."""
    try:
        check(reply, is_submit=call.is_submit, names_project="project" in call.params)
        call.read(reply)
    except ApiError as e:
        return e
    return None


def _project(reply: Reply) -> str | None:
    try:
        project = json.loads(reply.body).get("project")
    except (ValueError, AttributeError):
        return None
    return project if isinstance(project, str) else None


def shown(value: Any, secrets: tuple[str, ...] = ()) -> Any:
    """What was seen, fit for a report that is passed on: no secrets, of addresses only the host, long texts cut."""
    if isinstance(value, dict):
        return {shown(key, secrets): shown(item, secrets) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [shown(item, secrets) for item in value]
    if isinstance(value, str):
        text = _ADDRESS.sub(r"\1/…", hide(value, secrets))
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return value

"""The watcher at work: one client for all waits of an account in a loop, and nothing left when nobody waits."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from airflow_provider_j2v.api.account import Account
from airflow_provider_j2v.api.calls import submit_movie
from airflow_provider_j2v.api.client import AsyncClient, Client
from airflow_provider_j2v.renders import watcher
from airflow_provider_j2v.renders.plan import BATCHES
from airflow_provider_j2v.renders.polling import Outcome
from airflow_provider_j2v.sandbox import Sandbox


class Waiters:
    """Submits movies, and waits for them as triggers do."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.key = "sandbox"
        self.lookups = 0
        self.lookup_seconds = 0.0
        self.clients: list[AsyncClient] = []

    def account(self) -> Account:
        return Account.build(host=self.sandbox.url, schema=None, port=None, key=self.key, extra={})

    def submit(self, count: int, seconds: int = 2) -> list[str]:
        movie = {"resolution": "sd", "scenes": [{"duration": seconds}]}
        with Client(self.account()) as client:
            return [client.send(submit_movie(movie)).project for _ in range(count)]

    async def lookup(self) -> Account:
        self.lookups += 1
        await asyncio.sleep(self.lookup_seconds)
        return self.account()

    def connect(self, account: Account) -> AsyncClient:
        self.clients.append(AsyncClient(account, attempts=1))
        return self.clients[-1]

    def wait(self, project: str, seconds: float = 30, interval: float = 0.05) -> Awaitable[Outcome]:
        deadline, conn_id = time.time() + seconds, f"conn to {self.sandbox.url}"
        return watcher.watch(conn_id, project, deadline, interval, lookup=self.lookup, connect=self.connect)


@pytest.fixture
def waiters(sandbox: Sandbox) -> Waiters:
    return Waiters(sandbox)


def nothing_is_left() -> bool:
    shared = watcher._loops.get(asyncio.get_running_loop())
    return shared is None or not (shared.accounts or shared.lookups or shared.watchers)


async def test_a_hundred_waits_share_one_lookup_one_client_and_a_few_requests(waiters: Waiters) -> None:
    projects = await asyncio.to_thread(waiters.submit, 100, 60)
    before = asyncio.all_tasks()
    outcomes = await asyncio.gather(*map(waiters.wait, projects))
    assert {outcome.status for outcome in outcomes} == {"done"}
    assert [outcome.project for outcome in outcomes] == projects
    assert (waiters.lookups, len(waiters.clients)) == (1, 1)
    requests = waiters.sandbox.journal.requests
    assert requests["get"] + requests["list"] < 300  # one poll loop for each would take more than a thousand
    assert nothing_is_left()
    assert asyncio.all_tasks() == before
    assert waiters.clients[0]._http.is_closed


async def test_two_that_wait_for_one_render_are_both_told(waiters: Waiters) -> None:
    (project,) = await asyncio.to_thread(waiters.submit, 1)
    outcomes = await asyncio.gather(waiters.wait(project), waiters.wait(project))
    assert [outcome.status for outcome in outcomes] == ["done", "done"]


async def test_a_connection_that_nobody_waits_for_any_more_is_not_looked_up_on(waiters: Waiters) -> None:
    before = asyncio.all_tasks()
    waiters.lookup_seconds = 600
    tasks = [asyncio.ensure_future(waiters.wait("p")) for _ in range(3)]
    await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert nothing_is_left()
    assert waiters.lookups == 1


@pytest.mark.parametrize("survivors", [0, 3])
async def test_cancelled_waits_leave_no_task_socket_or_future(waiters: Waiters, survivors: int) -> None:
    waiters.sandbox.variants.never_finish = True
    projects = await asyncio.to_thread(waiters.submit, 10)
    before = asyncio.all_tasks()
    tasks = [asyncio.ensure_future(waiters.wait(project)) for project in projects]
    await asyncio.sleep(0.15)
    for task in tasks[survivors:]:
        task.cancel()
    waiters.sandbox.variants.never_finish = False
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [e.status for e in ended[:survivors]] == ["done"] * survivors
    assert all(isinstance(e, asyncio.CancelledError) for e in ended[survivors:])
    assert asyncio.all_tasks() == before
    assert nothing_is_left()
    assert all(client._http.is_closed for client in waiters.clients)


async def test_a_rotated_key_is_looked_up_once_for_all_and_the_waits_go_on(waiters: Waiters) -> None:
    account = waiters.sandbox.accounts[0]
    account.other_keys = {"old": "render"}
    waiters.key = "old"
    waiters.sandbox.variants.never_finish = True
    projects = await asyncio.to_thread(waiters.submit, 20)
    tasks = [asyncio.ensure_future(waiters.wait(project)) for project in projects]
    await asyncio.sleep(0.15)
    account.other_keys, waiters.key = {"new": "render"}, "new"
    waiters.sandbox.variants.never_finish = False
    assert {outcome.status for outcome in await asyncio.gather(*tasks)} == {"done"}
    assert waiters.lookups == 2


async def test_a_revoked_key_ends_every_wait_after_three_requests(waiters: Waiters) -> None:
    projects = await asyncio.to_thread(waiters.submit, 20)
    bad = '{"message": "Error: Invalid API Key"}'
    fault = waiters.sandbox.faults.add("*", "status", status=400, body=bad, times=None)
    outcomes = await asyncio.gather(*map(waiters.wait, projects))
    assert {outcome.status for outcome in outcomes} == {"refused"}
    assert fault.hits <= 3


async def test_who_joins_with_a_shorter_interval_is_not_kept_waiting(waiters: Waiters) -> None:
    slow, quick = await asyncio.to_thread(waiters.submit, 2)
    waiters.sandbox.movies[slow].fate.never_finish = True
    patient = asyncio.ensure_future(waiters.wait(slow, interval=600))
    await asyncio.sleep(0.05)
    assert (await asyncio.wait_for(waiters.wait(quick), 10)).status == "done"
    patient.cancel()


async def test_a_deadline_counts_although_the_service_does_not_answer(
    waiters: Waiters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watcher, "PATIENCE", 0.1)
    (project,) = await asyncio.to_thread(waiters.submit, 1)
    waiters.sandbox.faults.add("get", "hang", times=None)
    outcome = await asyncio.wait_for(waiters.wait(project, seconds=0.2), 10)
    assert outcome.status == "timeout"


async def test_an_end_that_comes_with_the_deadline_counts(waiters: Waiters, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver = watcher.Watcher._deliver

    async def late(self: watcher.Watcher) -> None:
        time.sleep(0.3)  # noqa: ASYNC251 - the loop is held up until the deadline and the end are both there
        await asyncio.sleep(0)
        await deliver(self)

    monkeypatch.setattr(watcher, "PATIENCE", 0.1)
    monkeypatch.setattr(watcher.Watcher, "_deliver", late)
    (project,) = await asyncio.to_thread(waiters.submit, 1)
    waiters.sandbox.advance(600)
    assert (await waiters.wait(project, seconds=0.1)).status == "done"


@pytest.mark.parametrize("interval", [0.0, -1.0, float("nan")])
async def test_an_interval_that_makes_no_sense_hurts_nobody(waiters: Waiters, interval: float) -> None:
    odd, *others = await asyncio.to_thread(waiters.submit, 4)
    outcomes = await asyncio.gather(waiters.wait(odd, interval=interval), *map(waiters.wait, others))
    assert {outcome.status for outcome in outcomes} == {"done"}


async def test_nobody_is_asked_for_more_often_than_the_service_likes(
    waiters: Waiters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Account, "is_local", False)
    waiting = asyncio.ensure_future(waiters.wait("p", interval=0.01))
    await asyncio.sleep(0.2)
    assert waiters.sandbox.journal.requests["get"] == 0
    waiting.cancel()


async def test_a_watcher_that_breaks_ends_its_waits_and_the_next_wait_has_a_new_one(
    waiters: Waiters, monkeypatch: pytest.MonkeyPatch
) -> None:
    projects = await asyncio.to_thread(waiters.submit, 3)
    with monkeypatch.context() as broken:
        broken.setattr(watcher.Planner, "tick", lambda _: 1 / 0)
        outcomes = await asyncio.gather(*map(waiters.wait, projects))
    assert {outcome.status for outcome in outcomes} == {"lost"}
    assert "ZeroDivisionError" in outcomes[0].message
    assert (await waiters.wait(projects[0])).status == "done"


async def test_a_rate_limit_stops_all_but_the_calls_that_are_under_way(waiters: Waiters) -> None:
    waiters.sandbox.variants.never_finish = True
    projects = await asyncio.to_thread(waiters.submit, 60)
    fault = waiters.sandbox.faults.add("get", "status", status=429, headers={"Retry-After": "600"}, times=None, skip=4)
    tasks = [asyncio.ensure_future(waiters.wait(project)) for project in projects]
    await asyncio.sleep(0.5)
    assert fault.hits <= max(BATCHES)
    for task in tasks:
        task.cancel()


async def test_a_silence_is_heeded_by_who_comes_after_all_have_gone(waiters: Waiters) -> None:
    waiters.sandbox.faults.add("get", "status", status=429, headers={"Retry-After": "600"}, times=None)
    (project,) = await asyncio.to_thread(waiters.submit, 1)
    assert (await waiters.wait(project, seconds=0.2)).status == "timeout"
    assert nothing_is_left()
    asked = waiters.sandbox.journal.requests["get"]
    assert asked == 1
    assert (await waiters.wait(project, seconds=0.2)).status == "timeout"
    assert waiters.sandbox.journal.requests["get"] == asked


async def test_two_services_share_no_client_no_silence_and_no_refusal(waiters: Waiters) -> None:
    with Sandbox(port=0, speed=100, key="sandbox", render="off") as other:
        others = Waiters(other)
        projects = [(mine, p) for mine in (waiters, others) for p in await asyncio.to_thread(mine.submit, 2)]
        key = '{"message": "Invalid API Key"}'
        faults = {"status": 400, "body": key}, {"status": 429, "headers": {"Retry-After": "600"}}
        for fault, end in zip(faults, ("refused", "timeout"), strict=True):
            waiters.sandbox.faults.clear()
            waiters.sandbox.faults.add("get", "status", times=None, **fault)
            outcomes = await asyncio.gather(*(mine.wait(project, seconds=5) for mine, project in projects))
            assert [outcome.status for outcome in outcomes] == [end, end, "done", "done"]
        assert nothing_is_left()


def test_many_event_loops_in_many_threads_get_along(waiters: Waiters) -> None:
    projects = waiters.submit(8)
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda project: asyncio.run(_wait(waiters.wait(project))), projects))
    assert {end.status for end in ends} == {"done"}


def test_each_event_loop_has_its_own_watcher_and_a_dead_one_leaves_nothing(waiters: Waiters) -> None:
    for _ in range(3):
        (project,) = waiters.submit(1)
        assert asyncio.run(_wait(waiters.wait(project))).status == "done"
    assert len(waiters.clients) == 3


async def _wait(waiting: Awaitable[Outcome]) -> Outcome:
    return await waiting


FAULTS = [
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
    {"kind": "reset"},
    {"kind": "reset", "orderly": True},
    {"kind": "truncate"},
    {"kind": "truncate", "declared": False},
    {"kind": "hang"},
    {"kind": "big", "megabytes": 40},
    {"kind": "drip", "part": "body", "interval": 0.001},
    {"kind": "body", "body": '{"movies": 3, "movie": "done"}'},
    *(
        {"kind": "body", "name": name}
        for name in ("html", "empty", "array", "deep", "nan", "huge-int", "bad-utf8", "null")
    ),
]


@pytest.mark.parametrize(("on", "count"), [("get", 1), ("list", 50), ("get", 50)], ids=["single", "list", "proof"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: "-".join(map(str, f.values())))
async def test_one_bad_answer_of_any_kind_does_not_end_a_wait(
    waiters: Waiters, fault: dict, on: str, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if fault["kind"] == "hang":
        monkeypatch.setattr(watcher, "LONGEST_POLL", 1.0)
    projects = await asyncio.to_thread(waiters.submit, count)
    waiters.sandbox.faults.add(on, **fault)
    outcomes: list[Outcome] = await asyncio.gather(*map(waiters.wait, projects))
    assert {outcome.status for outcome in outcomes} == {"done"}


@pytest.mark.parametrize(
    ("scheme", "host", "words"),
    [
        ("https", "127.0.0.1", "SSL|TLS"),
        ("http", "127.0.0.1:1", "connection"),
        ("http", "nowhere.invalid", "name|host"),
    ],
    ids=["no TLS", "refused", "no such host"],
)
async def test_a_service_that_cannot_be_reached_ends_the_wait_with_a_reason(
    waiters: Waiters, scheme: str, host: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = waiters.sandbox.url.rpartition(":")[2]
    account = Account(f"{scheme}://{host}" + ("" if ":" in host or host.endswith("invalid") else f":{port}"), "key")
    monkeypatch.setattr(watcher, "LEAST_INTERVAL", 0.01)
    monkeypatch.setattr(waiters, "account", lambda: account)
    outcome = await waiters.wait("p")
    assert outcome.status == "lost"
    assert "10 polls in a row failed" in outcome.message
    assert re.search(words, outcome.message, re.IGNORECASE), outcome.message


async def test_a_wait_may_be_cancelled_at_any_moment(waiters: Waiters) -> None:
    waiters.sandbox.variants.never_finish = True
    port = int(waiters.sandbox.url.rpartition(":")[2])
    projects = await asyncio.to_thread(waiters.submit, 3)
    before = asyncio.all_tasks()
    for moment in range(40):
        tasks = [asyncio.ensure_future(waiters.wait(project)) for project in projects]
        for _ in range(moment):
            await asyncio.sleep(0 if moment < 20 else 0.001 * (moment - 20))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert asyncio.all_tasks() == before
        assert nothing_is_left()
        ours = [c for c in psutil.Process().net_connections("tcp") if c.raddr and c.raddr.port == port]
        assert not [c for c in ours if c.status == psutil.CONN_ESTABLISHED]

"""The measured process: one event loop that waits for many renders with the triggers of one contestant.

``python -m dev.bench.measured CONTESTANT WARM_RENDER``; takes and prints lines, see ``main``.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import selectors
import sys
import time
from contextlib import aclosing
from dataclasses import asdict
from typing import IO

from dev.bench.contestants import CONTESTANTS, Contestant
from dev.bench.scenario import CONN_ID, INTERVAL, WARM_CONN_ID, Batch, Render, Watched

WARM_INTERVAL = 0.2
#: Nothing here takes longer, in seconds.
PATIENCE = 180.0


class WatchedSelector(selectors.DefaultSelector):
    """Knows the longest that a timer of its event loop may have had to wait.

    A timer that falls due while the loop is busy is noticed after this turn and comes last in the next one. A timer
    that really ticks would find less and, waking the loop a hundred times a second, cost more than some contestants.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reset()

    def reset(self) -> None:
        """Begin to watch."""
        self.lag = self._last_turn = 0.0
        self._woke = time.monotonic()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """The end of a busy turn, and the beginning of the next."""
        slept = time.monotonic()
        turn = slept - self._woke
        self.lag = max(self.lag, self._last_turn + turn)
        events = super().select(timeout)
        self._woke = time.monotonic()
        late = self._woke - slept - timeout if timeout is not None and not events else 0.0
        self._last_turn = turn if timeout == 0 else max(late, 0.0)
        return events


async def wait_for(contestant: Contestant, conn_id: str, render: Render, interval: float) -> tuple[str, float]:
    """The time (epoch seconds) of the event of one render."""
    trigger = contestant.trigger(conn_id, render, interval)
    async with aclosing(trigger.run()) as events:
        async for event in events:
            if event.payload["status"] != contestant.good:
                raise RuntimeError(f"{render}: {event.payload}")
            return render.project, time.time()
    raise RuntimeError(f"{render}: no event")


async def get_warm(contestant: Contestant, render: Render) -> None:
    """Wait once for a render that is done: what is imported or made once per process is there from now on."""
    if contestant is CONTESTANTS["dbt-cloud"]:  # its hook asks for this in the event loop, as a triggerer did before
        from airflow.providers_manager import ProvidersManager

        ProvidersManager().hooks.get("dbt_cloud")  # type: ignore[no-untyped-call]
    async with asyncio.timeout(PATIENCE):
        await wait_for(contestant, WARM_CONN_ID, render, WARM_INTERVAL)


async def measure(contestant: Contestant, selector: WatchedSelector) -> Watched:
    """Wait for the renders that come in."""
    lines = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    cpu = None
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        tasks: list[asyncio.Task[tuple[str, float]]] = []
        while True:
            batch = Batch.from_dict(json.loads(await lines.readline()))
            await asyncio.sleep(batch.at - time.time())
            if cpu is None:
                cpu = _cpu_seconds()
                selector.reset()
            tasks += [group.create_task(wait_for(contestant, CONN_ID, r, INTERVAL)) for r in batch.renders]
            if batch.last:
                break
    cpu, lag = _cpu_seconds() - cpu, selector.lag
    return Watched(seen=dict(task.result() for task in tasks), cpu=cpu, lag=lag)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _own_stdout() -> IO[str]:
    """Standard output for us alone: what others print goes to standard error."""
    own = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return own


def main(name: str, warm: str) -> None:
    """Print an empty line when ready, take the batches of renders, print what was watched."""
    out = _own_stdout()
    contestant = CONTESTANTS[name]
    asyncio.run(get_warm(contestant, Render(**json.loads(warm))))
    gc.collect()
    print(file=out, flush=True)
    selector = WatchedSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        watched = runner.run(measure(contestant, selector))
    print(json.dumps(asdict(watched)), file=out, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

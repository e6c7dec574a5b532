"""A render that stops at one named moment of its first try, until it is killed or told to go on."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag

from airflow_provider_j2v.operators.movie import JSON2VideoRenderMovieOperator


class Struck(JSON2VideoRenderMovieOperator):
    """The DAG run's conf says ``moment``, whether to wait there (``stop``), and the ``folder`` where to tell so."""

    def pre_execute(self, context):
        self._moment = None
        if context["ti"].try_number == 1:
            conf = context["dag_run"].conf
            self._moment, self._stop, self._folder = conf["moment"], conf["stop"], Path(conf["folder"])
            _watch_the_ledger(self._reach)
            _watch_the_connection(self._reach)
            _watch_the_download(self._reach)
            self._reach("before anything")

    def _wait(self, *args):
        self._reach("before the deferral")
        return super()._wait(*args)

    def execute_complete(self, *args, **kwargs):
        self._reach("after the event")
        return super().execute_complete(*args, **kwargs)

    def post_execute(self, context, result=None):
        self._reach("before success is recorded")

    def _reach(self, moment: str) -> None:
        if moment == self._moment:
            pid = self._folder / "pid"
            pid.write_text(str(os.getpid()))
            pid.rename(self._folder / "reached")
            while self._stop and not (self._folder / "go").exists():
                time.sleep(0.05)


# This process ends with the try: what is replaced here needs no undoing.


def _watch_the_ledger(reach: Callable[[str], None]) -> None:
    from airflow_provider_j2v.operators.ledger import TaskStateLedger

    write = TaskStateLedger.write

    def watched(ledger, entry):
        reach(f"before {entry.state} is written")
        write(ledger, entry)
        reach(f"after {entry.state} is written")

    TaskStateLedger.write = watched


def _watch_the_connection(reach: Callable[[str], None]) -> None:
    from airflow_provider_j2v.api.client import Client

    send = Client.send

    def watched(client, call, *, before_send=None):
        def check():
            reach("connected")
            before_send()

        return send(client, call, before_send=before_send and check)

    Client.send = watched


def _watch_the_download(reach: Callable[[str], None]) -> None:
    from airflow_provider_j2v.operators.destination import Destination

    writing = Destination.writing

    @contextmanager
    def watched(destination, **kwargs):
        with writing(destination, **kwargs) as write:

            def half_and_half(piece):
                write(piece[: len(piece) // 2])
                reach("in the download")
                write(piece[len(piece) // 2 :])

            yield half_and_half
        reach("after the download")

    Destination.writing = watched


@dag(schedule=None, max_active_runs=64, max_active_tasks=64)
def struck():
    Struck(
        task_id="render",
        movie={"resolution": "sd", "scenes": [{"duration": 1}]},
        destination="{{ dag_run.conf['folder'] }}/movie.mp4",
        json2video_conn_id="{{ dag_run.conf['conn_id'] }}",
        deferrable=True,
        poll_interval=0.5,
        retries=5,
        retry_delay=timedelta(seconds=0),
    )


struck()

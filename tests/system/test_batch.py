"""A batch in a real Airflow whose worker and triggerer are killed: one row, one movie, one charge."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from airflow_provider_j2v.sandbox import Sandbox
from dev.airflow_box import AirflowBox
from dev.batch import CONFIG, DAGS, Batch, connect


def test_a_batch_outlives_its_worker_and_its_triggerer(tmp_path: Path) -> None:
    with (
        Sandbox(render="off", speed=5, queue_seconds=20) as sandbox,
        AirflowBox(DAGS, config=CONFIG, env={"RENDERS": "1"}) as box,
    ):
        connect(box, sandbox)
        batch = Batch(box, sandbox, tmp_path, rows=40)
        batch.begin()
        batch.kill_worker(after=10)
        batch.kill_triggerer()
        summary = batch.end(timeout=300)
        assert batch.paid == Counter(item["key"] for item in batch.items)
        assert list(batch.problems(summary)) == []

        batch.items[3]["version"] = 2
        before, failing = batch.paid, [item["key"] for item in batch.items if not item["text"]]
        batch.clear()
        box.wait_task("batch", batch.run_id, "render", "running", "deferred")
        assert list(batch.problems(batch.end(timeout=300))) == []
        assert batch.paid - before == Counter([*failing, "row-3"])

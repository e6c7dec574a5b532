"""The manifest of a batch as a file: rewritten as a whole, and there when the task fails, too."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_j2v.exceptions import ConfigurationError, JSON2VideoError
from airflow_provider_j2v.operators.destination import Destination, check_destination, reason

if TYPE_CHECKING:
    from airflow_provider_j2v.renders.batch import Batch

log = logging.getLogger(__name__)


class Manifest:
    """A line for each row, see ``renders.manifest``.

    :param path: where it goes; None keeps none.
    :param stopped: says of a batch whether its rows that are not submitted will not be.
    """

    def __init__(self, path: Any, stopped: Callable[[Batch], bool]) -> None:
        self._path = path
        self._stopped = stopped

    @property
    def name(self) -> str | None:
        """The path, as text."""
        return None if self._path is None else str(self._path)

    def check(self) -> None:
        """Refuse a path that will not do, before anything is sent.

        :raises ConfigurationError: what is wrong with it.
        :raises DestinationUnavailable: it could not be looked at.
        """
        if self._path is not None:
            check_destination(self._path, overwrite=True, subtitles=False)

    def check_mapped(self, operator: Any, map_index: int | None) -> None:
        """Refuse a path that all instances of a mapped task share: each would replace the manifest of the others.

        :raises ConfigurationError: it is as it was written in the DAG.
        """
        mapped = map_index is not None and map_index >= 0
        if mapped and self._path is not None and _is_as_written(operator, "manifest", self.name):
            raise ConfigurationError(
                f"The manifest {self.name!r} is the same for every instance of this mapped task, and each would "
                "replace it: name each one's own, as with {{ ti.map_index }}. Nothing was sent."
            )

    def write(self, batch: Batch) -> None:
        """Replace it.

        :raises JSON2VideoError: that failed, and nothing is rendering any more: a retry can do nothing but this.
        """
        try:
            self._write(batch)
        except Exception as e:
            if not batch.in_flight:
                raise JSON2VideoError(f"The manifest {self.name!r} could not be written: {reason(e)}") from e
            log.warning("The manifest %s could not be written now: %s", self.name, reason(e))

    @contextmanager
    def kept(self, batch: Batch) -> Iterator[None]:
        """Write it when something fails, too, unless a newer try owns it now."""
        from airflow_provider_j2v.renders.ledger import Superseded

        try:
            yield
        except Superseded:
            raise
        except (Exception, AirflowTaskTimeout):
            with suppress(Exception):
                if batch.is_open:
                    self._write(batch)
            raise

    def _write(self, batch: Batch) -> None:
        from airflow_provider_j2v.renders.manifest import lines

        if self._path is not None:
            with Destination(self._path).writing(overwrite=True) as write:
                write("".join(lines(batch.book, stopped=self._stopped(batch))).encode())


def _is_as_written(operator: Any, name: str, value: Any) -> bool:
    """Whether a parameter stands in the DAG as it is now: neither Jinja nor the mapping filled anything in."""
    dag = operator.get_dag()
    written = None if dag is None else dag.get_task(operator.task_id)
    if written is None or written is operator:
        return False
    return str(getattr(written, "partial_kwargs", vars(written)).get(name)) == str(value)

"""From a timeline to a file: worker threads that draw and encode, or a canned file when drawing is off."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from airflow_provider_j2v.sandbox.timeline import AUDIBLE, RenderError, Timeline

if TYPE_CHECKING:
    from airflow_provider_j2v.sandbox.drawing import Painter
    from airflow_provider_j2v.sandbox.encoding import Run

log = logging.getLogger(__name__)

RenderMode = Literal["full", "off"]
CANNED = Path(__file__).parent / "canned.mp4"
WORKERS = 2
MOVING_PICTURES = 50
"""At most this many pictures are drawn for a fade, however long it takes."""

MISSING_PACKAGES = "rendering needs PyAV and Pillow: pip install 'airflow-provider-j2v[sandbox]' (or use --render off)"


class StoppedError(Exception):
    """The sandbox is shutting down."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a render ended: a file, or the message of its failure."""

    path: Path | None = None
    message: str = ""


class Renderer(Protocol):
    """Turns timelines into files, sooner or later."""

    def start(self, name: str, timeline: Timeline, done: Callable[[Outcome], None]) -> None:
        """Render to a file called ``name`` and call ``done``, from any thread."""

    def stop(self) -> None:
        """Give up what is under way and wait for it to end."""


class CannedRenderer:
    """Every movie is the same small file: for load tests, and without the packages that draw."""

    def start(self, name: str, timeline: Timeline, done: Callable[[Outcome], None]) -> None:
        done(Outcome(CANNED))

    def stop(self) -> None:
        pass


class DrawingRenderer:
    """Draws and encodes in a few threads, so that the event loop never waits for a frame."""

    def __init__(self, folder: Path, media: Callable[[str], Path | None], *, fetch_loopback: bool) -> None:
        if not all(util.find_spec(name) for name in ("av", "PIL")):
            raise RuntimeError(MISSING_PACKAGES)
        self._folder = folder
        self._media = media
        self._fetch_loopback = fetch_loopback
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="sandbox-render")

    def start(self, name: str, timeline: Timeline, done: Callable[[Outcome], None]) -> None:
        self._pool.submit(self._work, self._folder / name, timeline, done)

    def stop(self) -> None:
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, path: Path, timeline: Timeline, done: Callable[[Outcome], None]) -> None:
        try:
            self._render(path, timeline)
        except RenderError as error:
            done(Outcome(message=str(error)))
        except StoppedError:
            pass
        except Exception as error:
            log.exception("The sandbox could not render %s", path.name)
            done(Outcome(message=f"Error rendering movie: {type(error).__name__}"))
        else:
            done(Outcome(path))

    def _render(self, path: Path, timeline: Timeline) -> None:
        from airflow_provider_j2v.sandbox.drawing import Painter
        from airflow_provider_j2v.sandbox.encoding import encode
        from airflow_provider_j2v.sandbox.sources import Sources

        painter = Painter(timeline, Sources(self._media, loopback=self._fetch_loopback), self._stopping.is_set)
        if (painter.width, painter.height) != (timeline.width, timeline.height):
            log.warning(
                "%sx%s is rounded up to %sx%s: the video format needs even sizes",
                *(timeline.width, timeline.height, painter.width, painter.height),
            )
        encode(
            path,
            size=(painter.width, painter.height),
            fps=timeline.fps,
            runs=_runs(painter),
            tones=[(e.start, e.end) for e in timeline.elements if e.type in AUDIBLE and not e.data.get("muted")],
            stopped=self._stopping.is_set,
        )


def _runs(painter: Painter) -> Iterator[Run]:
    from airflow_provider_j2v.sandbox.encoding import Run

    for shot in painter.shots():
        frames = shot.last - shot.first
        step = frames if shot.still else 1 + frames // MOVING_PICTURES
        for index in range(shot.first, shot.last, step):
            yield Run(painter.frame(index), min(step, shot.last - index))

"""What becomes of a rendered file: it is brought home before its link dies, or removed early."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, BaseOperator

from airflow_provider_j2v.exceptions import DestinationTaken, DownloadFailed, JSON2VideoError, NotFound, RenderFailed
from airflow_provider_j2v.hooks.errors import final_errors
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook, project_of
from airflow_provider_j2v.links.movie import LINKS, push_links
from airflow_provider_j2v.operators.destination import Destination, Taken, reason
from airflow_provider_j2v.operators.lineage import Place, lineage_of, product_of
from airflow_provider_j2v.operators.outlets import movie_facts, tell_outlets

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.api.answers import MovieAnswer, MovieStatus

log = logging.getLogger(__name__)


def bring_home(
    hook: JSON2VideoHook,
    project: str,
    movie: MovieStatus,
    destination: Any,
    *,
    overwrite: bool = False,
    subtitles: bool = False,
) -> dict[str, str | None]:
    """Download a finished movie to any object storage path; may run again at any time and pays nothing.

    Bytes go through memory in pieces, and no file shows under its final name before all of it is there. A file that
    is there already is left alone with ``overwrite=False``: the very same one, byte for byte, is taken for what an
    earlier try brought; another one is an error.

    :param movie: its status, with ``url``, ``size`` and ``ass``.
    :param destination: an absolute path, or a URL such as ``s3://conn_id@bucket/key``.
    :param subtitles: whether the ``.ass`` file comes too, beside it and after it.
    :returns: ``{"destination": path}``, and ``"subtitles"``: path or None when there are none to be had.
    :raises NotFound: the video is gone.
    :raises DestinationTaken: another file is there.
    :raises DownloadFailed: anything else; the video is there when the reason says so.
    """
    from airflow_provider_j2v.api.reply import escape
    from airflow_provider_j2v.renders.result import FILE_LIFE

    until = (movie.ended_at + FILE_LIFE).isoformat(timespec="seconds") if movie.ended_at else None
    where = escape(str(destination))
    with _failures(project, where, until):
        video = Destination(destination)
        beside = video.beside(".ass") if subtitles else None
        try:
            size = _bring_video(hook, movie, video, overwrite=overwrite)
        except NotFound as e:
            there = _same_size(video, movie.size)
            fate = f"a file of the same size is at {where}, perhaps this one" if there else f"did not get to {where}"
            life = f"; this one until {until}" if until else ""
            raise NotFound(
                e.status,
                f"Project {project} was rendered and paid for, but its file is gone and {fate}: "
                f"{e.message}. Files live 7 days at the service, or until they are deleted{life}",
            ) from e
    log.info("Project %s: %d bytes are at %s.", project, size, where)
    if beside is None:
        return {"destination": video.name}
    note = f"the video is at {where}; subtitles=False does without them"
    with _failures(project, escape(beside.name), until, note):
        return {"destination": video.name, "subtitles": _bring_subtitles(hook, project, movie, beside, overwrite)}


@contextmanager
def _failures(project: str, where: str, until: str | None, note: str = "") -> Iterator[None]:
    """Whatever goes wrong, told with the project, the place and the day when the file dies."""
    more = f"; {note}" if note else ""
    try:
        yield
    except NotFound:
        raise
    except Taken as e:
        raise DestinationTaken(project, where, f"{e}{more}", until) from e
    except JSON2VideoError as e:
        raise DownloadFailed(project, where, str(e).rstrip(".") + more, until) from e
    except Exception as e:
        raise DownloadFailed(project, where, reason(e) + more, until) from e


def _same_size(video: Destination, size: int | None) -> bool:
    with suppress(Exception):
        return bool(size) and video.there(overwrite=False) == size
    return False


def _bring_video(hook: JSON2VideoHook, movie: MovieStatus, video: Destination, *, overwrite: bool) -> int:
    if not movie.url:
        raise NotFound(None, "the service has no address of it any more")
    return _bring(hook, movie.url, video, movie.size, overwrite=overwrite)


def _bring_subtitles(
    hook: JSON2VideoHook, project: str, movie: MovieStatus, target: Destination, overwrite: bool
) -> str | None:
    """They are not what was paid for: without them the task goes on."""
    try:
        if not movie.ass:
            raise NotFound(None, "the service makes them of a movie with subtitles only")
        _bring(hook, movie.ass, target, None, overwrite=overwrite, may_be_empty=True)
    except NotFound as e:
        log.warning("Project %s: no subtitles came: %s.", project, e)
        return None
    return target.name


def _bring(
    hook: JSON2VideoHook,
    url: str,
    target: Destination,
    size: int | None,
    *,
    overwrite: bool,
    may_be_empty: bool = False,
) -> int:
    from airflow_provider_j2v.api.download import fetch

    if not _is_there(target, size, overwrite=overwrite):
        with suppress(Taken):  # what has come there meanwhile may be the same, from a try that was taken for dead
            return fetch(
                hook.client, url, lambda: target.writing(overwrite=overwrite), size=size, may_be_empty=may_be_empty
            )
    return fetch(hook.client, url, target.comparing, size=size, may_be_empty=may_be_empty)


def _is_there(target: Destination, size: int | None, *, overwrite: bool) -> bool:
    """Whether the file may be there already: left by a try that died after its last step. Only its bytes can tell.

    :raises Taken: it cannot be.
    """
    there = target.there(overwrite=overwrite)
    if overwrite or there is None:
        return False
    if size is not None and size != there:
        raise Taken(f"another file is there, of {there} bytes instead of {size}, and overwrite is False")
    return True


class JSON2VideoDownloadMovieOperator(BaseOperator):
    """Download a finished movie to any object storage path. Pays nothing, and may run again.

    Returns (XCom) what the render operator returns, with ``destination``.

    :param project: the render (templated): the service's id of it (str), or what the task returned that asked for it.
    :param destination: where the file goes (templated): an absolute path, or a URL that ``ObjectStoragePath`` knows,
        such as ``s3://conn_id@bucket/{{ ds }}.mp4``.
    :param overwrite: False (default) leaves a file that is there alone: the very same one is taken for ours, another
        one fails the task.
    :param subtitles: True brings the ``.ass`` file of a movie with subtitles too, beside it; its path is returned as
        ``subtitles``.
    :param json2video_conn_id: Airflow conn id of the account (default ``json2video_default``).
    """

    template_fields: Sequence[str] = ("project", "destination", "json2video_conn_id")
    operator_extra_links = LINKS
    ui_color = "#d9d2f7"

    def __init__(
        self,
        *,
        project: Any,
        destination: Any,
        overwrite: bool = False,
        subtitles: bool = False,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.destination = destination
        self.overwrite = overwrite
        self.subtitles = subtitles
        self.json2video_conn_id = json2video_conn_id
        # What the links need; set when they are known.
        self.video_url: str | None = None
        self.dashboard_url: str | None = None
        # What lineage tells.
        self.base_url: str | None = None
        self.result: dict[str, Any] = {}

    def execute(self, context: Context) -> dict[str, Any]:
        """Look at the render, and bring its file home."""
        from airflow_provider_j2v.renders.polling import settle
        from airflow_provider_j2v.renders.result import result_of

        with final_errors():
            self.project = project_of(self.project)
            Destination(self.destination)
            hook = JSON2VideoHook(self.json2video_conn_id)
            self.base_url, self.dashboard_url = hook.account.base_url, hook.dashboard_url
            answer = _ended(hook, self.project)
            outcome = settle(self.project, answer, None)
            if outcome.status == "error":
                raise AirflowFailException(str(RenderFailed(self.project, outcome.message)))
            result = result_of(outcome)
            self.video_url = result["url"]
            push_links(self, context["ti"])
            options = {"overwrite": self.overwrite, "subtitles": self.subtitles}
            result |= bring_home(hook, self.project, answer.movie, self.destination, **options)
        self.result = result
        tell_outlets(self, context, movie_facts(result), file=result["destination"])
        return result

    def get_openlineage_facets_on_complete(self, ti: Any) -> Any:
        """The movie at the service and the file it became, for OpenLineage."""
        if not self.base_url or not self.result:
            return None
        movie, file = Place.at_service(self.base_url, "movies", self.project), product_of(self.result, self.base_url)
        return lineage_of([movie], [file], self.project, self.base_url)


class JSON2VideoDeleteMovieOperator(BaseOperator):
    """Remove a rendered file from the service before its seven days are over; to ask again changes nothing.

    Credits are not returned, and the render stays in the account's list. Returns (XCom) ``{project, deleted_at
    (ISO)}``.

    :param project: the render (templated): the service's id of it (str), or what the task returned that asked for it.
    :param json2video_conn_id: Airflow conn id of the account (default ``json2video_default``).
    """

    template_fields: Sequence[str] = ("project", "json2video_conn_id")
    ui_color = "#f7d2d2"

    def __init__(
        self, *, project: Any, json2video_conn_id: str = JSON2VideoHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.project = project
        self.json2video_conn_id = json2video_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """See that the render has ended, and remove its file."""
        with final_errors():
            self.project = project_of(self.project)
            hook = JSON2VideoHook(self.json2video_conn_id)
            _ended(hook, self.project)
            deleted = hook.delete_movie(self.project)
        self.log.info("Project %s: its file is removed; credits are not returned.", self.project)
        at = deleted.deleted_at
        return {"project": self.project, "deleted_at": at.isoformat(timespec="seconds") if at else None}


def _ended(hook: JSON2VideoHook, project: str) -> MovieAnswer:
    """Before its end there is nothing to download, and what a deletion does to a render is not known."""
    from airflow_provider_j2v.api.calls import get_movie

    try:
        answer = hook.send(get_movie(project))
    except NotFound as e:
        raise NotFound(e.status, f"Project {project}: {e.message}") from e
    if answer.movie.status not in ("done", "error"):
        raise JSON2VideoError(
            f"Project {project} is {answer.movie.status!r}: wait for its end first, for example with a "
            "JSON2VideoMovieSensor."
        )
    return answer

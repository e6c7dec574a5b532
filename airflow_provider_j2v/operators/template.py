"""Saved templates as code: a movie of the repository, deployed by name."""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_j2v.exceptions import (
    ApiError,
    ConfigurationError,
    InvalidMovie,
    ServerError,
    Unreachable,
    UnreadableAnswer,
)
from airflow_provider_j2v.hooks.errors import final_errors, is_final
from airflow_provider_j2v.hooks.json2video import JSON2VideoHook
from airflow_provider_j2v.operators.authoring import AuthoredMovie

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.api.template_answers import Template, TemplateRow
    from airflow_provider_j2v.operators.preflight import Level

#: So many changed paths are told, each cut to so many characters: the result travels through XCom.
SHOWN_CHANGES = 10
_SHOWN_PATH = 100
#: Mistakes in a movie that are none in a template: each render may bring the variable along.
_LATER = frozenset(("undefined-placeholder", "iterate-undefined", "empty-source", "empty-text"))


class JSON2VideoSyncTemplateOperator(AuthoredMovie):
    """Deploy a movie as a saved template: create it, change it where it differs, or leave it alone.

    The template is found by its name among the account's own. The key of the connection must be of role *Editor*.
    Two tasks should not deploy the same name at the same time: see ``max_active_tis_per_dag``.

    Returns (XCom) ``{template_id, name, action, changes}``: ``action`` is ``created``, ``updated`` or ``unchanged``,
    with ``check_only`` also ``would create`` (``template_id`` is None then) and ``would update``; ``changes`` are the
    first ten paths that differ, such as ``movie.scenes[0].duration`` or ``tags``. ``template_id`` is also pushed under
    its own key: give ``template_id=task.output["template_id"]`` to render operators.

    :param name: of the template (templated, up to 100 characters). The service lets several have the same name: then
        the task fails and names their ids.
    :param movie: the movie: a mapping, JSON text of an object, or another task's output. The ``{{placeholders}}`` in
        it are JSON2Video's and left alone.
    :param movie_file: path of a movie file instead: relative to the DAG file's folder, or any object storage URL.
    :param tags: of the template, a list or text with commas (templated); None leaves those it has.
    :param connections: AI provider → Airflow conn id of type ``json2video_connection`` (or ``j2v:<id>``): the saved
        movie names the connections of this environment.
    :param catalog: the XCom of a ``JSON2VideoRefreshCatalogOperator``; without it one is fetched when needed.
    :param preflight: what becomes of mistakes found in the movie before it is saved: ``"error"`` (default) fails the
        task, ``"warn"`` only logs them, ``"off"`` looks for none. A placeholder without a default only warns.
    :param check_only: True writes nothing and returns what would be done.
    :param json2video_conn_id: Airflow conn id of the account (default ``json2video_default``).
    """

    template_fields: Sequence[str] = (
        "name",
        "movie",
        "movie_file",
        "tags",
        "connections",
        "catalog",
        "json2video_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "movie": "json",
        "connections": "json",
        "catalog": "json",
    }
    ui_color = "#d9d2f7"

    def __init__(
        self,
        *,
        name: str,
        movie: Any = None,
        movie_file: str | os.PathLike[str] | None = None,
        tags: str | Collection[str] | None = None,
        connections: Mapping[str, str] | None = None,
        catalog: Any = None,
        preflight: Level = "error",
        check_only: bool = False,
        json2video_conn_id: str = JSON2VideoHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.movie = movie
        self.movie_file = movie_file
        self.tags = tags
        self.connections = connections
        self.catalog = catalog
        self.preflight = preflight
        self.check_only = check_only
        self.json2video_conn_id = json2video_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Compare the movie with the saved one, and save it where they differ."""
        with final_errors():
            result = self._sync(check_only=self.check_only)
        if result["template_id"]:
            context["ti"].xcom_push(key="template_id", value=result["template_id"])
        return result

    def dry_run(self) -> None:
        """Log what a run would do; nothing is written. Paths are relative to the DAG file's folder, or to this one.

        :raises ConfigurationError: the name is a Jinja template, which only a run renders.
        """
        if "{{" in str(self.name) or "{%" in str(self.name):
            raise ConfigurationError(
                f"dry_run() renders no Jinja, so {self.name!r:.120} is not the name that a run looks for: render the "
                "fields first, or use check_only=True in a run. Nothing was sent."
            )
        self._sync(check_only=True)

    def _sync(self, *, check_only: bool) -> dict[str, Any]:
        hook = JSON2VideoHook(self.json2video_conn_id)
        result = self._saved(hook, self._prepared(hook), check_only)
        self.log.info("Template %r (%s): %s.", result["name"], result["template_id"] or "no id yet", result["action"])
        for path in result["changes"]:
            self.log.info("Differs: %s", path)
        return result

    def _saved(self, hook: JSON2VideoHook, movie: dict[str, Any], check_only: bool) -> dict[str, Any]:
        from airflow_provider_j2v.api.templates import check_name, check_tags

        name = check_name(self.name)
        tags = None if self.tags is None else check_tags(self.tags)
        with _naming(name, "nothing was saved"):
            found = self._find(hook, name)
        if found is None and check_only:
            return _result(None, name, "would create")
        if found is None:
            with _naming(name, "whether it is saved is not known, and a retry looks for it"):
                created = self._create(hook, name, movie, tags)
                template_id = self._oldest(hook, name, created)
            if template_id == created:
                return _result(created, name, "created")
        else:
            template_id = found.id
        with _naming(name, "nothing was saved"):
            changes = _changes(hook.get_template(template_id), movie, tags)
        if not changes:
            return _result(template_id, name, "unchanged")
        if check_only:
            return _result(template_id, name, "would update", changes)
        with _naming(name, "whether the change is saved is not known, and a retry compares again"):
            hook.update_template(template_id, movie=movie, tags=tags)
        return _result(template_id, name, "updated", changes)

    def _find(self, hook: JSON2VideoHook, name: str) -> TemplateRow | None:
        rows = hook.list_templates()
        found, alike = _named(rows, name), _named(rows, name, case=False)
        if alike and not found:
            self.log.warning(
                "Template %r is another one than %r, as names differ by case: %s is left alone.",
                *(alike[0].name, name, alike[0].id),
            )
        if len(found) > 1:
            raise ConfigurationError(
                f"{len(found)} templates are named {name!r}, so that it is not clear which one to change: "
                f"{', '.join(row.id for row in found)}. Rename or delete all but one. None of them was changed."
            )
        return found[0] if found else None

    def _oldest(self, hook: JSON2VideoHook, name: str, created: str) -> str:
        """The template that stays, where somebody created one at the same time: the oldest, here as there."""
        rows = _named(hook.list_templates(), name)
        oldest = min(rows, key=lambda row: (row.created_at is None, row.created_at, row.id), default=None)
        if oldest is None or oldest.id == created or created not in [row.id for row in rows]:
            return created
        self.log.warning("Template %r was created twice at the same time: %s stays.", name, oldest.id)
        hook.delete_template(created)  # nobody knows its id yet
        return oldest.id

    def _create(self, hook: JSON2VideoHook, name: str, movie: dict[str, Any], tags: list[str] | None) -> str:
        """Create the template; after an answer that was lost, look for it before anybody creates a second one."""
        try:
            return hook.create_template(name, movie, tags).id
        except (Unreachable, ServerError, UnreadableAnswer) as e:
            lost = e
        for pause in (0.0, hook.account.adopt_wait):
            time.sleep(pause)
            if found := self._find(hook, name):
                self.log.warning("The answer was lost (%s), but the template was created: %s.", lost, found.id)
                return found.id
        raise lost

    # What is deployed.

    def _prepared(self, hook: JSON2VideoHook) -> dict[str, Any]:
        from airflow_provider_j2v.api.calls import encode
        from airflow_provider_j2v.api.templates import MAX_TEMPLATE_BYTES
        from airflow_provider_j2v.movies.document import check_movie, compose

        self._one_of("movie", "movie_file")
        movie = compose(self._read_movie())
        if movie.get("template"):
            raise InvalidMovie(
                "movie.template: a movie that names another template would be saved as a copy of that one's movie; "
                "give the movie itself. Nothing was sent."
            )
        check_movie(movie)
        movie = self._examined(hook, movie)
        if (size := len(encode(movie))) > MAX_TEMPLATE_BYTES:
            self.log.warning("The movie is %d kB of JSON; the service takes templates of about 100 kB.", size // 1000)
        return movie

    def _examined(self, hook: JSON2VideoHook, movie: dict[str, Any]) -> dict[str, Any]:
        """The movie with its connections resolved, unless there are mistakes in it."""
        from airflow_provider_j2v.movies.lint import refuse
        from airflow_provider_j2v.operators.preflight import SHOWN, Preflight

        preflight = Preflight(hook, level=self.preflight, connections=self.connections, catalog=self.catalog)
        preflight.check()
        examined = preflight.examine(movie)
        findings = [replace(f, severity="warning") if f.rule in _LATER else f for f in examined.findings]
        for finding in findings[:SHOWN]:
            if finding.severity == "warning" or self.preflight == "warn":
                self.log.warning("%s", finding)
        if self.preflight == "error":
            refuse(findings)
        return examined.resolution.movie


def _changes(saved: Template, movie: dict[str, Any], tags: list[str] | None) -> list[str]:
    """The paths that differ."""
    from airflow_provider_j2v.movies.compare import differences

    changes = list(differences(saved.movie or {}, movie, "movie"))
    return changes if tags is None or set(tags) == set(saved.tags or ()) else [*changes, "tags"]


def _named(rows: Sequence[TemplateRow], name: str, *, case: bool = True) -> list[TemplateRow]:
    """The account's own templates of a name, in whichever Unicode spelling.

    :param case: False takes those that differ from it in capitals alone, too.
    """

    def plain(text: str) -> str:
        composed = unicodedata.normalize("NFC", text).strip()
        return composed if case else composed.casefold()

    return [row for row in rows if row.owner is not False and plain(row.name or "") == plain(name)]


@contextmanager
def _naming(name: str, so_far: str) -> Iterator[None]:
    """Have the service's errors say which template they are about, and what became of it."""
    try:
        yield
    except ApiError as e:
        saved = "nothing was saved" if is_final(e) else so_far
        e.message = f"Template {name!r}: {e.message}; {saved}"
        raise


def _result(template_id: str | None, name: str, action: str, changes: Sequence[str] = ()) -> dict[str, Any]:
    shown = [path if len(path) <= _SHOWN_PATH else f"{path[: _SHOWN_PATH - 1]}…" for path in changes[:SHOWN_CHANGES]]
    if len(changes) > SHOWN_CHANGES:
        shown.append(f"and {len(changes) - SHOWN_CHANGES} more")
    return {"template_id": template_id, "name": name, "action": action, "changes": shown}

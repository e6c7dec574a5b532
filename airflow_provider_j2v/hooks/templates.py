"""The hook's methods for saved templates."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from airflow_provider_j2v.api.account import Account
    from airflow_provider_j2v.api.calls import Call
    from airflow_provider_j2v.api.template_answers import LibraryRow, Saved, Template, TemplateRow

T = TypeVar("T")

#: How long a template that was read is not read again by the same process, in seconds.
FRESH_FOR = 300.0
_KEPT = 256

_cache: dict[tuple[Any, ...], tuple[float, Any]] = {}


class TemplatesMixin:
    """What ``JSON2VideoHook`` can do with templates. Writing needs a key of role *Editor*."""

    if TYPE_CHECKING:

        @property
        def account(self) -> Account: ...

        def send(self, call: Call[T]) -> T: ...

    def list_templates(self, tag: str | None = None) -> list[TemplateRow]:
        """All templates of the account, the last changed first, without their movies; with ``tag`` only those."""
        from airflow_provider_j2v.api.templates import list_templates

        return self.send(list_templates(tag))

    def get_template(self, template_id: str, *, prompt: bool = False) -> Template:
        """One template; its ``movie`` is a dict, or None when it has none.

        :param prompt: whether to read the text of its AI prompt too (``ai_prompt``).
        :raises NotFound: the account has no such template.
        """
        from airflow_provider_j2v.api.templates import get_template

        return self.send(get_template(template_id, prompt=prompt))

    def template_variables(self, template_id: str) -> dict[str, Any]:
        """The JSON Schema of a template's variables (``{type: "object", properties: {...}}``).

        :raises NotFound: the account has no such template.
        """
        from airflow_provider_j2v.api.templates import template_variables

        return self.send(template_variables(template_id))

    def cached_template(self, template_id: str) -> Template:
        """``get_template`` at most every 5 minutes a process, to check and price renders; not to be changed."""
        return self._cached("template", template_id, self.get_template)

    def cached_template_variables(self, template_id: str) -> dict[str, Any]:
        """``template_variables`` at most every 5 minutes a process; not to be changed."""
        return self._cached("variables", template_id, self.template_variables)

    def create_template(
        self,
        name: str,
        movie: Any = None,
        tags: str | Collection[str] | None = None,
        prompt: str | None = None,
    ) -> Saved:
        """Save a new template: one POST, never repeated. Names need not be unique at the service.

        :param name: up to 100 characters.
        :param movie: a mapping, a ``Movie``, or JSON text of an object. It is saved as it is: ``resolve_connections``
            puts the ids of this environment's Connections into it first.
        :param tags: a list, or text with commas.
        :param prompt: its AI prompt.
        """
        from airflow_provider_j2v.api.templates import create_template

        return self._write(create_template(name, _plain(movie), tags, prompt))

    def update_template(
        self,
        template_id: str,
        *,
        name: str | None = None,
        movie: Any = None,
        tags: str | Collection[str] | None = None,
        prompt: str | None = None,
    ) -> Saved:
        """Change a template. What is None stays; the movie and the tags are replaced as a whole.

        :param movie: see ``create_template``.
        """
        from airflow_provider_j2v.api.templates import update_template

        saved = self._write(update_template(template_id, name=name, movie=_plain(movie), tags=tags, prompt=prompt))
        self._forget(template_id)
        return saved

    def duplicate_template(
        self, template_id: str, name: str | None = None, variables: Mapping[str, Any] | None = None
    ) -> Saved:
        """Copy a template: one POST, never repeated.

        :param name: of the copy (default: the source's and "(custom)").
        :param variables: merged deep into the variables of the copy.
        """
        from airflow_provider_j2v.api.templates import duplicate_template

        return self._write(duplicate_template(template_id, name, variables))

    def delete_template(self, template_id: str) -> None:
        """Remove a template for good; one that is not there is as good as removed."""
        from airflow_provider_j2v.api.templates import delete_template
        from airflow_provider_j2v.exceptions import NotFound

        with suppress(NotFound):
            self._write(delete_template(template_id))
        self._forget(template_id)

    def template_library(self, tags: str | Collection[str] | None = None) -> list[LibraryRow]:
        """The templates that JSON2Video publishes, and the account's with one of the tags: a union, not a filter."""
        from airflow_provider_j2v.api.templates import template_library

        return self.send(template_library(tags))

    def _write(self, call: Call[T]) -> T:
        from airflow_provider_j2v.exceptions import PermissionDenied

        try:
            return self.send(call)
        except PermissionDenied as e:
            e.message += "; writing takes a key of role Editor, and a template of the account's own"
            raise

    def _cached(self, what: str, template_id: str, read: Callable[[str], T]) -> T:
        key, now = (*self._place(template_id), what), time.monotonic()
        kept = _cache.get(key)
        if kept and now - kept[0] < FRESH_FOR:
            value: T = kept[1]
            return value
        value = read(template_id)
        if len(_cache) >= _KEPT:
            _cache.clear()
        _cache[key] = now, value
        return value

    def _forget(self, template_id: str) -> None:
        for what in ("template", "variables"):
            _cache.pop((*self._place(template_id), what), None)

    def _place(self, template_id: str) -> tuple[str, str, str]:
        return self.account.base_url, self.account.key, template_id


def _plain(movie: Any) -> dict[str, Any] | None:
    from airflow_provider_j2v.movies.document import compose, read_movie

    return None if movie is None else compose(read_movie(movie))

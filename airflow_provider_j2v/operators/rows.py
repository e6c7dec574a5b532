"""What an operator means by its rows: a movie for each, out of what all of them share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_j2v.exceptions import InvalidMovie, MovieError
from airflow_provider_j2v.operators.authoring import resolved
from airflow_provider_j2v.operators.items import is_path, named, rows_of
from airflow_provider_j2v.operators.rendering import RendersMovies

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_j2v.renders.rows import Row


class RendersRows(RendersMovies):
    """An operator that renders a movie for each of its ``items``; its subclasses document and set what is declared."""

    items: Any
    key: str | None

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        if parent is self and not self.jinja and not is_path(self.items):
            template_fields = [name for name in template_fields if name != "items"]
            self.items = resolved(self.items, context)
        super()._do_render_template_fields(
            parent=parent,
            template_fields=template_fields,
            context=context,
            jinja_env=jinja_env,
            seen_oids=seen_oids,
        )

    def _mark(self, movie: Mapping[str, Any]) -> str:
        """The digest of what is wanted; sixteen characters of it tell the rows' versions apart."""
        return self._fingerprint(movie)[:16]

    def _rows(self) -> list[Row]:
        return rows_of(self.items, self.key, self._folder)

    @property
    def _folder(self) -> str:
        """What relative paths are relative to."""
        dag = self.get_dag()
        return dag.folder if dag else os.curdir

    @property
    def _has_source(self) -> bool:
        return any(source is not None for source in (self.movie, self.movie_file, self.template_id))

    @cached_property
    def _source(self) -> dict[str, Any] | None:
        """The movie of all rows, read once a process."""
        return self._read_movie()

    def _over(self, movie: Mapping[str, Any] | None, variables: Mapping[str, Any] | None) -> dict[str, Any]:
        from airflow_provider_j2v.movies.document import compose

        return compose(
            movie,
            template_id=self.template_id,
            variables=variables,
            overrides=self.overrides,
            client_data=self.client_data,
            exports=self.exports,
        )

    def _movie_of(self, row: Row) -> dict[str, Any]:
        """The document of a row as its author means it: connections are not resolved yet."""
        from airflow_provider_j2v.api.redaction import secrets_of
        from airflow_provider_j2v.movies.document import check_movie, read_movie

        try:
            if self._has_source:
                movie = self._over(self._source, {**(self.variables or {}), **row.fields})
            elif "movie" in row.fields:
                own = read_movie(row.fields["movie"])
                if secrets_of(own.get("exports")):
                    raise InvalidMovie(
                        "movie.exports holds a password, and rows are kept in Airflow's state store: name an Airflow "
                        "connection there, or give exports to the operator. Nothing was sent."
                    )
                movie = self._over(own, self.variables)
            else:
                raise InvalidMovie(
                    "there is no movie: give movie, movie_file or template_id for all rows, or each row a field "
                    "'movie'. Nothing was sent."
                )
            check_movie(movie)
        except MovieError as e:
            raise type(e)(f"{named(row)}: {e}") from e
        return movie

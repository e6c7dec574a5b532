"""What operators share whose author gives a movie: its templating, and reading it from a file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_j2v.exceptions import InvalidMovie

if TYPE_CHECKING:
    import jinja2
    from airflow.providers.common.compat.sdk import Context

#: A movie file is read up to here (bytes); the service takes about 2 MB.
MAX_FILE = 8 * 1024 * 1024


class AuthoredMovie(BaseOperator):
    """An operator with ``movie`` and ``movie_file``. JSON2Video's placeholders, so like Jinja, are left alone there."""

    movie: Any
    movie_file: str | os.PathLike[str] | None
    exports: Any = None
    jinja: bool = False
    #: Whether a run has rendered the templated fields.
    is_rendered: bool = False

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        if parent is self:
            from airflow_provider_j2v.movies.document import undressed

            self.movie, self.exports = undressed(self.movie), undressed(self.exports)
            self.is_rendered = True
        if parent is self and not self.jinja:
            template_fields = [name for name in template_fields if name != "movie"]
            self.movie = resolved(self.movie, context)
        super()._do_render_template_fields(
            parent=parent,
            template_fields=template_fields,
            context=context,
            jinja_env=jinja_env,
            seen_oids=seen_oids,
        )

    def _read_movie(self) -> dict[str, Any] | None:
        """The movie that was given, or None."""
        from airflow_provider_j2v.movies.document import read_movie

        if self.movie_file is not None and not isinstance(self.movie_file, str | os.PathLike):
            raise InvalidMovie(f"movie_file must be a path, not {self.movie_file!r:.80}. Nothing was sent.")
        if self.movie_file is not None:
            return read_movie(self._read_file(self.movie_file), f"movie_file {self.movie_file!r}")
        return None if self.movie is None else read_movie(self.movie)

    def _one_of(self, *names: str) -> None:
        """Refuse to guess which source of the movie is meant.

        :raises InvalidMovie: not exactly one of these parameters is given.
        """
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            what = f"{' and '.join(given)} are given" if given else "none is given"
            listed = f"{', '.join(names[:-1])} and {names[-1]}"
            raise InvalidMovie(f"Give exactly one of {listed}: {what}. Nothing was sent.")

    def _read_file(self, path: str | os.PathLike[str]) -> bytes:
        """The bytes of a file: beside the DAG file, or on object storage."""
        from airflow.providers.common.compat.sdk import ObjectStoragePath

        name = os.fspath(path)
        if "://" not in name:
            dag = self.get_dag()
            name = str(Path(dag.folder if dag else os.curdir, name))
        try:
            with ObjectStoragePath(name).open("rb") as file:  # type: ignore[no-untyped-call]
                content: bytes = file.read(MAX_FILE + 1)
        except FileNotFoundError:
            raise InvalidMovie(f"There is no movie file at {name!r}. Nothing was sent.") from None
        except (OSError, ValueError, ImportError) as e:
            raise InvalidMovie(f"The movie file {name!r} cannot be read: {e}. Nothing was sent.") from None
        if len(content) > MAX_FILE:
            raise InvalidMovie(f"The movie file {name!r} is larger than {MAX_FILE / 1e6:.0f} MB. Nothing was sent.")
        return content


def resolved(value: Any, context: Context) -> Any:
    """The value with other tasks' outputs put in and every string as it is."""
    if isinstance(value, Mapping):
        return {key: resolved(item, context) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(item, context) for item in value]
    resolve = getattr(value, "resolve", None)
    if not callable(resolve) or isinstance(value, os.PathLike):
        return value
    output = resolve(context)
    # What a mapped task returned comes as a lazy sequence.
    return list(output) if isinstance(output, Sequence) and not isinstance(output, str | bytes) else output

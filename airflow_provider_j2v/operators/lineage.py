"""What a task read and made, for OpenLineage; without its provider there is nothing to tell."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from airflow_provider_j2v.operators.rendering import RendersMovies

#: Other names of the same store.
_SAME = {"s3a": "s3", "s3n": "s3", "gcs": "gs"}


@dataclass(frozen=True)
class Place:
    """A dataset as OpenLineage names it: https://openlineage.io/docs/spec/naming.

    :param size: bytes, where known.
    """

    namespace: str
    name: str
    size: int | None = None

    @classmethod
    def of_file(cls, path: str, size: int | None = None) -> Place:
        """A file: ``file`` and its path, ``s3://bucket`` and its key. An Airflow conn id in a URL is left out."""
        scheme, is_url, rest = path.partition("://")
        if not is_url:
            return cls("file", path, size)
        authority, _, name = rest.partition("/")
        if scheme in ("file", "local"):
            return cls("file", f"/{name}", size)
        return cls(f"{_SAME.get(scheme, scheme)}://{authority.rpartition('@')[2]}", name, size)

    @classmethod
    def at_service(cls, base_url: str, kind: str, name: str, size: int | None = None) -> Place:
        """What the service keeps, such as ``json2video://api.json2video.com`` and ``movies/<project>``."""
        return cls(f"json2video://{urlsplit(base_url).netloc}", f"{kind}/{name}", size)

    @property
    def uri(self) -> str:
        """The same as one URI, as an asset is named: in a file's name, nothing begins a query or a fragment."""
        name = re.sub("[%?#]", lambda found: quote(found[0]), self.name)
        return f"file://{name}" if self.namespace == "file" else f"{self.namespace}/{name}"


def sources_of(operator: RendersMovies, base_url: str) -> list[Place]:
    """What a render is made from: the template, or the movie file."""
    sources = []
    if operator.template_id:
        sources.append(Place.at_service(base_url, "templates", operator.template_id))
    if operator.movie_file is not None:
        name = os.fspath(operator.movie_file)
        if "://" not in name:
            dag = operator.get_dag()
            name = str(Path(dag.folder if dag else os.curdir, name).absolute())
        sources.append(Place.of_file(name))
    return sources


def product_of(result: Mapping[str, Any], base_url: str) -> Place:
    """What a render's result stands for: the file that was brought home, or else the movie at the service."""
    size = result.get("size")
    if result.get("destination"):
        return Place.of_file(result["destination"], size)
    return Place.at_service(base_url, "movies", result["project"], size)


def lineage_of(inputs: Iterable[Place], outputs: Iterable[Place], project: str | None, base_url: str) -> Any:
    """The ``OperatorLineage`` of a task that succeeded, or None without the OpenLineage provider.

    :param project: the service's id of the render, told as the run's external query.
    """
    from airflow.providers.common.compat.openlineage.facet import (
        Dataset,
        ExternalQueryRunFacet,
        OutputDataset,
        OutputStatisticsOutputDatasetFacet,
    )

    try:
        from airflow.providers.openlineage.extractors import (  # type: ignore[import-not-found,unused-ignore]
            OperatorLineage,
        )
    except ImportError:
        return None

    def written(place: Place) -> Any:
        statistics = None if place.size is None else OutputStatisticsOutputDatasetFacet(size=place.size)
        facets = {"outputStatistics": statistics} if statistics else {}
        return OutputDataset(namespace=place.namespace, name=place.name, outputFacets=facets)

    asked = {"externalQuery": ExternalQueryRunFacet(externalQueryId=project, source=base_url)} if project else {}
    return OperatorLineage(
        inputs=[Dataset(namespace=place.namespace, name=place.name) for place in inputs],
        outputs=[written(place) for place in outputs],
        run_facets=asked,
    )

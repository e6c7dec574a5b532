"""Datasets have OpenLineage's names, and without its provider nothing is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_provider_j2v.operators import batch
from airflow_provider_j2v.operators.lineage import Place, lineage_of, sources_of
from airflow_provider_j2v.operators.movie import (
    JSON2VideoDownloadMovieOperator,
    JSON2VideoRenderMovieOperator,
    JSON2VideoRenderMoviesOperator,
)
from airflow_provider_j2v.sandbox import Sandbox
from tests.unit.context import a_context, connect

MOVIE = {"resolution": "sd", "scenes": [{"duration": 1}]}


@pytest.mark.parametrize(
    ("path", "namespace", "name", "uri"),
    [
        ("/videos/a.mp4", "file", "/videos/a.mp4", "file:///videos/a.mp4"),
        ("file:///videos/a.mp4", "file", "/videos/a.mp4", "file:///videos/a.mp4"),
        ("s3://bucket/a/b.mp4", "s3://bucket", "a/b.mp4", "s3://bucket/a/b.mp4"),
        ("s3://aws_default@bucket/a/b.mp4", "s3://bucket", "a/b.mp4", "s3://bucket/a/b.mp4"),
        ("s3a://bucket/b.mp4", "s3://bucket", "b.mp4", "s3://bucket/b.mp4"),
        ("gcs://g@bucket/b.mp4", "gs://bucket", "b.mp4", "gs://bucket/b.mp4"),
        ("sftp://conn@host:22/b.mp4", "sftp://host:22", "b.mp4", "sftp://host:22/b.mp4"),
    ],
)
def test_a_file_has_the_name_that_other_tools_give_it(path: str, namespace: str, name: str, uri: str) -> None:
    place = Place.of_file(path)
    assert (place.namespace, place.name, place.uri) == (namespace, name, uri)


def test_a_render_is_made_from_its_template_or_its_file() -> None:
    def sources(**arguments: Any) -> list[Place]:
        with DAG("d", schedule=None):
            return sources_of(JSON2VideoRenderMovieOperator(task_id="t", **arguments), "https://api.json2video.com")

    assert sources(movie=MOVIE) == []
    assert sources(template_id="T1") == [Place("json2video://api.json2video.com", "templates/T1")]
    assert sources(movie_file="s3://aws@bucket/m.json") == [Place("s3://bucket", "m.json")]
    assert sources(movie_file="movies/m.json") == [Place("file", str(Path(__file__).parent / "movies/m.json"))]


def test_without_the_provider_there_is_no_lineage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "airflow.providers.openlineage.extractors", None)
    assert lineage_of([], [], "p", "https://api.json2video.com") is None


def test_a_task_that_did_not_get_far_has_no_lineage() -> None:
    assert JSON2VideoRenderMovieOperator(task_id="t", movie=MOVIE).get_openlineage_facets_on_complete(None) is None
    download = JSON2VideoDownloadMovieOperator(task_id="t", project="p", destination="/a.mp4")
    assert download.get_openlineage_facets_on_complete(None) is None


def test_the_movie_links_the_render_to_its_download(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, tmp_path: Path
) -> None:
    pytest.importorskip("airflow.providers.openlineage.extractors")
    connect(monkeypatch, sandbox)
    render = JSON2VideoRenderMovieOperator(task_id="render", movie=MOVIE, poll_interval=0.02)
    result = render.execute(a_context())
    rendered = render.get_openlineage_facets_on_complete(None)
    service = f"json2video://{sandbox.url.removeprefix('http://')}"
    (movie,) = rendered.outputs
    assert (movie.namespace, movie.name) == (service, f"movies/{result['project']}")
    assert rendered.run_facets["externalQuery"].externalQueryId == result["project"]

    file = str(tmp_path / "a.mp4")
    download = JSON2VideoDownloadMovieOperator(task_id="download", project=result["project"], destination=file)
    download.execute(a_context())
    brought = download.get_openlineage_facets_on_complete(None)
    assert [(d.namespace, d.name) for d in brought.inputs] == [(movie.namespace, movie.name)]
    assert [(d.namespace, d.name) for d in brought.outputs] == [("file", file)]
    assert brought.outputs[0].outputFacets["outputStatistics"].size == result["size"]


@pytest.mark.parametrize("told", [2, 1])
def test_a_batch_made_its_manifest_and_the_files_unless_they_are_very_many(
    monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox, tmp_path: Path, told: int
) -> None:
    connect(monkeypatch, sandbox)
    monkeypatch.setattr(batch, "TOLD", told)
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}')
    files = {"items": f"{tmp_path}/rows.jsonl", "manifest": f"{tmp_path}/m.jsonl"}
    options = {"destination": f"{tmp_path}/{{a}}.mp4", "poll_interval": 0.02}
    render = JSON2VideoRenderMoviesOperator(task_id="render", movie=MOVIE, **files, **options)
    assert render.get_openlineage_facets_on_complete(None) is None
    render.execute(a_context())
    videos = [f"{tmp_path}/1.mp4", f"{tmp_path}/2.mp4"] if told == 2 else []
    assert [place.name for place in render.products or ()] == [files["manifest"], *videos]
    pytest.importorskip("airflow.providers.openlineage.extractors")
    lineage = render.get_openlineage_facets_on_complete(None)
    assert [dataset.name for dataset in lineage.inputs] == [files["items"]]
    assert [dataset.name for dataset in lineage.outputs] == [files["manifest"], *videos]

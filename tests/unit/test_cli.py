"""The command line: what it prints, and what it exits with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_j2v.cli import main

GOOD = {"resolution": "sd", "scenes": [{"duration": 10, "elements": [{"type": "text", "text": "Hello {{name}}"}]}]}
AI = {
    "scenes": [
        {"duration": 5, "elements": [{"type": "image", "model": "flux-pro", "prompt": "a lake"}]},
        {"elements": [{"type": "voice", "model": "elevenlabs", "voice": "Bella", "text": "Hi"}]},
    ]
}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(name: str, content: Any) -> str:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    return write


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(arguments)
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_good_movie_passes_when_its_variables_are_given(write: Any, capsys: Any) -> None:
    movie, variables = write("a.json", GOOD), write("v.json", {"name": "Ada"})
    assert run(capsys, "lint", movie, "--variables", variables) == (0, "0 errors, 0 warnings in 1 file.\n", "")


def test_a_mistake_names_its_file_and_place_and_fails(write: Any, capsys: Any) -> None:
    good, bad = write("good.json", {"scenes": [{"duration": 1}]}), write("bad.json", GOOD)
    status, out, _ = run(capsys, "lint", good, bad)
    assert status == 1
    assert f"{bad}: error movie.scenes[0].elements[0].text" in out
    assert "1 error, 0 warnings in 2 files." in out


def test_warnings_fail_only_when_asked(write: Any, capsys: Any) -> None:
    movie = write("a.json", {"draft": True, "scenes": [{"duration": 1}]})
    assert run(capsys, "lint", movie)[0] == 0
    assert run(capsys, "lint", "--strict", movie)[0] == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"scenes": [NaN]}', ""])
def test_a_file_that_holds_no_movie_is_a_finding_and_hides_no_other(write: Any, capsys: Any, content: str) -> None:
    broken, bad = write("broken.json", content), write("bad.json", GOOD)
    status, out, _ = run(capsys, "lint", broken, bad)
    assert status == 1
    assert f"{broken}: error movie" in out
    assert f"{bad}: error movie.scenes[0]" in out
    assert "Nothing was sent" not in out


def test_findings_as_json_have_every_part(write: Any, capsys: Any) -> None:
    movie = write("a.json", GOOD)
    _, out, _ = run(capsys, "lint", "--json", movie)
    (finding,) = json.loads(out)[movie]
    assert set(finding) == {"severity", "rule", "path", "message", "hint"}
    assert finding["path"] == "movie.scenes[0].elements[0].text"


@pytest.mark.parametrize("path", ["nowhere.json", ".", "/", ""])
def test_a_file_that_is_not_there_is_no_finding(capsys: Any, path: str) -> None:
    status, _, err = run(capsys, "lint", path)
    assert status == 2
    assert f"'{path or '.'}'" in err


def test_an_estimate_names_its_parts_and_the_sum(write: Any, capsys: Any) -> None:
    status, out, _ = run(capsys, "estimate", write("a.json", AI))
    assert status == 0
    assert "flux-pro" in out
    assert "In all" in out


def test_an_estimate_counts_nothing_for_ones_own_connections(write: Any, capsys: Any) -> None:
    movie = write("a.json", AI)
    managed = json.loads(run(capsys, "estimate", "--json", movie)[1])
    own = json.loads(
        run(capsys, "estimate", "--json", movie, "--map", "replicate=mine", "--map", "elevenlabs=my-el")[1]
    )
    assert managed["low"] - own["low"] == 20


def test_a_movie_that_is_too_dear_fails_the_check(write: Any, capsys: Any) -> None:
    movie = write("a.json", {"scenes": [{"duration": 30}]})
    status, _, err = run(capsys, "estimate", movie, "--max-credits", "20")
    assert status == 1
    assert "would cost 30 credits, and max_credits allows 20" in err
    assert run(capsys, "estimate", movie, "--max-credits", "30")[0] == 0


def test_models_are_listed_by_category_with_price_and_aliases(capsys: Any) -> None:
    _, out, _ = run(capsys, "models", "--category", "avatar", "--json")
    (model,) = json.loads(out)
    assert (model["name"], model["credits"], model["unit"]) == ("infinite-talk", 20, "second")
    assert model["aliases"] == ["talking-head"]
    assert "infinite-talk" in run(capsys, "models")[1]
    assert "infinite-talk" not in run(capsys, "models", "--featured")[1]


def test_a_catalog_of_one_s_own_is_used(write: Any, capsys: Any) -> None:
    catalog = write("models.json", [{"name": "mine", "category": "image", "credits": 7, "providers": ["me"]}])
    assert [m["name"] for m in json.loads(run(capsys, "models", "--json", "--catalog", catalog)[1])] == ["mine"]


def test_connections_tell_who_pays(write: Any, capsys: Any) -> None:
    status, out, _ = run(capsys, "connections", write("a.json", AI), "--map", "elevenlabs=my-el")
    assert status == 0
    assert "movie.scenes[0].elements[0]: image by flux-pro at replicate: managed service" in out
    assert "movie.scenes[1].elements[0]: voice by elevenlabs at elevenlabs: Connection 'my-el'" in out


def test_an_element_nobody_would_pay_for_fails_the_check(write: Any, capsys: Any) -> None:
    movie = write("a.json", {"scenes": [{"elements": [{"type": "image", "model": "nobody-knows", "prompt": "x"}]}]})
    status, out, _ = run(capsys, "connections", movie, "--map", "elevenlabs=my-el")
    assert status == 1
    assert "nobody-knows" in out


def test_a_map_in_the_wrong_form_is_told(capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["connections", "a.json", "--map", "elevenlabs"])
    assert "'elevenlabs' is not provider=id" in capsys.readouterr().err


def test_it_needs_no_airflow(write: Any) -> None:
    arguments = ["lint", write("a.json", GOOD)]
    code = f"import sys; sys.modules['airflow'] = None; from airflow_provider_j2v.cli import main; main({arguments})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1 error" in done.stdout


def start(*arguments: str, **kwargs: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "airflow_provider_j2v.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)


def test_no_path_and_no_note_is_cut_in_a_pipe(write: Any, capsys: Any) -> None:
    _, out, _ = run(capsys, "estimate", write("a.json", AI | {"scenes": AI["scenes"] * 6}))
    assert "movie.scenes[11].elements[0]" in out
    assert "0 a second by the catalog, 60 a minute by an older page" in out
    assert "…" not in out
    assert out.splitlines() == [line.rstrip() for line in out.splitlines()]


@pytest.mark.parametrize("option", ["--json", None])
def test_an_output_that_is_not_utf_8_gets_every_character_as_a_number(write: Any, option: str | None) -> None:
    movie = write("a.json", {"scenes": [{"duration": 1, "elements": [{"type": "text", "text": "{{größe}}"}]}]})
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    out, err = start("lint", movie, *[option] * bool(option), env=env).communicate()
    assert err == b""
    assert b"gr\\xf6\\xdfe" in out if option is None else json.loads(out)[movie][0]["message"]


@pytest.mark.parametrize("mistakes", [1, 5000])
def test_a_reader_who_goes_away_ends_it_quietly(write: Any, mistakes: int) -> None:
    elements = [{"type": "text", "txet": "a"}] * mistakes
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    process = start("lint", write("a.json", {"scenes": [{"duration": 1, "elements": elements}]}), env=env)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


@pytest.mark.parametrize("depth", [300, 100_000])
def test_a_movie_that_is_nested_too_deep_is_told_so(write: Any, capsys: Any, depth: int) -> None:
    deep = write("a.json", '{"scenes": ' + "[" * depth + "]" * depth + "}")
    status, out, _ = run(capsys, "lint", deep)
    assert (status, "nested" in out) == (1, True)
    status, _, err = run(capsys, "estimate", deep)
    assert (status, "nested" in err) == (1, True)
    status, _, err = run(capsys, "lint", write("b.json", GOOD), "--variables", deep)
    assert (status, "nested" in err) == (2, True) if depth > 1000 else (1, False)


def test_a_catalog_that_is_nested_too_deep_is_told_so(write: Any, capsys: Any) -> None:
    for depth in (900, 100_000):
        deep = write(
            "models.json", '[{"name": "a", "credits": 1, "unit": "file", "x": ' + "[" * depth + "]" * depth + "}]"
        )
        status, out, err = run(capsys, "models", "--json", "--catalog", deep)
        assert json.loads(out) if status == 0 else (status, "nested too deep" in err) == (2, True)


def test_variables_that_lie_beside_a_movie_are_taken(write: Any, capsys: Any) -> None:
    movie, other = write("a.json", GOOD), write("b.json", GOOD)
    variables = write("a.variables.json", {"name": "Ada"})
    assert run(capsys, "lint", movie)[0] == 0
    assert run(capsys, "lint", other)[0] == 1
    assert run(capsys, "lint", variables)[1] == "0 errors, 0 warnings in 1 file.\n"
    assert "in 1 file." in run(capsys, "lint", variables, movie)[1]
    status, out, _ = run(capsys, "lint", other, movie, "--variables", write("common.json", {"name": "Bob"}))
    assert (status, out) == (0, "0 errors, 0 warnings in 2 files.\n")


def test_variables_given_win_over_those_beside(write: Any, capsys: Any) -> None:
    movie = write("a.json", {"scenes": [{"duration": "{{seconds}}"}]})
    write("a.variables.json", {"seconds": 10})
    assert json.loads(run(capsys, "estimate", "--json", movie)[1])["high"] == 10
    given = write("v.json", {"seconds": 20})
    assert json.loads(run(capsys, "estimate", "--json", movie, "--variables", given)[1])["high"] == 20


def test_variables_beside_that_cannot_be_read_are_a_finding_of_that_movie(write: Any, capsys: Any) -> None:
    bad, good = write("a.json", GOOD), write("b.json", {"scenes": [{"duration": 1}]})
    write("a.variables.json", "[]")
    status, out, _ = run(capsys, "lint", bad, good)
    assert status == 1
    assert "a.variables.json must hold a JSON object" in out
    assert "1 error, 0 warnings in 2 files." in out


def test_prices_that_cannot_be_read_are_shown_as_they_are(write: Any, capsys: Any) -> None:
    odd = {"name": "odd", "category": "image", "credits": "about 20"}
    rows = [odd, {"name": "half", "providers": ["x"], "cost": 3}]
    out = run(capsys, "models", "--catalog", write("models.json", rows))[1]
    assert 'unknown (credits: "about 20")' in out
    assert "3 / unknown unit" in out

"""Movies built in Python, and taken wherever a mapping is."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import airflow_provider_j2v.movies as movies
from airflow_provider_j2v.exceptions import InvalidMovie
from airflow_provider_j2v.movies import (
    Audio,
    Crop,
    Destination,
    Export,
    Image,
    Keyframe,
    Movie,
    Scene,
    Text,
    TextSettings,
    Transition,
    Voice,
)
from airflow_provider_j2v.movies.document import compose, read_movie, undressed
from airflow_provider_j2v.movies.elements import ELEMENTS
from airflow_provider_j2v.movies.parts import Part

HELLO = Text(text="Hello", z_index=2, settings=TextSettings(font_size="88px"))
HELLO_JSON = {"type": "text", "text": "Hello", "z-index": 2, "settings": {"font-size": "88px"}}
MOVIE = Movie(resolution="sd", scenes=[Scene(duration=1, elements=[HELLO])])
MOVIE_JSON = {"resolution": "sd", "scenes": [{"duration": 1, "elements": [HELLO_JSON]}]}


def test_a_movie_in_python_is_the_document_that_it_reads_like():
    movie = Movie(
        resolution="full-hd",
        variables={"who": "world", "rows": [{"a": 1}]},
        scenes=[
            Scene(
                background_color="#1c1640",
                duration="{{ seconds }}",
                import_="intro",
                transition=Transition(style="fade", duration=0.5),
                elements=[
                    HELLO,
                    Image(src="https://example.com/a.png", crop=Crop(width=10, height=10), pan="left"),
                    Voice(text="Hello", voice="en-US-AriaNeural", connection="airflow:azure_prod"),
                ],
            )
        ],
        elements=(Audio(src="https://example.com/a.mp3", volume=0.5),),
        exports=[Export(destinations=[Destination(id="airflow:my_sftp", remote_path="/out")])],
        client_data={"order": 7},
    )
    assert movie.model_dump() == {
        "resolution": "full-hd",
        "variables": {"who": "world", "rows": [{"a": 1}]},
        "scenes": [
            {
                "background-color": "#1c1640",
                "duration": "{{ seconds }}",
                "import": "intro",
                "transition": {"style": "fade", "duration": 0.5},
                "elements": [
                    HELLO_JSON,
                    {
                        "type": "image",
                        "src": "https://example.com/a.png",
                        "crop": {"width": 10, "height": 10},
                        "pan": "left",
                    },
                    {
                        "type": "voice",
                        "text": "Hello",
                        "voice": "en-US-AriaNeural",
                        "connection": "airflow:azure_prod",
                    },
                ],
            }
        ],
        "elements": [{"type": "audio", "src": "https://example.com/a.mp3", "volume": 0.5}],
        "exports": [{"destinations": [{"id": "airflow:my_sftp", "remote-path": "/out"}]}],
        "client-data": {"order": 7},
    }
    assert json.loads(movie.model_dump_json()) == movie.model_dump()


def test_nothing_is_in_the_document_that_was_not_given():
    assert Movie().model_dump() == {}
    assert Scene(elements=[]).model_dump() == {"elements": []}
    assert {
        kind: set(ELEMENTS[kind](text="x", component="x").model_dump()) - {"text", "component"} for kind in ELEMENTS
    } == {kind: {"type"} for kind in ELEMENTS}


def test_parts_may_be_given_as_the_service_spells_them():
    scene = Scene(**{"background-color": "#fff", "elements": [HELLO_JSON]})
    assert scene.background_color == "#fff"
    assert isinstance(scene.elements[0], Text)
    assert scene.elements[0].settings.font_size == "88px"


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Movie(fps=500), "fps\n  must be a whole number from 1 to 120, not 500"),
        (lambda: Movie(resolution="instagram-portrait"), 'write "instagram-story"'),
        (lambda: Image(src="x", zoom="fast"), 'must be a number from -10 to 10, not "fast"'),
        (lambda: Scene(elements=[Text()]), "text\n  Field required"),
        (lambda: Scene(elements=[{"type": "hologram"}]), "hologram"),
        (lambda: Image(src="x", keyframes=[Keyframe(time=[])]), "a text or a number, not a list"),
        (lambda: Movie(variables={"at": object()}), "JSON"),
    ],
)
def test_what_cannot_be_is_refused_where_it_is_written(build, words):
    with pytest.raises(ValidationError) as raised:
        build()
    assert words in str(raised.value)


def test_assignments_are_checked_too():
    movie = copy.deepcopy(MOVIE)
    movie.fps = 30
    assert movie.model_dump() == MOVIE_JSON | {"fps": 30}
    with pytest.raises(ValidationError, match="1 to 120"):
        movie.fps = 500


def test_unknown_properties_are_kept():
    document = {"new-thing": {"a": [1, None]}, "scenes": [{"elements": [{"type": "text", "text": "", "later": 1}]}]}
    assert Movie.load(document).model_dump() == document


@pytest.mark.parametrize("source", [MOVIE_JSON, MappingProxyType(MOVIE_JSON), json.dumps(MOVIE_JSON), MOVIE])
def test_a_movie_is_loaded_from_mappings_json_text_and_movies(source):
    assert Movie.load(source) == MOVIE


def test_what_is_no_movie_is_not_loaded():
    with pytest.raises(InvalidMovie, match="movie is not JSON"):
        Movie.load("{")
    with pytest.raises(ValidationError, match="1 to 120"):
        Movie.load({"fps": 0})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
STRAY = st.dictionaries(st.sampled_from(["z_index", "fontSize", "import_", "serialize", "model_dump", "new"]), JSON)


@given(movie=STRAY, scene=STRAY, element=STRAY, variables=st.dictionaries(st.text(), JSON))
def test_a_document_with_any_unknown_properties_comes_out_as_it_went_in(movie, scene, element, variables):
    elements = [{"type": "text", "text": "x", "variables": variables, **element}]
    document = {**movie, "scenes": [{"elements": elements, "duration": None, **scene}], "client-data": variables}
    assert json.dumps(Movie.load(document).model_dump(), sort_keys=True) == json.dumps(document, sort_keys=True)


def test_a_movie_survives_copying_and_pickling():
    assert copy.deepcopy(MOVIE).model_dump() == MOVIE_JSON
    assert pickle.loads(pickle.dumps(MOVIE)).model_dump() == MOVIE_JSON


def test_a_password_is_not_in_what_is_printed():
    exports = [Export(destinations=[Destination(type="ftp", host="ftp.example.com", password="hunter2")])]
    assert "hunter2" not in f"{Movie(exports=exports)!r} {Movie(exports=exports)}"
    with pytest.raises(ValidationError) as raised:
        Movie(exports=[{"destinations": [{"password": ["hunter2"]}]}])
    assert "hunter2" not in str(raised.value)
    assert repr(HELLO) == "Text(type='text', z_index=2, text='Hello', settings=TextSettings(font_size='88px'))"


def test_movies_are_read_like_mappings_whole_and_in_part():
    assert read_movie(MOVIE) == MOVIE_JSON
    parts = {"resolution": "sd", "scenes": ({"duration": 1, "elements": [HELLO]},)}
    assert compose(read_movie(parts)) == MOVIE_JSON
    assert compose(read_movie({"resolution": "sd", "scenes": [Scene(duration=1, elements=[HELLO])]})) == MOVIE_JSON
    assert compose(MOVIE_JSON, exports=Export(destinations=[]))["exports"] == [{"destinations": []}]
    assert compose(MOVIE_JSON, exports=[Export(destinations=[])])["exports"] == [{"destinations": []}]


def test_only_the_models_in_a_value_are_undressed():
    other = object()
    assert undressed({"a": [MOVIE, other], "b": (HELLO,), "c": "x"}) == {
        "a": [MOVIE_JSON, other],
        "b": [HELLO_JSON],
        "c": "x",
    }


def parts() -> list[type[Part]]:
    found: list[type[Part]] = []
    todo = [Part]
    while todo:
        found.append(cls := todo.pop())
        todo += cls.__subclasses__()
    return found


def test_airflow_takes_no_part_of_a_movie_for_one_of_its_own():
    assert len(parts()) > 20
    for cls in parts():
        for name in ("resolve", "template_fields", "iter_references", "to_dict"):
            assert not hasattr(cls, name)


def test_every_part_is_public():
    made = {cls.__name__ for cls in parts() if cls is not Part} - {
        "Visual",
        "Audible",
        "Recorded",
        "Generated",
    }
    assert made == set(movies.__all__) - {"AnyElement"}
    assert set(movies.__all__) <= set(dir(movies))
    for name in made:
        assert getattr(movies, name).__name__ == name
        assert getattr(movies, name).__doc__
    with pytest.raises(AttributeError, match="Moive"):
        movies.Moive  # noqa: B018


def test_importing_the_package_loads_no_models():
    code = "import sys, airflow_provider_j2v.movies as movies; dir(movies); print('pydantic' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False"]

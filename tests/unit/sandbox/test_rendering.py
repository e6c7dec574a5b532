"""Real films: probed with an independent decoder, not by asking the sandbox."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from functools import cached_property
from http.server import BaseHTTPRequestHandler, HTTPServer

import av
import httpx
import pytest
from PIL import Image

from airflow_provider_j2v.sandbox import Sandbox
from airflow_provider_j2v.sandbox.encoding import Run, encode

RED, GREEN, BLUE = (220, 20, 20), (20, 160, 60), (20, 40, 200)


def css(colour):
    return "#{:02x}{:02x}{:02x}".format(*colour)


def png(size, colour):
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def data_uri(size, colour):
    return "data:image/png;base64," + base64.b64encode(png(size, colour)).decode()


class Film:
    """A decoded file."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        with av.open(io.BytesIO(content)) as container:
            self.seconds = container.duration / av.time_base
            video = container.streams.video[0]
            self.codec = video.codec_context.name
            self.pixels = video.codec_context.pix_fmt
            self.size = (video.codec_context.width, video.codec_context.height)
            self.fps = video.average_rate
            self.audio = [stream.codec_context.name for stream in container.streams.audio]
            self.count = video.frames

    @cached_property
    def frames(self):
        av.logging.set_level(av.logging.WARNING)
        with av.logging.Capture(local=False) as complaints, av.open(io.BytesIO(self.content)) as container:
            found = [frame.to_image() for frame in container.decode(video=0)]
        assert complaints == []
        assert len(found) == self.count
        return found

    def colour(self, second, place):
        """The colour at a second, at a place given as shares of width and height."""
        frame = self.frames[int(second * self.fps)]
        return frame.getpixel((int(place[0] * (self.size[0] - 1)), int(place[1] * (self.size[1] - 1))))


def close(one, other, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def studio() -> Iterator[Sandbox]:
    with Sandbox(clock=lambda: 1_789_214_400.0) as running:
        yield running


@pytest.fixture
def render(studio):
    """The finished movie of a document, as the API shows it."""

    def make(document):
        key = {"x-api-key": "sandbox"}
        project = httpx.post(f"{studio.url}/v2/movies", json=document, headers=key).json()["project"]
        studio.advance(3600)
        return httpx.get(f"{studio.url}/v2/movies", params={"project": project}, headers=key).json()["movie"]

    return make


@pytest.fixture
def film(render):
    def make(document):
        shown = render(document)
        assert shown["status"] == "done", shown["message"]
        content = httpx.get(shown["url"]).content
        assert shown["size"] == len(content)
        found = Film(content)
        assert shown["duration"] == pytest.approx(found.seconds, abs=0.05)
        assert (shown["width"], shown["height"]) == found.size
        return found

    return make


def scene(colour, seconds, *elements):
    return {"background-color": css(colour), "duration": seconds, "elements": list(elements)}


def test_a_film_is_h264_of_the_asked_size_length_and_speed(film):
    text = {"type": "text", "text": "Hello"}

    made = film({"resolution": "hd", "fps": 30, "scenes": [scene(RED, 2, text), scene(BLUE, 1.5)]})

    assert (made.codec, made.pixels, made.size, made.fps) == ("h264", "yuv420p", (1280, 720), 30)
    assert made.seconds == pytest.approx(3.5, abs=0.05)
    assert made.count == len(made.frames) == 105
    assert made.audio == []
    assert made.content.index(b"moov") < made.content.index(b"mdat")


def test_scenes_follow_each_other_in_their_colours(film):
    made = film({"width": 320, "height": 180, "scenes": [scene(RED, 2.2), scene(GREEN, 5), scene(BLUE, 1)]})

    assert close(made.colour(0, (0.5, 0.5)), RED)
    assert close(made.colour(2.16, (0.5, 0.5)), RED)
    assert close(made.colour(2.21, (0.5, 0.5)), GREEN)
    assert close(made.colour(7.1, (0.5, 0.5)), GREEN)
    assert close(made.colour(7.25, (0.5, 0.5)), BLUE)


@pytest.mark.parametrize("seconds", [1, 1.98, 2, 2.02, 3.3, 7])
def test_the_length_is_exact_with_and_without_sound(film, seconds):
    voice = {"type": "audio", "src": "https://example.com/a.mp3"}

    silent = film({"width": 160, "height": 90, "scenes": [scene(RED, seconds)]})
    sounding = film({"width": 160, "height": 90, "scenes": [scene(RED, seconds, voice)]})

    assert silent.seconds == pytest.approx(seconds, abs=0.05)
    assert sounding.seconds == pytest.approx(seconds, abs=0.05)
    assert sounding.audio == ["aac"]


def test_a_moving_part_after_a_long_still_one_decodes_without_errors(film):
    fading = {"type": "image", "src": data_uri((160, 90), BLUE), "fade-in": 1, "start": 3.1, "fade-out": 1}

    made = film({"width": 160, "height": 90, "scenes": [scene(RED, 9, fading)]})

    middle = (0.5, 0.5)
    assert close(made.colour(3, middle), RED)
    assert close(made.colour(3.6, middle), tuple((a + b) // 2 for a, b in zip(RED, BLUE, strict=True)), 16)
    assert close(made.colour(6, middle), BLUE)
    assert close(made.colour(8.96, middle), RED, 20)


@pytest.mark.parametrize("still", [1, 2, 49, 50, 51, 78, 100, 131])
def test_no_frame_is_lost_where_still_and_moving_pictures_meet(tmp_path, still):
    """A still run is written from repeated packets: what follows must not depend on those left out."""
    shades = [(220 - 20 * n, 20, 20 + 20 * n) for n in range(10)]
    runs = [Run(Image.new("RGB", (160, 90), shade), 1) for shade in shades]
    red = Image.new("RGB", (160, 90), RED)

    encode(tmp_path / "a.mp4", size=(160, 90), fps=25, runs=[Run(red, still), *runs, Run(red, 30)])

    made = Film((tmp_path / "a.mp4").read_bytes())
    assert len(made.frames) == still + 10 + 30
    assert all(close(made.frames[still + n].getpixel((80, 45)), shade) for n, shade in enumerate(shades))
    assert close(made.frames[-1].getpixel((80, 45)), RED)


def test_elements_appear_and_disappear_in_time(film):
    picture = {"type": "image", "src": data_uri((160, 90), GREEN), "start": 1, "duration": 1}

    made = film({"width": 160, "height": 90, "scenes": [scene(RED, 3, picture)]})

    assert [close(made.colour(t, (0.5, 0.5)), GREEN) for t in (0.9, 1.1, 1.9, 2.1)] == [
        False,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("place", "inside", "outside"),
    [
        ({"x": 80, "y": 45}, (0.6, 0.6), (0.4, 0.4)),
        ({"position": "bottom-right"}, (0.95, 0.95), (0.1, 0.1)),
        ({"position": "center-center"}, (0.5, 0.5), (0.1, 0.1)),
        ({"position": "top-left", "width": 120, "height": 20}, (0.375, 0.1), (0.1, 0.1)),
        ({"x": -20, "y": -20}, (0.01, 0.01), (0.2, 0.5)),
        ({"resize": "cover"}, (0.99, 0.99), None),
        ({"resize": "contain"}, (0.5, 0.01), (0.01, 0.5)),
    ],
)
def test_an_image_lies_where_it_was_put(film, place, inside, outside):
    picture = {"type": "image", "src": data_uri((40, 40), GREEN), **place}

    made = film({"width": 160, "height": 90, "scenes": [scene(RED, 1, picture)]})

    assert close(made.colour(0, inside), GREEN, 40)
    assert outside is None or close(made.colour(0, outside), RED, 40)


def test_movie_elements_lie_over_every_scene(film):
    badge = {"type": "image", "src": data_uri((40, 40), GREEN)}
    movie = {"width": 160, "height": 90, "elements": [badge], "scenes": [scene(RED, 1), scene(BLUE, 1)]}

    made = film(movie)

    assert all(close(made.colour(t, (0.1, 0.2)), GREEN, 30) for t in (0.5, 1.5))


def test_text_is_drawn_in_its_colour_and_wrapped(film):
    words = {"type": "text", "text": "many words " * 6, "settings": {"font-size": "24px", "color": "#ffffff"}}

    made = film({"width": 320, "height": 180, "scenes": [scene((0, 0, 0), 1, words)]})

    lit = made.frames[0].convert("L").point(lambda level: 255 if level > 128 else 0).getbbox()
    assert lit is not None
    assert lit[3] - lit[1] > 48
    assert lit[0] >= 0
    assert lit[2] <= 320


@pytest.mark.parametrize(
    "element",
    [
        {"type": "image", "prompt": "a fox", "model": "flux-pro"},
        {"type": "video", "prompt": "waves", "model": "wan-v2.5"},
        {"type": "video", "src": "https://example.com/a.mp4"},
        {"type": "html", "html": "<h1>x</h1>"},
        {"type": "component", "component": "basic/050"},
        {"type": "audiogram", "src": "https://example.com/a.mp3"},
        {"type": "subtitles"},
    ],
)
def test_what_cannot_be_drawn_is_a_card(film, element):
    plain = film({"width": 320, "height": 180, "scenes": [scene(RED, 1)]})
    made = film({"width": 320, "height": 180, "scenes": [scene(RED, 1, element)]})

    assert made.frames[0].tobytes() != plain.frames[0].tobytes()


def test_cards_of_different_prompts_differ(film):
    one, two = (
        film({"width": 320, "height": 180, "scenes": [scene(RED, 1, {"type": "image", "prompt": prompt})]})
        for prompt in ("a fox", "a lighthouse")
    )

    assert one.frames[0].tobytes() != two.frames[0].tobytes()


def test_a_voice_is_a_tone_as_long_as_its_text(film):
    made = film({"width": 160, "height": 90, "scenes": [{"elements": [{"type": "voice", "text": "x" * 30}]}]})

    assert made.seconds == pytest.approx(2, abs=0.05)
    assert made.audio == ["aac"]


def test_odd_sizes_are_rounded_up_and_logged(film, caplog):
    made = film({"width": 161, "height": 91, "scenes": [scene(RED, 1)]})

    assert made.size == (162, 92)
    assert "161x91 is rounded up to 162x92" in caplog.text


@pytest.fixture
def pictures():
    """A server of pictures on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = {"/a.png": png((40, 40), GREEN), "/a.txt": b"no picture"}.get(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found or b"")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_images_are_fetched_from_this_machine(film, pictures):
    picture = {"type": "image", "src": f"{pictures}/a.png", "resize": "fill"}

    made = film({"width": 160, "height": 90, "scenes": [scene(RED, 1, picture)]})

    assert close(made.colour(0, (0.5, 0.5)), GREEN)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/gone.png", "Failed to download '{url}' (404)"),
        (
            "/a.txt",
            "The URL provided is not a [image] file and cannot be used as a source for a [image] element",
        ),
    ],
)
def test_a_source_that_is_missing_or_no_image_fails_the_render(render, pictures, path, message):
    url = pictures + path

    shown = render({"scenes": [scene(RED, 1, {"type": "text", "text": "x"}, {"type": "image", "src": url})]})

    assert shown["status"] == "error"
    assert shown["message"] == "Scene #1, element #2: " + message.format(url=url)


def test_a_host_that_cannot_be_reached_is_a_card_and_no_failure(film):
    picture = {"type": "image", "src": "http://127.0.0.1:9/a.png"}

    film({"width": 160, "height": 90, "scenes": [scene(RED, 1, picture)]})


def test_an_exposed_sandbox_fetches_nothing_local_for_strangers(pictures):
    picture = {"type": "image", "src": f"{pictures}/gone.png"}
    with Sandbox(host="0.0.0.0", clock=lambda: 0.0) as sandbox:
        headers = {"x-api-key": "sandbox"}
        httpx.post(f"{sandbox.url}/v2/movies", json={"scenes": [scene(RED, 1, picture)]}, headers=headers)
        sandbox.advance(60)
        (movie,) = sandbox.movies.values()

        assert movie.status(60, sandbox.variants) == "done"


def test_a_movie_is_not_done_before_its_file_exists(render, studio, monkeypatch):
    released = threading.Event()
    drawn = studio._renderer._render
    monkeypatch.setattr(studio._renderer, "_render", lambda *args: released.wait(10) and drawn(*args))
    key = {"x-api-key": "sandbox"}
    url = f"{studio.url}/v2/movies"
    project = httpx.post(url, json={"scenes": [scene(RED, 1)]}, headers=key).json()["project"]

    studio.clock.advance(3600)
    assert httpx.get(url, params={"project": project}, headers=key).json()["movie"]["status"] == "running"
    released.set()
    studio.advance(0)

    assert httpx.get(url, params={"project": project}, headers=key).json()["movie"]["status"] == "done"


def test_a_render_under_way_does_not_delay_the_end():
    with Sandbox() as sandbox:
        elements = [{"type": "text", "text": "x", "fade-in": 1} for _ in range(200)]
        movie = {"width": 3840, "height": 3840, "scenes": [{"duration": 60, "elements": elements}]}
        httpx.post(f"{sandbox.url}/v2/movies", json=movie, headers={"x-api-key": "sandbox"})
        stopped = threading.Thread(target=sandbox.stop)
        stopped.start()
        stopped.join(10)

        assert not stopped.is_alive()


def test_half_an_hour_of_a_still_picture_is_quick(film):
    made = film({"width": 160, "height": 90, "fps": 10, "scenes": [scene(RED, 1800)]})

    assert made.seconds == pytest.approx(1800, abs=0.05)
    assert made.count == 18_000


def test_the_canned_film_of_a_sandbox_without_drawing_is_a_real_one():
    with Sandbox(clock=lambda: 0.0, render="off") as sandbox:
        headers = {"x-api-key": "sandbox"}
        httpx.post(f"{sandbox.url}/v2/movies", json={"scenes": [scene(RED, 1)]}, headers=headers)
        sandbox.advance(60)
        (movie,) = sandbox.movies.values()
        made = Film(httpx.get(sandbox.url + movie.file).content)

    assert (made.codec, made.size, len(made.frames)) == ("h264", (320, 180), 50)
    assert len(made.content) < 10_000

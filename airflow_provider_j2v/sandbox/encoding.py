"""Frames and tones into an H.264 mp4 with PyAV: yuv420p, faststart, exactly as long as asked."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType
from av.video.stream import VideoStream
from PIL import Image

from airflow_provider_j2v.sandbox.rendering import StoppedError

SAMPLE_RATE = 44_100
BLOCK = 1024
"""Samples in one frame of AAC."""

CYCLES = 5
"""Of the tone in one block, so that blocks join without a click: 215 Hz."""

LOUDNESS = 0.02

_X264 = {"preset": "veryfast", "tune": "stillimage,zerolatency", "crf": "24", "bf": "0", "forced-idr": "1"}


@dataclass(frozen=True, slots=True)
class Run:
    """A picture shown for ``count`` frames."""

    picture: Image.Image
    count: int


def encode(
    path: Path,
    *,
    size: tuple[int, int],
    fps: int,
    runs: Iterable[Run],
    tones: Iterable[tuple[float, float]] = (),
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Write the movie. ``tones`` are the intervals, in seconds, in which something can be heard."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=fps, options=_X264)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.gop_size = _group(fps)
        video.time_base = video.codec_context.time_base = Fraction(1, fps)
        sounding = sorted(tones)
        audio = _audio_stream(container) if sounding else None
        frames = _write_pictures(container, video, runs, fps, stopped)
        if audio is not None:
            _write_tones(container, audio, sounding, frames / fps)


def _group(fps: int) -> int:
    """Frames from one key frame to the next: two seconds."""
    return 2 * fps


def _write_pictures(
    container: OutputContainer, video: VideoStream, runs: Iterable[Run], fps: int, stopped: Callable[[], bool]
) -> int:
    written = 0
    for run in runs:
        group: list[av.Packet[VideoStream]] = []
        picture = av.VideoFrame.from_image(run.picture)  # type: ignore[no-untyped-call]
        frame = picture.reformat(format="yuv420p")
        for index in range(min(run.count, _group(fps))):
            if stopped():
                raise StoppedError
            frame.pts, frame.time_base = written + index, Fraction(1, fps)
            # what is repeated below must not refer to earlier packets, nor later ones to it: a run of its own
            # begins with a key frame, and after a whole group the encoder sets the next one by itself
            frame.pict_type = PictureType.I if index == 0 and run.count > 1 else PictureType.NONE
            group += video.encode(frame)
        # a still picture needs no more encoding: its group of frames is written again until the run is full
        for index in range(run.count):
            _mux(container, video, group[index % len(group)], written + index)
        written += run.count
    if list(video.encode(None)):
        raise RuntimeError("the encoder held frames back")
    return written


def _mux(container: OutputContainer, video: VideoStream, packet: av.Packet[VideoStream], pts: int) -> None:
    copy = av.Packet(bytes(packet))
    copy.stream = video
    copy.pts = copy.dts = pts
    copy.duration = 1
    copy.time_base = video.codec_context.time_base
    copy.is_keyframe = packet.is_keyframe
    container.mux(copy)


def _audio_stream(container: OutputContainer) -> AudioStream:
    audio = container.add_stream("aac", rate=SAMPLE_RATE)
    audio.layout = "mono"
    audio.format = "fltp"
    audio.bit_rate = 32_000
    return audio


def _write_tones(
    container: OutputContainer, audio: AudioStream, tones: list[tuple[float, float]], seconds: float
) -> None:
    wave = array("f", (LOUDNESS * math.sin(2 * math.pi * CYCLES * n / BLOCK) for n in range(BLOCK)))
    silence = array("f", bytes(4 * BLOCK))
    total = round(seconds * SAMPLE_RATE)
    for start in range(0, total, BLOCK):
        samples = min(BLOCK, total - start)
        middle = (start + samples / 2) / SAMPLE_RATE
        source = wave if any(begin <= middle < end for begin, end in tones) else silence
        frame = av.AudioFrame(format="fltp", layout="mono", samples=samples)
        frame.planes[0].update(
            source.tobytes()[: frame.planes[0].buffer_size].ljust(frame.planes[0].buffer_size, b"\0")
        )
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
        container.mux(audio.encode(frame))
    container.mux(audio.encode(None))

"""The ``.ass`` file of a movie with subtitles: what its voices say, and when."""

from __future__ import annotations

from airflow_provider_j2v.sandbox.timeline import Timeline

_HEAD = """\
[Script Info]
ScriptType: v4.00+
PlayResX: {width}
PlayResY: {height}

[Events]
Format: Layer, Start, End, Style, Text
"""


def ass(timeline: Timeline) -> str | None:
    """The whole file; None for a movie without subtitles, for which the service makes none (inferred)."""
    if not any(element.type == "subtitles" for element in timeline.elements):
        return None
    lines = [
        f"Dialogue: 0,{_time(element.start)},{_time(element.end)},Default,{str(element.data.get('text')).strip()}\n"
        for element in timeline.elements
        if element.type == "voice"
    ]
    return _HEAD.format(width=timeline.width, height=timeline.height) + "".join(lines)


def _time(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes) // 60}:{int(minutes) % 60:02}:{rest:05.2f}"

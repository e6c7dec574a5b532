"""What looking through a large movie costs a task before it submits."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_j2v.catalog.source import snapshot
from airflow_provider_j2v.movies.connections import explain
from airflow_provider_j2v.movies.credits import estimate
from airflow_provider_j2v.movies.lint import lint

SCENES = 1000
#: The most that each of them may take, in milliseconds. Nothing is waited for: it is processor time.
BUDGET_MS = 50.0


def movie(scenes: int = SCENES) -> dict[str, Any]:
    """A movie of scenes with variables, a picture, a text and a voice each, and subtitles over all of them."""
    return {
        "resolution": "full-hd",
        "variables": {"shop": "The Corner Shop", "color": "#264653"},
        "elements": [{"type": "subtitles", "settings": {"style": "classic", "font-size": 48}}],
        "scenes": [_scene(i) for i in range(scenes)],
    }


def _scene(i: int) -> dict[str, Any]:
    picture = f"https://cdn.example.com/pictures/{i}.jpg?size=large"
    headline = {"font-size": "48px", "color": "#ffffff", "font-family": "Roboto"}
    spoken = f"{{{{headline}}}}: this is sentence {i} of a story"
    return {
        "comment": f"scene {i}",
        "background-color": "{{color}}",
        "transition": {"style": "fade", "duration": 0.5},
        "variables": {"headline": f"Offer {i}"},
        "elements": [
            {"type": "image", "src": picture, "resize": "cover", "zoom": 2, "duration": 5, "fade-in": 0.5},
            {"type": "text", "text": "{{headline}} at {{shop}}", "style": "003", "start": 1, "settings": headline},
            {"type": "voice", "text": spoken, "voice": "en-US-AriaNeural", "model": "azure", "extra-time": 0.5},
        ],
    }


def main(runs: int = 15) -> int:
    """Print the times; fail over the budget."""
    large, catalog = movie(), snapshot().catalog
    steps: Mapping[str, Callable[[], object]] = {
        "lint": lambda: lint(large, catalog=catalog),
        "estimate": lambda: estimate(
            large, catalog=catalog, payers=explain(large, providers={}, catalog=catalog).payers
        ),
    }
    print(f"A movie of {SCENES} scenes, ms of processor time, {runs} runs: min, median, max\n")
    slow = []
    for name, step in steps.items():
        step()  # what is loaded and compiled once
        taken = sorted(_milliseconds(step) for _ in range(runs))
        median = statistics.median(taken)
        print(f"{name:<42}{taken[0]:8.1f}{median:8.1f}{taken[-1]:8.1f}")
        slow += [name] if median > BUDGET_MS else []
    print(f"\nbudget of each {BUDGET_MS:g} ms{': over it: ' + ', '.join(slow) if slow else ''}")
    return int(bool(slow))


def _milliseconds(step: Callable[[], object]) -> float:
    began = time.process_time()
    step()
    return (time.process_time() - began) * 1000

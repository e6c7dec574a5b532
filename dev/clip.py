"""``python -m dev.clip demo-output/render.mp4`` puts what ``make demo`` made onto the documentation's start page."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "docs" / "_static"
CLIP, POSTER = STATIC / "demo.mp4", STATIC / "demo.jpg"
#: Bytes of clip and poster together: they are in the repository, and in everybody's clone of it.
MAX_SIZE = 300_000


def poster(video: Path, second: float = 1.0) -> None:
    """Write the picture that a browser shows before the video plays."""
    import av

    with av.open(str(video)) as container:
        frames = container.decode(video=0)
        frame = next(frame for frame in frames if frame.time is not None and frame.time >= second)
        frame.to_image().save(POSTER, quality=80, optimize=True)  # type: ignore[no-untyped-call]


def main(video: Path) -> int:
    """Copy the clip and make its poster; the exit status."""
    poster(video)
    shutil.copyfile(video, CLIP)
    size = CLIP.stat().st_size + POSTER.stat().st_size
    print(f"{CLIP.name} and {POSTER.name}: {size:,} bytes")
    return int(size > MAX_SIZE)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

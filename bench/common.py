"""What the benchmarks share: where the footage is, and how a table is printed."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

CORPUS = Path(os.environ.get("VHASHDB_CORPUS", Path(__file__).resolve().parents[2] / "shared" / "corpus"))


def parser(description: str | None) -> argparse.ArgumentParser:
    """An argument parser with the corpus as its first argument."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("corpus", nargs="?", type=Path, default=CORPUS, help="folder with clips/, distractors/, edited/ …")
    return made


def videos(folder: Path) -> list[Path]:
    """The files of a folder that are not tables or texts, in a stable order."""
    return sorted(p for p in folder.iterdir() if p.is_file() and p.suffix not in {".csv", ".txt", ".md"})


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def duration_s(path: Path) -> float:
    """What the container says; 0 if it says nothing."""
    import av

    with av.open(str(path), metadata_errors="replace") as container:
        return (container.duration or 0) / av.time_base


def decode_only(path: Path) -> float:
    """Processor seconds to open a file with PyAV, decode every frame in one thread, and throw the frames away."""
    import av

    started = time.process_time()
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            pass
    return time.process_time() - started

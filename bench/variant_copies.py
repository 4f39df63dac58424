"""Many copies of few videos: re-encodings, crops, clips and compilations, as a real database has them.

    python -m bench.variant_copies SOURCES OUT [--videos 20] [--copies 50] [--seed 1] [--anywhere] [--jobs 2]

Takes videos at equal distances in a folder and writes ``OUT/<number>.mp4`` and ``OUT/truth.csv`` (file, kind, half, sources), where
*sources* are the stems of the videos that the file shows. Two fifths of a video's copies are re-encodings, a fifth crops, a fourth
clips of 0.25 to 0.7 of it, and the rest compilations of two to four videos. A half is of sources: compilations are of one half alone.
Needs the ``ffmpeg`` program. ``python -m bench.variants OUT`` groups them.
"""

from __future__ import annotations

import argparse
import csv
import random
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.common import duration_s, videos

_MAX_S: Final = 15.0
_SHAPE: Final = "scale=480:270,setsar=1,fps=25"
_RE_ENCODINGS, _CROPS, _CLIPS = 0.4, 0.2, 0.25
_OFF: Final = 0.01
"""How far a crop lies from the middle, as a share of the frame."""
_PIECE_S: Final = (2.5, 5.0)


@dataclass(frozen=True)
class Variant:
    """One file to make."""

    kind: str
    half: str
    sources: tuple[Path, ...]
    arguments: tuple[str, ...]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sources", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--videos", type=int, default=20)
    options.add_argument("--copies", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--anywhere", action="store_true", help="crops lie anywhere instead of about the middle")
    options.add_argument("--jobs", type=int, default=2)
    args = options.parse_args()
    there = [path for path in videos(args.sources) if duration_s(path) >= 2 * _PIECE_S[0]]
    chosen = there[:: max(1, len(there) // args.videos)][: args.videos]
    args.out.mkdir(parents=True, exist_ok=True)
    made = list(variants(chosen, args.copies, random.Random(args.seed), anywhere=args.anywhere))
    with ThreadPoolExecutor(args.jobs) as pool:
        worked = list(pool.map(lambda each: _make(args.out / f"{each[0]:05}.mp4", each[1]), enumerate(made)))
    with (args.out / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "kind", "half", "sources"))
        for number, each in enumerate(made):
            if worked[number]:
                writer.writerow((f"{number:05}.mp4", each.kind, each.half, " ".join(source.stem for source in each.sources)))
    print(f"{sum(worked)} of {len(made)} files of {len(chosen)} videos in {args.out}")


def variants(sources: list[Path], copies: int, rng: random.Random, *, anywhere: bool) -> Iterator[Variant]:
    """Say what is made of some videos."""
    halves = {source: "AB"[number % 2] for number, source in enumerate(sources)}
    counts = [round(copies * share) for share in (_RE_ENCODINGS, _CROPS, _CLIPS)]
    for source in sources:
        for kind, count in zip(("re-encoding", "crop", "clip"), counts, strict=True):
            for _ in range(count):
                yield Variant(kind, halves[source], (source,), tuple(_arguments(kind, source, rng, anywhere=anywhere)))
    wanted = {source: copies - sum(counts) for source in sources}
    for half in "AB":
        waiting = [source for source in sources if halves[source] == half for _ in range(wanted[source])]
        while waiting:
            several = sorted(sorted(set(waiting)), key=lambda source: (-waiting.count(source), rng.random()))[: rng.randint(2, 4)]
            rng.shuffle(several)
            for source in several:
                waiting.remove(source)
            yield Variant("compilation", half, tuple(several), tuple(_compiled(several, rng)))


def _arguments(kind: str, source: Path, rng: random.Random, *, anywhere: bool) -> list[str]:
    length = min(duration_s(source), _MAX_S)
    start = 0.0
    if kind == "clip":
        share = rng.uniform(0.25, 0.7)
        start = rng.uniform(0, (1 - share) * length)
        length = max(_PIECE_S[0], share * length)
    filters = []
    if kind == "crop":
        side = rng.uniform(0.75, 0.97)
        places = [rng.uniform(0, 1 - side) if anywhere else (1 - side) / 2 + rng.uniform(-_OFF, _OFF) for _ in range(2)]
        filters.append(f"crop=iw*{side:.3f}:ih*{side:.3f}:iw*{places[0]:.3f}:ih*{places[1]:.3f}")
    if rng.random() < 0.2:
        filters.append("hflip")
    if rng.random() < 0.5:
        filters.append(
            f"eq=brightness={rng.uniform(-0.1, 0.1):.2f}:contrast={rng.uniform(0.8, 1.25):.2f}:saturation={rng.uniform(0, 1.5):.2f}"
        )
    if rng.random() < 0.3:
        filters.append(f"fps={rng.choice((12, 15, 30))}")
    filters.append(f"scale=-2:{rng.choice((144, 180, 240, 270, 360))}")
    return ["-ss", f"{start:.2f}", "-t", f"{length:.2f}", "-i", str(source), "-vf", ",".join(filters), *_coded(rng)]


def _compiled(sources: list[Path], rng: random.Random) -> list[str]:
    inputs: list[str] = []
    for source in sources:
        length = min(duration_s(source), _MAX_S)
        piece = min(length, rng.uniform(*_PIECE_S))
        inputs += ["-ss", f"{rng.uniform(0, length - piece):.2f}", "-t", f"{piece:.2f}", "-i", str(source)]
    shaped = ";".join(f"[{n}:v]{_SHAPE}[v{n}]" for n in range(len(sources)))
    joined = "".join(f"[v{n}]" for n in range(len(sources)))
    return [*inputs, "-filter_complex", f"{shaped};{joined}concat=n={len(sources)}:v=1", *_coded(rng)]


def _coded(rng: random.Random) -> list[str]:
    return ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-an", "-crf", str(rng.randint(22, 36))]


def _make(target: Path, variant: Variant) -> bool:
    if target.exists():
        return True
    run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *variant.arguments, str(target)], capture_output=True, text=True)
    if run.returncode:
        target.unlink(missing_ok=True)
        print(f"skipped a {variant.kind}: {run.stderr.strip().splitlines()[-1:]}")
    return run.returncode == 0


if __name__ == "__main__":
    main()

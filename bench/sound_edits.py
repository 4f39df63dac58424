"""Edited copies of sounds, to measure what is found of them.

    python -m bench.sound_edits [CORPUS] OUT [--every 1] [--edits NAME,…] [--jobs 2]

Takes 18 seconds of every n-th sound of ``CORPUS/sound``, and writes ``OUT/<edit>/<source>.<ending>`` and ``OUT/truth.csv`` (query,
source, edit, second, speed, start_s), where *second* is another sound that is truly in it. Needs the ``ffmpeg`` program, built with
librubberband. `bench.sound` asks about them.
"""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import numpy as np

from bench.common import parser, videos

START_S, LENGTH_S = 5.0, 18.0
_RATE: Final = 44100
_NOISE: Final = 0.2
"""Largest sample of white noise, whose samples are spread evenly."""
_CODECS: Final = {
    "aac32": ("m4a", ("-c:a", "aac", "-b:a", "32k")),
    "mp3-32": ("mp3", ("-c:a", "libmp3lame", "-b:a", "32k")),
    "opus24": ("ogg", ("-c:a", "libopus", "-b:a", "24k")),
}
_FILTERS: Final = {
    "plain": "anull",
    "telephone": "highpass=f=300:poles=2,highpass=f=300:poles=2,lowpass=f=3400:poles=2,lowpass=f=3400:poles=2,aresample=8000",
    "clipped": "volume=14dB",
    "reverb": "aecho=0.8:0.8:37|61|89|127|173|211:0.7|0.6|0.5|0.4|0.3|0.2",
    "silence-cut": "silenceremove=stop_periods=-1:stop_threshold=-30dB:stop_duration=0.15",
    **{f"tempo{speed}": f"atempo={speed}" for speed in (0.8, 0.9, 0.95, 1.05, 1.1, 1.25)},
    **{
        f"speed{speed}": f"aresample={_RATE},asetrate={int(_RATE * speed)},aresample={_RATE}" for speed in (0.8, 0.9, 0.95, 1.05, 1.1, 1.25)
    },
    **{f"pitch{steps:+d}": f"rubberband=pitch={2 ** (steps / 12):.6f}" for steps in (-2, -1, 1, 2)},
    "tempo1.15pitch+2": f"rubberband=tempo=1.15:pitch={2 ** (2 / 12):.6f}",
}
_MIXED: Final = {"noise10dB": 10.0, "under0dB": 0.0, "other0dB": 0.0}
"""Decibels of the sound over what is laid over it: white noise, or a sound of the other kind."""
_OTHER: Final = {"other0dB": 2}
"""How many sounds after that of `under0dB` another one is laid over it, which no threshold was chosen on."""
EDITS: Final = (*_FILTERS, *_CODECS, *_MIXED)


@dataclass(frozen=True)
class Job:
    """One copy to make."""

    source: Path
    second: Path
    edit: str
    target: Path


def main() -> None:
    options = parser(__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--every", type=int, default=1, help="take each n-th source")
    options.add_argument("--edits", default=",".join(EDITS))
    options.add_argument("--jobs", type=int, default=2)
    args = options.parse_args()
    sources = videos(args.corpus / "sound")
    jobs = [
        Job(
            source,
            _other_kind(number, sources, _OTHER.get(edit, 0)),
            edit,
            args.out / edit / f"{source.stem}.{_CODECS.get(edit, ('wav', ()))[0]}",
        )
        for number, source in enumerate(sources)
        if number % args.every == 0
        for edit in args.edits.split(",")
    ]
    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(_make, jobs))
    with (args.out / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "source", "edit", "second", "speed", "start_s"))
        for job in jobs:
            second = job.second.name if job.edit in ("under0dB", "other0dB") else ""
            writer.writerow((f"{job.edit}/{job.target.name}", job.source.name, job.edit, second, speed_of(job.edit), START_S))
    print(f"{len(jobs)} copies of {len({job.source for job in jobs})} sounds in {args.out}")


def speed_of(edit: str) -> float:
    """Return how many times as fast an edit plays a sound; nan where that differs from second to second."""
    if edit == "silence-cut":
        return float("nan")
    digits = edit.removeprefix("tempo").removeprefix("speed").partition("pitch")[0]
    return float(digits) if edit.startswith(("tempo", "speed")) else 1.0


def _other_kind(number: int, sources: Sequence[Path], after: int) -> Path:
    """Return a voice for music, and music for a voice; ``after``: another one than for 0."""
    kind = sources[number].stem.partition("_")[0]
    others = [path for path in sources if path.stem.partition("_")[0] != kind]
    return others[(number + after) % len(others)]


def _make(job: Job) -> None:
    if job.target.exists():
        return
    job.target.parent.mkdir(parents=True, exist_ok=True)
    piece = ["-ss", f"{START_S}", "-t", f"{LENGTH_S}", "-i", str(job.source)]
    if job.edit in _FILTERS:
        how = ["-af", _FILTERS[job.edit]]
    elif job.edit in _CODECS:
        how = list(_CODECS[job.edit][1])
    else:
        over = ["-ss", "2", "-t", f"{LENGTH_S}", "-i", str(job.second)]
        if job.edit == "noise10dB":
            over = ["-f", "lavfi", "-t", f"{LENGTH_S}", "-i", f"anoisesrc=color=white:amplitude={_NOISE}:seed=1:sample_rate=48000"]
        quieter = (
            10 ** (-_MIXED[job.edit] / 20) * loudness(job.source) / (0.2 / 3**0.5 if job.edit == "noise10dB" else loudness(job.second))
        )
        piece += over
        how = ["-filter_complex", f"[1:a]volume={quieter:.5f}[b];[0:a][b]amix=duration=first:normalize=0,volume=0.5"]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *piece, *how, "-ac", "1", str(job.target)], check=True)


def loudness(path: Path) -> float:
    """Return the root mean square of a sound's samples, of which the largest possible is 1."""
    resampler = av.AudioResampler("flt", "mono", 16000)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return float(np.sqrt(np.mean(samples**2)))


if __name__ == "__main__":
    main()

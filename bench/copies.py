"""Edited copies of the videos of a folder, made with the ``ffmpeg`` program: what `bench.edits` and `bench.geometry` share."""

from __future__ import annotations

import csv
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.common import parser, videos


@dataclass(frozen=True)
class Job:
    """One copy to make."""

    source: Path
    second: Path
    edit: str
    target: Path
    seed: int
    """What an edit with random parameters draws them from."""


Arguments = Callable[[Job], list[str]]
"""What ffmpeg is told, without the target."""


def make_copies(doc: str | None, edits: Sequence[str], arguments: Arguments, shows_second: Callable[[str], bool]) -> None:
    """Run a command that makes copies: parse its options, make what is not there yet, write ``truth.csv``.

    Args:
        doc: the module's docstring.
        edits: their names; all by default.
        arguments: for one copy.
        shows_second: whether an edit shows a second video, too.
    """
    options = parser(doc)
    options.add_argument("out", type=Path)
    options.add_argument("--sources", default="distractors", help="folder of the corpus")
    options.add_argument("--every", type=int, default=4, help="take each n-th source")
    options.add_argument("--edits", default=",".join(edits))
    options.add_argument("--seed", type=int, default=1, help="for edits with random parameters")
    options.add_argument("--jobs", type=int, default=2)
    args = options.parse_args()
    sources = videos(args.corpus / args.sources)[:: args.every]
    jobs = [
        Job(source, sources[(number + 7) % len(sources)], edit, args.out / edit / f"{source.stem}.mp4", args.seed)
        for number, source in enumerate(sources)
        for edit in args.edits.split(",")
    ]
    with ThreadPoolExecutor(args.jobs) as pool:
        made = list(pool.map(lambda job: _make(job, arguments(job)), jobs))
    rows = [
        (f"{job.edit}/{job.target.name}", job.source.name, job.edit, job.second.name if shows_second(job.edit) else "")
        for job, there in zip(jobs, made, strict=True)
        if there
    ]
    with (args.out / "truth.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("query", "source", "edit", "second"))
        writer.writerows(rows)
    print(f"{len(rows)} copies of {len(sources)} videos in {args.out}")


def _make(job: Job, arguments: Sequence[str]) -> bool:
    """Make one copy unless it is there; False if ffmpeg cannot."""
    job.target.parent.mkdir(parents=True, exist_ok=True)
    if job.target.exists():
        return True
    run = subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *arguments, str(job.target)], capture_output=True, text=True)
    if run.returncode:
        job.target.unlink(missing_ok=True)
        print(f"skipped {job.edit} of {job.source.name}: {run.stderr.strip().splitlines()[-1:]}")
    return run.returncode == 0

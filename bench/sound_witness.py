"""What sound adds where pictures alone are not enough: copies that are only possible without it.

    python -m bench.sound_witness [CORPUS] --copies FOLDER [--sources distractors]

Asks about what `bench.edits` or `bench.geometry` wrote, with the same sound under source and copy, once without listening and once with.
Edits of time are left out: the sound would not go with them. Half A are the sources with even numbers, half B the others. Needs the
``ffmpeg`` program.
"""

from __future__ import annotations

import csv
import subprocess
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final

import vhashdb
from bench.common import parser, table, videos
from vhashdb import Result, Verdict

_OF_TIME: Final = ("double", "half", "speed150", "clip2s", "clip3s", "buried3s", "zoomin")
"""The last shows every picture for 1/25 s, whatever it was shown for."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--copies", type=Path, required=True, help="what bench.edits wrote")
    options.add_argument("--sources", default="distractors")
    options.add_argument("--effort", default="balanced")
    args = options.parse_args()
    sounds = videos(args.corpus / "sound")
    with (args.copies / "truth.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["edit"] not in _OF_TIME]
    names = sorted({row["source"] for row in rows})
    with tempfile.TemporaryDirectory() as folder, vhashdb.create(Path(folder, "witness.vhdb")) as db:
        sound_of = {name: sounds[number * 2 % len(sounds)] for number, name in enumerate(names)}
        record_of = {name: db.add(laid(args.corpus / args.sources / name, sound_of[name], Path(folder, name))).id for name in names}
        counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        wrong: Counter[str] = Counter()
        for row in rows:
            copy = laid(args.copies / row["query"], sound_of[row["source"]], Path(folder, "copy.mp4"))
            seen, heard = (db.match(copy, effort=args.effort, sound=sound) for sound in (False, True))
            alone = verdict_on(seen, record_of[row["source"]])
            for half in ("AB"[names.index(row["source"]) % 2], "all"):
                counts[alone, half][verdict_on(heard, record_of[row["source"]])] += 1
            theirs = (record_of[row["source"]], record_of.get(row["second"], ""))
            wrong += Counter(match.verdict.value for match in heard.matches if match.record.id not in theirs)
    shown = [verdict.value for verdict in (Verdict.MATCH, Verdict.POSSIBLE, Verdict.NO_MATCH)]
    lines = [
        (
            f"{alone}, half {half}" if half != "all" else f"{alone}, all",
            found.total(),
            *(f"{found[what] / found.total():.3f}" for what in shown),
        )
        for (alone, half), found in sorted(counts.items())
    ]
    print(table(("by pictures alone", "copies", *(f"with sound: {what}" for what in shown)), lines))
    print(f"\nother records: {wrong[Verdict.MATCH.value]} match, {wrong[Verdict.POSSIBLE.value]} possible")


def laid(video: Path, sound: Path, target: Path) -> Path:
    """Write a video with a sound under it, as long as the video; return where."""
    inputs = ["-i", str(video), "-i", str(sound), "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "64k", "-shortest"]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *inputs, str(target)], check=True)
    return target


def verdict_on(result: Result, record: str) -> str:
    """Return what was said of one record."""
    return next((match.verdict for match in result.matches if match.record.id == record), Verdict.NO_MATCH).value


if __name__ == "__main__":
    main()

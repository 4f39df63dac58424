"""What is found of edited sounds, by sound alone, in a database of videos.

    python -m bench.sound [CORPUS] --edits FOLDER

Each sound of ``CORPUS/sound`` is laid under a clip and recorded, beside the other videos of the corpus that have sound of their own. What
`bench.sound_edits` wrote is asked about as files without pictures. A copy counts as found if its record is among the matches; as placed,
if the longest stretch of it begins within 0.1 s of where it should, at a speed within 1 %. Every other record that is found is wrong,
unless it is truly in the file. Half A are the sources with even numbers, which thresholds were chosen on, half B the others. Needs the
``ffmpeg`` program.
"""

from __future__ import annotations

import csv
import math
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import vhashdb
from bench.common import parser, table, videos
from vhashdb import Verdict

OFFSET_S, SPEED = 0.1, 0.01


@dataclass(frozen=True)
class Asked:
    """What came of one question."""

    edit: str
    half: str
    found: bool
    placed: bool
    wrong_matches: int
    wrong_possible: tuple[str, ...]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--edits", type=Path, required=True, help="what bench.sound_edits wrote")
    options.add_argument("--effort", default="balanced")
    args = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, vhashdb.create(Path(folder, "sound.vhdb")) as db:
        names = record_all(db, args.corpus, Path(folder))
        rows = db.sound_reader.state().rows + db.sound_reader.state().memtable
        sounds = [sound for number in names if (sound := db.fingerprint(number).sound) is not None]
        per_second = rows / sum(sound.duration_s for sound in sounds)
        print(f"{len(db)} records, {rows:,} landmarks, {per_second:.1f} for each second of sound\n")
        order = [path.name for path in videos(args.corpus / "sound")]
        asked = list(ask(db, names, args.edits, args.effort, order))
    print_edits(asked)


def record_all(db: vhashdb.Database, corpus: Path, folder: Path) -> dict[str, str]:
    """Record the sounds under clips, and the other videos that have sound; return the name of each record's sound."""
    clips, names = videos(corpus / "clips"), {}
    for number, sound in enumerate(videos(corpus / "sound")):
        video = folder / f"{sound.stem}.mp4"
        inputs = ["-i", str(clips[number % len(clips)]), "-i", str(sound), "-map", "0:v", "-map", "1:a"]
        laid = [*inputs, "-c:v", "copy", "-c:a", "aac", "-b:a", "128k"]
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *laid, str(video)], check=True)
        names[db.add(video).id] = sound.name
    for path in (*videos(corpus / "natural"), *videos(corpus / "reference"), *videos(corpus / "odd")):
        try:
            prepared = db.prepare(path)
        except vhashdb.VhashdbError:
            continue  # pictures, text, damage: what is there to be heard is asked about
        if prepared.reference.sound is not None and len(prepared.reference.sound):
            names[db.record(prepared, vhashdb.Details()).id] = path.name
    return names


def ask(db: vhashdb.Database, names: dict[str, str], edits: Path, effort: str, order: list[str]) -> Iterator[Asked]:
    """Ask about every edited sound."""
    with (edits / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        result = db.match(edits / row["query"], effort=effort)
        right = next((match for match in result.matches if names.get(match.record.id) == row["source"]), None)
        wrong = [match for match in result.matches if names.get(match.record.id) not in (row["source"], row["second"])]
        yield Asked(
            row["edit"],
            "AB"[order.index(row["source"]) % 2],
            right is not None,
            right is not None and is_placed(right, float(row["speed"]), float(row["start_s"])),
            sum(match.verdict is Verdict.MATCH for match in wrong),
            tuple(names.get(match.record.id, "?") for match in wrong if match.verdict is Verdict.POSSIBLE),
        )


def is_placed(match: vhashdb.Match, speed: float, start_s: float) -> bool:
    """Say whether the longest stretch is where it should be; where speeds differ from second to second, only that there is one."""
    longest = max(match.judgement.sounds, key=lambda one: one.length_s)
    if math.isnan(speed):
        return True
    apart_s = abs(longest.reference_start_s - longest.speed * longest.query_start_s - start_s)
    return abs(longest.speed / speed - 1) <= SPEED and apart_s <= OFFSET_S


def print_edits(asked: list[Asked]) -> None:
    """Print found, placed and wrong, by edit and half."""
    of_edit: dict[str, list[Asked]] = defaultdict(list)
    for each in asked:
        of_edit[each.edit].append(each)

    def share(some: list[Asked], what: str, half: str) -> str:
        chosen = [getattr(each, what) for each in some if each.half == half]
        return f"{sum(chosen) / len(chosen):.2f}" if chosen else "–"

    rows = [
        (
            edit, len(some), *(share(some, what, half) for what in ("found", "placed") for half in "AB"),
            sum(each.wrong_matches for each in some), sum(len(each.wrong_possible) for each in some),
        )
        for edit, some in [*of_edit.items(), ("all", asked)]
    ]  # fmt: skip
    print(table(("edit", "asked", "found A", "found B", "placed A", "placed B", "wrong match", "wrong possible"), rows))
    wrong = sorted({name for each in asked for name in each.wrong_possible})
    print(f"\nwrong and possible: {', '.join(wrong) or 'none'}")


if __name__ == "__main__":
    main()

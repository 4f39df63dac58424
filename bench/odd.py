"""What becomes of odd files: the verdict, how much was seen, and what is said.

    python -m bench.odd [CORPUS] [--effort EFFORT]

A database of one sample video is asked about every file in CORPUS/odd, so that a sound file is a plain *no match*.
"""

from __future__ import annotations

import csv
import tempfile
from collections import Counter
from pathlib import Path

import vhashdb
from bench.common import parser, table

SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "known" / "harbour.mp4"


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--effort", default="balanced")
    args = options.parse_args()
    with open(args.corpus / "odd" / "manifest.csv", newline="") as file:
        said = {row["file"]: row["what"] for row in csv.DictReader(file)}
    with tempfile.TemporaryDirectory() as folder, vhashdb.create(Path(folder, "k.vhdb")) as database:
        database.add(SAMPLE)
        rows = [(path.name, said.get(path.name, ""), *_outcome(database, path, args.effort)) for path in _files(args.corpus / "odd")]
    print(table(("file", "what it is", "verdict", "seconds seen", "tracks", "what is said"), rows))
    print(", ".join(f"{number} {verdict}" for verdict, number in Counter(row[2] for row in rows).most_common()))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix != ".csv")


def _outcome(database: vhashdb.Database, path: Path, effort: str) -> tuple[str, str, str, str]:
    try:
        result = database.match(path, effort=effort)
    except vhashdb.MediaError as error:
        return "not checked", "", "", error.message.removeprefix(f"{path}: ").removeprefix(f"{path.absolute()}: ")
    coverage = result.coverage
    notes = "; ".join(dict.fromkeys((*([] if result.verdict == "no-match" else [result.reason]), *result.damage)))
    tracks = f"{coverage.tracks_seen} of {len(coverage.tracks)}"
    return result.verdict.value, f"{coverage.seen_s:.1f} of {coverage.there_s:.1f}", tracks, notes


if __name__ == "__main__":
    main()

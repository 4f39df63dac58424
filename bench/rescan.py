"""Matching the same files again: what is left to do when looks at them are kept.

    python -m bench.rescan [CORPUS]

The database holds the clips and half of the distractors. Asked about are the other distractors, which nothing matches, and
edited copies of the clips, each twice with an empty cache at first, and in another run without one.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import vhashdb
from bench.common import parser, table, videos

EDITS = ("lowres", "mirror", "logo")


def main() -> None:
    corpus: Path = parser(__doc__).parse_args().corpus
    distractors = videos(corpus / "distractors")
    unknown = distractors[1::2]
    copies = [path for edit in EDITS for path in videos(corpus / "edited" / edit)]
    with tempfile.TemporaryDirectory() as folder:
        with vhashdb.create(Path(folder, "known.vhdb")) as database:
            for path in [*videos(corpus / "clips"), *distractors[::2]]:
                database.add(path)
        without = asked(Path(folder, "known.vhdb"), None, unknown, copies)
        first = asked(Path(folder, "known.vhdb"), Path(folder, "cache"), unknown, copies)
        kept = sum(file.stat().st_size for file in Path(folder, "cache").iterdir())
        second = asked(Path(folder, "known.vhdb"), Path(folder, "cache"), unknown, copies)
    rows = [
        [f"{count} {name}", *(f"{1e3 * run[row]:.1f}" for run in (without, first, second)), f"{second[row] / without[row]:.2f}"]
        for row, (name, count) in enumerate((("unknown", len(unknown)), ("edited copies", len(copies))))
    ]
    print(table(("files", "without a cache, ms", "first time, ms", "second time, ms", "second / without"), rows))
    print(f"\nMedian of a file, wall. Kept: {kept / (len(unknown) + len(copies)) / 1000:.0f} kB a file.")


def asked(database: Path, cache: Path | None, *parts: Sequence[Path]) -> list[float]:
    """Median seconds of a question, of each part."""
    with ExitStack() as stack:
        kept = stack.enter_context(vhashdb.FingerprintCache(cache)) if cache else None
        db = stack.enter_context(vhashdb.open(database, cache=kept))
        len(db.index)
        return [statistics.median(spent_s(db, path) for path in part) for part in parts]


def spent_s(database: vhashdb.Database, path: Path) -> float:
    """Seconds of one question."""
    start = time.perf_counter()
    database.match(path)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

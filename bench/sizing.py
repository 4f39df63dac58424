"""How much memory, how many shards and machines an index needs, by a model that is checked against what `bench.index` measured.

    python -m bench.sizing [--hashes 1e8,1e9,1e10] [--machine 128] [--copies 2] [--segments 4]

Bytes follow from the files of a segment (`vhashdb.index.segment`). Times are what `bench.index` measured, a segment of a full index, so
they hold for that machine; what asking several machines adds is what `bench.shards` measured. The last lines compare the model with
docs/benchmarks.md, and it is an error if they differ by more than 5 %.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
from pathlib import Path
from typing import Final

from bench.common import table
from vhashdb.hashing.algorithms import Pdq
from vhashdb.index.compaction import MAX_SEGMENT_ROWS
from vhashdb.index.permutation import tables_of
from vhashdb.index.planning import KEY_WIDTHS
from vhashdb.index.segment import _MIN_ROWS_PER_KEY

RECORD: Final = 700
"""Hashes of a record, as `bench.index` makes them."""
SEGMENT_MS: Final = 51.3 / 6
"""A question of 60 hashes in one segment of a full index: 100 million hashes are six segments (docs/benchmarks.md)."""
SCATTER_MS: Final = 20.0
"""What asking shards adds (docs/benchmarks.md, `bench.shards`: measured with more shards than processors)."""
USABLE: Final = 0.85
"""Share of a machine's memory for the index; the rest is for the system, for Ray and for what is being written."""
BENCHMARKS: Final = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
_MEASURED: Final = re.compile(r"^\| (\d+) M \| realistic \|(?:[^|]*\|){6} ([\d.]+) \|", re.M)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--hashes", default="1e8,1e9,1e10")
    options.add_argument("--machine", type=float, default=128, help="GB of memory of one")
    options.add_argument("--copies", type=int, default=2, help="replicas of each shard")
    options.add_argument("--segments", type=int, default=4, help="full segments in a shard, which decide how long it needs")
    args = options.parse_args()
    rows = []
    for hashes in (float(size) for size in args.hashes.split(",")):
        shards = max(1, math.ceil(hashes / (args.segments * MAX_SEGMENT_ROWS)))
        each = hashes / shards
        size = bytes_each(each) * hashes / 1e9
        machines = max(args.copies, math.ceil(args.copies * size / (USABLE * args.machine)))
        segments = math.ceil(each / MAX_SEGMENT_ROWS)
        rows.append([
            f"{hashes / 1e6:,.0f} M", f"{bytes_each(each):.1f}", f"{size:,.0f} GB", str(shards), f"{size / shards:.1f} GB",
            f"{machines}", f"{segments * SEGMENT_MS + SCATTER_MS:.0f}", f"{shards * segments * SEGMENT_MS:.0f}",
        ])  # fmt: skip
    print(f"\n### {args.copies} copies on machines of {args.machine:.0f} GB, {args.segments} segments a shard\n")
    header = ("hashes", "bytes a hash", "memory a copy", "shards", "memory a shard", "machines", "answer, ms", "processor a question, ms")
    print(table(header, rows))
    compared = [(float(size) * 1e6, float(seen)) for size, seen in _MEASURED.findall(BENCHMARKS.read_text())]
    print("\n### The model beside what `bench.index` measured\n")
    print(table(("hashes", "bytes a hash, model", "measured"), [[f"{n / 1e6:.0f} M", f"{bytes_each(n):.1f}", f"{s}"] for n, s in compared]))
    if not compared or any(abs(bytes_each(size) / seen - 1) > 0.05 for size, seen in compared):
        sys.exit("the model is wrong")


def bytes_each(hashes: float) -> float:
    """Return the bytes of one hash in an index of so many, in segments as large as they become."""
    segments = max(1, math.ceil(hashes / MAX_SEGMENT_ROWS))
    rows = hashes / segments
    tables = tables_of(Pdq.id.bits)
    width = max(KEY_WIDTHS.start, min(KEY_WIDTHS.stop - 1, int(rows / _MIN_ROWS_PER_KEY).bit_length() - 1))
    return Pdq.id.bytes + 4 * tables + 4 * tables * (1 << width) / rows + 3 * 8 / RECORD


if __name__ == "__main__":
    main()

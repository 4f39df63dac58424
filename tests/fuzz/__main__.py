"""Give mutated files of every kind to the real program; see docs/threat-model.md.

    python -m tests.fuzz [--inputs 2000] [--seed 1] [--only KIND,…] [--keep FOLDER]

No input may cause a traceback, a crash, a hang, an exit code that its kind does not have, an input without an answer, a
process or a temporary file left behind, or more memory than the limit. Ends with 1 if one did, and names and keeps it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.fuzz.targets import Fault, Targets

SHARES: Final = {
    "media": 0.46,
    "added": 0.1,
    "fingerprints": 0.1,
    "lists": 0.2,
    "feeds": 0.05,
    "caches": 0.03,
    "databases": 0.04,
    "configuration": 0.02,
}
"""Share of the inputs that each kind gets."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--inputs", type=int, default=2000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", help="kinds, comma-separated: " + ", ".join(SHARES))
    options.add_argument("--keep", type=Path, default=Path("build", "fuzz"), help="where inputs at fault are kept")
    args = options.parse_args()
    kinds = [kind for kind in args.only.split(",") if kind] or list(SHARES)
    total = sum(SHARES[kind] for kind in kinds)
    found: list[Fault] = []
    print(f"seed {args.seed}\n\n| kind | inputs | faults | s |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as place:
        targets = Targets(Path(place), args.seed)
        for kind in kinds:
            count, started = max(1, round(args.inputs * SHARES[kind] / total)), time.monotonic()
            faults = list(getattr(targets, kind)(count))
            print(f"| {kind} | {count} | {len(faults)} | {time.monotonic() - started:.0f} |", flush=True)
            found += faults
        for fault in found:
            args.keep.mkdir(parents=True, exist_ok=True)
            names = [shutil.copy(path, args.keep) for path in fault.files]
            print(f"\n{fault.kind}: {fault.what}\n  " + "\n  ".join(map(str, names[:5])))
    print(f"\n{args.inputs} inputs, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

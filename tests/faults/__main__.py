"""Seeded trials of faults. ``python -m tests.faults [TRIALS] [SEED]``; `make faults` runs a thousand.

Of a trial that fails, its number is printed with what was told until then; ``--only NUMBER`` runs it again.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.faults.trials import KINDS, Template, run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("trials", type=int, nargs="?", default=1000)
    parser.add_argument("seed", type=int, nargs="?", default=12)
    parser.add_argument("--only", type=int, help="run one trial again")
    given = parser.parse_args()
    counts, failed = Counter(), 0
    with tempfile.TemporaryDirectory(prefix="vhashdb-faults-") as folder:
        template = Template.made(Path(folder))
        for number in [given.only] if given.only is not None else range(given.trials):
            outcome = run(template, Path(folder), given.seed, number)
            counts += outcome.counts
            if outcome.failure:
                failed += 1
                print(f"trial {number} ({outcome.kind}): {outcome.failure}", flush=True)
            if number % 100 == 99:
                print(f"{number + 1} trials, {failed} failed", flush=True)
    for name in KINDS:
        print(f"{name:<12}{counts[name]:>6} trials")
    for name in sorted(counts.keys() - KINDS.keys()):
        print(f"{name}: {counts[name]}")
    print("failed:", failed)
    sys.exit(1 if failed else 0)

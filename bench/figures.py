"""Counting what is in a large database, and what a long audit log says: `vhashdb stats` and `vhashdb report transparency`.

    python -m bench.figures [--records 100000] [--lines 1,10] [--scratch DIR]

The database is made for the run and holds no hashes; it needs no footage. `--lines` are millions of lines of the audit log,
eight in ten of them matches, most of few records.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import vhashdb
from bench.common import table
from vhashdb.charts.figures import Overview
from vhashdb.charts.pages import page
from vhashdb.store import schema
from vhashdb.store.figures import read_figures
from vhashdb.store.periods import Period
from vhashdb.store.statistics import read_statistics

TODAY = datetime.date(2026, 1, 1)
YEAR = Period.of(TODAY - datetime.timedelta(days=364), TODAY)
LABELS = ("graphic-violence", "tvec", "animal-cruelty", "hate", "self-harm")
AT_ONCE = 50_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--records", type=int, default=100_000)
    options.add_argument("--lines", default="1", help="millions, separated by commas")
    options.add_argument("--scratch", type=Path, default=None, help="where to write; a temporary folder by default")
    args = options.parse_args()
    rows = []
    for millions in map(float, args.lines.split(",")):
        with tempfile.TemporaryDirectory(dir=args.scratch) as folder, vhashdb.create(Path(folder, "large.vhdb")) as db:
            fill(db, args.records, round(millions * 1e6))
            overview = Overview("large.vhdb", read_statistics(db.store, YEAR, today=TODAY), 0, 0)
            jobs: tuple[Callable[[], object], ...] = (
                functools.partial(read_statistics, db.store, YEAR, today=TODAY),
                functools.partial(read_figures, db.store, YEAR.since, YEAR.until),
                functools.partial(page, overview),
            )
            rows.append([f"{millions:g} million", *(f"{best_s(job):.2f}" for job in jobs)])
    print(table(("lines of the audit log", "all figures of `stats`, s", "of the transparency report, s", "the page, s"), rows))
    print(f"\n{args.records:,} records; a period of a year, in which all happened. Best of three.")


def fill(db: vhashdb.Database, records: int, lines: int) -> None:
    """Make up a database."""
    rng = random.Random(3)
    with db.store.transactions.writing() as connection:
        connection.execute(schema.record.insert(), [made_record(rng, n) for n in range(records)])
        connection.execute(schema.label.insert(), [{"record": n + 1, "label": rng.choice(LABELS)} for n in range(records)])
        log = made_lines(rng, records, lines)
        for start in range(0, lines, AT_ONCE):
            some = [line for line, _ in zip(log, range(AT_ONCE), strict=False)]
            connection.execute(schema.audit.insert(), some)
            connection.execute(schema.hit.insert(), list(made_hits(some, start)))


def made_record(rng: random.Random, place: int) -> dict[str, object]:
    """Columns of one record."""
    words = dict.fromkeys(("reason", "reason_code", "policy", "law"), "")
    return words | {
        "id": f"{place:032x}",
        "change": place + 1,
        "state": rng.choices(("active", "held", "disputed", "retracted"), (90, 5, 2, 3))[0],
        "revision": 1,
        "added_at": moment(rng),
        "duration_s": rng.lognormvariate(4, 1.5),
        "severity": rng.choice(("low", "medium", "high")),
        "origin": rng.choice(("own_review", "user_report")),
        "review_method": "human",
        "reviewers": 1,
        "max_action": "review",
        "source": rng.choices(("local", "acme-feed", "bold-feed"), (70, 25, 5))[0],
        "tlp": "amber",
        "reshare": True,
    }


def made_lines(rng: random.Random, records: int, lines: int) -> Iterator[dict[str, object]]:
    """Lines of the audit log."""
    for _ in range(lines):
        action = rng.choices(("match", "queries", "retract", "review-accepted", "label"), (80, 5, 1, 1, 13))[0]
        record = None if action == "queries" else f"{min(records - 1, int(rng.paretovariate(0.6))):032x}"
        details: dict[str, object] = {"verdict": rng.choices(("match", "possible"), (9, 1))[0], "score": 0.9} if action == "match" else {}
        details |= {"match": rng.randrange(5), "no-match": rng.randrange(500)} if action == "queries" else {}
        details |= {"code": rng.choice(("error", "legal"))} if action == "retract" else {}
        yield {"at": moment(rng), "actor": "x", "action": action, "record": record, "details": json.dumps(details)}


def made_hits(lines: Sequence[dict[str, object]], start: int) -> Iterator[dict[str, object]]:
    """The hits that lines of the audit log tell of, each of another file."""
    for number, line in enumerate(lines, start):
        if line["action"] == "match":
            found = json.loads(str(line["details"]))
            undecided = {"state": "", "line": None, "grounds": ""}
            yield {"file": f"{number:032x}", "record": line["record"], "at": line["at"], **found, **undecided}


def moment(rng: random.Random) -> datetime.datetime:
    """Some time within the year."""
    return datetime.datetime.combine(YEAR.since, datetime.time()) + datetime.timedelta(seconds=rng.randrange(364 * 86_400))


def best_s(job: Callable[[], object]) -> float:
    """Seconds of the quickest of three runs."""
    spent = []
    for _ in range(3):
        start = time.perf_counter()
        job()
        spent.append(time.perf_counter() - start)
    return min(spent)


if __name__ == "__main__":
    main()

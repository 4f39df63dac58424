"""Records on PostgreSQL against records in a folder, and many writers with a follower.

    python -m bench.postgresql postgresql+psycopg://USER@HOST/NAME [--records 1000] [--hashes 60] [--changes 10000]

Makes schemas of its own in that database, whose names begin with `bench_`, and drops them. Adding is one transaction for each record;
syncing is a whole sync of a signed feed in a folder, grouping and the index on disk included. The same is done in a folder at once
afterwards, so that the ratios say something on a busy machine, too. Then four processes add records, one transaction each, while an index
follows: each change must come to it once, in the order of the numbers.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import vhashdb
from bench.common import table
from bench.exchange import films, metadata_only, published, publishing, with_hashes
from vhashdb.store import NewRecord

WRITERS = 4
_WRITER = """
import sys
from bench.exchange import films
from vhashdb.store import NewRecord, Store
(film,) = films(1, 8)
with Store.open(sys.argv[1], lock_timeout_s=600.0) as store:
    for _ in range(int(sys.argv[2])):
        store.add(NewRecord(1.0), film)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("url")
    options.add_argument("--records", type=int, default=1000)
    options.add_argument("--hashes", type=int, default=60)
    options.add_argument("--events", type=int, default=10_000)
    options.add_argument("--changes", type=int, default=10_000)
    args = options.parse_args()
    rows = []
    for what, count, work in (
        ("records added, one by one", args.records // 5, added),
        (f"records of {args.hashes} hashes synced", args.records, synced_records),
        ("events without hashes synced", args.events, synced_events),
    ):
        rates = [timed(args, count, work, on_server=on_server) for on_server in (True, False)]
        rows.append((what, f"{count:,}", *(f"{rate:,.0f}" for rate in rates), f"{rates[0] / rates[1]:.2f}"))
    print(table(("what", "number", "PostgreSQL, a second", "folder, a second", "ratio"), rows))
    print()
    print(table(("changes by four writers", "a second", "seen by the follower", "missed", "seen twice"), [followed(args)]))


def timed(args: argparse.Namespace, count: int, work, *, on_server: bool) -> float:  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory(prefix="vhashdb-bench-") as folder, contextlib.ExitStack() as stack:
        place = stack.enter_context(schema(args.url)) if on_server else Path(folder) / "db.vhdb"
        db = stack.enter_context(vhashdb.create(place, local=folder))
        prepared = work(db, count, args.hashes, Path(folder))
        began_s = time.perf_counter()
        prepared()
        return count / (time.perf_counter() - began_s)


def added(db: vhashdb.Database, count: int, hashes: int, _: Path):  # type: ignore[no-untyped-def]
    known = list(films(count, hashes))
    return lambda: [db.add(film) for film in known]


def synced_records(db: vhashdb.Database, count: int, hashes: int, folder: Path):  # type: ignore[no-untyped-def]
    return _synced(db, with_hashes(count, hashes), folder)


def synced_events(db: vhashdb.Database, count: int, _: int, folder: Path):  # type: ignore[no-untyped-def]
    return _synced(db, metadata_only(count), folder)


def _synced(db: vhashdb.Database, events, folder: Path):  # type: ignore[no-untyped-def]
    published(publishing(folder), events)
    db.exchange.trust(str(folder / "feed"), (folder / "feed" / "metadata" / "1.root.json").read_bytes())

    def sync() -> None:
        for done in db.exchange.sync():
            assert done.error is None, done.error
        len(db.index)

    return sync


def followed(args: argparse.Namespace) -> tuple[str, ...]:
    """Four processes write, and this one follows until they are done."""
    each = args.changes // WRITERS
    with schema(args.url) as url, tempfile.TemporaryDirectory() as folder, vhashdb.create(url, local=folder) as db:
        (film,) = films(1, 8)
        db.store.add(NewRecord(1.0), film)  # so that nothing is being made any more
        began_s = time.perf_counter()
        writers = [subprocess.Popen([sys.executable, "-c", _WRITER, url, str(each)]) for _ in range(WRITERS)]
        seen: list[int] = []
        over = False
        while not over:
            over = all(writer.poll() is not None for writer in writers)
            seen += [change.change for change in db.store.changes.since(seen[-1] if seen else 0)]
        took_s = time.perf_counter() - began_s
        assert [writer.returncode for writer in writers] == [0] * WRITERS
        with db.store.transactions.reading() as connection:
            there = set(connection.exec_driver_sql("SELECT change FROM record").scalars())
        twice, missed = len(seen) - len(set(seen)), len(there - set(seen))
        assert (len(there), twice, missed, seen) == (each * WRITERS + 1, 0, 0, sorted(seen))
        return f"{len(there) - 1:,}", f"{(len(there) - 1) / took_s:,.0f}", f"{len(seen) - 1:,}", str(missed), str(twice)


@contextlib.contextmanager
def schema(url: str) -> Iterator[str]:
    """Give the URL of an empty schema, and drop it."""
    import psycopg

    from vhashdb.store.postgresql import url_of

    name = f"bench_{os.getpid()}_{time.monotonic_ns()}"
    plain = url_of(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield url_of(url).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(hide_password=False)
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


if __name__ == "__main__":
    main()

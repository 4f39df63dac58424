"""What following a feed costs: nothing new, n new events, records with hashes; and what recording as many by `Database.add_many` does.

    python -m bench.exchange [--events 10000 100000] [--records 2000] [--hashes 700]

A publisher signs a feed in a folder; a member syncs it into a database of its own. Times are wall time of the whole sync,
signatures, decompression, chain, staging, promotion and the index on disk included; what is left until a question can be asked is
timed apart. Processor time is of both, and tells more than wall time where others use the machine too. Peak memory is that of a
process that does nothing but this sync.
"""

from __future__ import annotations

import argparse
import datetime
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np

import vhashdb
from bench.common import table
from vhashdb.exchange import events as e
from vhashdb.exchange.keys import Keyring, make_key
from vhashdb.exchange.publisher import Publisher
from vhashdb.exchange.signals import frames_signal
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.store.staging import Staging

T = TypeVar("T")
AT = datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC)
CHUNK = 50_000
"""Events that are published at once."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, nargs="*", default=[10_000, 100_000])
    options.add_argument("--records", type=int, default=2_000)
    options.add_argument("--hashes", type=int, default=700)
    args = options.parse_args()
    rows = [measured("events without hashes", count, metadata_only(count)) for count in args.events]
    if args.records:
        rows.append(measured(f"records of {args.hashes} hashes", args.records, with_hashes(args.records, args.hashes)))
    heads = (
        "what",
        "number",
        "sync, s",
        "a second",
        "index, s",
        "a second with the index",
        "processor, µs each",
        "nothing new, ms",
        "again 100 new, s",
        "peak MB",
    )
    print("\n### Following a feed in a folder\n")
    print(table(heads, rows))
    if args.records:
        added_s, index_s, busy = apart(added, args.records, args.hashes)
        both = args.records / (added_s + index_s)
        print("\n### Recording many: `Database.add_many`\n")
        row = (
            f"records of {args.hashes} hashes", f"{args.records:,}", f"{added_s:.1f}", f"{index_s:.1f}", f"{both:,.0f}",
            f"{sum(busy.values()) / args.records * 1e6:,.0f}",
        )  # fmt: skip
        titles = ("what", "number", "recorded and in the index, s", "index for a question, s", "a second", "processor, µs each")
        print(table(titles, [row]))
        _, _, in_sync, _ = apart(first_sync, args.records, args.hashes)
        print("\n### Of that, by part: processor, µs a record\n")
        parts = [(part, *(f"{of[part] / args.records * 1e6:,.0f}" for of in (in_sync, busy))) for part in (*PARTS, REST)]
        print(table(("part", "sync", "add_many"), parts))


def first_sync(count: int, hashes: int) -> tuple[float, float, dict[str, float], int]:
    """What `followed` measures of a feed of records with hashes that nothing was read of yet."""
    with tempfile.TemporaryDirectory(prefix="vhashdb-bench-") as folder:
        follow(Path(folder), with_hashes(count, hashes))
        return followed(Path(folder))


def added(count: int, hashes: int) -> tuple[float, float, dict[str, float]]:
    """Record many fingerprints: seconds until all are durable, and from then until a question can be asked; of the processor, by part."""
    known = [(film, vhashdb.Details(labels=("tvec",))) for film in films(count, hashes)]
    with tempfile.TemporaryDirectory(prefix="vhashdb-bench-") as folder, vhashdb.create(Path(folder) / "many.vhdb") as db:
        busy = Parts(db)
        started = time.perf_counter()
        for _ in db.add_many(known):
            pass
        done = time.perf_counter()
        len(db.index)
        return done - started, time.perf_counter() - done, busy.all()


PARTS = ("promotion", "grouping", "index")
REST = "everything else"
"""Reading, checking and staging a feed; of `add_many` packing and writing the records."""


class Parts:
    """Measures seconds of the processor by part, from when it is made; what the threads of a part use counts to it."""

    def __init__(self, db: vhashdb.Database) -> None:
        self._busy = dict.fromkeys(PARTS, 0.0)
        self._started = time.process_time()
        writers = db._index_writer
        for index in writers._writers:
            self._measure("index", index, "maintain")
            self._measure("index", index, "take_in_many")
        self._measure("grouping", writers, "before")
        self._measure("promotion", Staging, "promote")

    def _measure(self, part: str, owner: object, name: str) -> None:
        action = getattr(owner, name)

        def measured(*given: object, **named: object) -> object:
            started = time.process_time()
            try:
                return action(*given, **named)
            finally:
                self._busy[part] += time.process_time() - started

        setattr(owner, name, measured)

    def all(self) -> dict[str, float]:
        """Seconds of each part, and of everything else."""
        return self._busy | {REST: time.process_time() - self._started - sum(self._busy.values())}


def measured(what: str, count: int, events: Iterator[e.Put]) -> tuple[object, ...]:
    """One row: a feed with these events is followed from nothing, again without anything new, and with 100 more."""
    with tempfile.TemporaryDirectory(prefix="vhashdb-bench-") as folder:
        place = Path(folder)
        publisher = follow(place, events)
        sync_s, index_s, busy, peak_bytes = apart(followed, place)
        busy_s = sum(busy.values())
        nothing_s = statistics.median(apart(followed, place)[0] for _ in range(5))
        publisher.publish(metadata_only(100, first=10**9))
        more_s, *_ = apart(followed, place)
    both = count / (sync_s + index_s)
    return (
        what, f"{count:,}", f"{sync_s:.1f}", f"{count / sync_s:,.0f}", f"{index_s:.1f}", f"{both:,.0f}", f"{busy_s / count * 1e6:,.0f}",
        f"{nothing_s * 1000:.1f}", f"{more_s:.2f}", f"{peak_bytes / 1e6:.0f}",
    )  # fmt: skip


def follow(place: Path, events: Iterator[e.Put]) -> Publisher:
    """A feed with these events, and a member that trusts it."""
    publisher = publishing(place)
    published(publisher, events)
    vhashdb.create(place / "member.vhdb").close()
    with vhashdb.open(place / "member.vhdb") as db:
        db.exchange.trust(str(place / "feed"), (place / "feed" / "metadata" / "1.root.json").read_bytes())
    return publisher


def followed(place: Path) -> tuple[float, float, dict[str, float], int]:
    """Sync once: seconds for that, seconds until a question can be asked, seconds of the processor by part, peak bytes of memory."""
    with vhashdb.open(place / "member.vhdb") as db:
        busy, started = Parts(db), time.perf_counter()
        for done in db.exchange.sync():
            assert done.error is None, done.error
        synced = time.perf_counter()
        peak_bytes = most_memory()
        len(db.index)
        indexed = time.perf_counter()
        parts = busy.all()
    return synced - started, indexed - synced, parts, peak_bytes


def most_memory() -> int:
    """Peak bytes of this process. `getrusage` would count what its parent had when it was made."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def apart(action: Callable[..., T], *arguments: object) -> T:
    """What the action returns in a new process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(action, arguments)


def publishing(place: Path) -> Publisher:
    """A feed without events."""
    keys = {role: [make_key(place / "keys", role, passphrase).public] for role in ("root", "targets", "online")}
    publisher = Publisher(place / "feed", Keyring.load([place / "keys"], passphrase))
    publisher.init("bench", keys, {})
    return publisher


def passphrase(_: Path) -> str:
    return "of a feed that lives for a minute"


def published(publisher: Publisher, events: Iterator[e.Put]) -> None:
    """All events, some thousands at once."""
    while batch := [event for event, _ in zip(events, range(CHUNK), strict=False)]:
        publisher.publish(batch)


def metadata_only(count: int, first: int = 0) -> Iterator[e.Put]:
    """Records that have nothing but the hash of a file."""
    for number in range(first, first + count):
        signal = e.Signal("sha256", f"{number:064x}", 256)
        yield e.Put(f"{number:032x}", 1, (signal,), 60_000, ("tvec",), reason=e.Reason("r-1", "claimed by its makers"), at=AT)


def with_hashes(count: int, hashes: int) -> Iterator[e.Put]:
    """Records of films that nobody else has."""
    for number, film in enumerate(films(count, hashes)):
        signal = frames_signal(film)
        assert signal is not None
        yield e.Put(f"{number:032x}", 1, (signal,), round(film.duration_s * 1000), ("tvec",), at=AT)


def films(count: int, hashes: int) -> Iterator[vhashdb.Fingerprint]:
    """Fingerprints in which each hash has half of its bits set."""
    rng = np.random.default_rng(1)
    start = np.round(np.arange(hashes) * 0.4, 3)
    whole = np.full(hashes, 100, np.uint8), np.zeros(hashes, np.uint16)
    half = np.repeat(np.array([0, 1], np.uint8), 128)
    for _ in range(count):
        bits = rng.permuted(np.broadcast_to(half, (hashes, 256)), axis=1)
        yield vhashdb.Fingerprint(AlgorithmId("pdq", 256, 1), start, start + 0.4, np.packbits(bits, axis=1), *whole, hashes * 0.4)


if __name__ == "__main__":
    main()

"""An index in shards on Ray beside the same index in one process, in one run: times, the same answers, and what a killed replica costs.

    python -m bench.shards [CORPUS] [--shards 4] [--replicas 2] [--millions 1] [--rounds 5] [--kills 20] [--all] [--scratch DIR]

A database has made-up records of 700 hashes (`bench.crowd`) and the clips. It is asked about *query videos*, 60 hashes of one record with
0 to 40 bits changed in each, by turns in both; then about edited clips, or with `--all` about all files that `bench.accuracy` asks
about, whose answers are compared whole. Then, while four threads ask,
a replica of each shard in turn is killed, and then all replicas of each shard in turn: how long the slowest answer took, whether each was
right, whether any hit came twice.
Ray is started for it, on this machine alone; `vhashdb[cluster]` has to be installed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import default_rng

import vhashdb
from bench import crowd
from bench.common import parser, table, videos
from bench.live import EDITS, EVERY, fill
from bench.truth import HALVES, half_of
from vhashdb.hashing.bits import PackedHashes
from vhashdb.searcher import NearHashes, Searcher

ASKED, QUERIES, ALTERED = 60, 40, (0, 40)
ASKING = 4
AFTER_S = 2.0
"""Seconds that are asked on after a killed replica is there again."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--shards", type=int, default=4)
    options.add_argument("--replicas", type=int, default=2)
    options.add_argument("--millions", type=float, default=1)
    options.add_argument("--rounds", type=int, default=5, help="of times; 0: neither times nor whole answers")
    options.add_argument("--kills", type=int, default=20, help="of each kind")
    options.add_argument("--all", action="store_true", help="compare answers about every copy, same-series video and distractor")
    options.add_argument("--scratch", type=Path, default=None, help="where to write gigabytes; a temporary folder by default")
    args = options.parse_args()
    known = [path for path in videos(args.corpus / "distractors") if half_of(path.name) == HALVES[0]]
    made = crowd.realistic(crowd.pool_of([vhashdb.fingerprint(path, views="reference") for path in known]), default_rng(3))
    with tempfile.TemporaryDirectory(dir=args.scratch, ignore_cleanup_errors=True) as scratch, ray(Path(scratch, "ray")) as address:
        from vhashdb.cluster import Deployment, Layout, connect

        place = Path(scratch, "large.vhdb")
        fill(place, made, round(args.millions * 1e6), args.corpus, ("clips", "distractors", "hard") if args.all else ("clips",))
        deployment = Deployment(address, str(place))
        started = time.perf_counter()
        layout = Layout(args.shards, args.replicas, cpus=0.01, local=str(Path(scratch, "shards")))
        deployment.start(layout)
        start_s = time.perf_counter() - started
        with vhashdb.open(place) as one, vhashdb.open(place, searcher=connect(address, timeout_s=60)) as spread:
            one.index_writer.rebuild()
            what = f"{one.searcher.sizes().hashes:,} hashes, {args.shards} shards of {args.replicas} replicas, ready after {start_s:.1f} s"
            print(f"\n### {what}\n", flush=True)
            queries = asked_of(one)
            if args.rounds and queries:
                print_times(one.searcher, spread.searcher, queries, args.rounds)
            if args.rounds:
                print_answers(one, spread, files_of(args.corpus, whole=args.all))
            print_kills(deployment, spread.searcher, queries, args.kills, args.replicas)
        deployment.stop()


@contextlib.contextmanager
def ray(folder: Path) -> Iterator[str]:
    """Run a cluster of this machine alone."""
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    ray.init(
        num_cpus=2, object_store_memory=100 << 20, include_dashboard=False, namespace="vhashdb", log_to_driver=False,
        configure_logging=False, _node_ip_address="127.0.0.1", _temp_dir=str(folder),
    )  # fmt: skip
    try:
        yield ray.get_runtime_context().gcs_address
    finally:
        ray.shutdown()


def asked_of(database: vhashdb.Database) -> list[PackedHashes]:
    """Return query videos: stretches of records, altered; none if no such record was made."""
    rng = default_rng(5)
    records = [record for record in database.records(limit=400) if record.details.source == "crowd"]
    chosen = rng.choice(len(records), min(QUERIES, len(records)), replace=False)
    return [crowd.altered(database.fingerprint(records[number].id).hash[100 : 100 + ASKED], ALTERED, rng) for number in chosen]


def print_times(one: Searcher, spread: Searcher, queries: Sequence[PackedHashes], rounds: int) -> None:
    """Ask both by turns."""
    rows = []
    for radius in (31, 52):
        spent: dict[str, list[float]] = {"one": [], "spread": []}
        shared = found = only = 0
        for turn in range(1 + rounds):
            for query in queries:
                hits = {}
                for name, searcher in (("one", one), ("spread", spread)):
                    began = time.perf_counter()
                    hits[name] = searcher.near(query, radius)
                    if turn:  # the first is for warming
                        spent[name].append(1e3 * (time.perf_counter() - began))
                if not turn:
                    left, right = pairs(hits["one"]), pairs(hits["spread"])
                    shared, found, only = shared + (left & right).total(), found + left.total(), only + (right - left).total()
        p50, p95 = ({name: float(np.quantile(each, share)) for name, each in spent.items()} for share in (0.5, 0.95))
        rows.append([
            str(radius), f"{p50['one']:.1f}", f"{p50['spread']:.1f}", f"{p50['spread'] - p50['one']:+.1f}", f"{p95['one']:.1f}",
            f"{p95['spread']:.1f}", f"{shared:,} of {found:,}", f"{only:,}",
        ])  # fmt: skip
    header = ("radius", "one index, p50 ms", "shards, p50 ms", "difference", "one index, p95 ms", "shards, p95 ms",
              "hits of the one found in shards", "hits of shards alone")  # fmt: skip
    print(table(header, rows), flush=True)


def files_of(corpus: Path, *, whole: bool) -> list[Path]:
    """Return what both are asked about."""
    if not whole:
        return [path for edit in EDITS for path in videos(corpus / "edited" / edit)[::EVERY]]
    folders = [
        *sorted(each for each in (corpus / "edited").iterdir() if each.is_dir()),
        *(corpus / name for name in ("natural", "hard", "distractors")),
    ]
    return [path for folder in folders for path in videos(folder)]


def print_answers(one: vhashdb.Database, spread: vhashdb.Database, files: Sequence[Path]) -> None:
    """Ask both about edited clips, and compare whole answers."""
    same = matches = 0
    for path in files:
        expected, found = one.match(path), spread.match(path)
        matches += bool(expected.matches)
        same += told(expected) == told(found)
        if told(expected) != told(found):
            print(f"{path.parent.name}/{path.name}: {told(expected)[:2]}, in shards {told(found)[:2]}", flush=True)
    print(f"\nOf {len(files)} files, {matches} match; verdicts, records, scores and segments are the same for {same}.\n", flush=True)


def told(result: vhashdb.Result) -> Any:
    matches = [(match.record.id, match.verdict, match.score, match.segments) for match in result.matches]
    return result.verdict, result.reason, matches


def print_kills(deployment: Any, searcher: Searcher, queries: Sequence[PackedHashes], kills: int, replicas: int) -> None:
    """Kill one replica of a shard, and all of them, each so many times, in one shard after the other."""
    truth = [pairs(searcher.near(query, 31)) for query in queries]
    names = deployment.generations()[-1].names
    rows = []
    for what, count in ((f"a replica, of {replicas}", 1), (f"a shard: its {replicas} replicas at once", replicas)):
        trials = []
        for number in range(kills):
            with Load(searcher, queries, truth) as load:
                kill(str(names[number % len(names)]), count)
                time.sleep(AFTER_S)
                while not all(line["replicas"] >= replicas for line in deployment.status()):
                    time.sleep(0.2)
                time.sleep(AFTER_S)
            trials.append(load)
        if trials:
            answers, wrong, twice, failed = (
                sum(getattr(each, name) for each in trials) for name in ("answers", "wrong", "twice", "failed")
            )
            slowest = [each.slowest_s for each in trials]
            pause = f"{np.median(slowest):.1f} s, {max(slowest):.1f} s"
            rows.append([what, str(len(trials)), f"{answers:,}", str(wrong), str(twice), str(failed), pause])
    header = ("killed", "times", "answers meanwhile", "wrong", "hits that came twice", "not answered",
              "slowest answer after a kill, median and most")  # fmt: skip
    print(table(header, rows), flush=True)


class Load:
    """Threads that ask meanwhile, and what they were answered since it began."""

    def __init__(self, searcher: Searcher, queries: Sequence[PackedHashes], truth: Sequence[Counter[tuple[int, int, int]]]) -> None:
        self._searcher, self._queries, self._truth = searcher, queries, truth
        self.answers = self.wrong = self.twice = self.failed = 0
        self.slowest_s = 0.0
        self._ended, self._lock = threading.Event(), threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(number * 7,)) for number in range(ASKING)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        time.sleep(AFTER_S)
        with self._lock:
            self.slowest_s = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        while not self._ended.is_set():
            number = (number + 1) % len(self._queries)
            began_s = time.perf_counter()
            try:
                hits = pairs(self._searcher.near(self._queries[number], 31))
            except vhashdb.IndexUnavailable:
                with self._lock:
                    self.failed += 1
                continue
            took_s = time.perf_counter() - began_s
            with self._lock:
                self.answers += 1
                self.slowest_s = max(self.slowest_s, took_s)
                self.wrong += hits != self._truth[number]
                self.twice += (hits - self._truth[number]).total()


def pairs(hits: NearHashes) -> Counter[tuple[int, int, int]]:
    """Count the hits: a hash that a record has twice is found twice."""
    return Counter(zip(hits.query.tolist(), hits.record.tolist(), hits.distance.tolist(), strict=True))


def kill(name: str, count: int) -> None:
    """Kill so many replicas of a shard as a machine that loses power does."""
    import ray

    listed = ray.util.list_named_actors(all_namespaces=True)
    running = [each["name"] for each in listed if each["namespace"] == "serve" and f"{name}#" in each["name"]]
    for each in running[:count]:
        ray.kill(ray.get_actor(each, namespace="serve"), no_restart=True)


if __name__ == "__main__":
    main()

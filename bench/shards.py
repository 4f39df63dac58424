"""An index in shards on Ray beside the same index in one process, in one run: times, the same answers, and what a killed replica costs.

    python -m bench.shards [CORPUS] [--shards 4] [--replicas 2] [--millions 1] [--kills 3] [--scratch DIR]

A database has made-up records of 700 hashes (`bench.crowd`) and the clips. It is asked about *query videos*, 60 hashes of one record with
0 to 40 bits changed in each, by turns in both; then about edited clips, whose answers are compared whole. Then one replica of each shard
in turn is killed while four threads ask: how long the slowest of these answers took, whether each was right, whether any hit came twice.
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
ROUNDS = 5
ASKING = 4
AFTER_S = 2.0
"""Seconds that are asked on after a killed replica is there again."""


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--shards", type=int, default=4)
    options.add_argument("--replicas", type=int, default=2)
    options.add_argument("--millions", type=float, default=1)
    options.add_argument("--kills", type=int, default=3, help="of each shard")
    options.add_argument("--scratch", type=Path, default=None, help="where to write gigabytes; a temporary folder by default")
    args = options.parse_args()
    known = [path for path in videos(args.corpus / "distractors") if half_of(path.name) == HALVES[0]]
    made = crowd.realistic(crowd.pool_of([vhashdb.fingerprint(path, views="reference") for path in known]), default_rng(3))
    with tempfile.TemporaryDirectory(dir=args.scratch, ignore_cleanup_errors=True) as scratch, ray(Path(scratch, "ray")) as address:
        from vhashdb.cluster import Deployment, Layout, connect

        place = Path(scratch, "large.vhdb")
        fill(place, made, round(args.millions * 1e6), args.corpus)
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
            print_times(one.searcher, spread.searcher, queries)
            print_answers(one, spread, [path for edit in EDITS for path in videos(args.corpus / "edited" / edit)[::EVERY]])
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
    """Return query videos: stretches of records, altered."""
    rng = default_rng(5)
    records = [record for record in database.records(limit=400) if record.details.source == "crowd"]
    chosen = rng.choice(len(records), min(QUERIES, len(records)), replace=False)
    return [crowd.altered(database.fingerprint(records[number].id).hash[100 : 100 + ASKED], ALTERED, rng) for number in chosen]


def print_times(one: Searcher, spread: Searcher, queries: Sequence[PackedHashes]) -> None:
    """Ask both by turns."""
    rows = []
    for radius in (31, 52):
        spent: dict[str, list[float]] = {"one": [], "spread": []}
        shared = found = only = 0
        for turn in range(1 + ROUNDS):
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


def print_answers(one: vhashdb.Database, spread: vhashdb.Database, files: Sequence[Path]) -> None:
    """Ask both about edited clips, and compare whole answers."""
    same = matches = 0
    for path in files:
        expected, found = one.match(path), spread.match(path)
        matches += bool(expected.matches)
        same += told(expected) == told(found)
    print(f"\nOf {len(files)} edited clips, {matches} match; verdicts, records, scores and segments are the same for {same}.\n", flush=True)


def told(result: vhashdb.Result) -> Any:
    matches = [(match.record.id, match.verdict, match.score, match.segments) for match in result.matches]
    return result.verdict, result.reason, matches


def print_kills(deployment: Any, searcher: Searcher, queries: Sequence[PackedHashes], kills: int, wanted: int) -> None:
    """Kill a replica of each shard in turn while it is asked."""
    truth = [pairs(searcher.near(query, 31)) for query in queries]
    pauses, answers, wrong, twice, failed = [], 0, 0, 0, 0
    for _ in range(kills):
        for name in deployment.generations()[-1].names:
            spent_s: list[float] = []
            ended, bad = threading.Event(), [0, 0, 0]

            def ask(first: int, ended: Any = ended, spent_s: list[float] = spent_s, bad: list[int] = bad) -> None:
                number = first
                while not ended.is_set():
                    number = (number + 1) % len(queries)
                    began = time.perf_counter()
                    try:
                        hits = searcher.near(queries[number], 31)
                    except vhashdb.IndexUnavailable:
                        bad[2] += 1
                        continue
                    spent_s.append(time.perf_counter() - began)
                    bad[0] += pairs(hits) != truth[number]
                    bad[1] += (pairs(hits) - truth[number]).total()

            threads = [threading.Thread(target=ask, args=(number * 7,)) for number in range(ASKING)]
            for thread in threads:
                thread.start()
            time.sleep(AFTER_S)
            spent_s.clear()
            kill(str(name))
            time.sleep(AFTER_S)
            while not all(line["replicas"] >= wanted for line in deployment.status()):
                time.sleep(0.2)
            time.sleep(AFTER_S)
            ended.set()
            for thread in threads:
                thread.join()
            pauses.append(max(spent_s))
            answers, wrong, twice, failed = answers + len(spent_s), wrong + bad[0], twice + bad[1], failed + bad[2]
    if not pauses:
        return
    rows = [
        ["replicas killed", str(len(pauses))],
        ["answers meanwhile", f"{answers:,}"],
        ["wrong; hits that came twice; not answered", f"{wrong}; {twice}; {failed}"],
        ["slowest answer after a kill, median and most", f"{1e3 * float(np.median(pauses)):.0f} ms, {1e3 * max(pauses):.0f} ms"],
    ]
    print(table(("killed replicas", "seen"), rows), flush=True)


def pairs(hits: NearHashes) -> Counter[tuple[int, int, int]]:
    """Count the hits: a hash that a record has twice is found twice."""
    return Counter(zip(hits.query.tolist(), hits.record.tolist(), hits.distance.tolist(), strict=True))


def replicas(name: str) -> list[Any]:
    """Return the actors that run replicas of a shard."""
    import ray

    listed = ray.util.list_named_actors(all_namespaces=True)
    return [
        ray.get_actor(each["name"], namespace="serve") for each in listed if each["namespace"] == "serve" and f"{name}#" in each["name"]
    ]


def kill(name: str) -> None:
    """Kill a replica as a machine that loses power does."""
    import ray

    ray.kill(replicas(name)[0], no_restart=True)


if __name__ == "__main__":
    main()

"""The service under load: questions about hashes against a large database, uploads against the command line, slow clients, memory.

    python -m bench.serving [CORPUS] [--millions 1] [--seconds 20] [--clients 8] [--requests 2000] [--slow 500] [--scratch DIR]

The database is filled as in `bench.live`. Questions have 60 hashes of distractors of half B of `bench.truth`, which nothing
in the database comes from, or of edited clips; clients ask one after the other over connections that stay open, from another process
of the same machine, so that the service has less than all of it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.random import default_rng

import vhashdb
from bench import crowd
from bench.common import parser, table, videos
from bench.live import fill
from bench.truth import HALVES, half_of

HASHES = 60
FEW = (10, 1)
EDITS = ("reencode", "crop10", "logo")
AGAIN = 4
ROUNDS = 3


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--millions", type=float, default=1)
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--requests", type=int, default=2000, help="of the measurement of memory")
    options.add_argument("--slow", type=int, default=500)
    options.add_argument("--scratch", type=Path, default=None)
    args = options.parse_args()
    known, innocent = ([p for p in videos(args.corpus / "distractors") if half_of(p.name) == half] for half in HALVES)
    made = crowd.realistic(crowd.pool_of([vhashdb.fingerprint(path, views="reference") for path in known]), default_rng(3))
    copies = [p for edit in EDITS for p in videos(args.corpus / "edited" / edit)[::5]]
    with tempfile.TemporaryDirectory(dir=args.scratch) as folder:
        path = Path(folder, "large.vhdb")
        fill(path, made, round(args.millions * 1e6), args.corpus)
        with vhashdb.open(path) as db:
            db.index_writer.rebuild()
            hashes = len(db.index)
        usual, asked = f"{HASHES} hashes, innocent", innocent[:20]
        bodies = {usual: [body_of(p) for p in asked], f"{HASHES} hashes, copies": [body_of(p) for p in copies]}
        bodies |= {f"{few} hash{'es' if few > 1 else ''}, innocent": [body_of(p, few) for p in asked] for few in FEW}
        print(f"\n### Questions over HTTP against {hashes:,} hashes\n")
        with serving(path) as (port, process):
            load(port, bodies[usual], args.clients, 1e9, 10 * args.clients)  # whatever is read and made at first
            rows = [[kind, *load(port, some, args.clients, args.seconds, of=process)] for kind, some in bodies.items()]
            with slow_clients(port, args.slow):
                beside = load(port, bodies[usual], args.clients, args.seconds, of=process)
            rows.append([f"{usual}, beside {args.slow} slow clients", *beside])
            header = ("question", "a second", "median ms", "99 % ms", "errors", "processor ms of the service, each")
            print(table(header, rows), flush=True)
            megabytes = [memory_mb(process)]
            for _ in range(2):
                load(port, bodies[usual], args.clients, 1e9, args.requests // 2)
                megabytes.append(memory_mb(process))
            after = ", ".join(f"{number:.0f}" for number in megabytes)
            print(f"\nMemory in MB, before, after {args.requests // 2:,} requests and after as many again: {after}\n")
            print(uploads(path, port, process, innocent[:24], Path(folder)), flush=True)


def body_of(path: Path, hashes: int = HASHES) -> bytes:
    """A question about hashes of a video: so many of the pictures it is stored by, in the order of their seconds."""
    whole = vhashdb.fingerprint(path, views="reference")
    rows = np.argsort(whole.start_s, kind="stable")[:hashes]
    text = "\n".join(
        f"{number},{whole.quality[row]},{whole.hash[row].tobytes().hex()},{whole.start_s[row]}" for number, row in enumerate(rows)
    )
    return json.dumps({"hashes": text}).encode()


@contextlib.contextmanager
def serving(path: Path) -> Iterator[tuple[int, int]]:
    """Run the service; give its port and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "vhashdb", "serve", "--db", str(path), "--port", str(port), "--no-keys", "--cache", "off"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "startup complete" not in process.stderr.readline():
            assert process.poll() is None
        ThreadPoolExecutor(1).submit(process.stderr.read)
        try:
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0


def load(port: int, bodies: Sequence[bytes], clients: int, seconds: float, requests: int = 1 << 60, *, of: int | None = None) -> list[str]:
    """Ask from several clients of another process: questions a second, median and 99 % in ms, errors; and the time ``of`` a process."""
    began_s = processor_s(of) if of is not None else 0.0
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spent, errors, elapsed_s = pool.apply(ask, (port, bodies, clients, seconds, requests))
    figures = [f"{len(spent) / elapsed_s:.0f}", f"{1e3 * np.median(spent):.0f}", f"{1e3 * np.quantile(spent, 0.99):.0f}", str(errors)]
    return [*figures, f"{1e3 * (processor_s(of) - began_s) / len(spent):.1f}"] if of is not None else figures


def ask(port: int, bodies: Sequence[bytes], clients: int, seconds: float, requests: int) -> tuple[list[float], int, float]:
    """What the other process does."""
    began_s, spent, errors = time.perf_counter(), [], 0

    def client(number: int) -> tuple[list[float], int]:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        took: list[float] = []
        wrong = 0
        while time.perf_counter() - began_s < seconds and len(took) < requests / clients:
            started_s = time.perf_counter()
            body = bodies[(number + len(took)) % len(bodies)]
            connection.request("POST", "/v1/questions/hashes", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            wrong += answer.status != 200
            took.append(time.perf_counter() - started_s)
        return took, wrong

    with ThreadPoolExecutor(clients) as threads:
        for took, wrong in threads.map(client, range(clients)):
            spent += took
            errors += wrong
    return spent, errors, time.perf_counter() - began_s


@contextlib.contextmanager
def slow_clients(port: int, count: int) -> Iterator[None]:
    """Hold connections whose uploads do not come."""
    head = b"POST /v1/questions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nx"
    with contextlib.ExitStack() as held:
        for _ in range(count):
            held.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(head)
        yield


def processor_s(process: int) -> float:
    """Processor seconds of a process and of those that it started, as far as they run: what other work on the machine changes least."""
    ticks = 0
    for each in with_descendants(process):
        with contextlib.suppress(OSError):  # it ended meanwhile
            fields = (each / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))  # with those it waited for
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(process: int) -> float:
    """Resident memory of a process and of those that it started; of what several have in common each counts its share."""
    kilobytes = 0
    for each in with_descendants(process):
        with contextlib.suppress(OSError):
            found = re.search(r"Pss:\s+(\d+) kB", (each / "smaps_rollup").read_text(encoding="ascii"))
            kilobytes += int(found[1]) if found else 0
    return kilobytes / 1024


def with_descendants(process: int) -> list[Path]:
    """The folders of `/proc` of a process and of those that it started."""
    found = {process: Path(f"/proc/{process}")}
    for each in sorted(Path("/proc").glob("[0-9]*"), key=lambda folder: int(folder.name)):  # parents first
        with contextlib.suppress(OSError):
            if int((each / "stat").read_text().rpartition(")")[2].split()[1]) in found:
                found[int(each.name)] = each
    return list(found.values())


def uploads(database: Path, port: int, process: int, films: Sequence[Path], folder: Path) -> str:
    """Ask about the same files over HTTP and by the command line, in turn: what one takes once everything runs, without any beginning."""
    many = [Path(shutil.copy(film, folder / f"{number}-{film.name}")) for number in range(AGAIN) for film in films]
    upload_all(port, films)
    rows = []
    for _ in range(ROUNDS):
        began_s = processor_s(process)
        http_s, spent_s = upload_all(port, many[len(films) :]), processor_s(process) - began_s
        few, all_of_them = command_line(database, films), command_line(database, many)
        files = len(many) - len(films)
        rows.append([1e3 * seconds / files for seconds in (http_s, all_of_them[0] - few[0], spent_s, all_of_them[1] - few[1])])
    http, cli, http_processor, cli_processor = np.median(rows, axis=0)
    return (
        f"An upload, median of {ROUNDS} rounds of {len(many) - len(films)}: {http:.1f} ms over HTTP, {cli:.1f} by the command line, "
        f"{cli / http:.2f} of its throughput; processor time {http_processor:.1f} and {cli_processor:.1f} ms, "
        f"{cli_processor / http_processor:.2f} of what that allows"
    )


def upload_all(port: int, films: Sequence[Path]) -> float:
    """Upload films from twice as many clients as there are processors, so that none waits for a client: seconds."""

    def upload(film: Path) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        with film.open("rb") as file:
            connection.request("POST", "/v1/questions", file, {"Content-Length": str(film.stat().st_size)})
        assert connection.getresponse().status == 200

    started = time.perf_counter()
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as threads:
        list(threads.map(upload, films))
    return time.perf_counter() - started


def command_line(path: Path, films: Sequence[Path]) -> tuple[float, float]:
    """Match films with the command line, whose start does not count: seconds, and all its processor seconds."""
    program = shutil.which("vhashdb") or "vhashdb"
    command = [program, "match", "--db", str(path), "--cache", "off", "--quiet", "--exit-zero", "--json", *map(str, films)]
    before = os.times()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True)
    after = os.times()
    spent_s = after.children_user + after.children_system - before.children_user - before.children_system
    return float(json.loads(done.stdout.splitlines()[-1])["elapsed_s"]), spent_s


if __name__ == "__main__":
    main()

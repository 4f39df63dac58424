"""Three hosts on one machine, one of which is unplugged and plugged in again while the index is asked.

    python -m bench.hosts [--quick] [--seconds 20] [--scratch DIR]

Each host is a network namespace with an address of its own on one bridge, from which nothing leads anywhere else. The first has PostgreSQL,
the head of a Ray cluster and who asks; the other two run the shards, and a loop that starts Ray again where it has ended. Twice the third
host's cable is pulled: while each shard has one replica, and while each has a replica on both hosts. Two ask about known videos all the
time, one who wants whole answers and one who takes answers without missing shards. An answer is right, or says that it is incomplete, or
is an error; the program fails if a known video is not found by an answer that says nothing of it. ``--quick`` has Ray notice a missing
host sooner than it does by itself. It takes root, and `ip` of iproute2; Debian's postgresql and `vhashdb[cluster]` have to be installed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import vhashdb
from bench.common import parser as parser_of
from bench.common import table
from tests import footage, ray
from tests.cluster import searching
from tests.postgres import WANTED, Server, folders
from vhashdb.service.answers import is_complete

HOSTS: Final = ("one", "two", "three")
SUBNET: Final = "10.77.0"
INSIDE: Final = "VHASHDB_BENCH_HOSTS"
"""Environment variable: what the names of the namespaces begin with, within the first of them."""
RECORDS, QUESTIONS = 40, 12
OUTCOMES: Final = ("right", "incomplete", "refused", "wrong")
TIMEOUT_S: Final = 5.0
"""Seconds that a shard has for its answer."""
QUICK: Final = {"RAY_health_check_period_ms": "1000", "RAY_health_check_timeout_ms": "2000", "RAY_health_check_failure_threshold": "5"}
PATIENCE_S: Final = 600.0
"""Seconds after which what has to come about is taken to have failed."""

Books: Any = searching.Books
fingerprint_of: Any = footage.fingerprint_of


def main() -> int:
    options = parser_of(__doc__)
    options.add_argument("--quick", action="store_true", help="have Ray notice a missing host sooner than it does by itself")
    options.add_argument("--seconds", type=float, default=20.0, help="how long to ask in each state at least")
    options.add_argument("--scratch", type=Path, default=None)
    args = options.parse_args()
    if prefix := os.environ.get(INSIDE):
        with tempfile.TemporaryDirectory(dir=args.scratch, prefix="vh-", ignore_cleanup_errors=True) as scratch:
            return asked_while_unplugged(prefix, Path(scratch), args.seconds, quick=args.quick)
    with network() as prefix:
        command = [*within(prefix, HOSTS[0]), sys.executable, "-m", "bench.hosts", *sys.argv[1:]]
        return subprocess.run(command, env=os.environ | {INSIDE: prefix}, check=False).returncode


# -- the network ---------------------------------------------------------------------------------


def ip(*arguments: str) -> str:
    """Run `ip`."""
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def within(prefix: str, host: str) -> list[str]:
    """Begin a command that runs on a host."""
    return ["ip", "netns", "exec", f"{prefix}-{host}"]


@contextlib.contextmanager
def network() -> Iterator[str]:
    """Make the hosts and the bridge between them; in the end, end what still runs there."""
    prefix = f"vh{secrets.token_hex(2)}"
    switch = f"{prefix}-switch"
    try:
        ip("netns", "add", switch)
        ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        ip("-n", switch, "link", "set", "bridge", "up")
        for number, host in enumerate(HOSTS, start=1):
            name = f"{prefix}-{host}"
            ip("netns", "add", name)
            ip("link", "add", "cable", "netns", name, "type", "veth", "peer", "name", host, "netns", switch)
            ip("-n", switch, "link", "set", host, "master", "bridge", "up")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "address", "add", f"{SUBNET}.{number}/24", "dev", "cable")
            ip("-n", name, "link", "set", "cable", "up")
        yield prefix
    finally:
        for name in (line.split()[0] for line in ip("netns", "list").splitlines() if line.startswith(f"{prefix}-")):
            for process in ip("netns", "pids", name).split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            ip("netns", "delete", name)


def plug(prefix: str, host: str, *, into: bool) -> None:
    """Plug the cable of a host into the bridge, or pull it out."""
    ip("-n", f"{prefix}-switch", "link", "set", host, "up" if into else "down")


# -- what runs on the hosts ----------------------------------------------------------------------


@contextlib.contextmanager
def database_server() -> Iterator[Callable[[], str]]:
    """Run PostgreSQL for all hosts; gives what makes the URL of a new database."""
    os.environ.setdefault(WANTED, "required")
    with folders() as folder:
        server = Server(folder())
        server.make()
        with (server.data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {SUBNET}.0/24 trust\n")
        server.start("fsync=off", f"listen_addresses={SUBNET}.1")

        def url() -> str:
            name = server.url().rpartition("search_path%3D")[2]
            return f"postgresql+psycopg://postgres@{SUBNET}.1:5432/postgres?options=-csearch_path%3D{name}&connect_timeout=10"

        try:
            yield url
        finally:
            server.stop()


@contextlib.contextmanager
def cluster(prefix: str, folder: Path, *, quick: bool) -> Iterator[str]:
    """Run Ray on all hosts; gives its address."""
    os.environ |= {name: value for name, value in ray.ENVIRONMENT.items() if "health_check" not in name}
    os.environ |= {"RAY_AUTH_TOKEN": secrets.token_hex(32)} | (QUICK if quick else {})
    address = f"{SUBNET}.1:6379"
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--disable-usage-stats", "--object-store-memory=100000000"]
    head = [*start, "--head", f"--node-ip-address={SUBNET}.1", "--port=6379", "--num-cpus=0", "--include-dashboard=false",
            f"--temp-dir={folder}/ray"]  # fmt: skip
    with contextlib.ExitStack() as stack:

        def run(command: list[str], name: str) -> None:
            environment = os.environ | {"VHASHDB_INDEX": str(folder / name), "PYTHONWARNINGS": "ignore"}
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
            stack.callback(end, process)

        run(head, HOSTS[0])
        wait(lambda: listening(f"{SUBNET}.1", 6379), "the head of the cluster")
        for number, host in enumerate(HOSTS[1:], start=2):
            node = " ".join([*start, f"--address={address}", f"--node-ip-address={SUBNET}.{number}", "--num-cpus=2"])
            run([*within(prefix, host), "sh", "-c", f"while :; do {node}; sleep 1; done"], host)
        yield address


def end(process: subprocess.Popen[bytes]) -> None:
    """End what was started and what that started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def listening(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def wait(met: Callable[[], bool], what: str) -> float:
    """Wait for something; return the seconds it took."""
    began_s = time.monotonic()
    while not met():
        if time.monotonic() - began_s > PATIENCE_S:
            raise SystemExit(f"{what}: not within {PATIENCE_S:.0f} s")
        time.sleep(0.2)
    return time.monotonic() - began_s


# -- asking --------------------------------------------------------------------------------------


class Asking:
    """Asks about known videos all the time, in threads, and counts what comes of it in each state."""

    def __init__(self, databases: dict[str, vhashdb.Database], known: list[tuple[str, Any]]) -> None:
        self._databases, self._known = databases, known
        self.state = "one replica each: all plugged in"
        self.seen: dict[tuple[str, str], Counter[str]] = {}
        self.slowest_s: dict[tuple[str, str], float] = {}
        self.whole_at_s = dict.fromkeys(databases, time.monotonic())
        """When the last whole and right answer came."""
        self.pause_s: dict[tuple[str, str], float] = {}
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(name, database)) for name, database in databases.items()]

    def __enter__(self) -> Asking:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, name: str, database: vhashdb.Database) -> None:
        number = 0
        while not self._ended.is_set():
            number = (number + 1) % len(self._known)
            identifier, query = self._known[number]
            key, began_s = (self.state, name), time.monotonic()
            try:
                result = database.match(query)
            except vhashdb.IndexUnavailable:
                outcome = "refused"
            except vhashdb.VhashdbError as error:
                outcome = f"refused: {type(error).__name__}"
            else:
                found = identifier in {match.record.id for match in result.matches}
                outcome = ("right" if found else "wrong") if is_complete(result) else "incomplete"
            now_s = time.monotonic()
            if outcome == "right":
                self.pause_s[key] = max(self.pause_s.get(key, 0.0), now_s - self.whole_at_s[name])
                self.whole_at_s[name] = now_s
            self.seen.setdefault(key, Counter())[outcome] += 1
            self.slowest_s[key] = max(self.slowest_s.get(key, 0.0), now_s - began_s)

    def through(self, state: str, seconds: float, met: Callable[[], bool] = lambda: True) -> float:
        """Go over to a state, and ask on for some seconds and until something is met; return the seconds that took."""
        self.state = state
        took_s = wait(met, state)
        time.sleep(max(0.0, seconds - took_s))
        return took_s

    def told_what_is_missing(self) -> bool:
        """Whether all who ask were told in this state that something is missing."""
        return all({"refused", "incomplete"} & self.seen.get((self.state, name), Counter()).keys() for name in self._databases)

    def rows(self) -> Iterator[list[str]]:
        """One row for each state and who asks."""
        for key, counted in self.seen.items():
            times = [sum(n for said, n in counted.items() if said.startswith(kind)) for kind in OUTCOMES]
            yield [*key, *map(str, times), f"{self.slowest_s[key]:.1f}", f"{self.pause_s.get(key, 0.0):.1f}"]


def asked_while_unplugged(prefix: str, folder: Path, seconds: float, *, quick: bool) -> int:
    """Run all of it on the first host; return the exit code."""
    from vhashdb.cluster import Deployment, Layout, connect

    with database_server() as url, cluster(prefix, folder, quick=quick) as address:
        place = url()
        vhashdb.create(place, local=folder / "one").close()
        deployment = Deployment(address, place)
        nodes_alive(3)
        deployment.start(Layout(4, 1, cpus=0.05), wait_s=PATIENCE_S)
        with contextlib.ExitStack() as stack:
            databases = {
                name: stack.enter_context(
                    vhashdb.open(place, local=folder / "one", searcher=connect(address, timeout_s=TIMEOUT_S, partial=name == "some"))
                )
                for name in ("whole", "some")
            }
            with vhashdb.open(place, local=folder / "one", searcher=connect(address, timeout_s=PATIENCE_S)) as writer:
                books = Books(writer)
                numbers = [books.add(seed) for seed in range(1, RECORDS + 1)]
            known = [(books.ids[number], fingerprint_of(books.hashes[number])) for number in numbers[:QUESTIONS]]
            asking = stack.enter_context(Asking(databases, known))
            whole = all_answer(databases["whole"])
            asking.through("one replica each: all plugged in", seconds, whole)
            plug(prefix, "three", into=False)
            asking.through("one replica each: a host unplugged", seconds, asking.told_what_is_missing)
            plug(prefix, "three", into=True)
            back_s = asking.through("one replica each: plugged in again", seconds, whole)
            print(f"one replica of each shard: all answer {back_s:.1f} s after the cable is back", flush=True)
            asking.state = "a second replica is made"
            deployment.reshard(Layout(4, 2, cpus=0.05, apart=True), wait_s=PATIENCE_S)
            asking.through("two replicas each: all plugged in", seconds, replicas(deployment, 2))
            plug(prefix, "three", into=False)
            noticed_s = asking.through("two replicas each: a host unplugged, until noticed", 0.0, lambda: alive() == 2)
            asking.through("two replicas each: without it", seconds, replicas(deployment, 1))
            plug(prefix, "three", into=True)
            back_s = asking.through("two replicas each: plugged in again", seconds, replicas(deployment, 2))
            print(f"two replicas: Ray notices after {noticed_s:.1f} s, has both again {back_s:.1f} s after the cable is back\n", flush=True)
        deployment.stop()
    head = ("state", "who asks wants", *OUTCOMES, "slowest answer, s", "longest without a right one, s")
    print(table(head, asking.rows()), flush=True)
    return int(any(each["wrong"] for each in asking.seen.values()))


def all_answer(database: vhashdb.Database) -> Callable[[], bool]:
    def met() -> bool:
        with contextlib.suppress(vhashdb.IndexUnavailable):
            return not database.searcher.parts().missing
        return False

    return met


def replicas(deployment: Any, count: int) -> Callable[[], bool]:
    return lambda: {line["replicas"] for line in deployment.status() if line["asked"]} == {count}


def alive() -> int:
    import ray as engine

    return sum(node["Alive"] for node in engine.nodes())


def nodes_alive(count: int) -> None:
    wait(lambda: alive() == count, f"{count} hosts in the cluster")


if __name__ == "__main__":
    sys.exit(main())

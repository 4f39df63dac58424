"""Many files as a job: workers of this machine and of a Ray cluster against `vhashdb add`, and what kills do to a job.

    python -m bench.bulk [CORPUS] [--workers 2] [--rounds 3] [--kills 5] [--scratch DIR]

Each adds the clips and distractors to an empty database on one PostgreSQL server, which is started for the run (Debian's package is
called postgresql), with as many workers; all in turn, several times. A rate is of the time from the first record to the last, so it has
neither the start of a program nor that of a cluster; the whole command has both, and the grouping. Ray has to be installed.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.common import parser, table, videos
from tests import ray
from tests.cluster import jobs_run
from tests.postgres import WANTED, running

Commands: Any = jobs_run.Commands
disturbed: Any = jobs_run.disturbed
left_in: Any = jobs_run.left_in


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--rounds", type=int, default=3, help="of rates; 0: none")
    options.add_argument("--kills", type=int, default=5, help="of each kind")
    options.add_argument("--scratch", type=Path, default=None)
    args = options.parse_args()
    os.environ.setdefault(WANTED, "required")
    films = [path for name in ("clips", "distractors") for path in videos(args.corpus / name)]
    with tempfile.TemporaryDirectory(dir=args.scratch) as scratch, running(durable=True) as server, cluster(args.workers) as (address, own):
        folder = Path(scratch, "films")
        folder.mkdir()
        for number, film in enumerate(films):
            (folder / f"{number:04}{film.suffix}").symlink_to(film.resolve())
        ways = {
            "`vhashdb add`": ("add", "--workers", args.workers, folder),
            "a job, processes of this machine": ("add", "--workers", args.workers, folder.as_uri()),
            "a job, Ray": ("add", "--workers", args.workers, "--cluster", address, folder.as_uri()),
        }
        bench = Bench(server, Path(scratch), own, len(films))
        print(f"{len(films)} files, {args.workers} workers\n", flush=True)
        if args.rounds:
            print(table(["", "files/s", "against `vhashdb add`", "whole command, s"], bench.rates(ways, args.rounds)) + "\n", flush=True)
        head = ["killed", "times", "files", "records", "missed", "recorded twice", "begun", "left in the temporary folder",
                "next file done after a kill, median and most"]  # fmt: skip
        print(table(head, []), flush=True)
        for row in bench.kills(ways, args.kills):  # each as it comes: all of them take a while
            print(table(head, [row]).splitlines()[-1], flush=True)


@contextmanager
def cluster(workers: int) -> Iterator[tuple[str, dict[str, str]]]:
    """A cluster on this machine alone: its address, and the environment of whoever uses it."""
    own = ray.ENVIRONMENT | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    command = [sys.executable, "-m", "tests.ray", str(workers)]
    with subprocess.Popen(
        command, env=os.environ | own, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        yield process.stdout.readline().strip(), own
        process.stdin.close()
        process.wait()


class Bench:
    """Runs commands, each with a new database."""

    def __init__(self, server: Any, scratch: Path, environment: dict[str, str], files: int) -> None:
        self._server, self._scratch, self._environment, self._files = server, scratch, environment, files

    def _commands(self) -> Any:
        commands = Commands(self._server.url(), Path(tempfile.mkdtemp(dir=self._scratch)), **self._environment)
        commands.run("init")
        return commands

    def rates(self, ways: dict[str, tuple[Any, ...]], rounds: int) -> Iterator[tuple[object, ...]]:
        """One row for each way."""
        rates: dict[str, list[float]] = {name: [] for name in ways}
        wholes: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, arguments in ways.items():
                commands, began_s = self._commands(), time.monotonic()
                process = commands.start(*arguments, "--label", "known")
                said = process.communicate()[0]
                wholes[name].append(time.monotonic() - began_s)
                query = "SELECT count(*), extract(epoch FROM max(at) - min(at)) FROM audit WHERE action = 'add'"
                ((count, span_s),) = commands.rows(query)
                if count < 0.9 * self._files:
                    raise SystemExit(f"{name} added {count} of {self._files}:\n{said}")
                rates[name].append((count - 1) / float(span_s))
                commands.close()
        base = next(iter(rates.values()))
        for name, values in rates.items():
            ratio = statistics.median(value / against for value, against in zip(values, base, strict=True))
            yield name, f"{statistics.median(values):.1f}", f"{ratio:.2f}", f"{statistics.median(wholes[name]):.0f}"

    def kills(self, ways: dict[str, tuple[Any, ...]], count: int) -> Iterator[tuple[object, ...]]:
        """One row for each kind of kill, and one for all of them, each in as many jobs as it takes."""
        _, here, on_ray = ways.values()
        plans: list[tuple[str, tuple[Any, ...], tuple[str, ...]]] = [
            ("worker", here, ("workers",)),
            ("the command", here, ("drivers",)),
            ("PostgreSQL", here, ("restarts",)),
            ("all three in turn", here, ("workers", "drivers", "restarts")),
            ("worker of Ray", on_ray, ("workers",)),
            ("the command, workers of Ray", on_ray, ("drivers",)),
        ]
        for name, arguments, kinds in plans:
            killed, totals, left, pauses_s = 0, [0] * 5, 0, list[float]()
            for _ in range(count):  # or fewer
                if killed >= count:
                    break
                commands = self._commands()
                wanted = dict.fromkeys(kinds, -(-(count - killed) // len(kinds)))
                command = (*arguments, "--label", "known")
                _, said, done = disturbed(commands, self._server, command, self._files, paused=pauses_s.append, **wanted)
                ((files, closed, begun),) = commands.rows("SELECT count(*), count(done_at), sum(attempts) FROM job_item")
                ((records, different),) = commands.rows("SELECT count(*), count(DISTINCT sha256) FROM record")
                if closed != files or not files:
                    print(said, file=sys.stderr)
                killed += sum(done.values())
                seen = (files, records, self._files - closed, records - different, begun)
                totals = [total + new for total, new in zip(totals, seen, strict=True)]
                left += len(left_in(commands.temporary))
                commands.close()
            pause = f"{statistics.median(pauses_s):.1f} s, {max(pauses_s):.1f} s" if pauses_s else "–"
            yield name, killed, *totals, "–" if arguments is on_ray else left, pause  # Ray's workers have a folder of their own


if __name__ == "__main__":
    main()

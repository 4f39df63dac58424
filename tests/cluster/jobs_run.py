"""Jobs as programs of their own, to be killed; used by the tests and by `bench.bulk`."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import sqlalchemy as sa

from tests.cli.test_json import check_lines
from vhashdb.store import Store

BOX = b"\0\0\0\x10free"
"""Begins a part of an MP4 file that nobody reads; 8 bytes follow."""


def many(films, folder, count):
    """``count`` files that are different, made of some films: the first ones as they are, the others with a part that nobody reads."""
    folder.mkdir()
    for number in range(count):
        film = films[number % len(films)]
        target = folder / f"{number:04}{film.suffix}"
        shutil.copyfile(film, target)
        if number >= len(films):
            with target.open("ab") as file:
                file.write(BOX + b"%08d" % number)
    return folder


class Commands:
    """Runs the command line with a database on PostgreSQL, in an environment of its own."""

    def __init__(self, url, folder, **environment):
        self.url, self.temporary = url, folder / "temporary"
        self.temporary.mkdir(parents=True)
        own = {"VHASHDB_DB": url, "VHASHDB_INDEX": str(folder / "index"), "TMPDIR": str(self.temporary)}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("VHASHDB_")}
        self.environment = kept | own | environment
        self.store = None

    def start(self, *arguments):
        command = [sys.executable, "-m", "vhashdb", *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *arguments, code=0):
        process = self.start(*arguments)
        said = process.communicate()[0]
        assert process.returncode == code, said
        return said

    def lines(self, command, *arguments, code=0):
        """The lines of JSON that a command prints, which are as the schema says."""
        said = self.run(*command.split(), "--json", *arguments, code=code)
        lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        check_lines(command, lines)
        return lines

    # -- what the database says, asked beside the commands --

    def rows(self, query, **values):
        """Rows of a query; a server that is away is waited for."""
        for _ in range(200):
            try:
                self.store = self.store or Store.open(self.url)
                with self.store.transactions.beside() as connection:
                    result = connection.execute(sa.text(query), values)
                    return result.all() if result.returns_rows else []
            except ConnectionError:
                time.sleep(0.1)
        raise AssertionError("the server stays away")

    def closed(self):
        return self.rows("SELECT count(*) FROM job_item WHERE state IN ('done', 'failed')")[0][0]

    def wait_for(self, closed, process):
        """Wait until so many files are done, or the process has ended; tell whether it goes on."""
        while process.poll() is None:
            if self.closed() >= closed:
                return True
            time.sleep(0.05)
        return False

    def workers(self):
        """Process ids of those that have a file now."""
        return [int(row[0].rpartition(":")[2]) for row in self.rows("SELECT worker FROM job_item WHERE state = 'leased'")]

    def lapse(self):
        """Let all leases end, as after a minute."""
        self.rows("UPDATE job_item SET due = localtimestamp WHERE state = 'leased'")

    def close(self):
        if self.store is not None:
            self.store.close()


def kill(pid):
    """Kill one process that the run started; False if it is gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def disturbed(commands, server, arguments, total, *, workers=0, drivers=0, restarts=0, paused=lambda _: None):
    """Run a command until its job is finished, with so many kills of each kind spread over it; return what was done and how often.

    ``paused`` hears of each kill how many seconds it took until another file was done.
    """
    plan = ["worker"] * workers + ["driver"] * drivers + ["server"] * restarts
    plan = plan[:: max(1, drivers + 1)] + [kind for place, kind in enumerate(plan) if place % max(1, drivers + 1)]  # mixed
    done = dict.fromkeys(("worker", "driver", "server"), 0)
    process = commands.start(*arguments)
    for number, kind in enumerate(plan, start=1):
        if not commands.wait_for(number * total // (len(plan) + 2), process):
            break
        began_s = time.monotonic()
        if kind == "worker":
            while process.poll() is None and not any(kill(pid) for pid in commands.workers()):
                time.sleep(0.01)
            done[kind] += process.poll() is None
            if "--cluster" in arguments:
                commands.lapse()
        elif kind == "driver":
            process.kill()
            process.communicate()
            done[kind] += 1
            process = commands.start(*arguments)
        else:
            server.restart()
            done[kind] += 1
        if commands.wait_for(commands.closed() + 1, process):
            paused(time.monotonic() - began_s)
    commands.lapse()
    said = process.communicate()[0]
    return process.returncode, said, done


def left_in(folder: Path):
    """Files that somebody left in a folder for temporary ones; what Ray keeps there is its own."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and "ray" not in path.parts)

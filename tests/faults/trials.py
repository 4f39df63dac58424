"""One trial: a copy of a database, a fault, some work, and what must hold afterwards."""

import contextlib
import ctypes
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

import vhashdb
from tests.exchange.companies import Company, film
from tests.faults import work
from vhashdb.store import transactions

_CLONE_NEWNS = 0x20000


@dataclass(frozen=True)
class Template:
    """A database of the pillars that follows a feed, to be copied."""

    path: Path

    @classmethod
    def made(cls, folder):
        in_a_process(lambda _: _template(folder))  # as this process's index is to stay as large as it is
        return cls(folder / "reader.vhdb")

    def copied(self, place):
        return Path(shutil.copytree(self.path, place / "trial.vhdb"))


def _template(folder):
    publisher, reader = Company(folder, "publisher"), Company(folder, "reader")
    publisher.begins_to_publish()
    for seed in (901, 902):
        publisher.adds(seed)
    publisher.publishes()
    for seed in work.PILLARS:
        reader.db.add(film(seed), labels=["pillar"], reason=str(seed))
    reader.trusts(publisher)
    publisher.close()
    reader.close()


@dataclass
class Outcome:
    """What came of a trial."""

    kind: str
    failure: str = ""
    counts: Counter = field(default_factory=Counter)


def run(template, folder, seed, number):
    """One trial; the same for a seed and a number."""
    chance = random.Random(f"{seed}/{number}")
    kind = chance.choices(list(KINDS), [share for _, share in KINDS.values()])[0]
    outcome = Outcome(kind, counts=Counter({kind: 1}))
    place = folder / f"trial-{number}"
    place.mkdir()
    try:
        told = KINDS[kind][0](template, place, chance)
        outcome.counts.update(f"{name} {what}" for name, what, *_ in told if name != "begin")
    except AssertionError as error:
        outcome.failure = str(error) or "an assertion"
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return outcome


# -- kinds -----------------------------------------------------------------------------------------


def killed(template, place, chance):
    """SIGKILL before a statement or a change on disk."""
    path, seed, at = template.copied(place), chance.randrange(1 << 20), chance.randrange(1, 400)
    told = in_a_process(lambda tell: (_dies_before(at), work.Work(path, seed, tell).run(8)), may_be_killed=True)
    in_a_process(lambda _: work.verify(path, told))
    return told


def crowded(template, place, chance):
    """Twenty processes at once: writers and readers."""
    path = template.copied(place)
    processes = [_begun(_crowd_member(path, chance.randrange(1 << 20), writes=number < 14)) for number in range(20)]
    told = [line for process in processes for line in _ended(process)]
    assert not [line for line in told if line[0] == "error"], told
    in_a_process(lambda _: work.verify(path, told))
    return told


def _crowd_member(path, seed, *, writes):
    def act(tell):
        member = work.Work(path, seed, tell)
        for _ in range(3):
            member.step("add" if writes else "ask")
        member.step("close")

    return act


def full_disk(template, place, chance):
    """A small file system, or a limit on the size of files, that is reached at some point."""
    room, seed = chance.randrange(0, 400_000), chance.randrange(1 << 20)

    def act(tell):
        target = place / "small"
        target.mkdir()
        mounted = _mount("-t", "tmpfs", "-o", "size=4m", "tmpfs", str(target))
        path = template.copied(target)
        filler = target / "filler"
        if mounted:
            free = shutil.disk_usage(target).free
            filler.write_bytes(b"x" * max(0, free - room))
        else:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, ((path / "records.sqlite").stat().st_size + room, resource.RLIM_INFINITY))
        told = []

        def both(*what):
            told.append(list(what))
            tell(*what)

        work.Work(path, seed, both).run(10)
        if mounted:
            filler.unlink(missing_ok=True)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        work.verify(path, told)

    return in_a_process(act)


def read_only(template, place, chance):
    """A file system that is mounted read-only, or a user who may only read."""
    path, seed = template.copied(place), chance.randrange(1 << 20)
    told = in_a_process(lambda tell: work.Work(path, seed, tell).run(4))
    left_behind = chance.random() < 0.5  # a log of changes, as a standby copy may have
    if left_behind:
        in_a_process(lambda _: (_logged(path), os.kill(os.getpid(), signal.SIGKILL)), may_be_killed=True)

    def act(tell):
        if not _mount("--bind", str(path), str(path)) or not _mount("-o", "remount,ro,bind", str(path)):
            return
        before = sorted((file.name, file.stat().st_size) for file in path.iterdir())
        member = work.Work(path, seed, tell)
        for name in ("ask", "ask", "add", "maintain", "ask", "close"):
            member.step(name)
        with vhashdb.open(path) as db:
            assert db.read_only
            assert db.store.problems() == []
        assert sorted((file.name, file.stat().st_size) for file in path.iterdir()) == before

    lines = in_a_process(act)
    assert not [line for line in lines if line[:2] in (["done", "add"], ["error", "ask"], ["error", "close"])], lines
    in_a_process(lambda _: work.verify(path, told))
    return told + lines


def _logged(path):
    db = vhashdb.open(path)
    db.store.audit.log("something")


def wrong_clock(template, place, chance):
    """A clock that jumps between any two readings of it."""
    path, seed = template.copied(place), chance.randrange(1 << 20)
    told = in_a_process(lambda tell: (work.jumping_clock(random.Random(seed)), work.Work(path, seed, tell).run(8)))
    in_a_process(lambda _: work.verify(path, told))
    return told


KINDS: dict[str, tuple[Callable, int]] = {
    "killed": (killed, 60),
    "full disk": (full_disk, 18),
    "read only": (read_only, 10),
    "wrong clock": (wrong_clock, 10),
    "crowded": (crowded, 2),
}
"""What a trial may be, and how often of a hundred."""


# -- processes -------------------------------------------------------------------------------------


def in_a_process(action, *, may_be_killed=False):
    """What an action told that ran in a process of its own."""
    return _ended(_begun(action), may_be_killed=may_be_killed)


def _begun(action):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            work.small_index()
            action(work.teller(writer))
            os._exit(0)
        except BaseException:
            os.write(writer, (json.dumps(["failed", "", 0, traceback.format_exc()]) + "\n").encode())
            os._exit(70)
    os.close(writer)
    return child, reader


def _ended(process, *, may_be_killed=False):
    child, reader = process
    with open(reader, encoding="utf-8") as file:
        told = [json.loads(line) for line in file if line.endswith("\n")]
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    failures = [line[3] for line in told if line[0] == "failed"]
    assert not failures, f"{failures[0]}\n{told[:-1]}"
    assert code == 0 or (may_be_killed and code == -signal.SIGKILL), f"ended with {code}: {told}"
    return told


def _dies_before(count):
    """Kill this process before so many statements and changes on disk have happened."""
    left = [count]

    def counted(*_, **__):
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

    for name in ("replace", "rename", "mkdir", "fsync"):
        setattr(os, name, _before(counted, getattr(os, name)))
    real = transactions.Transactions.__init__

    def made(self, backend, **options):
        real(self, backend, **options)
        sa.event.listen(backend.engine, "before_cursor_execute", counted)

    transactions.Transactions.__init__ = made


def _before(first, then):
    def both(*arguments, **options):
        first()
        return then(*arguments, **options)

    return both


def _mount(*arguments):
    """Mount something that only this process sees; False where that is not allowed."""
    with contextlib.suppress(OSError):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNS) == 0:
            subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True)
            return subprocess.run(["mount", *arguments], capture_output=True).returncode == 0
    return False

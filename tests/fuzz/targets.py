"""The kinds of input, each with the command that reads them and what must hold afterwards."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import vhashdb
from tests.conftest import SAMPLES
from tests.fuzz import seeds
from tests.fuzz.mutations import mutate, mutate_text
from tests.fuzz.program import Program, Run

FINISHED, USAGE, INCOMPLETE, DATABASE, FEED, FOUND = 0, 2, 3, 4, 5, 10
BATCH: Final = 20
"""Files a run of the program gets at once: each has to survive the others."""
_ANSWER: Final = "edited/valley__clip.mp4"
"""A copy of a sample, asked about where a file of the database itself is damaged: the answer may not become another."""


@dataclass(frozen=True)
class Fault:
    """Something that no input may cause."""

    kind: str
    what: str
    files: tuple[Path, ...]
    """The inputs of that run, as they are kept."""


class Inputs:
    """Mutated files of one kind, numbered, the same for the same seed."""

    def __init__(self, kind: str, found: dict[str, bytes], seed: int, change: Callable[..., bytes] = mutate) -> None:
        self._kind, self._found, self._seed, self._change = kind, found, seed, change

    def write(self, folder: Path, count: int) -> list[Path]:
        """Write ``count`` files into ``folder``."""
        others, names = list(self._found.values()), sorted(self._found)
        written = []
        for number in range(count):
            name = names[number % len(names)]
            rng = random.Random(f"{self._seed}/{self._kind}/{number}")
            path = folder / f"{self._kind}{number:05d}_{name}"
            path.write_bytes(self._change(self._found[name], others, rng))
            written.append(path)
        return written


class Targets:
    """What is fuzzed. Each method gives the faults it found."""

    def __init__(self, place: Path, seed: int) -> None:
        self._place, self._seed, self._program = place, seed, Program(place)
        self._known = place / "known.vhdb"
        with vhashdb.create(self._known) as db:
            for path in sorted((SAMPLES / "known").glob("*.mp4")):
                db.add(path, labels=["sample"])
        self._media = seeds.media()

    def media(self, count: int) -> Iterator[Fault]:
        """Videos and pictures that are asked about, at every effort."""
        files = Inputs("media", self._media, self._seed).write(self._folder("media"), count)
        for number, batch in enumerate(_batches(files)):
            effort = ("balanced", "fast", "thorough")[number % 3]
            command = ["match", "--json", "--quiet", "--db", self._known, "--effort", effort]
            yield from self._each("media", command, batch, "file", (FINISHED, INCOMPLETE, FOUND))

    def added(self, count: int) -> Iterator[Fault]:
        """Videos and pictures that are recorded."""
        database = shutil.copytree(self._known, self._place / "added.vhdb")
        files = Inputs("added", self._media, self._seed).write(self._folder("added"), count)
        for batch in _batches(files):
            command = ["add", "--json", "--quiet", "--db", database]
            yield from self._each("added", command, batch, "", (FINISHED, INCOMPLETE))

    def fingerprints(self, count: int) -> Iterator[Fault]:
        """Fingerprint files that are asked about."""
        files = Inputs("fingerprint", seeds.fingerprints(), self._seed, mutate_text).write(self._folder("fingerprints"), count)
        for batch in _batches(files):
            command = ["match", "--json", "--quiet", "--db", self._known]
            yield from self._each("fingerprints", command, batch, "file", (FINISHED, INCOMPLETE, FOUND, USAGE))

    def lists(self, count: int) -> Iterator[Fault]:
        """Lists of other exchanges that are imported."""
        database = shutil.copytree(self._known, self._place / "lists.vhdb")
        files = Inputs("list", seeds.lists(), self._seed, mutate_text).write(self._folder("lists"), count)
        for batch in _batches(files):
            command = ["import", "--json", "--quiet", "--db", database]
            yield from self._each("lists", command, batch, "", (FINISHED, INCOMPLETE))

    def feeds(self, count: int) -> Iterator[Fault]:
        """Feeds in which one file is another: refused, and the database says what it said."""
        publisher = seeds.Publisher(self._folder("publisher"))
        follower = self._place / "follower.vhdb"
        with vhashdb.create(follower) as db:
            db.exchange.trust(str(publisher.folder), publisher.root)
        files = list(publisher.files())
        others = [path.read_bytes() for path in files]
        for number in range(count):
            rng = random.Random(f"{self._seed}/feed/{number}")
            path = rng.choice(files)
            whole = path.read_bytes()
            database = shutil.copytree(follower, self._place / f"follower{number}.vhdb")
            try:
                path.write_bytes(mutate_text(whole, others, rng))
                run = self._program.run("sync", "--json", "--quiet", "--db", database, codes=(FINISHED, FEED, INCOMPLETE))
                kept = self._keep("feeds", number, path)
            finally:
                path.write_bytes(whole)
                shutil.rmtree(database)
            yield from (Fault("feeds", fault, (kept,)) for fault in run.faults)

    def configuration(self, count: int) -> Iterator[Fault]:
        """Configuration files."""
        files = Inputs("config", seeds.configuration(), self._seed, mutate_text).write(self._folder("configuration"), count)
        for path in files:
            run = self._asked(self._known, (FINISHED, FOUND, USAGE, INCOMPLETE, DATABASE), {"VHASHDB_CONFIG": str(path)})
            yield from (Fault("configuration", fault, (path,)) for fault in run.faults)

    def caches(self, count: int) -> Iterator[Fault]:
        """Caches that are damaged: the answer is as without one."""
        cache = self._place / "cache"
        self._asked(self._known, (FOUND,), {"VHASHDB_CACHE": str(cache)})
        yield from self._damaged("caches", cache, count, lambda copy: (self._known, {"VHASHDB_CACHE": str(copy)}), (FOUND,))

    def databases(self, count: int) -> Iterator[Fault]:
        """Databases with one damaged file: the answer is the same, or it is said that the database is damaged."""
        self._asked(self._known, (FOUND,), {})
        yield from self._damaged("databases", self._known, count, lambda copy: (copy, {}), (FOUND, DATABASE, INCOMPLETE))

    # -- inside ------------------------------------------------------------------------------------

    def _damaged(
        self, kind: str, origin: Path, count: int, use: Callable[[Path], tuple[Path, dict[str, str]]], codes: Sequence[int]
    ) -> Iterator[Fault]:
        files = [path.relative_to(origin) for path in sorted(origin.rglob("*")) if path.is_file() and path.stat().st_size]
        others = [(origin / name).read_bytes() for name in files]
        for number in range(count):
            rng = random.Random(f"{self._seed}/{kind}/{number}")
            copy = Path(shutil.copytree(origin, self._place / f"{kind}{number}.vhdb"))
            damaged = copy / rng.choice(files)
            damaged.write_bytes(mutate(damaged.read_bytes(), others, rng))
            database, env = use(copy)
            kept = self._keep(kind, number, damaged)
            run = self._asked(database, codes, env)
            faults = list(run.faults)
            if run.code == FOUND and not any(line.get("verdict") == "match" for line in run.lines("file")):
                faults.append("the answer became another")
            shutil.rmtree(copy)
            yield from (Fault(kind, fault, (kept,)) for fault in faults)

    def _asked(self, database: Path, codes: Sequence[int], env: dict[str, str]) -> Run:
        return self._program.run("match", "--json", "--quiet", "--db", database, SAMPLES / _ANSWER, codes=codes, env=env)

    def _each(self, kind: str, command: list[str | Path], batch: list[Path], line: str, codes: Sequence[int]) -> Iterator[Fault]:
        """Run a batch; where it is at fault, each file alone, to name the one that is."""
        found = list(self._once(kind, command, batch, line, codes))
        if found and len(batch) > 1:
            alone = [fault for path in batch for fault in self._once(kind, command, [path], line, codes)]
            found = alone or found
        yield from found

    def _once(self, kind: str, command: list[str | Path], batch: list[Path], line: str, codes: Sequence[int]) -> Iterator[Fault]:
        run = self._program.run(*command, *batch, codes=codes)
        yield from (Fault(kind, fault, tuple(batch)) for fault in run.faults)
        if line and not run.faults:
            silent = {str(path) for path in batch} - {str(found.get("path")) for found in run.lines(line)}
            if silent:
                yield Fault(kind, f"{len(silent)} files have no answer", tuple(map(Path, sorted(silent))))

    def _folder(self, name: str) -> Path:
        folder = self._place / name
        folder.mkdir()
        return folder

    def _keep(self, kind: str, number: int, path: Path) -> Path:
        folder = self._place / "kept"
        folder.mkdir(exist_ok=True)
        return Path(shutil.copy(path, folder / f"{kind}{number:05d}_{path.name}"))


def _batches(files: Sequence[Path]) -> Iterator[list[Path]]:
    return (list(files[start : start + BATCH]) for start in range(0, len(files), BATCH))

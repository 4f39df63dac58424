"""What a trial does with a database while things go wrong, and what must hold afterwards.

Every step is told to the parent before it begins and after it was acknowledged; whatever it raises has to be an error of the
library that says what to do.
"""

import datetime
import json
import os
import random

import vhashdb
from tests.exchange.companies import film
from vhashdb.index import compaction
from vhashdb.store import Details, NewRecord, State
from vhashdb.store.imports import Content, Imports, Place

PILLARS = (1, 2, 3)
"""Films whose records are there from the beginning to the end."""
INSTANT = "instant"


def small_index():
    """Few hashes become a segment, so that segments are written and merged in every trial."""
    compaction.MEMTABLE_ROWS, compaction.MAX_LAG = 60, 5


class Work:
    """A seeded sequence of steps on one database."""

    def __init__(self, path, seed, tell):
        self.path, self.tell = path, tell
        self.chance = random.Random(seed)
        self.db = None
        self.own = []  # ids of records that may be changed
        self.number = 1000 * (seed + 1)

    def run(self, steps):
        for _ in range(steps):
            name = self.chance.choice(["add"] * 4 + ["ask"] * 3 + ["label", "retract", "import", "sync", "maintain", "backup", "reopen"])
            self.step(name)
        self.step("close")

    def step(self, name):
        """One step; an error of the library is no failure, anything else is."""
        number = self.number = self.number + 1
        planned = self.chance.choice(self.own) if name in ("label", "retract") and self.own else None
        self.tell("begin", name, number, planned)
        try:
            if self.db is None:
                self.db = vhashdb.open(self.path, lock_timeout_s=20.0)
            said = getattr(self, name)(number, planned)
        except vhashdb.VhashdbError as error:
            assert error.hint, error
            assert error.message, error
            self.tell("error", name, number, f"{type(error).__name__}: {error}")
            return
        self.tell("done", name, number, said)

    def add(self, number, _):
        added = self.db.add(film(number), labels=["kept"], reason=str(number))
        self.own.append(added.id)
        return added.id

    def ask(self, *_):
        seed = self.chance.choice(PILLARS)
        found = [match.record.reason for match in self.db.match(film(seed)).matches]
        assert found == [str(seed)], f"film {seed} finds {found}"

    def label(self, number, planned):
        if planned:
            self.db.label(planned, add=[f"l{number}"])
        return planned

    def retract(self, _, planned):
        if planned:
            self.own.remove(planned)
            self.db.retract(planned, reason="a trial")
        return planned

    def sync(self, *_):
        for done in self.db.exchange.sync():
            assert done.error is None or done.error.hint, done.error

    def maintain(self, *_):
        self.db.index_writer.maintain()

    def backup(self, number, _):
        target = self.path.with_name(f"backup-{number}.vhdb")
        self.db.backup(target)
        return str(target)

    def reopen(self, *_):
        self.close()

    def close(self, *_):
        if self.db is not None:
            db, self.db = self.db, None
            db.close()


def _import(self, number, _):
    """Three records as one step: all of them or none."""
    ids = []
    with Imports(self.db.store).batch() as batch:
        for part in range(3):
            new = NewRecord(2.0, None, None, Details(reason=f"{number}/{part}", source="list"))
            place = Place("list", str(number * 10 + part))
            ids.append(batch.add(place, Content(new, film(number * 10 + part), (), State.ACTIVE, "", {}, "")))
    return ids


setattr(Work, "import", _import)


def verify(path, told):
    """Everything that was acknowledged is there, nothing is half done, and answers are right."""
    with vhashdb.open(path, lock_timeout_s=20.0) as db:
        records = {record.id: record for record in db.records()}
        reasons = [record.reason for record in records.values()]
        assert db.check().left == (), db.check().left
        for seed in PILLARS:
            found = [match.record.reason for match in db.match(film(seed)).matches]
            assert found == [str(seed)], f"afterwards film {seed} finds {found}"
        unsure = {line[3] for line in told if line[0] == "begin"} - {None}
        for kind, name, number, said in told:
            if kind != "done":
                continue
            if name == "add":
                record = records[said]
                assert "kept" in record.labels, record
                if said not in unsure:
                    assert record.state is State.ACTIVE, record
                    assert said in [match.record.id for match in db.match(film(number)).matches], f"film {number} is not found"
            elif name == "import":
                assert all(identifier in records for identifier in said), said
            elif name == "label" and said:
                assert f"l{number}" in records[said].labels, records[said]
            elif name == "retract" and said:
                assert records[said].state is State.RETRACTED, records[said]
            elif name == "backup":
                with vhashdb.open(said) as copy:
                    assert copy.check().left == ()
        for kind, name, number, _ in told:
            if kind == "begin" and name == "import":
                assert sum(reason.startswith(f"{number}/") for reason in reasons) in (0, 3), "a part of an import"
    for part in path.parent.glob("backup-*"):
        with vhashdb.open(part) as copy:  # one that is there is whole
            assert copy.store.problems() == []


def teller(descriptor):
    """Tells the parent, one line of JSON for each call."""

    def tell(*what):
        os.write(descriptor, (json.dumps(what) + "\n").encode())

    return tell


def jumping_clock(chance):
    """A clock that is set to another time now and then: at most a few days ahead, or years behind or ahead for a moment."""
    from vhashdb.store import clock, records_file

    real = clock.now_utc

    def now():
        days = chance.choice([0] * 6 + [1, 2, -1, -3000])
        return real() + datetime.timedelta(days=days)

    clock.now_utc = records_file.now_utc = now

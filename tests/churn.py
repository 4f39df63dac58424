"""One process of several that share an index. Made to be killed.

``python -m tests.churn write|read frames|sound RECORDS INDEX SEED``

A writer adds and retracts records without end, never the first `PILLARS`, and keeps the index. A reader searches without
end and ends with exit code 1 at the first wrong answer; when its input is closed it prints what it has seen.
"""

import contextlib
import json
import random
import sys
import threading
from pathlib import Path

from tests.live import KINDS
from vhashdb.index import compaction, planning
from vhashdb.store import NewRecord, State, Store

PILLARS = 3
ROWS = 12


@contextlib.contextmanager
def shared(records, index, of):
    """The records and their index, which becomes segments and merges with few rows."""
    compaction.MEMTABLE_ROWS, compaction.MAX_LAG = 4 * ROWS, 7
    with Store.open(Path(records)) as store:
        yield store, of.live(index, store)


def add(store, of):
    """The next record, which shows what its number says."""
    return store.add(NewRecord(1.0), of.fingerprint(of.values(len(list(store.records())) + 1, ROWS)))


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def write(store, live, of, seed):
    chance = random.Random(seed)
    active = [record.id for record in store.records(states=[State.ACTIVE])][PILLARS:]
    say("ready")
    while True:
        for _ in range(chance.randrange(1, 4)):
            active.append(add(store, of).id)
        while len(active) > 40 or (active and chance.random() < 0.3):
            store.set_state(active.pop(chance.randrange(len(active))), State.RETRACTED, reason="", action="retract")
        live.maintain()


def read(store, live, of, seed):
    pillars = {number: of.values(number, ROWS) for number in range(1, PILLARS + 1)}
    asked = of.everything(list(pillars.values()))
    expected = of.truth(pillars, asked)[0]
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    looks, exact, manifests = 0, 0, set()
    say("ready")
    while not closed.wait(0.005):  # the writers, which are waited for, have the same processors
        planning.SCAN_COST = 1e9 if looks % 2 else 0.06  # by keys every other time
        before = store.changes.last()
        index = live.current
        found = of.found(index, asked)
        assert [hit for hit in found if hit[1] in pillars] == expected, "a record that was there all along"
        numbers = sorted(index.numbers.tolist())
        assert len(set(numbers)) == len(numbers), "a record twice"
        if before == store.changes.last():
            known = store.changes.matchable()
            if before == store.changes.last():
                assert numbers == sorted(known), "not what is in the store"
                exact += 1
        manifests.add(live.state().manifest)
        assert live.problem is None, live.problem
        looks += 1
    say(json.dumps({"looks": looks, "exact": exact, "manifests": len(manifests)}))


if __name__ == "__main__":
    of = KINDS[sys.argv[2]]
    with shared(*sys.argv[3:5], of) as (store, live):
        {"write": write, "read": read}[sys.argv[1]](store, live, of, int(sys.argv[5]))

"""Syncs copies of a database in processes of their own and kills each before another statement; a program for `test_sync`.

python tests/exchange/killing.py DATABASE SCRATCH
"""

import json
import os
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import sqlalchemy as sa

import vhashdb
from tests.exchange.companies import film


def main():
    origin, scratch = map(Path, sys.argv[1:])
    step, alive = 0, False
    while not alive:
        step += 1
        copy = scratch / f"{step}.vhdb"
        shutil.copytree(origin, copy)
        alive = in_a_process(lambda copy=copy, step=step: sync(copy, step)) == 0
        killed, _ = looked_at(copy)
        assert in_a_process(lambda copy=copy: sync(copy, 0)) == 0
        after, hits = looked_at(copy)
        print(json.dumps({"step": step, "killed": killed, "after": after, "hits": hits}), flush=True)


def in_a_process(action):
    """How a process that does this ends: 0, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def sync(path, kill_before):
    """Sync, and die before that statement; 0 is never."""
    count = 0

    def counting(*_):
        nonlocal count
        count += 1
        if count == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)

    db = vhashdb.open(path)
    sa.event.listen(db.store.transactions._engine, "before_cursor_execute", counting)
    outcomes = [done.outcome for done in db.exchange.sync()]
    assert outcomes in (["updated"], ["unchanged"]), outcomes
    db.close()


def looked_at(path):
    """Records, and what three films find."""
    with vhashdb.open(path) as db:
        records = {record.id: [record.state.value, list(record.labels)] for record in db.records()}
        return records, [[match.record.id for match in db.match(film(seed)).matches] for seed in (1, 2, 3)]


if __name__ == "__main__":
    main()

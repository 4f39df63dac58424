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
from tests.examples import LONG
from tests.exchange.companies import film

EVERY = 5 if LONG else 80
"""Which of the statements within a transaction is killed before; those at its borders all are."""


def main():
    origin, scratch = map(Path, sys.argv[1:])
    whole = shutil.copytree(origin, scratch / "whole.vhdb")
    statements = scratch / "statements"
    assert in_a_process(lambda: sync(whole, 0, statements)) == 0
    kinds = statements.read_text().splitlines()
    borders = {place + off for place, kind in enumerate(kinds, 1) for off in (0, 1) if kind in ("BEGIN", "COMMIT", "ROLLBACK")}
    for step in sorted(borders | set(range(1, len(kinds) + 1, EVERY)) | {2 * len(kinds)}):
        copy = scratch / f"{step}.vhdb"
        shutil.copytree(origin, copy)
        ended = in_a_process(lambda copy=copy, step=step: sync(copy, step))
        assert ended in (0, -signal.SIGKILL), (step, ended)
        killed, _ = looked_at(copy)
        if ended:
            assert in_a_process(lambda copy=copy: sync(copy, 0)) == 0
        after, hits = looked_at(copy, films=(1, 2, 3))
        print(json.dumps({"step": step, "killed": killed, "after": after, "hits": hits}), flush=True)
        shutil.rmtree(copy)


def in_a_process(action):
    """How a process that does this ends: 0, or minus the signal that killed it."""
    child = os.fork()
    if child == 0:
        action()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def sync(path, kill_before, told=None):
    """Sync, and die before that statement; 0 is never. The first words of all statements go to the file ``told``."""
    kinds = []

    def counting(_connection, _cursor, statement, *_):
        kinds.append(statement.split()[0].upper())
        if len(kinds) == kill_before:
            os.kill(os.getpid(), signal.SIGKILL)

    db = vhashdb.open(path)
    sa.event.listen(db.store.transactions._backend.engine, "before_cursor_execute", counting)
    outcomes = [done.outcome for done in db.exchange.sync()]
    assert outcomes in (["updated"], ["unchanged"]), outcomes
    db.close()
    if told:
        told.write_text("\n".join(kinds))


def looked_at(path, films=()):
    """Records, and what these films find."""
    with vhashdb.open(path) as db:
        records = {record.id: [record.state.value, list(record.labels)] for record in db.records()}
        return records, [[match.record.id for match in db.match(film(seed)).matches] for seed in films]


if __name__ == "__main__":
    main()

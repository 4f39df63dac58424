"""Writers never keep readers waiting: whatever a writer is in the middle of, readers finish, and see what was there before."""

import subprocess
import sys

import pytest

import vhashdb
from tests.conftest import ROOT
from tests.exchange.companies import film

pytestmark = pytest.mark.sqlite

WRITER = """
import sys
from pathlib import Path
import vhashdb
from tests.exchange.companies import film
from tests.faults import work
from vhashdb.live_index import building
from vhashdb.store import Details, NewRecord, State
from vhashdb.store.imports import Content, Imports, Place

def hold():
    print("holding", flush=True)
    sys.stdin.readline()

work.small_index()
db = vhashdb.open(sys.argv[1])
if sys.argv[2] == "import":
    with Imports(db.store).batch() as batch:
        for n in range(50):
            content = Content(NewRecord(2.0, None, None, Details(reason="new")), film(500 + n), (), State.ACTIVE, "", {}, "")
            batch.add(Place("list", str(n)), content)
        batch.flush()
        hold()
else:  # a merge: between its segment being written and the manifest that names it
    commit = building.commit
    def held(*arguments):
        hold()
        return commit(*arguments)
    for n in range(12):
        db.add(film(500 + n), reason="new")
    building.commit = held
    db.index_writer.rebuild()
db.close()
print("done", flush=True)
"""


@pytest.mark.parametrize("what", ["import", "merge"])
def test_readers_finish_while_a_writer_is_held_in_the_middle(tmp_path, what):
    path = tmp_path / "own.vhdb"
    with vhashdb.create(path) as db:
        db.add(film(1), reason="old")
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, path, what], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout.readline() == "holding\n"
        new = 0 if what == "import" else 12  # what is not acknowledged is not seen
        for _ in range(2):  # by two that open it one after the other
            with vhashdb.open(path, lock_timeout_s=0.0) as reader:
                assert [match.record.reason for match in reader.match(film(1)).matches] == ["old"]
                assert len(list(reader.records())) == 1 + new
                assert [match.record.reason for match in reader.match(film(505)).matches] == ["new"] * bool(new)
                assert reader.index_problem is None
            assert reader.unlogged == (0 if what == "merge" else reader.unlogged)
        if what == "import":  # another writer is told, and what to do
            with vhashdb.open(path, lock_timeout_s=0.0) as other, pytest.raises(vhashdb.DatabaseLocked) as caught:
                other.add(film(2))
            assert "wait" in caught.value.hint
        out, _ = writer.communicate("\n" * 100)
        assert out.endswith("done\n")
    finally:
        writer.kill()
        writer.wait()
    with vhashdb.open(path) as reader:
        assert [match.record.reason for match in reader.match(film(505)).matches] == ["new"]
        assert reader.check().problems == ()

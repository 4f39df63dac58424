"""A database that is open stays locked, whatever else this process does with its file.

Whoever closes a file frees every POSIX lock that the process has on it. SQLite knows its own files; anything else that opened
and closed the records would make another process take them for closed, and clear the log of changes away under this one.
"""

import subprocess
import sys

import pytest

import vhashdb
from tests.conftest import ROOT
from vhashdb.errors import NotMedia
from vhashdb.opening import open_file
from vhashdb.walking import walk

pytestmark = pytest.mark.sqlite

PATIENCE_S = 120
ANOTHER = "import sys, vhashdb; db = vhashdb.open(sys.argv[1]); db.store.audit.log('something'); db.close()"


def open_again(path):
    vhashdb.open(path).close()


def open_to_read(path):
    vhashdb.open(path, read_only=True).close()


def take_for_a_video(path):
    with pytest.raises(NotMedia, match="is a database that is open"):
        open_file(path / "records.sqlite")


def walk_the_folder(path):
    assert [found.skipped for found in walk(path) if found.path.name == "records.sqlite"] == ["not media"]


@pytest.mark.parametrize("what", [open_again, open_to_read, take_for_a_video, walk_the_folder])
def test_what_else_this_process_does_frees_no_lock(tmp_path, reference_prints, what):
    path = tmp_path / "busy.vhdb"
    with vhashdb.create(path) as db:
        first = db.add(reference_prints["harbour"]).id
        what(path)
        subprocess.run([sys.executable, "-c", ANOTHER, str(path)], check=True, cwd=ROOT, timeout=PATIENCE_S, stdout=subprocess.PIPE)
        assert (path / "records.sqlite-wal").exists(), "it is ours as long as we have it open"
        second = db.add(reference_prints["valley"]).id
        assert db.store.problems() == []
    with vhashdb.open(path) as db:
        assert {record.id for record in db.records()} == {first, second}
    open_file(path / "records.sqlite").__exit__()  # closed, it is a file like any other


def test_a_cache_that_is_open_twice_keeps_its_locks(tmp_path):
    place = tmp_path / "cache"
    script = "import sys, vhashdb; vhashdb.FingerprintCache(sys.argv[1]).close()"
    with vhashdb.FingerprintCache(place) as cache:
        vhashdb.FingerprintCache(place).close()
        subprocess.run([sys.executable, "-c", script, str(place)], check=True, cwd=ROOT, timeout=PATIENCE_S)
        assert (place / "looks.sqlite-wal").exists()
        assert cache.problem is None

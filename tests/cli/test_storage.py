"""What is answered stands: a full disk, a lock, Ctrl-C at the end, or a database that may only be read change no exit code."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
from vhashdb_cli import output
from vhashdb_cli.codes import ExitCode

import vhashdb
from tests.examples import some

from .driver import PROGRAM, run


def test_a_hit_while_another_process_writes(own, samples, monkeypatch):
    monkeypatch.setenv("VHASHDB_LOCK_TIMEOUT", "0.1")
    with contextlib.closing(sqlite3.connect(own / "records.sqlite", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        done = run("match", "--db", own, samples / "known" / "valley.mp4")
        connection.execute("ROLLBACK")
    assert done.code == 10
    assert "exit 10" in done.out
    assert done.err.count("warning:") == 1
    assert "2 lines about what was asked could not be written to the audit log" in done.err


def test_nothing_is_said_when_all_was_logged(own, samples):
    done = run("match", "--db", own, samples / "known" / "valley.mp4")
    assert (done.code, done.err) == (10, "")


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), vhashdb.DatabaseError("the disk is full"), OSError(28, "full"), RuntimeError("x")])
def test_what_goes_wrong_after_the_exit_code_was_told_does_not_change_it(own, samples, monkeypatch, ending):
    def close(self):
        real(self)
        raise ending

    real = vhashdb.database.Database.close
    monkeypatch.setattr(vhashdb.database.Database, "close", close)
    done = run("match", "--db", own, samples / "known" / "valley.mp4")
    assert "exit 10" in done.out
    assert done.code == 10
    assert "error:" in done.err  # it is said all the same


def test_an_exit_code_is_told_for_one_command_only(own, clean):
    output.told(ExitCode.FOUND)
    assert run("list", "--db", own).code == 0
    assert run("list", "--db", clean / "none").code == 4


def test_output_that_cannot_be_written_is_no_verdict(own, samples):
    with open("/dev/full", "w") as full:
        done = subprocess.run([*PROGRAM, "list", "--db", own], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == ExitCode.OUTPUT_CLOSED
    assert "the output cannot be written" in done.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
def test_a_full_disk(own, samples, tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    known = samples / "known" / "valley.mp4"
    script = (
        'mount -t tmpfs -o size=512k tmpfs "$1" || exit 99; cp "$2"/records.sqlite "$1"; head -c 1m /dev/zero > "$1/filler" 2>/dev/null;'
        'vhashdb() { "$python" -c "from vhashdb_cli.main import run; run()" "$@"; };'
        'vhashdb match --db "$1" "$3"; echo "code $?"; vhashdb list --db "$1" > /dev/null; echo "code $?";'
        'vhashdb label --db "$1" "$4" --add full; echo "code $?"; rm "$1/filler"; vhashdb doctor --db "$1"; echo "code $?"'
    )
    record = next(iter(vhashdb.open(own, read_only=True).records())).id
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", place, own, known, record],
        capture_output=True,
        text=True,
        env=os.environ | {"python": sys.executable},
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip("mounting is not allowed here")
    assert [line for line in done.stdout.splitlines() if line.startswith("code")] == ["code 10", "code 0", "code 4", "code 0"], done
    assert "exit 10" in done.stdout
    assert "could not be written to the audit log" in done.stderr
    assert "the disk is full" in done.stderr


def test_a_database_that_may_only_be_read(own, samples, ids):
    before = sorted(file.name for file in own.iterdir())
    known = samples / "known" / "valley.mp4"
    if os.getuid() == 0:
        limited = ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--inh-caps=-dac_override,-dac_read_search,-fowner"]
        if shutil.which("setpriv") is None:
            pytest.skip("there is no setpriv")
    else:
        limited = []
    os.chmod(own / "records.sqlite", 0o444)
    os.chmod(own, 0o555)
    try:
        for verb, code in some(
            [
                (["list"], 0),
                (["info"], 0),
                (["show", ids["valley"]], 0),
                (["stats"], 0),
                (["audit"], 0),
                (["doctor"], 0),
                (["export", "--format", "csv"], 0),
                (["explain", known, ids["valley"]], 10),
                (["match", known], 10),
                (["label", ids["valley"], "--add", "x"], 4),
            ],
            2,
        ):
            done = subprocess.run([*limited, *PROGRAM, *map(str, verb), "--db", own], capture_output=True, text=True)
            assert done.returncode == code, (verb, done)
            assert ("may only be read" in done.stderr) == (verb[0] in ("match", "label", "export")), (verb, done)
    finally:
        os.chmod(own, 0o755)
        os.chmod(own / "records.sqlite", 0o644)
    assert sorted(file.name for file in own.iterdir()) == before

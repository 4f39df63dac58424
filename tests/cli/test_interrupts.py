"""Ctrl-C ends promptly, loses nothing, and the same command goes on."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from vhashdb_cli.batch import undisturbed

import vhashdb

from .conftest import FILMS
from .driver import run, start

PROMPT_S = 15.0
"""Generous for a busy machine; a run over everything is stopped long before its end."""


def interrupt(process):
    """Ctrl-C; the exit code, and everything that was printed from then on."""
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert time.monotonic() - asked < PROMPT_S
    return process.returncode, out.decode(), err.decode()


def test_match(known, many):
    films = [str(film) for film in sorted(many.iterdir())] * 12
    with start("match", "--db", known, "--json", "--effort", "thorough", *films) as process:
        first = json.loads(process.stdout.readline())
        code, out, err = interrupt(process)
    assert first["type"] == "file"
    assert code == 130
    assert re.search(r"error: interrupted: \d+ of 192 files checked\nhint: ", err)
    assert "Traceback" not in err
    summary = json.loads(out.splitlines()[-1])
    assert summary["type"] == "summary"
    assert summary["interrupted"]
    assert summary["exit_code"] == 130
    assert 0 < summary["files"] < 192


def test_match_while_a_file_keeps_silent(known, clean):
    """A named pipe that nobody writes to: the decoder waits for it, we do not."""
    os.mkfifo(clean / "pipe.mp4")
    with start("match", "--db", known, "pipe.mp4", "missing.mp4") as process:
        time.sleep(2.0)
        # Opening it for writing lets the decoder's own wait end in any case.
        descriptor = os.open(clean / "pipe.mp4", os.O_RDWR | os.O_NONBLOCK)
        try:
            code, _, err = interrupt(process)
        finally:
            os.close(descriptor)
    assert code == 130
    assert "interrupted" in err


def test_match_while_it_reads_names(known, samples):
    with start("match", "--db", known, "--json", "-", stdin=subprocess.PIPE) as process:
        process.stdin.write(os.fsencode(samples / "unknown" / "train.mp4") + b"\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["verdict"] == "no-match"
        code, _, err = interrupt(process)
    assert code == 130
    assert "interrupted: 1 file checked" in err


def test_add_leaves_what_was_said_and_goes_on(many):
    run("init")
    with start("add", "--json", "--workers", "2", many) as process:
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        code, out, err = interrupt(process)
    lines += [json.loads(line) for line in out.splitlines()]
    assert code == 130
    assert "hint: nothing is lost; run the same command again to go on" in err
    said = {line["record"] for line in lines if line["type"] == "record"}
    with vhashdb.open("vhash.vhdb") as db:
        there = {record.id for record in db.records()}
        assert not db.check().problems
    assert said <= there
    assert 3 <= len(said) < FILMS

    again = run("add", "--json", many)
    assert again.code == 0
    statuses = [line["status"] for line in again.of_type("record")]
    assert len(statuses) == FILMS
    assert statuses.count("duplicate") == len(there)
    with vhashdb.open("vhash.vhdb") as db:
        assert len(db) == FILMS


def test_add_killed_outright_leaves_what_was_said(many):
    run("init")
    with start("add", "--json", many) as process:
        said = [json.loads(process.stdout.readline())["record"] for _ in range(2)]
        process.kill()
        said += [json.loads(line)["record"] for line in process.communicate()[0].splitlines() if line.endswith(b"}")]
    with vhashdb.open("vhash.vhdb") as db:
        assert {*said} <= {record.id for record in db.records()}
        assert db.match(many / "00.mp4").matches


def test_another_verb(samples):
    with start("hash", "--every-frame", *[samples / "known"] * 40) as process:
        process.stdout.readline()
        code, _, err = interrupt(process)
    assert code == 130
    assert "error: interrupted" in err


def test_ctrl_c_waits_until_something_is_told_whole():
    told = []
    with pytest.raises(KeyboardInterrupt), undisturbed():
        signal.raise_signal(signal.SIGINT)
        told.append("whole")
    assert told == ["whole"]


def test_ctrl_c_twice_does_not_wait():
    told = []
    with pytest.raises(KeyboardInterrupt), undisturbed():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        told.append("whole")
    assert told == []

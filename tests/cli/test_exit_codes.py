"""The table of exit codes, one line each; 1 is never among them."""

import contextlib
import os
import sqlite3
import subprocess
import sys

import pytest
from vhashdb_cli.codes import ExitCode

from .driver import run, spawn


def test_every_code_has_a_meaning_and_none_is_1():
    assert {code.value for code in ExitCode} == {0, 2, 3, 4, 5, 10, 70, 130, 141}
    assert all(code.meaning for code in ExitCode)
    help_text = run("--help").out
    assert all(f"{code.value:<4} {code.meaning}" in help_text for code in ExitCode)


TABLE = [
    (0, "match {unknown}/balloons.mp4"),
    (10, "match {edited}/valley__clip.mp4"),
    (0, "match --exit-zero {edited}/valley__clip.mp4"),
    (3, "match {unknown}/dark_room.mp4"),
    (3, "match missing.mp4"),
    (10, "match missing.mp4 {edited}/valley__clip.mp4"),
    (3, "match --exit-zero missing.mp4 {edited}/valley__clip.mp4"),
    (2, "match"),
    (2, "match --nonsense x"),
    (2, "match --effort enormous x"),
    (2, "match --workers 0 x"),
    (2, "nonsense"),
    (2, "show ffffffffffff"),
    (4, "match --db missing.vhdb x"),
    (10, "compare {edited}/valley__clip.mp4 {known}/valley.mp4"),
    (0, "compare --exit-zero {edited}/valley__clip.mp4 {known}/valley.mp4"),
    (0, "compare {unknown}/train.mp4 {known}/valley.mp4"),
    (3, "compare {unknown}/dark_room.mp4 {known}/valley.mp4"),
    (3, "compare missing.mp4 {known}/valley.mp4"),
    (3, "hash missing.mp4"),
    (0, "list"),
    (0, "info"),
    (0, "config show"),
]


@pytest.mark.parametrize(("code", "line"), TABLE, ids=[line for _, line in TABLE])
def test_exit_code(code, line, samples, known, monkeypatch):
    monkeypatch.setenv("VHASHDB_DB", str(known))
    places = {name: samples / name for name in ("known", "edited", "unknown")}
    assert run(*line.format(**places).split()).code == code


def test_an_uncaught_exception_is_70_and_says_so(own):
    # A real one: the tables were dropped under the program.
    with contextlib.closing(sqlite3.connect(own / "records.sqlite")) as connection:
        connection.execute("DELETE FROM meta")
        connection.commit()
    done = spawn("info", "--db", own)
    assert done.code == 70
    assert "error: internal error: KeyError" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in spawn("--debug", "info", "--db", own).err


def test_a_reader_that_goes_away_is_no_verdict(samples):
    command = [sys.executable, "-c", "from vhashdb_cli.main import run; run()", "hash", samples / "known", samples / "edited"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


def test_debug_shows_where_an_error_came_from():
    assert "Traceback" in run("--debug", "info", "--db", "missing.vhdb").err
    assert "Traceback" not in run("info", "--db", "missing.vhdb").err


def test_errors_are_two_lines_with_what_to_do():
    done = run("match", "--db", "missing.vhdb", "x")
    assert done.out == ""
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["error", "hint"]
    assert os.path.basename("missing.vhdb") in done.err

"""The table of exit codes, one line each; 1 is never among them."""

import contextlib
import os
import re
import shutil
import signal
import sqlite3

import click
import pytest
from vhashdb_cli.codes import ExitCode
from vhashdb_cli.main import cli

from .driver import run, spawn, start

PASSPHRASE = "correct horse battery staple"


def test_every_code_has_a_meaning_and_none_is_1():
    assert {code.value for code in ExitCode} == {0, 2, 3, 4, 5, 10, 70, 130, 141}
    assert all(code.meaning for code in ExitCode)
    help_text = run("help", "exit-codes").out
    assert all(f"{code.value:<4} {code.meaning}" in help_text for code in ExitCode)


# Code, command, and where it is not plain what the situation is. What is in braces is replaced; `broken.vhdb` lacks what
# nobody takes away, `empty.vhdb` has no record, `damaged.vhdb` is no database any more, and `feed` is a feed of one's own.
TABLE = [
    (0, "init new.vhdb"),
    (4, "init empty.vhdb", "it exists"),
    (2, "init new.vhdb --bits 77", "no such hash"),
    (0, "info"),
    (4, "info --db missing.vhdb"),
    (4, "info --db damaged.vhdb"),
    (70, "info --db broken.vhdb", "an error that nobody foresaw"),
    (0, "doctor"),
    (4, "doctor --db damaged.vhdb"),
    (0, "add {known}/valley.mp4", "a duplicate"),
    (3, "add notes.mp4", "no video"),
    (2, "add --label Bad! {known}/valley.mp4"),
    (4, "add --db missing.vhdb {known}/valley.mp4"),
    (130, "add --workers 1 {known} {edited} {unknown}", "Ctrl-C"),
    (0, "match {unknown}/balloons.mp4"),
    (10, "match {edited}/valley__clip.mp4"),
    (0, "match --exit-zero {edited}/valley__clip.mp4"),
    (3, "match {unknown}/dark_room.mp4", "too dark"),
    (3, "match missing.mp4"),
    (10, "match missing.mp4 {edited}/valley__clip.mp4", "10 wins over 3"),
    (3, "match --exit-zero missing.mp4 {edited}/valley__clip.mp4"),
    (2, "match"),
    (2, "match --nonsense x"),
    (2, "match --effort enormous x"),
    (2, "match --workers 0 x"),
    (4, "match --db missing.vhdb x"),
    (4, "match --db empty.vhdb {unknown}/balloons.mp4", "an empty database is no answer"),
    (130, "match {known} {edited} {unknown}", "Ctrl-C"),
    (141, "match --json {known}", "the reader went away"),
    (10, "explain {edited}/valley__clip.mp4 {valley}"),
    (0, "explain {unknown}/balloons.mp4 {valley}"),
    (3, "explain {unknown}/dark_room.mp4 {valley}"),
    (2, "explain {edited}/valley__clip.mp4 ffffffffffff"),
    (10, "compare {edited}/valley__clip.mp4 {known}/valley.mp4"),
    (0, "compare --exit-zero {edited}/valley__clip.mp4 {known}/valley.mp4"),
    (0, "compare {unknown}/train.mp4 {known}/valley.mp4"),
    (3, "compare {unknown}/dark_room.mp4 {known}/valley.mp4"),
    (3, "compare missing.mp4 {known}/valley.mp4"),
    (0, "hash {unknown}/train.mp4"),
    (3, "hash missing.mp4"),
    (141, "hash {known} {edited}", "the reader went away"),
    (0, "list"),
    (2, "list --state asleep"),
    (0, "show {valley}"),
    (2, "show ffffffffffff"),
    (0, "video list"),
    (0, "video show {video}"),
    (2, "video show ffffffffffff", "no video has the id"),
    (4, "video list --db missing.vhdb"),
    (2, "video merge {video} {video}", "they are one"),
    (2, "video split {video} {valley}", "none would be left"),
    (0, "video update"),
    (0, "label {valley} --add rare"),
    (0, "canary add {unknown}/train.mp4"),
    (3, "canary add missing.mp4"),
    (0, "canary list"),
    (0, "canary stats"),
    (2, "canary remove ffffffffffff"),
    (2, "label {valley}"),
    (0, "retract {valley} --reason x"),
    (2, "retract {valley}"),
    (0, "unmatch {edited}/valley__clip.mp4 {valley}"),
    (3, "unmatch missing.mp4 {valley}"),
    (0, "import list.txt"),
    (3, "import notes.mp4", "of no known format"),
    (0, "export --format csv"),
    (2, "export --format nonsense"),
    (5, "trust add feed --root other.json", "signed by somebody else"),
    (2, "trust add feed --root missing.json"),
    (0, "trust add feed --root feed/metadata/1.root.json"),
    (5, "trust federation feed --root other.json"),
    (0, "trust list"),
    (2, "trust level nobody log"),
    (2, "trust move nobody feed"),
    (2, "trust release nobody --reason x"),
    (2, "trust remove nobody"),
    (0, "trust rules"),
    (0, "sync", "nothing is trusted"),
    (2, "sync nobody"),
    (0, "opinion {valley} --verdict agree"),
    (2, "opinion {valley} --verdict maybe"),
    (0, "review list"),
    (0, "review show {valley}"),
    (2, "review accept ffffffffffff --reason x"),
    (0, "review reject {valley} --reason x"),
    (3, "allow add missing.mp4 --reason x"),
    (0, "allow list"),
    (2, "allow revoke ffffffffffff"),
    (0, "backup copy.vhdb"),
    (4, "backup empty.vhdb", "it exists"),
    (0, "migrate copy.vhdb"),
    (4, "migrate empty.vhdb", "it exists"),
    (2, "cluster status", "no cluster is named"),
    (2, "cluster start --shards 0"),
    (2, "cluster reshard --shards 2", "the same"),
    (2, "cluster upgrade --shards 2", "the same"),
    (2, "cluster stop", "the same"),
    (0, "key add Ann --scope ask"),
    (2, "key add Ann --scope fly"),
    (0, "key list"),
    (2, "key revoke Nobody"),
    (2, "jobs list", "no database on PostgreSQL, which jobs need"),
    (2, "jobs show ffff"),
    (2, "jobs retry ffff"),
    (2, "jobs cancel ffff"),
    (2, "jobs forget ffff"),
    (2, "add s3://bucket/folder", "the same"),
    (2, "add ftp://host/folder"),
    (2, "match file:///folder", "no --output"),
    (2, "match --output x.jsonl {unknown}/balloons.mp4", "no job"),
    (2, "serve --no-keys --host 0.0.0.0"),
    (0, "audit"),
    (0, "stats"),
    (0, "report transparency"),
    (2, "report transparency --from 2026-02-01 --to 2026-01-01"),
    (0, "config show"),
    (0, "config path"),
    (0, "config example"),
    (0, "completion bash"),
    (2, "completion cobol"),
    (0, "help exit-codes"),
    (2, "help nonsense"),
    (2, "demo --keep"),
    (2, "feed init feed --id own-feed", "it exists"),
    (0, "feed publish feed"),
    (0, "feed heartbeat feed"),
    (0, "feed policy feed --tlp green"),
    (0, "feed roster add feed other --root other.json --member other.example"),
    (5, "feed roster add feed other --root feed/metadata/1.root.json --member other.example", "signed by somebody else"),
    (2, "feed roster remove feed other-id --yes", "it is not listed"),
    (0, "feed roster check feed"),
    (0, "feed compact feed"),
    (0, "feed rotate-key feed online"),
    (0, "feed status"),
    (0, "feed verify feed"),
    (5, "feed verify missing"),
    (2, "nonsense"),
]


@pytest.fixture(scope="module")
def prepared(known, tmp_path_factory):
    """The files and databases that the table names."""
    place = tmp_path_factory.mktemp("codes")
    (place / "notes.mp4").write_text("this is no video\n" * 50)
    (place / "list.txt").write_text(f"md5 {'1' * 32}\n")
    assert run("init", place / "empty.vhdb").code == 0
    for name in ("broken.vhdb", "damaged.vhdb"):
        shutil.copytree(known, place / name)
    with contextlib.closing(sqlite3.connect(place / "broken.vhdb" / "records.sqlite")) as connection:
        connection.execute("DELETE FROM meta")
        connection.commit()
    (place / "damaged.vhdb" / "records.sqlite").write_bytes(b"this is no database" * 500)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VHASHDB_FEED_PASSPHRASE", PASSPHRASE)
        for name in ("feed", "other"):
            assert run("feed", "init", place / name, "--id", f"{name}-id").code == 0
    shutil.copy(place / "other" / "metadata" / "1.root.json", place / "other.json")
    return place


@pytest.fixture
def places(own, prepared, samples, ids, video_ids, clean, monkeypatch):
    """A working folder with a copy of all that; what stands for what in the commands of the table."""
    monkeypatch.setenv("VHASHDB_DB", str(own))
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", PASSPHRASE)
    shutil.copytree(prepared, clean, dirs_exist_ok=True)
    named = {"valley": ids["valley"], "video": video_ids["valley"]}
    return {name: samples / name for name in ("known", "edited", "unknown")} | named


@pytest.mark.parametrize(("code", "line", "situation"), [(*row, "")[:3] for row in TABLE], ids=[" | ".join(map(str, row)) for row in TABLE])
def test_exit_code(code, line, situation, places):
    arguments = line.format(**places).split()
    if situation == "Ctrl-C":
        done = interrupted(arguments)
    elif situation == "the reader went away":
        done = unread(arguments)
    else:
        said = run(*arguments)
        done = said.code
        if code not in (ExitCode.FINISHED, ExitCode.FOUND):
            assert re.search(r"^(?:hint|  note): \S", said.err + said.out, re.MULTILINE), "what to do next"
    assert done == code


def interrupted(arguments):
    with start(*arguments) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    return process.returncode


def unread(arguments):
    with start(*arguments) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        return process.wait(60)


def verbs(command, words=()):
    """Every command that does something."""
    if not isinstance(command, click.Group):
        yield " ".join(words)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        yield from verbs(command.get_command(context, name), (*words, name))


def test_the_table_has_every_code_and_every_verb():
    assert {row[0] for row in TABLE} == {code.value for code in ExitCode}
    assert {verb for verb in verbs(cli) if not any(f"{row[1]} ".startswith(f"{verb} ") for row in TABLE)} == set()


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


def test_debug_shows_where_an_error_came_from():
    assert "Traceback" in run("--debug", "info", "--db", "missing.vhdb").err
    assert "Traceback" not in run("info", "--db", "missing.vhdb").err


def test_errors_are_two_lines_with_what_to_do():
    done = run("match", "--db", "missing.vhdb", "x")
    assert done.out == ""
    assert [line.split(":")[0] for line in done.err.splitlines()] == ["error", "hint"]
    assert os.path.basename("missing.vhdb") in done.err

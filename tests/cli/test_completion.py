"""What a shell completes: asked from real shells, out of a real database, quickly and without touching it."""

import contextlib
import os
import pty
import re
import resource
import select
import shutil
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
from vhashdb_cli.topics import TOPICS
from vhashdb_cli.verbs import VERBS

import vhashdb
from vhashdb import completion_queries
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.layout import RECORDS_FILE

from .driver import run

MANY = 100_000


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """A folder with the console script, as an installation has it."""
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "vhashdb"
    script.write_text(f"#!{sys.executable}\nfrom vhashdb_cli.main import run\nrun()\n")
    script.chmod(0o755)
    return folder


@pytest.fixture
def shell_environment(program, known, monkeypatch):
    monkeypatch.setenv("PATH", f"{program}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("VHASHDB_DB", str(known))
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("PS1", "> ")


def answers(words, last=""):
    """What click's protocol answers, from within this process's environment."""
    line = " ".join(["vhashdb", *words, last])
    environment = os.environ | {"_VHASHDB_COMPLETE": "zsh_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) + 1)}
    done = subprocess.run([shutil.which("vhashdb")], env=environment, capture_output=True, text=True)
    assert not done.stderr
    lines = done.stdout.splitlines() if done.stdout.strip() else []
    return {value: text for kind, value, text in zip(lines[::3], lines[1::3], lines[2::3], strict=True) if kind == "plain"}


def typed(shell, set_up, keys):
    """The screen's text after the keys were typed into a shell in a pseudo-terminal."""
    pid, terminal = pty.fork()
    if not pid:
        os.execvp(shell[0], shell)
    seen = ""

    def read_until(pattern, seconds=20):
        nonlocal seen
        end = time.monotonic() + seconds
        while not re.search(pattern, seen) and time.monotonic() < end:
            if select.select([terminal], [], [], 0.1)[0]:
                with contextlib.suppress(OSError):
                    seen += os.read(terminal, 65536).decode(errors="replace")
        assert re.search(pattern, seen), seen

    try:
        os.write(terminal, f"{set_up}; echo rea''dy\n".encode())
        read_until(r"ready\r?\n")
        for text, pattern in keys:
            seen = ""
            os.write(terminal, text.encode())
            read_until(pattern)
        return seen
    finally:
        os.close(terminal)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
        os.waitpid(pid, 0)


def test_bash_completes_an_id_and_a_label(shell_environment, ids):
    valley = ids["valley"][:8]
    shell = ["bash", "--noprofile", "--norc", "-i"]
    set_up = 'bind "set enable-bracketed-paste off"; eval "$(vhashdb completion bash)"'
    typed(shell, set_up, [(f"vhashdb show {valley[:5]}\t", rf"show {valley} ")])
    typed(shell, set_up, [("vhashdb list --label gra\t", r"--label graphic-violence ")])


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes_an_id_and_shows_its_label(shell_environment, ids):
    valley = ids["valley"][:8]
    set_up = 'autoload -Uz compinit; compinit -u -D; eval "$(vhashdb completion zsh)"'
    typed(["zsh", "-f", "-i"], set_up, [(f"vhashdb show {valley[:5]}\t", valley)])
    typed(["zsh", "-f", "-i"], set_up, [("vhashdb show \t", r"-- graphic-violence from local")])


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish_completes_an_id_and_shows_its_label(shell_environment, ids, tmp_path):
    valley = ids["valley"][:8]
    script = f'vhashdb completion fish | source; complete -C "vhashdb show {valley[:5]}"'
    done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path)})
    assert done.stdout.strip() == f"{valley}\tgraphic-violence from local", done.stderr


def test_every_value_that_a_database_knows(shell_environment, ids, video_ids):
    short = {identifier[:8] for identifier in ids.values()}
    for command in (["show"], ["retract"], ["label"], ["review", "show"], ["opinion"], ["unmatch", "a.mp4"], ["explain", "a.mp4"]):
        assert set(answers(command)) == short, command
    (short_id,) = answers(["show"], ids["valley"][:6])
    assert answers(["show"], ids["valley"][:12]) == {ids["valley"]: "graphic-violence from local"}
    assert short_id == ids["valley"][:8]
    for command in (["list", "--label"], ["match", "--label"], ["add", "--label"], ["export", "--label"], ["label", "a", "--remove"]):
        assert answers(command) == {"graphic-violence": "4 records"}, command
    for command in (["list", "--source"], ["match", "--source"]):
        assert answers(command) == {"local": "4 records"}, command
    assert "csv" in answers(["import", "--format"])
    assert "stix" in answers(["export", "--format"])
    assert answers(["trust", "level"]) == {}
    assert set(answers(["match", "--effort"])) == {"fast", "balanced", "thorough"}
    assert not answers(["show"], "zz")
    for command in (["video", "show"], ["video", "merge"], ["video", "merge", "a"], ["video", "split"]):
        assert answers(command) == {identifier[:8]: "1 record" for identifier in video_ids.values()}, command
    assert set(answers(["video", "split", "a"])) == short


def test_topics_and_commands_to_get_help_on(shell_environment):
    found = answers(["help"])
    assert set(found) == {*TOPICS, *VERBS}
    assert found["environment"] == TOPICS["environment"][1]
    assert found["match"] == "Check whether any part of these files is a known video."
    assert set(answers(["help"], "ex")) == {"exit-codes", "explain", "export"}
    assert set(answers(["help", "trust"], "r")) == {"release", "remove", "rules"}
    assert answers(["help", "match"]) == answers(["help", "environment"]) == answers(["help", "nonsense"]) == {}


def test_feeds_organisations_and_entries_of_the_allow_list(shell_environment, own, samples, monkeypatch, tmp_path):
    from tests.exchange.companies import Company
    from vhashdb.exchange.listing import Policy

    acme = Company(tmp_path, "acme")
    acme.begins_to_publish().publish(policy=Policy("amber", "block", "desk"))
    root = tmp_path / "root.json"
    root.write_bytes(acme.feed.first_root)
    acme.close()
    monkeypatch.setenv("VHASHDB_DB", str(own))
    assert run("trust", "add", acme.feed.folder, "--root", root, "--member", "acme.example").code == 0
    assert run("allow", "add", samples / "unknown" / "train.mp4", "--reason", "an intro").code == 0
    (feed,) = answers(["sync"])
    assert answers(["sync"]) == answers(["trust", "level"]) == answers(["feed", "status"]) == {feed: "acme.example"}
    assert set(answers(["trust", "add", "x", "--member"])) == {"acme.example"}
    assert list(answers(["allow", "revoke"]).values()) == ["an intro"]
    assert run("trust", "remove", feed).code == 0
    assert answers(["sync"]) == {}


def test_the_database_of_the_flag_the_variable_and_the_file(shell_environment, known, ids, tmp_path, monkeypatch):
    monkeypatch.delenv("VHASHDB_DB")
    assert answers(["show"]) == {}
    assert len(answers(["show", "--db", str(known)])) == len(ids)
    config = tmp_path / "config" / "vhashdb" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'db = "{known}"\n')
    assert len(answers(["show"])) == len(ids)
    config.write_text("db = \n")
    assert answers(["show"]) == {}


def contents(folder):
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir() if path.is_file()}


def test_a_look_makes_locks_and_changes_nothing(shell_environment, own, tmp_path, monkeypatch):
    before = contents(own)
    monkeypatch.setenv("VHASHDB_DB", str(own))
    assert answers(["show"])
    assert contents(own) == before

    missing = tmp_path / "missing.vhdb"
    monkeypatch.setenv("VHASHDB_DB", str(missing))
    assert answers(["show"]) == {}
    assert not missing.exists()

    damaged = tmp_path / "damaged.vhdb"
    damaged.mkdir()
    (damaged / RECORDS_FILE).write_bytes(b"no database" * 1000)
    monkeypatch.setenv("VHASHDB_DB", str(damaged))
    assert answers(["show"]) == answers(["sync"]) == {}
    assert [path.name for path in damaged.iterdir()] == [RECORDS_FILE]


def test_what_somebody_is_writing_just_now_is_seen(own, film_of_noise):
    with vhashdb.open(own) as db:
        record = db.add(film_of_noise, labels=["new"])
        db.store.audit.log("match", record.id)
        assert (own / f"{RECORDS_FILE}-wal").stat().st_size
        assert completion_queries.labels(own, "new") == [("new", "1 record")]
        assert completion_queries.ids(own, record.id[:10]) == [(record.id, "new from local")]


@pytest.fixture
def film_of_noise():
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 256, (12, 32), np.uint8)
    start = np.arange(12) / 4
    quality, view = np.full(12, 100, np.uint8), np.zeros(12, np.uint16)
    return vhashdb.Fingerprint(AlgorithmId("pdq", 256, 1), start, start + 0.25, hashes, quality, view, duration_s=3.0)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A database of 100,000 records, without hashes."""
    path = tmp_path_factory.mktemp("large") / "large.vhdb"
    with vhashdb.create(path) as db:
        db.add(np.zeros((64, 64, 3), np.uint8), labels=["common"])
    with contextlib.closing(sqlite3.connect(path / RECORDS_FILE)) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(record)")]
        changed = {"number": "n.i + 1", "id": "lower(hex(randomblob(16)))", "change": "(SELECT max(change) FROM record) + n.i"}
        chosen = ", ".join(changed.get(name, f"record.{name}") for name in columns)
        connection.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
            f"INSERT INTO record ({', '.join(columns)}) SELECT {chosen} FROM n, record WHERE record.number = 1"
        )
        connection.execute("INSERT INTO label SELECT number, 'label-' || (number % 50) FROM record")
        connection.commit()
    return path


@pytest.mark.parametrize(("words", "last"), [(["show"], ""), (["show"], "4a"), (["list", "--label"], ""), (["match", "--source"], "")])
def test_a_hundred_thousand_records_take_less_than_half_a_second(words, last, shell_environment, large, monkeypatch):
    monkeypatch.setenv("VHASHDB_DB", str(large))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answers(words, last)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Processor time: how long a busy machine takes says nothing about the program.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5

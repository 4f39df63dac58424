"""`vhashdb feed`: from a database to a feed that a member accepts."""

import json
import os
import pty
import select
import shutil
from dataclasses import replace

import pytest

import vhashdb
from tests.exchange.companies import film
from tests.exchange.feeds import Consumer
from tests.fingerprints.strategies import random_sound

from .driver import run, spawn, start

PASSPHRASE = "correct horse battery staple"


@pytest.fixture
def feed(clean, monkeypatch):
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", PASSPHRASE)
    assert run("feed", "init", "acme-tvec", "--id", "acme-tvec").code == 0
    return clean / "acme-tvec"


@pytest.fixture
def member(feed, tmp_path):
    return Consumer(feed, (feed / "metadata" / "1.root.json").read_bytes(), tmp_path / "member")


def test_init_says_what_members_need(clean, monkeypatch):
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", PASSPHRASE)
    done = run("feed", "init", "a", "--id", "acme-tvec", "--json", "--root-keys", "3", "--root-threshold", "2", "--contact", "safety desk")
    (line,) = done.json
    assert (line["type"], line["feed"], line["seq"], line["policy"]["contact"]) == ("feed", "acme-tvec", 0, "safety desk")
    assert len(line["root_sha256"]) == 64
    assert sorted(path.name.partition("-")[0] for path in (clean / "a.keys").iterdir()) == ["online", "root", "root", "root", "targets"]
    root = json.loads((clean / "a" / "metadata" / "1.root.json").read_text())
    assert root["signed"]["roles"]["root"]["threshold"] == 2
    assert run("feed", "init", "a", "--id", "acme-tvec").code == 2
    assert run("feed", "init", "b", "--id", "Not An Id").code == 2


def test_publish_tells_what_is_new_and_nothing_twice(feed, member, own, ids):
    assert f"{len(ids)} events published" in run("feed", "publish", feed, "--db", own).out
    member.sync()
    assert set(member.state.records) == set(ids.values())
    assert run("feed", "publish", feed, "--db", own, "--json").json[0]["seq"] == len(ids)
    run("retract", "--db", own, ids["harbour"], "--reason", "x", "--code", "appeal")
    run("label", "--db", own, ids["valley"], "--add", "special")
    assert run("feed", "publish", feed, "--db", own).code == 0
    member.sync()
    assert member.said_of(ids["harbour"]).reason == "appeal"
    assert "special" in member.said_of(ids["valley"]).labels
    assert run("feed", "verify", feed).code == 0


def test_squares_are_published_only_if_told_to(feed, member, samples):
    assert run("init", "--squares").code == 0
    assert run("add", samples / "known" / "valley.mp4").code == 0
    assert run("feed", "publish", feed).code == 0
    member.sync()
    (identifier,) = member.state.records
    plain = member.said_of(identifier)
    run("label", identifier, "--add", "special")
    assert run("feed", "publish", feed, "--squares").code == 0
    member.sync()
    assert [[signal.alg for signal in each.signals] for each in (plain, member.said_of(identifier))] == [
        ["pdq", "sha256", "md5"],
        ["pdq", "pdq-squares", "sha256", "md5"],
    ]


def test_sound_is_published_unless_told_not_to(feed, member):
    with vhashdb.create("heard.vhdb") as db:
        identifier = db.add(replace(film(1), sound=random_sound(1, 240, 6.0))).id
    assert run("feed", "publish", feed, "--db", "heard.vhdb", "--no-sound").code == 0
    member.sync()
    plain = member.said_of(identifier)
    run("label", "--db", "heard.vhdb", identifier, "--add", "special")
    assert run("feed", "publish", feed, "--db", "heard.vhdb").code == 0
    member.sync()
    assert [[signal.alg for signal in each.signals] for each in (plain, member.said_of(identifier))] == [["pdq"], ["pdq", "landmarks"]]


def test_publish_erases(feed, member, own, ids):
    run("feed", "publish", feed, "--db", own)
    member.sync()
    run("retract", ids["valley"][:10], "--db", own, "--reason", "x", "--code", "legal", "--erase")
    done = run("feed", "publish", feed, "--db", own)
    assert done.code == 0, done
    member.sync()
    assert member.said_of(ids["valley"]).erase
    assert run("feed", "publish", feed, "--db", own, "--json").json[0]["seq"] == len(ids) + 1


def test_a_record_whose_words_may_not_leave_is_named(feed, own, samples):
    run("add", "--db", own, "--reason", "see www.site", samples / "unknown" / "balloons.mp4")
    done = run("feed", "publish", feed, "--db", own)
    assert done.code == 3
    assert "not published" in done.err
    assert "URL" in done.err


def test_heartbeat_compact_and_verify(feed, member, own, ids):
    run("feed", "publish", feed, "--db", own)
    assert run("feed", "heartbeat", feed).code == 0
    assert run("feed", "compact", feed, "--keep-events", "0").code == 0
    member.sync()
    assert len(member.rids) == len(ids)
    (line,) = run("feed", "verify", feed, "--json").json
    assert (line["records"], line["whole"], line["root_version"]) == (len(ids), False, 1)
    shown = run("feed", "verify", feed)
    assert "a member would accept it" in shown.out


def test_rotate_key(feed, member, own, ids):
    run("feed", "publish", feed, "--db", own)
    member.sync()
    for role in ("online", "targets", "root"):
        done = run("feed", "rotate-key", feed, role)
        assert done.code == 0, done
    assert run("feed", "rotate-key", feed, "targets", "--new-epoch", "--json").json[0]["epoch"] == 2
    head = member.sync()
    assert (head.epoch, head.position.root_version) == (2, 5)
    assert len(member.rids) == len(ids)
    assert run("feed", "rotate-key", feed, "root", "--drop", "zz").code == 2


def test_verify_says_which_rule_is_broken(feed, own):
    run("feed", "publish", feed, "--db", own)
    (segment,) = (feed / "targets" / "segments").iterdir()
    segment.write_bytes(b"swapped")
    done = run("feed", "verify", feed)
    assert done.code == 5
    assert "not the file that was signed" in done.err
    assert run("feed", "verify", feed.parent / "nothing").code == 5


def test_passphrases_from_a_file_or_the_terminal(clean, monkeypatch):
    (clean / "words").write_text(f"{PASSPHRASE}\n")
    assert run("feed", "init", "a", "--id", "a", "--passphrase-file", "words").code == 0
    assert run("feed", "heartbeat", "a", "--passphrase-file", "words").code == 0
    (clean / "words").write_text("another passphrase\n")
    done = run("feed", "heartbeat", "a", "--passphrase-file", "words")
    assert done.code == 2
    assert "cannot be unlocked" in done.err
    assert run("feed", "heartbeat", "a", "--passphrase-file", "none").code == 2
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", "short")
    assert "at least 12" in run("feed", "init", "b", "--id", "b").err
    monkeypatch.delenv("VHASHDB_FEED_PASSPHRASE")  # and there is no terminal to ask on
    for verb in (["init", "c", "--id", "c"], ["heartbeat", "a"]):
        done = run("feed", *verb)
        assert (done.code, "VHASHDB_FEED_PASSPHRASE" in done.err) == (2, True)


def test_a_passphrase_is_asked_for_without_showing_it(feed):
    ours, theirs = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if k != "VHASHDB_FEED_PASSPHRASE"}
    process = start("feed", "heartbeat", feed, stdin=theirs, stderr=theirs, env=environment, start_new_session=True)
    shown = b""
    try:
        while b"key: " not in shown:  # only then does the terminal not show what is typed
            assert select.select([ours], [], [], 30)[0]
            shown += os.read(ours, 1 << 12)
        os.write(ours, f"{PASSPHRASE}\n".encode())
        out, _ = process.communicate(timeout=30)
        while select.select([ours], [], [], 0)[0]:
            shown += os.read(ours, 1 << 12)
    finally:
        process.kill()
        process.communicate()
        os.close(theirs)
        os.close(ours)
    assert process.returncode == 0
    assert b"signed again" in out
    assert b"Passphrase of online-" in shown
    assert b"horse" not in shown


def test_missing_keys_are_named(feed, own):
    shutil.move(f"{feed}.keys", "away")
    done = run("feed", "publish", feed, "--db", own)
    assert done.code == 2
    assert "--keys" in done.err
    assert run("feed", "publish", feed, "--db", own, "--keys", "away").code == 0


def test_a_folder_that_is_no_feed(feed, own):
    (feed.parent / "empty").mkdir()
    done = run("feed", "publish", "empty", "--db", own, "--keys", f"{feed}.keys")
    assert done.code == 5
    assert "not a feed" in done.err
    assert spawn("feed", "heartbeat", "none", "--keys", f"{feed}.keys").code == 5

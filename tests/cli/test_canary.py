"""`vhashdb canary`: innocent videos of one's own hold what matches them, whoever it comes from and whichever way."""

import json

import pytest

import vhashdb

from .driver import run


@pytest.fixture
def db(tmp_path):
    path = tmp_path / "own.vhdb"
    assert run("init", path).code == 0
    return path


@pytest.fixture
def guarded(db, samples):
    done = run("canary", "add", samples / "known" / "valley.mp4", samples / "known" / "harbour.mp4", "--db", db, "--json")
    assert done.code == 0
    assert len(done.of_type("canary")) == 2
    return db


def imported(db, tmp_path, *paths):
    lines = [json.dumps({"id": path.stem, "fingerprint": json.loads(vhashdb.to_json(vhashdb.fingerprint(path)))}) for path in paths]
    (tmp_path / "list.jsonl").write_text("\n".join(lines) + "\n")
    return run("import", tmp_path / "list.jsonl", "--source", "acme", "--db", db, "--json").of_type("item")


def test_a_record_that_is_imported_and_matches_a_canary_is_held(guarded, samples, tmp_path):
    items = imported(guarded, tmp_path, *(samples / "edited" / f"{name}.mp4" for name in ("valley__mirror", "night_city__grey")))
    assert [(item["status"], item["reason"]) for item in items] == [("held", "it matches 1 of your innocent videos"), ("added", "")]
    assert "it matches 1 of your innocent videos" in run("review", "list", "--db", guarded).out
    assert run("canary", "stats", "--db", guarded, "--json").json[0]["held"] == 1


def test_canaries_are_listed_and_removed_and_never_published_as_allowed(guarded, samples):
    entries = run("canary", "list", "--db", guarded, "--json").of_type("canary")
    assert run("canary", "add", samples / "known" / "valley.mp4", "--db", guarded).out == "0 innocent videos added\n"
    assert run("allow", "list", "--db", guarded).out == "the lists are empty\n"
    assert run("canary", "remove", entries[0]["entry"][:8], "--db", guarded).code == 0
    assert run("canary", "remove", entries[0]["entry"][:8], "--db", guarded).code == 2
    assert len(run("canary", "list", "--db", guarded).out.splitlines()) == 1
    assert run("allow", "revoke", entries[1]["entry"][:8], "--db", guarded).code == 2


def test_a_file_that_cannot_be_read_is_said_and_the_others_are_added(db, samples, tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    done = run("canary", "add", tmp_path / "broken.mp4", samples / "known" / "valley.mp4", "--db", db)
    assert done.code == 3
    assert "broken.mp4" in done.err
    assert done.out.endswith("1 innocent video added\n")

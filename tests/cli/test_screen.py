"""What a moderator sees on a terminal, held against golden files; the words that only programs read are in `test_match.py`."""

import dataclasses
import os
import shutil

import pytest

import vhashdb
from tests.exchange.companies import Company
from vhashdb.exchange.listing import Policy

from .driver import run
from .terminal import assert_golden, on_terminal

LONG = "compilation-of-everything-that-was-posted-in-the-channel-between-monday-and-wednesday__final__v2.vhfp"
NOT_UTF8 = os.fsdecode(b"caf\xe9 noir.vhfp")
WIDE = "監視カメラの映像_二〇二六年十一月二十日_午後三時から午後五時まで_駅前広場_その二_複製の複製_転載禁止.vhfp"


@pytest.fixture(scope="session")
def desk(samples, tmp_path_factory):
    """A moderator's folder: a database with records of every standing, and uploads that get every verdict."""
    place = tmp_path_factory.mktemp("desk")
    acme = Company(place, "acme")
    acme.begins_to_publish().publish(policy=Policy("amber", "block", "safety desk"))
    acme.db.add(samples / "known" / "valley.mp4", details=vhashdb.Details(("graphic-violence", "tvec"), reason="attack of 12 May"))
    acme.publishes()
    (place / "root.json").write_bytes(acme.feed.first_root)
    acme.close()
    db = place / "work" / "vhash.vhdb"
    db.parent.mkdir()
    _must("init", db)
    _must("trust", "add", acme.feed.folder, "--root", place / "root.json", "--member", "acme.example", "--db", db)
    _must("sync", "--db", db)
    (valley,) = run("list", "--json", "--db", db).json
    _must("opinion", valley["record"], "--verdict", "false_positive", "--reason", "a trailer", "--db", db)
    _must("allow", "add", samples / "known" / "night_city.mp4", "--reason", "intro of the evening news", "--db", db)
    harm = ("--label", "graphic-violence", "--reason", "perpetrator-produced")
    _must("add", *harm, "--max-action", "block", samples / "known" / "harbour.mp4", "--db", db)
    _must("add", "--label", "child-safety", samples / "known" / "playground.mp4", "--db", db)
    for name, sources in (("night_city", ("partner",)), ("playground", ("bold", "calm", "dear", "even"))):
        _must("hash", "--format", "vpdq", "-o", place / f"{name}.txt", samples / "known" / f"{name}.mp4")
        for source in sources:
            _must("import", "--source", source, *harm, place / f"{name}.txt", "--db", db)
    _uploads(db.parent, samples)
    return db.parent


def _must(*arguments):
    done = run(*arguments)
    assert done.code == 0, done


def _uploads(folder, samples):
    for name in ("harbour__insert", "harbour__speed125", "valley__mirror", "night_city__crop", "playground__logo"):
        _must("hash", "--views", "query", "--format", "binary", "-o", folder / f"{name}.vhfp", samples / "edited" / f"{name}.mp4")
    insert = vhashdb.from_bytes((folder / "harbour__insert.vhfp").read_bytes())
    dark = (insert.start_s > 8.5) | ((insert.start_s > 5) & (insert.start_s < 6))
    quality = insert.quality.copy()
    quality[dark] = 0
    (folder / "partly dark.vhfp").write_bytes(vhashdb.to_bytes(dataclasses.replace(insert, quality=quality)))
    shutil.copy(samples / "known" / "harbour.mp4", folder / "the same.mp4")
    shutil.copy(samples / "still.png", folder / "still.png")
    for name in ("balloons", "dark_room"):
        shutil.copy(samples / "unknown" / f"{name}.mp4", folder / f"{name}.mp4")
    for name in (LONG, NOT_UTF8, WIDE):
        shutil.copy(folder / "valley__mirror.vhfp", folder / name)
    (folder / "notes.mp4").write_text("this is no video\n" * 50)


@pytest.fixture
def at_desk(desk, monkeypatch):
    """The moderator's folder, as the one to work in."""
    monkeypatch.chdir(desk)
    return desk


def uploads():
    """All of them, in an order that no file system changes."""
    return sorted(name for name in os.listdir() if name != "vhash.vhdb")


@pytest.mark.parametrize(("golden", "options"), [
    ("match-80", {"width": 80}),
    ("match-120", {"width": 120}),
    ("match-80-ascii", {"width": 80, "locale": "C"}),
])  # fmt: skip
def test_match(at_desk, golden, options):
    screen = on_terminal("match", *uploads(), **options)
    assert screen.code == 10
    assert screen.widest <= options["width"]
    assert_golden(golden, screen.normalised())

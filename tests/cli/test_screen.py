"""What a moderator sees on a terminal, held against golden files; the words that only programs read are in `test_match.py`."""

import dataclasses
import os
import re
import shutil
import subprocess
import time

import pytest
from rich.cells import cell_len
from vhashdb_cli.screen.answers import SHORT_RUN, quoted
from vhashdb_cli.screen.screen import Screen

import vhashdb
from tests.exchange.companies import Company
from vhashdb.exchange.listing import Policy

from .driver import run
from .terminal import assert_golden, on_terminal

JARGON = re.compile(
    r"\b(quer(y|ies)|reference|segments?|hash(es)?|embedding|threshold|nats|pdq|index|fingerprints?|frames?)\b", re.IGNORECASE
)
"""Words of those who built it."""
LONG = "compilation-of-everything-that-was-posted-in-the-channel-between-monday-and-wednesday__final__v2.vhfp"
NOT_UTF8 = os.fsdecode(b"caf\xe9 noir.vhfp")
WIDE = "監視カメラの映像_二〇二六年十一月二十日_午後三時から午後五時まで_駅前広場_その二_複製の複製_転載禁止.vhfp"


@pytest.fixture(scope="session")
def desk(samples, tmp_path_factory):
    """A moderator's folder: a database with records of every standing, and uploads that get every verdict."""
    place = tmp_path_factory.mktemp("desk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOGNAME", "mo")
        _build(place, samples)
    return place / "work"


def _build(place, samples):
    acme = Company(place, "acme")
    acme.begins_to_publish().publish(policy=Policy("amber", "block", "safety desk"))
    acme.db.add(samples / "known" / "valley.mp4", details=vhashdb.Details(("graphic-violence", "tvec"), reason="attack of 12 May"))
    acme.db.add(samples / "known" / "night_city.mp4", labels=["tvec"], reason="a march at night")
    acme.publishes()
    (place / "root.json").write_bytes(acme.feed.first_root)
    acme.close()
    db = place / "work" / "vhash.vhdb"
    db.parent.mkdir()
    _must("init", db)
    _must("trust", "add", acme.feed.folder, "--root", place / "root.json", "--member", "acme.example", "--db", db)
    _must("allow", "add", samples / "known" / "night_city.mp4", "--reason", "intro of the evening news", "--db", db)
    _must("sync", "--db", db)
    _tick()
    (valley,) = run("list", "--json", "--label", "graphic-violence", "--db", db).json
    _must("opinion", valley["record"], "--verdict", "false_positive", "--reason", "a trailer", "--db", db)
    harm = ("--label", "graphic-violence", "--reason", "perpetrator-produced")
    _must("add", *harm, "--max-action", "block", samples / "known" / "harbour.mp4", "--db", db)
    _must("add", "--label", "child-safety", samples / "known" / "playground.mp4", "--db", db)
    _must("hash", "--format", "vpdq", "-o", place / "playground.txt", samples / "known" / "playground.mp4")
    for source in ("bold", "calm", "dear", "even"):
        _must("import", "--source", source, *harm, place / "playground.txt", "--db", db)
    _uploads(db.parent, samples)


def _tick():
    """Wait for another second: what waits for a person is ordered by it."""
    now = int(time.time())
    while int(time.time()) == now:
        time.sleep(0.02)


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
def at_desk(desk, clean, monkeypatch):
    """A copy of the moderator's folder, as the one to work in: a match is an entry in the record's history."""
    monkeypatch.setenv("LOGNAME", "mo")
    monkeypatch.chdir(shutil.copytree(desk, clean / "desk"))


def uploads():
    """All of them, in an order that no file system changes."""
    return sorted(name for name in os.listdir() if name != "vhash.vhdb")


@pytest.mark.parametrize(("golden", "options"), [
    ("match-80", {"width": 80}),
    ("match-120", {"width": 120}),
    ("match-100-ascii", {"width": 100, "locale": "C"}),
])  # fmt: skip
def test_match(at_desk, golden, options):
    films = uploads() if options["width"] == 80 else [name for name in uploads() if name.endswith(".vhfp")]
    screen = on_terminal("match", *films, **options)
    assert screen.code == 10
    assert screen.widest <= options["width"]
    assert not JARGON.search(screen.text)
    assert_golden(golden, screen.normalised())


def test_after_many_files_what_is_to_be_looked_at_is_listed_again(at_desk):
    """What presses most first, then what nothing can be said of; after few files it is still in sight."""
    open_ones, rest = ["dark_room.mp4", "still.png", LONG], ["balloons.mp4"] * (SHORT_RUN - 3)
    assert "verdict " not in on_terminal("match", *open_ones, *rest).text
    screen = on_terminal("match", *open_ones, *rest, "harbour__insert.vhfp", width=80)
    assert screen.widest <= 80
    assert "to look at, by verdict, then severity, label, share of the file that matched" in " ".join(screen.lines)
    table = screen.text[screen.text.index("verdict ") :].splitlines()[2:7]
    assert [line.split("  ")[0] for line in table] == ["MATCH", "MATCH", "POSSIBLE", "INSUFFICIENT", ""]
    assert "still.png" in table[2] and "dark_room.mp4" in table[3]
    assert "harbour__insert.vhfp" in "".join(table[:2])


def record_of(source):
    return run("list", "--json", "--source", source, "--db", "vhash.vhdb").json[0]["record"]


COMMANDS = {
    "list": ("list",),
    "show": ("show", "{acme-feed}"),
    "info": ("info",),
    "review-list": ("review", "list"),
    "compare": ("compare", "partly dark.vhfp", "the same.mp4"),
    "compare-nothing": ("compare", "valley__mirror.vhfp", "the same.mp4"),
    "explain": ("explain", "harbour__speed125.vhfp", "{local}"),
}


@pytest.mark.parametrize(("name", "width"), [*((name, 80) for name in COMMANDS), ("list", 120), ("explain", 120)])
def test_the_other_verbs(at_desk, name, width):
    arguments = [record_of(word[1:-1])[:8] if word.startswith("{") else word for word in COMMANDS[name]]
    screen = on_terminal(*arguments, width=width)
    assert screen.widest <= width
    assert_golden(f"{name}-{width}", screen.normalised())


def test_a_table_without_the_characters_for_lines(at_desk):
    screen = on_terminal("list", locale="C")
    assert screen.raw.isascii()
    assert_golden("list-80-ascii", screen.normalised())


def test_add_shortens_names_and_breaks_reasons_between_words(desk, clean, samples):
    run("init")
    (clean / ("a very long name of " * 6 + "a film.mp4")).symlink_to(samples / "known" / "valley.mp4")
    (clean / "notes.mp4").write_text("this is no video\n" * 50)
    shutil.copy(desk / WIDE, clean)
    screen = on_terminal("add", "--label", "graphic-violence", *sorted(os.listdir()))
    assert screen.code == 3
    assert screen.widest <= 80
    assert_golden("add-80", screen.normalised())


def test_a_command_that_is_broken_can_still_be_pasted(clean, monkeypatch, capfd):
    monkeypatch.setenv("COLUMNS", "50")
    words = [
        "printf",
        "'%s\\n'",
        *(quoted(name) for name in ("a film.mp4", "it's.mp4", NOT_UTF8, "line\nbreak.mp4", "\x1b[2J.mp4", "$HOME")),
    ]
    Screen().command(words, indent=2)
    text = capfd.readouterr().out
    assert len(text.splitlines()) > 1
    assert all(len(line) <= 50 for line in text.splitlines())
    out = subprocess.run(["bash", "-c", text], capture_output=True, check=True).stdout
    assert out == b"a film.mp4\nit's.mp4\ncaf\xe9 noir.vhfp\nline\nbreak.mp4\n\x1b[2J.mp4\n$HOME\n"


def test_long_names_keep_both_ends():
    screen = Screen()
    for name, most in (("a-long-name.mp4", 12), (LONG, 40), (WIDE, 41)):
        short = screen.shortened(name, most)
        assert most - 2 <= cell_len(short) <= most
        assert (short[:3], short[-4:]) == (name[:3], name[-4:])
        assert screen.fit("…") in short
    assert screen.shortened("short.mp4", 9) == "short.mp4"

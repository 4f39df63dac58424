"""Progress in a pseudo-terminal: what it shows, that it goes away, and Ctrl-C while it is there."""

import re

import vhashdb
from tests.exchange.feeds import Feed, put

from .driver import run
from .terminal import Terminal, on_terminal

SHOWN = re.compile(r"\d+/\d+ +(?:\d+\.\d files/s|\d+\.\d s a file) +\d+:\d\d:\d\d left +\d\d\.mp4$", re.MULTILINE)


def test_match_shows_rate_time_left_and_the_file_under_way_and_ctrl_c_cleans_up(known, many):
    films = [str(film) for film in sorted(many.iterdir())] * 12
    with Terminal("match", "--db", known, *films, width=80) as terminal:
        during = terminal.wait_for(SHOWN)
        assert not during.cursor_shown
        terminal.send("\x03")
        screen = terminal.end()
        assert terminal.as_before
    assert screen.code == 130
    assert screen.cursor_shown
    assert screen.widest <= 80
    assert not SHOWN.search(screen.text)
    summary = next(line for line in screen.lines if " files: " in line or line.startswith("1 file: "))
    done = int(summary.split()[0])
    assert sum(line.startswith("NO MATCH  ") for line in screen.lines) == done
    assert 0 < done < len(films)
    assert "exit 130" in screen.text
    assert screen.lines[-2] == f"error: interrupted: {done} of {len(films)} files checked"
    assert screen.lines[-1].startswith("hint: ")
    assert "Traceback" not in screen.text


def test_add_shows_it_and_ctrl_c_loses_nothing(many):
    run("init")
    with Terminal("add", "--workers", "2", many, width=80) as terminal:
        terminal.wait_for(SHOWN)
        terminal.wait_for(r"ADDED(.|\n)*ADDED")
        terminal.send("\x03")
        screen = terminal.end()
        assert terminal.as_before
    assert (screen.code, screen.cursor_shown) == (130, True)
    assert "hint: nothing is lost; run the same command again to go on" in screen.text
    said = set(re.findall(r"ADDED  rec ([0-9a-f]{8})", screen.text))
    assert len(said) >= 2
    with vhashdb.open("vhash.vhdb") as db:
        assert said <= {record.short_id for record in db.records()}
        assert not db.check().problems


def test_import_shows_bytes(clean):
    run("init")
    lines = [f"md5 {number:032x}\n" for number in range(3000)]
    (clean / "list.txt").write_text("".join(lines))
    with Terminal("import", "list.txt") as terminal:
        terminal.wait_for(r"\d[.\d]*/1\d\d\.\d kB +\d+\.\d [kM]B/s .* list\.txt")
        screen = terminal.end()
    assert screen.code == 0
    assert "list.txt  signals: 3,000 added" in screen.text
    assert screen.cursor_shown


def test_sync_shows_feeds(tmp_path, clean):
    run("init")
    for name in ("calm", "dear"):
        (tmp_path / name).mkdir()
        feed = Feed(tmp_path / name, f"{name}-feed")
        feed.publish(put(1))
        (tmp_path / f"{name}.json").write_bytes(feed.first_root)
        assert run("trust", "add", feed.folder, "--root", tmp_path / f"{name}.json").code == 0
    screen = on_terminal("sync")
    assert screen.code == 0
    assert b"0/2" in screen.raw
    assert screen.lines == ["calm-feed  events 1 to 1: 1 added", "dear-feed  events 1 to 1: 1 added"]


def test_words_alone_say_everything_and_progress_is_only_where_it_is_wanted(known, samples, clean):
    assert run("hash", "--views", "query", "--format", "binary", "-o", "a.vhfp", samples / "edited" / "valley__mirror.mp4").code == 0
    dumb = on_terminal("match", "--db", known, "a.vhfp", term="dumb")
    quiet = on_terminal("match", "--db", known, "a.vhfp", "--quiet", no_colour=True)
    rich = on_terminal("match", "--db", known, "a.vhfp")
    assert rich.coloured
    assert b"0/1" in rich.raw
    for plain in (dumb, quiet):
        assert b"\x1b" not in plain.raw
        assert b"0/1" not in plain.raw
        assert plain.text == rich.text

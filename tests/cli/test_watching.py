"""`vhashdb match --watch`: every finished file once, whatever happens in between."""

import json
import os
import shutil
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vhashdb_cli.watching import Settling, WatchedFolder, memory_path

from tests.examples import long
from vhashdb.errors import UsageError

from .driver import run, start

SETTLE_S = 0.2


# -- the rule, without a clock and without files -----------------------------------------------------


def test_a_file_settles_when_it_does_not_change():
    settling = Settling(2.0)
    assert settling.finished({"a": "1"}, 0.0) == []
    assert settling.finished({"a": "1"}, 1.9) == []
    assert settling.finished({"a": "1"}, 2.0) == ["a"]
    assert settling.finished({"a": "1"}, 9.0) == []


def test_a_file_that_grows_begins_anew():
    settling = Settling(2.0)
    for now_s in range(10):
        assert settling.finished({"a": str(now_s)}, now_s) == []
    assert settling.finished({"a": "9"}, 11.0) == ["a"]


def test_what_is_done_is_not_given_again_under_another_name():
    settling = Settling(1.0)
    settling.finished({"a": "1"}, 0.0)
    assert settling.finished({"a": "1"}, 1.0) == ["a"]
    assert settling.done("a") == "1"
    settling.finished({"b": "1"}, 2.0)
    assert settling.finished({"b": "1"}, 5.0) == []


def test_a_file_that_changed_while_it_was_matched_is_given_again():
    settling = Settling(1.0)
    settling.finished({"a": "1"}, 0.0)
    assert settling.finished({"a": "1"}, 1.0) == ["a"]
    assert settling.finished({"a": "2"}, 2.0) == []
    assert settling.done("a") is None
    assert settling.finished({"a": "2"}, 3.0) == ["a"]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from("123"), max_size=3), max_size=30))
def test_nothing_is_given_before_it_settled_nor_once_it_was_dealt_with(looks):
    settling, done, history = Settling(2.0), set(), []
    for now_s, files in enumerate(looks):
        history.append(files)
        ready = settling.finished(files, float(now_s))
        for path in ready:
            assert [earlier.get(path) for earlier in history[-3:]] == [files[path]] * 3
            assert files[path] not in done
        done |= {settling.done(path) for path in ready}


# -- a real folder -----------------------------------------------------------------------------------


@pytest.fixture
def uploads(clean):
    path = clean / "uploads"
    path.mkdir()
    return path


def watched(uploads, count, *, memory):
    """The names of the next ``count`` files, each dealt with."""
    folder, names = WatchedFolder(uploads, memory, settle_s=SETTLE_S), []
    for path in folder:
        names.append(os.path.basename(path))
        folder.done(path)
        if len(names) == count:
            folder.close()
            return names
    return None


def test_files_are_given_once_over_two_runs(uploads, clean):
    for name in ("a.mp4", "b.mp4", "notes.txt"):
        (uploads / name).write_text(name)
    assert watched(uploads, 2, memory=clean / "memory") == ["a.mp4", "b.mp4"]
    (uploads / "c.mp4").write_text("c")
    (uploads / "a.mp4").rename(uploads / "moved.mp4")
    assert watched(uploads, 1, memory=clean / "memory") == ["c.mp4"]
    (uploads / "b.mp4").write_text("other content")
    assert watched(uploads, 1, memory=clean / "memory") == ["b.mp4"]


def test_a_file_that_is_being_written_is_waited_for(uploads, clean):
    ended = []

    def write():
        with open(uploads / "slow.mp4", "wb") as file:
            for _ in range(20):
                file.write(b"x" * 1000)
                file.flush()
                time.sleep(SETTLE_S / 4)
        ended.append(time.monotonic())

    writer = threading.Thread(target=write)
    writer.start()
    assert watched(uploads, 1, memory=clean / "memory") == ["slow.mp4"]
    assert ended and (uploads / "slow.mp4").stat().st_size == 20_000
    writer.join()


def test_hidden_and_unfinished_names_wait_for_their_last_name(uploads, clean):
    for name in (".hidden.mp4", "video.mp4.part", "video.mp4.crdownload"):
        (uploads / name).write_text("x")
    (uploads / "video.mp4").write_text("y")
    assert watched(uploads, 1, memory=clean / "memory") == ["video.mp4"]


def test_a_torn_line_of_the_memory_is_cut_off(uploads, clean):
    (uploads / "a.mp4").write_text("a")
    watched(uploads, 1, memory=clean / "memory")
    whole = (clean / "memory").read_bytes()
    (clean / "memory").write_bytes(whole + b"0123")
    (uploads / "b.mp4").write_text("b")
    assert watched(uploads, 1, memory=clean / "memory") == ["b.mp4"]
    lines = (clean / "memory").read_text().splitlines()
    assert len(lines) == 2 and lines[0].encode() + b"\n" == whole


def test_only_one_program_watches_with_one_memory(uploads, clean):
    folder = WatchedFolder(uploads, clean / "memory")
    with pytest.raises(UsageError, match="another program watches"):
        WatchedFolder(uploads, clean / "memory")
    folder.close()
    WatchedFolder(uploads, clean / "memory").close()


def test_the_memory_holds_no_name(uploads, clean):
    (uploads / "person.mp4").write_text("a")
    watched(uploads, 1, memory=clean / "memory")
    assert "person" not in (clean / "memory").read_text()
    assert "uploads" not in memory_path(uploads, clean).name


# -- the command -------------------------------------------------------------------------------------


def lines_until(process, verdicts):
    """JSON lines until so many verdicts were printed."""
    lines = []
    while sum(line["type"] == "file" for line in lines) < verdicts or (lines and lines[-1]["type"] != "match"):
        lines.append(json.loads(process.stdout.readline()))
        if lines[-1]["type"] == "file" and not lines[-1]["matches"] and sum(line["type"] == "file" for line in lines) >= verdicts:
            break
    return lines


def page_of(path):
    """The page, as soon as it is written."""
    until = time.monotonic() + 30
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return path.read_text()


@pytest.mark.parametrize(("ending", "code"), [pytest.param(signal.SIGINT, 130, marks=long), (signal.SIGTERM, 0)])
def test_watching_survives_restarts_and_matches_nothing_twice(known, samples, uploads, ending, code):
    page = uploads.parent / "page.html"
    command = ("match", "--db", str(known), "--json", "--workers", "1", "--watch", str(uploads), "--report", str(page))
    shutil.copy(samples / "unknown" / "train.mp4", uploads)
    process = start(*command)
    try:
        first = lines_until(process, 1)
        meanwhile = page_of(page)
        shutil.copy(samples / "edited" / "valley__mirror.mp4", uploads)
        second = lines_until(process, 1)
        process.send_signal(ending)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert [(line["path"], line["verdict"]) for line in first] == [(str(uploads / "train.mp4"), "no-match")]
    assert [line["verdict"] for line in second if line["type"] == "file"] == ["match"]
    assert process.returncode == code
    assert "Files are still being checked." in meanwhile and "train.mp4" in meanwhile
    assert "Files are still being checked." not in page.read_text() and "valley__mirror.mp4" in page.read_text()
    summary = json.loads(out.splitlines()[-1])
    assert (summary["type"], summary["files"], summary["matches"], summary["interrupted"]) == ("summary", 2, 1, code == 130)
    assert b"watching" in err and b"(0 files matched before)" in err and (b"go on" in err) == (code == 130)

    shutil.copy(samples / "unknown" / "balloons.mp4", uploads)
    process = start(*command)
    try:
        third = lines_until(process, 1)
        process.send_signal(ending)
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert [line["path"] for line in third if line["type"] == "file"] == [str(uploads / "balloons.mp4")]


def test_files_beside_a_watched_folder_are_a_usage_error(known, uploads):
    for more in (["a.mp4"], ["--list", "-"], ["--since", "1h"]):
        done = run("match", "--db", known, "--watch", uploads, *more)
        assert done.code == 2 and "--watch" in done.err
    assert run("match", "--db", known, "--watch-memory", "m", "a.mp4").code == 2


def test_watching_what_is_no_folder_is_a_usage_error(known, uploads):
    done = run("match", "--db", known, "--watch", uploads / "nowhere")
    assert done.code == 2 and "is no folder" in done.err and "hint" in done.err

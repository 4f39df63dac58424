"""`vhashdb match --report`: a page beside what is printed."""

import re
import shutil
import signal

import pytest

from .driver import run, start


@pytest.fixture
def at(known, monkeypatch):
    """Matching against the database of the known films."""
    monkeypatch.setenv("VHASHDB_DB", str(known))
    return lambda *arguments: run("match", *arguments)


def head(path):
    return re.search(r"<h1>(.*?)</h1>", path.read_text(encoding="utf-8"))[1]


def test_a_page_is_written_beside_what_is_printed(at, samples, not_media, clean):
    plain = at(samples / "edited" / "valley__clip.mp4", not_media)
    done = at("--report", "page.html", samples / "edited" / "valley__clip.mp4", not_media)
    assert (done.code, done.out) == (plain.code, plain.out) and done.code == 10
    assert done.err.endswith(f"report: {clean / 'page.html'}\n")
    assert head(clean / "page.html") == "What 2 files matched"
    text = (clean / "page.html").read_text(encoding="utf-8")
    assert "valley__clip.mp4" in text
    assert "notes.mp4" in text
    assert "Stopped early" not in text
    assert "<img" not in text


def test_quiet_and_json_do_not_change_what_they_print(at, samples, clean):
    done = at("--quiet", "--json", "--report", "page.html", samples / "unknown" / "train.mp4")
    assert [line["type"] for line in done.json] == ["file", "summary"]
    assert done.err == ""
    assert head(clean / "page.html") == "What 1 file matched"


def test_which_records_counted_and_the_effort_are_in_the_page(at, samples, clean):
    assert at("--effort", "fast", "--label", "graphic-violence", "--report", "page.html", samples / "unknown" / "train.mp4").code == 0
    text = (clean / "page.html").read_text(encoding="utf-8")
    assert "label graphic-violence" in text
    assert "effort fast" in text


def test_pictures_only_when_they_are_asked_for(at, samples, clean):
    film = samples / "edited" / "valley__clip.mp4"
    at("--report", "page.html", "--thumbnails", film)
    obscured = (clean / "page.html").read_text(encoding="utf-8")
    assert obscured.count("<img ") == 3
    assert "small, grey and blurred" in obscured
    at("--report", "page.html", "--thumbnails", "--clear-thumbnails", film)
    clear = (clean / "page.html").read_text(encoding="utf-8")
    assert clear.count("<img ") == 3
    assert "not blurred, as was asked for" in clear


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--report", "no/page.html"), "there is no folder no"),
        (("--report", "."), "a report is written as .html"),
        (("--report", "valley.mp4"), "a report is written as .html"),
        (("--thumbnails",), "--thumbnails is for --report"),
        (("--report", "page.html", "--clear-thumbnails"), "--clear-thumbnails is for --thumbnails"),
    ],
)
def test_what_cannot_be_written_is_said_before_any_file_is_read(arguments, complaint, at, samples, clean):
    # A name that is no file would give an error of its own if it were looked at.
    done = at(*arguments, "nothing.mp4")
    assert done.code == 2
    assert complaint in done.err
    assert done.out == ""
    assert list(clean.iterdir()) == []


def test_after_ctrl_c_the_page_has_what_was_done_and_says_so(known, samples, clean):
    shutil.copytree(samples / "edited", clean / "many")
    films = [str(path) for path in sorted((clean / "many").iterdir())] * 40
    with start("match", "--db", str(known), "--workers", "1", "--report", "page.html", *films) as process:
        for _ in range(3):
            assert process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"report: " in err
    text = (clean / "page.html").read_text(encoding="utf-8")
    assert "Stopped early." in text
    told = int(re.search(r"What ([\d,]+) files? matched", text)[1])
    assert 1 <= told < len(films)
    assert f"{told} of {len(films)} files checked" in err.decode() or f"{told + 1} of {len(films)} files checked" in err.decode()


def test_what_was_written_before_stays_if_the_page_cannot_be_written(at, samples, clean, monkeypatch):
    (clean / "page.html").write_text("before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    done = at("--report", "page.html", samples / "unknown" / "train.mp4")
    assert done.code == 2
    assert "page.html cannot be written: No space left on device" in done.err
    assert "NO MATCH" in done.out
    assert (clean / "page.html").read_text() == "before"
    assert [path.name for path in clean.iterdir()] == ["page.html"]

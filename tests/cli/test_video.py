"""`video list`, `show`, `merge`, `split` and `update`, as somebody types them."""

import shutil

import pytest

from .driver import run
from .terminal import on_terminal


@pytest.fixture(scope="module")
def copies(untouched, samples, tmp_path_factory):
    """The known sample films, and a mirrored copy and a clip of one of them under another label."""
    path = shutil.copytree(untouched, tmp_path_factory.mktemp("video") / "copies.vhdb")
    films = [samples / "edited" / f"valley__{name}.mp4" for name in ("mirror", "clip")]
    assert run("add", "--db", path, "--label", "tvec", "--severity", "high", *films).code == 0
    return path


@pytest.fixture
def db(copies, tmp_path, monkeypatch):
    """A copy of it to write to, which is the database of the commands."""
    path = shutil.copytree(copies, tmp_path / "own.vhdb")
    monkeypatch.setenv("VHASHDB_DB", str(path))
    return path


def listed(*options):
    return run("video", "list", "--json", *options).json


def test_list_has_those_of_most_records_first(db, ids, video_ids):
    head, *rows = run("video", "list").lines
    assert head.split("\t") == ["video", "records", "severity", "labels", "sources", "disagreements"]
    assert rows[0].split("\t") == [
        video_ids["valley"][:8], "3", "high", "graphic-violence, tvec", "local", "labels: tvec (2); graphic-violence (1)",
    ]  # fmt: skip
    assert [row.split("\t")[:2] for row in rows[1:]] == [[video_ids[name][:8], "1"] for name in ids if name != "valley"]
    assert [line["video"] for line in listed("--at-least", "2")] == [video_ids["valley"]]
    assert len(listed("--limit", "3")) == 3


def test_show_says_what_each_record_is_of_it(db, ids, video_ids):
    done = run("video", "show", video_ids["valley"][:6])
    assert done.lines[0] == f"video {video_ids['valley']}"
    assert "3 records, 2 editions" in done.lines
    first, mirrored, clip = [line.split() for line in done.lines if line.startswith("  rec ")]
    assert first[:5] == ["rec", ids["valley"][:8], "edition", "1", "copy"]
    assert mirrored[2:5] == ["edition", "1", "copy"]
    assert clip[2:6] == ["edition", "2", "clip", "00:00:04.0"]
    (line,) = run("video", "show", video_ids["valley"].upper(), "--json").json
    assert [each["role"] for each in line["records"]] == ["whole", "whole", "clip"]
    assert (line["severity"], line["max_action"], line["labels"]) == ("high", "review", ["graphic-violence", "tvec"])
    assert line == listed("--limit", "1")[0]


def test_on_a_terminal_it_fits(db, video_ids):
    for arguments in (["list"], ["show", video_ids["valley"]]):
        screen = on_terminal("video", *arguments, width=80)
        assert screen.code == 0
        assert screen.widest <= 80
        assert video_ids["valley"][:8] in screen.text


def test_a_record_names_its_video(db, ids, video_ids):
    assert run("show", ids["valley"], "--json").json[0]["videos"] == [video_ids["valley"]]
    assert f"videos         {video_ids['valley']}" in run("show", ids["valley"]).lines
    assert [line["videos"] for line in run("list", "--label", "tvec", "--json").json] == [[video_ids["valley"]]] * 2


def test_videos_that_were_merged_have_the_id_of_the_first(db, video_ids):
    one, other = video_ids["harbour"], video_ids["playground"]
    done = run("video", "merge", one[:8], other[:8], "--reason", "the same event")
    assert done.out == f"video {one[:8]}  2 records\n"
    (line,) = run("video", "show", other, "--json").json
    assert line["video"] == one
    (entry,) = [each for each in run("audit", "--json").json if each["action"] == "merge-videos"]
    assert entry["details"] == {"video": one, "other": other, "reason": "the same event"}
    again = run("video", "merge", one, other)
    assert again.code == 2
    assert "is the video" in again.err
    assert "`vhashdb video list` shows the ids" in again.err


def test_records_that_were_split_off_are_a_video_of_their_own_until_merged(db, ids, video_ids):
    clip = run("video", "show", video_ids["valley"], "--json").json[0]["records"][2]["record"]
    left, taken = run("video", "split", video_ids["valley"], clip[:8], "--reason", "a report", "--json").json
    assert (left["video"], len(left["records"])) == (video_ids["valley"], 2)
    assert [each["record"] for each in taken["records"]] == [clip]
    assert run("video", "update").code == 0
    assert [len(line["records"]) for line in listed("--limit", "2")] == [2, 1]
    done = run("video", "merge", video_ids["valley"], taken["video"])
    assert done.out == f"video {video_ids['valley'][:8]}  3 records\n"


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["show", "ffffffff"], "no video has the id 'ffffffff'", "`vhashdb video list` shows the ids"),
        (["show", ""], "no video has the id ''", "`vhashdb video list` shows the ids"),
        (["merge", "{valley}", "ffffffff"], "no video has the id 'ffffffff'", "`vhashdb video list` shows the ids"),
        (["split", "{valley}", "{harbour_record}"], "is not of the video", "`vhashdb video show` lists its records"),
        (["split", "{harbour}", "{harbour_record}"], "no record of the video would be left", "name only those that do not belong to it"),
        (["split", "{valley}", "ffffffff"], "no record has the id 'ffffffff'", "`vhashdb list` shows the ids"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(arguments, error, hint, db, ids, video_ids):
    before = listed()
    done = run("video", *(each.format(**video_ids, harbour_record=ids["harbour"]) for each in arguments))
    assert done.code == 2
    assert error in done.err
    assert hint in done.err
    assert listed() == before


def test_update_groups_nothing_twice(db):
    assert run("video", "update").out == "0 records grouped; 4 videos in all\n"
    assert run("video", "update", "--json").json == [{"type": "videos", "grouped": 0, "videos": 4}]

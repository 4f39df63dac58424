"""`vhashdb add`: what was recorded, and what was not."""

import json
import shutil

import pytest

import vhashdb

from .driver import run


@pytest.fixture
def empty(clean):
    run("init")
    return clean / "vhash.vhdb"


def test_json_lines(built, known):
    _, done = built
    assert [line["type"] for line in done.json] == ["record"] * 4 + ["summary"]
    for line in done.of_type("record"):
        assert {"path", "record", "status", "near", "labels", "duration_s"} <= line.keys()
        assert line["status"] == "added"
        assert line["labels"] == ["graphic-violence"]
    summary = done.json[-1]
    assert (summary["added"], summary["duplicates"], summary["errors"], summary["records"], summary["exit_code"]) == (4, 0, 0, 4, 0)


def test_again_is_a_duplicate(own, samples):
    done = run("add", "--db", own, samples / "known" / "valley.mp4")
    assert done.code == 0
    assert "DUPLICATE  rec " in done.out
    assert "1 file: 1 duplicate · " in done.out
    assert ", 4 records · exit 0" in done.out


def test_an_edited_copy_is_added_and_linked(own, samples, ids):
    (line, summary) = run("add", "--db", own, "--json", samples / "edited" / "valley__clip.mp4").json
    assert line["status"] == "near-duplicate"
    assert line["near"][0]["record"] == ids["valley"]
    assert summary["near_duplicates"] == 1
    done = run("add", "--db", own, samples / "edited" / "valley__mirror.mp4")
    assert f"  near duplicate of rec {ids['valley'][:8]} (match, " in done.out


def test_one_bad_file_does_not_stop_the_others(empty, samples, not_media):
    done = run("add", not_media, "missing.mp4", samples / "known" / "valley.mp4")
    assert done.code == 3
    assert done.lines[0].startswith(f"{not_media}  NOT ADDED  the file is damaged")
    assert done.lines[1] == "missing.mp4  NOT ADDED  no such file"
    assert "  ADDED  rec " in done.lines[2]
    assert "3 files: 1 added, 2 not added" in done.lines[-1]


def test_bad_files_in_json(empty, not_media):
    error, summary = run("add", "--json", not_media).json
    assert error["type"] == "error"
    assert {"path", "error", "message", "hint"} <= error.keys()
    assert (summary["errors"], summary["exit_code"]) == (1, 3)


def test_everything_that_was_said_is_kept(empty, samples):
    said = {
        "--label": "graphic-violence", "--reason": "seen by two", "--reason-code": "perpetrator-produced", "--severity": "high",
        "--origin": "user_report", "--policy": "rule 3", "--law": "§ 131", "--review-method": "human", "--reviewers": "2",
        "--max-action": "block", "--tlp": "red", "--first-seen": "2026-01-02", "--review-by": "2027-01-02", "--expires": "2028-01-02",
    }  # fmt: skip
    options = [word for pair in said.items() for word in pair]
    assert run("add", *options, "--label", "second", samples / "known" / "valley.mp4").code == 0
    with vhashdb.open(empty) as db:
        (record,) = db.records()
    details = record.details
    assert details.labels == ("graphic-violence", "second")
    kept = [str(getattr(details, name[2:].replace("-", "_"))) for name in said if name != "--label"]
    assert kept == [value for name, value in said.items() if name != "--label"]
    assert details.source == "local"


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--label", "Not A Label", "is not a label"),
        ("--severity", "enormous", "is not one of unspecified, low"),
        ("--reason", "x" * 281, "at most 280"),
        ("--reason-code", "No Code", "is not a reason code"),
        ("--reviewers", "-1", "-1 is not in the range"),
        ("--expires", "tomorrow", "does not match the format"),
    ],
)
def test_wrong_details_are_said_before_any_work(option, value, message):
    # There is not even a database: the usage is checked first.
    done = run("add", option, value, "missing.mp4")
    assert done.code == 2
    assert message in done.err


def test_a_fingerprint_file_can_be_added(empty, samples):
    run("hash", "--format", "json", "-o", "valley.json", samples / "known" / "valley.mp4")
    assert run("add", "valley.json").code == 0
    assert run("match", samples / "edited" / "valley__clip.mp4").code == 10


def test_a_fingerprint_of_another_algorithm_is_not_added(empty, samples):
    run("hash", "--algorithm", "phash", "--format", "json", "-o", "p.json", samples / "known" / "valley.mp4")
    done = run("add", "p.json")
    assert done.code == 3
    assert "a fingerprint of phash-256/1 cannot be used with pdq-256/1" in done.out


def test_a_record_that_was_printed_is_in_the_database(empty, samples):
    """Every line that says ADDED can be looked up."""
    for line in run("add", "--json", samples / "known", samples / "still.png").of_type("record"):
        assert run("show", line["record"]).code == 0


def test_two_databases_of_other_algorithms_work(clean, samples):
    assert run("init", "p.vhdb", "--algorithm", "phash", "--bits", "64").code == 0
    assert run("add", "--db", "p.vhdb", samples / "known" / "valley.mp4").code == 0
    assert json.loads(run("info", "--db", "p.vhdb", "--json").out)["algorithm"] == "phash-64/1"
    shutil.rmtree("p.vhdb")

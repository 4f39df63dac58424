"""`list`, `show`, `label`, `retract`, `unmatch`."""

import json
import os

import pytest

from .driver import run, spawn


def test_list_in_plain_lines(known, ids):
    head, *rows = run("list", "--db", known).lines
    assert head.split("\t") == ["record", "state", "length", "labels", "source", "added", "reason"]
    assert [row.split("\t")[0] for row in rows] == [identifier[:8] for identifier in ids.values()]
    assert rows[0].split("\t")[1:5] == ["active", "00:00:10.0", "graphic-violence", "local"]


def test_list_in_json(known, ids):
    lines = run("list", "--db", known, "--json").json
    assert [line["record"] for line in lines] == list(ids.values())
    assert all({"type", "state", "labels", "duration_s", "source", "added_at", "reason", "sha256"} <= line.keys() for line in lines)


def test_list_on_a_terminal_is_a_table(known):
    import pty

    ours, theirs = pty.openpty()
    try:
        assert spawn("list", "--db", known, stdout=theirs, env={**os.environ, "COLUMNS": "140"}).code == 0
        shown = os.read(ours, 1 << 16).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "graphic-violence" in shown
    assert "───" in shown


def test_list_filters(own, ids):
    run("label", "--db", own, ids["valley"], "--add", "special")
    run("retract", "--db", own, ids["harbour"], "--reason", "x")

    def found(*options):
        return {line["record"] for line in run("list", "--db", own, "--json", *options).json}

    assert found("--label", "special") == {ids["valley"]}
    assert found("--label", "special", "--label", "graphic-violence") == {ids["valley"]}
    assert found("--label", "nothing") == set()
    assert found("--state", "retracted") == {ids["harbour"]}
    assert len(found("--state", "retracted", "--state", "active")) == 4
    assert found("--source", "elsewhere") == set()
    assert len(found("--limit", "2")) == 2


def test_list_of_an_unknown_state(known):
    done = run("list", "--db", known, "--state", "gone")
    assert done.code == 2
    assert "'gone' is not one of active, held, disputed, retracted" in done.err


def test_show(own, ids, samples):
    run("add", "--db", own, samples / "edited" / "valley__clip.mp4")
    run("label", "--db", own, ids["valley"], "--add", "special")
    text = run("show", "--db", own, ids["valley"][:10]).out
    assert ids["valley"] in text
    assert "labels         graphic-violence, special" in text
    assert "  label  added: special" in text
    clip = run("list", "--db", own, "--json").json[-1]
    assert clip["near"] == [ids["valley"]]
    value = json.loads(run("show", "--db", own, clip["record"], "--json").out)
    assert value["near"] == [ids["valley"]]
    assert [entry["action"] for entry in value["audit"]] == ["add"]
    assert value["hashes"] > 0


@pytest.mark.parametrize(
    "verb", [["show"], ["retract", "--reason", "x"], ["label", "--add", "x"], ["unmatch", "{film}"], ["explain", "{film}"]]
)
def test_an_unknown_id(verb, own, samples):
    film = str(samples / "unknown" / "train.mp4")
    done = run(*[word.format(film=film) for word in verb], "ffffffff", "--db", own)
    assert done.code == 2
    assert "error: no record has the id 'ffffffff'" in done.err
    assert "hint: `vhashdb list` shows the ids" in done.err


def test_an_id_that_fits_several(own, samples):
    run("hash", "--format", "json", "-o", "a.json", samples / "unknown" / "train.mp4")
    assert run("add", "--db", own, *["a.json"] * 13).code == 0  # 17 records, and 16 digits an id can begin with
    first = [line["record"][0] for line in run("list", "--db", own, "--json").json]
    twice = next(digit for digit in first if first.count(digit) > 1)
    done = run("show", "--db", own, twice)
    assert done.code == 2
    assert f"more than one record's id begins with '{twice}'" in done.err


def test_label(own, ids):
    done = run("label", "--db", own, ids["valley"], "--add", "b", "--add", "a", "--remove", "graphic-violence")
    assert done.out == f"rec {ids['valley'][:8]}  a, b\n"
    value = json.loads(run("label", "--db", own, ids["valley"], "--remove", "a", "--json").out)
    assert value["labels"] == ["b"]
    assert value["revision"] == 3


def test_label_without_anything_to_do(own, ids):
    done = run("label", "--db", own, ids["valley"])
    assert done.code == 2
    assert "give --add or --remove" in done.err


def test_label_with_a_senseless_label(own, ids):
    done = run("label", "--db", own, ids["valley"], "--add", "No Label")
    assert done.code == 2
    assert "'No Label' is not a label" in done.err


def test_retract(own, ids, samples):
    film = samples / "edited" / "valley__clip.mp4"
    assert run("match", "--db", own, film).code == 10
    assert run("retract", "--db", own, ids["valley"]).code == 2  # a reason is needed
    assert run("retract", "--db", own, ids["valley"], "--reason", "a mistake").out == f"rec {ids['valley'][:8]}  retracted\n"
    assert run("match", "--db", own, film).code == 0
    assert "retracted before" in run("retract", "--db", own, ids["valley"], "--reason", "again").out
    value = json.loads(run("show", "--db", own, ids["valley"], "--json").out)
    assert value["state"] == "retracted"
    assert value["revision"] == 2
    assert value["audit"][-1]["details"]["reason"] == "a mistake"


def test_unmatch(own, ids, samples):
    film = samples / "edited" / "valley__clip.mp4"
    done = run("unmatch", "--db", own, film, ids["valley"][:8], "--reason", "a cover")
    assert done.code == 0
    assert f"is not rec {ids['valley'][:8]}" in done.out
    assert run("match", "--db", own, film).code == 0
    assert run("match", "--db", own, samples / "edited" / "valley__mirror.mp4").code == 10
    assert run("unmatch", "--db", own, "missing.mp4", ids["valley"]).code == 3

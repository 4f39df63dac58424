"""Files of hashes: what one command prints, the others read; one answer for each video in them."""

import hashlib
import json

import pytest

from tests.exchange.formats.samples import MD5, PDQ

from .driver import run

NAMES = ("harbour", "valley")


@pytest.fixture(scope="module")
def printed(samples, tmp_path_factory):
    """What `hash` prints of two films and of one, by format."""
    folder = tmp_path_factory.mktemp("printed")
    films = [samples / "known" / f"{name}.mp4" for name in NAMES]
    for form in ("text", "json", "vpdq"):
        assert run("hash", "--format", form, "-o", folder / f"two.{form}.txt", *films).code == 0
        assert run("hash", "--format", form, "-o", folder / f"one.{form}.txt", films[0]).code == 0
    assert run("hash", "--format", "binary", "-o", folder / "one.vhfp", films[0]).code == 0
    return folder


@pytest.mark.parametrize("form", ["text", "json", "vpdq"])
def test_each_video_of_a_file_gets_an_answer_of_its_own(known, ids, printed, form):
    path = printed / f"two.{form}.txt"
    done = run("match", "--db", known, "--json", path)
    assert done.code == 10
    files = done.of_type("file")
    assert [(line["path"], line["verdict"]) for line in files] == [(str(path), "match")] * 2
    assert [line["part"].rpartition("/")[2] for line in files] == ["harbour.mp4", "valley.mp4"]
    assert [(line["part"], line["record"]) for line in done.of_type("match")] == [
        (f["part"], ids[n]) for f, n in zip(files, NAMES, strict=True)
    ]
    text = run("match", "--db", known, path)
    assert f"{path}#" in text.lines[0]
    assert "2 files: 2 match" in text.lines[-1]


@pytest.mark.parametrize("name", ["one.text.txt", "one.json.txt", "one.vpdq.txt", "one.vhfp"])
def test_what_hash_prints_is_read_by_every_command(known, ids, clean, printed, name):
    path = printed / name
    (answer,) = run("match", "--db", known, "--json", path).of_type("match")
    assert (answer["record"], "part" in answer) == (ids["harbour"], False)
    assert run("compare", path, printed / "one.vhfp").code == 10
    assert run("explain", "--db", known, path, ids["harbour"]).code == 10
    assert run("init", "own.vhdb").code == 0
    assert run("add", "--db", "own.vhdb", path).code == 0
    assert run("import", "--db", "own.vhdb", path).code == 0
    assert len(run("list", "--db", "own.vhdb", "--json").json) == 2


def test_each_video_of_a_file_is_added(clean, printed):
    assert run("init", "own.vhdb").code == 0
    added = run("add", "--db", "own.vhdb", "--json", printed / "two.vpdq.txt").of_type("record")
    assert [line["part"].rpartition("/")[2] for line in added] == ["harbour.mp4", "valley.mp4"]


def test_where_one_video_is_needed_several_are_said_to_be_too_many(printed):
    done = run("compare", printed / "two.vpdq.txt", printed / "one.vhfp")
    assert done.code == 2
    assert "holds the hashes of 2 videos" in done.err


def test_hash_lines_as_others_print_them(known, ids, clean, samples):
    record = json.loads(run("hash", "--format", "json", samples / "known" / "harbour.mp4").out)
    frame = next(e for e in record["entries"] if e["view"] == 0 and e["start_s"] > 4)["hash"]
    md5 = hashlib.md5((samples / "known" / "harbour.mp4").read_bytes()).hexdigest()
    (clean / "tx.txt").write_text(f"pdq {frame}\nvideo_md5 {md5}\nvideo_md5 {MD5}\npdq 12\n")
    done = run("match", "--db", known, "--json", clean / "tx.txt")
    assert [(line["part"], line["verdict"]) for line in done.of_type("file")] == [
        ("line 1", "possible"),
        ("line 2", "match"),
        ("line 3", "insufficient"),
        ("line 4", "unreadable"),
    ]
    assert {line["record"] for line in done.of_type("match")} == {ids["harbour"]}
    assert "no record has this MD5" in done.of_type("file")[2]["reason"]
    assert "line 4: a pdq hash has 64" in done.of_type("error")[0]["message"]
    (clean / "bare.txt").write_bytes(f"{frame}\r\n".encode("utf-16"))
    assert run("match", "--db", known, clean / "bare.txt").code == 10


def test_an_unknown_file_hash_is_never_a_plain_no_match(known, clean):
    (clean / "a.md5").write_text(f"{MD5}\n")
    done = run("match", "--db", known, clean / "a.md5")
    assert done.code == 3
    assert "INSUFFICIENT" in done.out


def test_a_file_that_holds_no_hashes_is_named_with_the_way_out(known, clean):
    (clean / "a.json").write_text('[{"digest": "x"}]')
    done = run("match", "--db", known, clean / "a.json")
    assert done.code == 3
    assert "no name is a hash that is known: 'digest'" in done.out
    assert "--map" in done.err


def test_the_encoding_can_be_named(clean):
    assert run("init", "own.vhdb").code == 0
    (clean / "a.csv").write_bytes(f"pdq,reason\n{PDQ},\xdcbel\n".encode("latin-1"))
    refused = run("import", "--db", "own.vhdb", clean / "a.csv")
    assert refused.code == 3
    assert "--encoding" in refused.out
    assert run("import", "--db", "own.vhdb", "--encoding", "windows-1252", clean / "a.csv").code == 0
    assert run("list", "--db", "own.vhdb", "--json").json[0]["reason"] == "Übel"

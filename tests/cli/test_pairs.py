"""`compare`, `explain`, `hash`: two files side by side, and fingerprints on paper."""

import itertools
import json
import re

import pytest

import vhashdb
from tests.footage import fingerprint_of, flipped, random_hashes

from .driver import run


@pytest.fixture
def films(samples):
    return samples / "edited" / "valley__mirror.mp4", samples / "known" / "valley.mp4"


def test_compare(films):
    done = run("compare", *films)
    assert done.code == 10
    head, verdict, coverage, segment = done.lines
    assert head == f"{films[0]}  against  {films[1]}"
    assert re.fullmatch(r"MATCH  [01]\.\d\d  both sides look alike and change alike", verdict)
    assert coverage == "  100% of the file, 100% of the known video"
    assert "mirrored" in segment


def test_compare_in_json(films, samples):
    value = json.loads(run("compare", "--json", *films).out)
    assert (value["type"], value["verdict"]) == ("comparison", "match")
    assert value["segments"][0]["view"].startswith("mirrored")
    assert value["coverage"]["complete"]
    value = json.loads(run("compare", "--json", samples / "unknown" / "train.mp4", films[1]).out)
    assert (value["verdict"], value["segments"]) == ("no-match", [])


def test_a_dark_video_is_not_said_to_match_nothing(samples, films):
    done = run("compare", samples / "unknown" / "dark_room.mp4", films[1])
    assert done.code == 3
    assert done.lines[1].startswith("INSUFFICIENT")
    assert "note: " in done.lines[-1]


def test_explain_shows_every_gate(films, known, ids):
    done = run("explain", "--db", known, films[0], ids["valley"][:8])
    assert done.code == 10
    assert done.lines[0] == f"{films[0]}  against  rec {ids['valley'][:8]}"
    at = done.lines.index("Conditions for a match, for the strongest stretch:")
    rows = [re.split(r" {2,}", line.strip()) for line in itertools.takewhile(str.strip, done.lines[at + 1 :])]
    assert rows[0] == ["condition", "value", "threshold", "result", "meaning"]
    assert {row[0] for row in rows[1:]} >= {"alike frames", "median distance", "motion", "evidence"}
    assert all(len(row) == 5 and row[3] == "pass" for row in rows[1:])
    assert any("mirrored" in line for line in done.lines[:at])


def test_explain_in_json(known, ids, samples):
    done = run("explain", "--db", known, "--json", samples / "unknown" / "train.mp4", ids["valley"])
    assert done.code == 0
    value = json.loads(done.out)
    assert (value["type"], value["verdict"]) == ("explanation", "no-match")
    assert {"name", "value", "threshold", "passed", "meaning"} == value["gates"][0].keys()
    assert not all(gate["passed"] for gate in value["gates"])
    assert isinstance(value["views_tried"], list)

    (look, *_) = value["candidacy"]
    assert look.keys() == {"look", "moments_near", "moments", "moments_needed", "nearest_bits", "radius_bits", "place", "candidates"}
    assert value["near_miss"]


def test_explain_says_that_the_file_is_the_recorded_one_though_its_pictures_show_nothing(own, samples):
    black = samples / "unknown" / "dark_room.mp4"
    record = run("add", "--db", own, "--json", black).of_type("record")[0]["record"]
    done = run("explain", "--db", own, black, record)
    assert "It is the very same file, byte for byte: a match whatever its pictures say." in done.lines
    assert json.loads(run("explain", "--db", own, "--json", black, record).out)["identical"] is True
    other = samples / "unknown" / "train.mp4"
    assert json.loads(run("explain", "--db", own, "--json", other, record).out)["identical"] is False
    assert "very same file" not in run("explain", "--db", own, other, record).out


def test_explain_in_json_has_every_stretch_chosen_or_not(known, ids, films):
    value = json.loads(run("explain", "--db", known, "--json", films[0], ids["valley"]).out)
    assert value["near_miss"] == ""
    assert value["among_others"] == {"verdict": "match", "score": value["score"], "outweighed": ""}
    assert [look["look"] for look in value["candidacy"]] == ["first look", "closer look"]
    assert all(look["place"] == 1 and look["nearest_bits"] <= look["radius_bits"] for look in value["candidacy"])
    stretches = [stretch for look in value["looks"] for stretch in look["stretches"]]
    assert len([s for s in stretches if s["chosen"]]) == len(value["segments"]) == 1
    assert {s["set_aside"] for s in stretches if not s["chosen"]} == {"claims the same seconds as a stronger one"}
    assert all(s.keys() > value["segments"][0].keys() for s in stretches)
    assert [s["chosen"] for s in stretches if s["strongest"]] == [True]
    best = value["looks"][0]
    assert best["pairs_alike"] >= best["query_frames"] > 0
    assert 0 < best["votes"] <= best["most_votes"] <= best["query_frames"]


def keys_in(value):
    """All names in a JSON value, at any depth."""
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in keys_in(item)}
    return {key for item in value for key in keys_in(item)} if isinstance(value, list) else set()


def section(done, title):
    """The lines under a heading."""
    after = done.lines[next(number for number, line in enumerate(done.lines) if line.startswith(title)) + 1 :]
    return list(itertools.takewhile(lambda line: line.startswith(" "), after))


def test_explain_shows_what_was_searched_and_compared(films, known, ids):
    done = run("explain", "--db", known, films[0], ids["valley"])
    assert "Why not a match" not in done.out
    first, closer = section(done, "Does a search find it?")
    assert re.fullmatch(r"  first look   yes: \d+ of \d+ moments within 52 bits, nearest \d+, place 1 of \d", first)
    assert closer.startswith("  closer look  yes: ")
    best, counts, when, weighed, *_ = section(done, "Compared in full")
    assert best == "  mirrored"
    assert re.fullmatch(r"    \d+ × \d+ pictures, [\d,]+ pairs alike, votes [\d.]+ of [\d.]+, 1 stretch", counts)
    assert when == "    chosen     00:00:00.0 – 00:00:12.0 ↔ 00:00:00.0 – 00:00:12.0"
    assert re.fullmatch(r"      the strongest; evidence [\d.]+ \(motion [\d.]+, closeness [\d.]+\)", weighed)
    assert "set aside" in done.out
    assert all(len(line) <= 80 for line in done.lines[done.lines.index("Compared in full:") :])


def test_explain_has_technical_details_at_its_end(films, known, ids):
    done = run("explain", "--db", known, films[0], ids["valley"])
    before, after = (part.splitlines() for part in done.out.split("\nTechnical details\n"))
    for words in ("Does a search find it?", "votes", "(motion ", "nearest"):
        assert not any(words in line for line in before)
        assert any(words in line for line in after)


def test_explain_says_why_a_still_picture_is_no_match(samples):
    done = run("explain", samples / "still.png", samples / "known" / "harbour.mp4")
    assert "Why not a match: the frames are alike in only 1 picture of the file; at least 4\n  are needed\n" in done.out
    assert "    chosen     00:00:00.0 ↔ 00:00:0" in done.out
    assert "      the strongest; no evidence (motion 0.00, closeness " in done.out


def test_explain_says_what_other_records_change(clean):
    hashes = random_hashes(8, 40)
    with vhashdb.create(clean / "own.vhdb") as db:
        db.add(fingerprint_of(flipped(hashes, 2, seed=1)))
        further = db.add(fingerprint_of(flipped(hashes[:2], 10, seed=2))).id
    (clean / "asked.json").write_text(vhashdb.to_json(fingerprint_of(hashes)))
    done = run("explain", "--db", "own.vhdb", "asked.json", further)
    assert "Among the other records: NO MATCH, another record explains the same seconds\n  better\n" in done.out
    assert done.code == 10


def test_explain_says_that_a_search_would_not_find_it(samples, known, ids):
    done = run("explain", "--db", known, samples / "unknown" / "train.mp4", ids["valley"])
    first, full = section(done, "Does a search find it?")
    assert re.fullmatch(r"  first look  no: nearest \d+ bits, at most 52 are near", first)
    assert full.startswith("  full look   no: ")
    assert "Why not a match: " in done.out


def test_explain_a_dark_video(samples, films):
    done = run("explain", samples / "unknown" / "dark_room.mp4", films[1])
    assert done.code == 3
    assert section(done, "Does a search") == ["  full look  no: one side has no picture of its own to search with"]


@pytest.mark.parametrize("effort", ["fast", "balanced", "thorough"])
def test_explain_at_every_effort(effort, films, known, ids):
    assert run("explain", "--db", known, "--effort", effort, films[0], ids["valley"]).code == 10


def test_explain_against_a_file_needs_no_database(films):
    done = run("explain", *films)
    assert done.code == 10
    assert "Conditions for a match" in done.out


def test_explain_a_retracted_record_says_so(own, films, ids):
    run("retract", "--db", own, ids["valley"], "--reason", "x")
    done = run("explain", "--db", own, films[0], ids["valley"])
    assert "note: this record is retracted" in done.out
    assert all("but it is not searched" in line for line in section(done, "Does a search find it?"))


@pytest.mark.parametrize("name", ["why.png", "why.svg"])
def test_explain_draws(name, clean, films, known, ids):
    plain = run("explain", "--db", known, films[0], ids["valley"])
    drawn = run("explain", "--db", known, "--plot", name, films[0], ids["valley"])
    assert (drawn.code, drawn.out, drawn.err) == (plain.code, plain.out, "")
    first = (clean / name).read_bytes()
    assert first.startswith(b"\x89PNG" if name.endswith("png") else b"<?xml")
    assert run("explain", "--db", known, "--json", "--plot", name, films[0], ids["valley"]).json[0]["type"] == "explanation"
    assert (clean / name).read_bytes() == first
    assert [path.name for path in clean.iterdir()] == [name]


def test_explain_draws_two_files_and_insufficient_ones(clean, samples, films):
    assert run("explain", "--plot", "why.svg", samples / "unknown" / "dark_room.mp4", films[1]).code == 3
    assert b"dark_room.mp4" in (clean / "why.svg").read_bytes()


@pytest.mark.parametrize("target", ["why.gif", "no/such/why.png", "."])
def test_explain_does_not_begin_what_it_cannot_draw(target, films):
    done = run("explain", "--plot", target, "missing.mp4", films[1])
    assert done.code == 2
    assert done.out == ""
    assert "hint: " in done.err
    assert "missing.mp4" not in done.err


def test_explain_without_matplotlib(monkeypatch, clean, films):
    monkeypatch.setattr("importlib.util.find_spec", lambda name, package=None: None)
    done = run("explain", "--plot", "why.png", *films)
    assert done.code == 2
    assert 'hint: pip install "vhashdb[plot]"' in done.err
    assert list(clean.iterdir()) == []


@pytest.mark.parametrize(("form", "ending", "options"), [("json", "json", []), ("binary", "vhfp", []), ("vpdq", "vpdq", ["--every-frame"])])
def test_what_hash_writes_can_be_compared(form, ending, options, films, samples, clean):
    clip = samples / "edited" / "valley__clip.mp4"
    assert run("hash", "--format", form, "-o", f"known.{ending}", *options, films[1]).code == 0
    assert run("hash", "--format", form, "-o", f"asked.{ending}", "--views", "query", *options, clip).code == 0
    assert run("compare", clip, f"known.{ending}").code == 10
    assert run("compare", f"asked.{ending}", films[1]).code == 10
    assert run("explain", f"asked.{ending}", f"known.{ending}").code == 10
    for name in ("known", "asked"):
        (clean / f"{name}.{ending}").rename(clean / name)
    assert run("compare", "--as", "fingerprint", "asked", "known").code == 10
    assert run("compare", "asked", "known").code == 3, "without an ending that says so it is no fingerprint"


def test_a_fingerprint_made_as_of_a_known_video_also_finds_what_it_is_mirrored_from(films):
    run("hash", "--format", "json", "--views", "reference", "-o", "mirror.json", films[0])
    done = run("compare", "mirror.json", films[1])
    assert done.code == 10
    assert "mirrored" in done.out


def test_fingerprints_of_two_algorithms(films):
    run("hash", "--format", "json", "-o", "a.json", films[0])
    run("hash", "--format", "json", "-o", "b.json", "--algorithm", "phash", "--bits", "64", films[1])
    done = run("compare", "a.json", "b.json")
    assert done.code == 2
    assert "a fingerprint of pdq-256/1 cannot be used with phash-64/1" in done.err
    assert run("compare", films[1], "b.json").code == 10  # a video is hashed as the other side needs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"VHFP broken", "not a vhashdb fingerprint"),
        (b"{}", "no known format"),
        (b'{"format": "vhashdb-fingerprint", "version": 99}', "version 99"),
        (b"0,100,abc,0.0\nnonsense\n", "no known format"),
    ],
)
def test_damaged_fingerprint_files(content, message, clean, films):
    (clean / "a.vhfp").write_bytes(content)
    done = run("compare", "a.vhfp", films[1])
    assert done.code == 2
    assert message in done.err


def test_hash_as_text(films):
    done = run("hash", films[1])
    assert done.code == 0
    assert all(re.fullmatch(r"\d+\.\d{3} \d+\.\d{3} \d+ \d+ [0-9a-f]{64}", line) for line in done.lines)
    assert len(done.lines) == len(vhashdb.fingerprint(films[1]))


def test_hash_of_an_image(samples):
    from PIL import Image

    with Image.open(samples / "still.png") as picture:
        wanted = vhashdb.from_json(run("hash", "--format", "json", samples / "still.png").out).hash[0]
        exact = bytes.fromhex(str(vhashdb.hash_image(picture)))
    assert sum((a ^ b).bit_count() for a, b in zip(wanted.tolist(), exact, strict=True)) <= 10


def test_hash_of_every_frame(films):
    lines = run("hash", "--every-frame", "--format", "vpdq", films[1]).lines
    assert len(lines) == 12 * 24 or len(lines) == 12 * 25
    assert all(re.fullmatch(r"\d+,\d+,[0-9a-f]{64},\d+\.\d+", line) for line in lines)


def test_hash_of_several_files_titles_them(samples, films):
    done = run("hash", films[0], "missing.mp4", films[1])
    assert done.code == 3
    assert [line for line in done.lines if line.startswith("#")] == [f"# {film}" for film in films]
    assert "error: missing.mp4: no such file" in done.err
    assert len(run("hash", "--format", "json", *films).json) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "binary"], "needs -o FILE"),
        (["--every-frame", "--algorithm", "phash"], "--every-frame is for --algorithm pdq"),
        (["--bits", "64"], "pdq has 256 bits"),
        (["--format", "vpdq", "--algorithm", "phash"], "cannot be used with pdq"),
        (["--algorithm", "md5"], "is not one of pdq"),
    ],
)
def test_hash_with_senseless_options(options, message, films):
    done = run("hash", *options, films[1])
    assert done.code == 2
    assert message in done.err


def test_a_failed_hash_leaves_the_old_file(clean, films):
    (clean / "out.json").write_text("old")
    assert run("hash", "--format", "vpdq", "--algorithm", "phash", "-o", "out.json", films[1]).code == 2
    assert run("hash", "-o", "out.json", "missing.mp4").code == 3
    assert (clean / "out.json").read_text() == "old"
    assert [path.name for path in clean.iterdir()] == ["out.json"]


def test_hash_where_nothing_can_be_written(films):
    done = run("hash", "-o", "no/such/folder", films[1])
    assert done.code == 2
    assert "no/such/folder" in done.err

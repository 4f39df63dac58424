"""`vhashdb match`: what a moderator and what a program reads."""

import base64
import csv
import os
import re
import shutil

import pytest

from vhashdb.walking import walk

from .driver import run, spawn

SEGMENT = re.compile(
    r"  file  (\d\d:\d\d:\d\d\.\d) – (\d\d:\d\d:\d\d\.\d)   ↔   known (\d\d:\d\d:\d\d\.\d) – (\d\d:\d\d:\d\d\.\d)      "
    r"\d+\.\d s,.* median \d+/256 bits"
)
FILE_FIELDS = {"type", "path", "verdict", "reason", "matches", "duration_s", "usable_s", "damage", "effort", "sha256"}
MATCH_FIELDS = {"type", "path", "record", "score", "verdict", "labels", "segments", "reason", "source", "state", "max_action", "identical"}
SEGMENT_FIELDS = {"query_start_s", "query_end_s", "reference_start_s", "reference_end_s", "speed", "view"}


@pytest.fixture
def at(known, monkeypatch):
    """Matching against the database of the known films."""
    monkeypatch.setenv("VHASHDB_DB", str(known))
    return lambda *arguments, **options: run("match", *arguments, **options)


def test_text_for_a_match(at, samples, ids):
    film = samples / "edited" / "valley__mirror.mp4"
    head, segment, summary = at(film).lines
    assert re.fullmatch(
        rf"{re.escape(str(film))}  MATCH  [01]\.\d\d  rec {ids['valley'][:8]}  graphic-violence  from local  → review", head
    )
    assert SEGMENT.fullmatch(segment)
    assert "mirrored" in segment
    assert re.fullmatch(r"1 file: 1 match · database \S+known\.vhdb, \d{4}-\d\d-\d\d, 4 records · exit 10", summary)


def test_text_says_which_seconds(at, samples):
    segment = at(samples / "edited" / "harbour__insert.mp4").lines[1]
    times = [sum(float(part) * 60**i for i, part in enumerate(reversed(t.split(":")))) for t in SEGMENT.fullmatch(segment).groups()]
    assert times == pytest.approx([4, 8, 2, 6], abs=0.6)


def test_text_for_a_still_says_which_second(at, samples, ids, clean):
    from PIL import Image

    with Image.open(samples / "still.png") as image:
        image.convert("RGB").save(clean / "still.jpg", quality=60)
    with open(samples / "truth.csv", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["edit"] == "still")
    done = at("still.jpg")
    head, ceiling, reason, segment, _ = done.lines
    assert ceiling.endswith("the match is possible, not certain)")
    assert re.match(rf"still\.jpg  POSSIBLE  0\.\d\d  rec {ids[row['source'].removeprefix('known/').removesuffix('.mp4')][:8]}  ", head)
    assert reason == "  same picture; no motion to confirm it"
    found = re.fullmatch(r"  still picture   ↔   known 00:00:(\d\d\.\d)(?: – 00:00:(\d\d\.\d))?      (?:.*, )?\d+/256 bits", segment)
    first, last = float(found[1]), float(found[2] or found[1])
    assert first - 0.5 <= float(row["reference_start_s"]) <= last + 0.5


def test_text_for_a_still_without_anything_to_see(at, clean):
    from PIL import Image

    Image.new("RGB", (320, 180), "navy").save(clean / "flat.png")
    assert at("flat.png").lines[0] == "flat.png  INSUFFICIENT  the picture shows too little to compare"


def test_text_for_every_other_verdict(at, samples, not_media):
    done = at(samples / "unknown", not_media, samples / "known" / "harbour.mp4")
    lines = [line.removeprefix(f"{samples}{os.sep}") for line in done.lines]
    assert re.fullmatch(r"unknown/balloons.mp4 +NO MATCH", lines[0])
    assert re.match(r"unknown/dark_room.mp4 +INSUFFICIENT  only 0.0 of 6.0 s", lines[1])
    assert re.match(rf"{not_media} +NOT CHECKED  the file is damaged", lines[3])
    assert re.match(r"known/harbour.mp4 +MATCH  1.00", lines[4])
    assert lines[5] == "  the very same file, byte for byte"
    assert lines[-1].startswith("5 files: 1 match, 2 no match, 1 insufficient, 1 not checked · database ")
    assert lines[-1].endswith(" · exit 10")


def test_a_damaged_file_gets_a_verdict_and_a_note(at, samples, clean):
    # Matroska can be read as far as it goes; an MP4 without its end cannot.
    import av

    with av.open(str(samples / "known" / "valley.mp4")) as source, av.open("half.mkv", "w") as copy:
        stream = source.streams.video[0]
        out = copy.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = out
                copy.mux(packet)
    data = (clean / "half.mkv").read_bytes()
    (clean / "half.mkv").write_bytes(data[: len(data) // 2])
    done = at("half.mkv")
    assert done.code == 10
    assert any(line.startswith("  note: ") for line in done.lines)


def test_json_lines(at, samples, not_media):
    done = at("--json", samples / "edited" / "valley__clip.mp4", not_media, samples / "unknown" / "train.mp4")
    assert [line["type"] for line in done.json] == ["file", "match", "file", "error", "file", "summary"]
    assert all(line["type"] != "file" or line.keys() >= FILE_FIELDS for line in done.json)
    assert [line["verdict"] for line in done.of_type("file")] == ["match", "unreadable", "no-match"]
    (match,) = done.of_type("match")
    assert match.keys() >= MATCH_FIELDS
    assert match["path"] == str(samples / "edited" / "valley__clip.mp4")
    assert match["segments"]
    assert all(segment.keys() >= SEGMENT_FIELDS for segment in match["segments"])
    (error,) = done.of_type("error")
    assert error["path"] == str(not_media)
    assert error["error"]
    assert error["message"]
    assert error["hint"]


def test_json_summary(at, known, samples):
    done = at("--json", samples)
    (summary,) = done.of_type("summary")
    assert summary == done.json[-1]
    assert summary["exit_code"] == done.code == 10
    assert summary["files"] == len(done.of_type("file")) == 17
    assert summary["matches"] == len(done.of_type("match"))
    assert summary["skipped"] == sum(bool(found.skipped) for found in walk(samples)) >= 3
    assert summary["records"] == 4
    assert summary["database"] == str(known)
    assert sum(summary["verdicts"].values()) == 17
    assert summary["verdicts"]["match"] == 13
    assert set(summary["verdicts"]) == {"match", "possible", "no-match", "insufficient", "unreadable"}


def test_only_some_records_count(own, samples, ids):
    edited = samples / "edited" / "valley__clip.mp4"
    assert run("label", "--db", own, ids["valley"], "--add", "rare").code == 0
    assert run("match", "--db", own, "--label", "rare", edited).code == 10
    assert run("match", "--db", own, "--label", "rare", "--state", "held", edited).code == 0
    assert run("match", "--db", own, "--source", "local", "--source", "acme", "--severity", "unspecified", edited).code == 10
    assert run("match", "--db", own, "--severity", "high", edited).code == 0
    assert run("match", "--db", own, "--severity", "terrible", edited).code == 2


def test_order_is_that_of_the_inputs_with_any_number_of_workers(at, samples):
    films = [str(samples / "edited" / "valley__mirror.mp4"), "missing.mp4", str(samples / "unknown" / "train.mp4"), "missing too.mp4"] * 3
    one, four = (at("--json", "--workers", str(n), *films) for n in (1, 4))
    assert [line["path"] for line in one.of_type("file")] == films
    assert one.json[:-1] == four.json[:-1]


def test_efforts_agree_on_the_samples(at, samples):
    for effort in ("fast", "balanced", "thorough"):
        done = at("--json", "--effort", effort, samples / "edited" / "night_city__grey.mp4", samples / "unknown" / "train.mp4")
        assert [line["verdict"] for line in done.of_type("file")] == ["match", "no-match"]
        assert {line["effort"] for line in done.of_type("file")} == {effort}


def test_folders_are_walked_and_explicit_names_always_answered(at, clean, samples):
    folder = clean / "in" / "deeper"
    folder.mkdir(parents=True)
    shutil.copy(samples / "unknown" / "train.mp4", folder)
    (folder / "table.csv").write_text("a,b\n")
    assert "1 file: 1 no match, 1 skipped (not media)" in at("in").out
    assert "NOT CHECKED" in at(folder / "table.csv").out


def test_an_empty_folder_is_said(at, clean):
    (clean / "empty").mkdir()
    done = at("empty")
    assert done.code == 0
    assert done.err == "warning: there was no file to check\n"
    assert done.out.startswith("0 files · ")


def test_a_pattern_that_the_shell_left_is_expanded(at, samples):
    assert len(at("--json", samples / "edited" / "valley__*.mp4").of_type("file")) == 2
    (line,) = at("--json", "nothing*.mp4").of_type("file")
    assert line["reason"] == "no such file"


def test_a_list_on_standard_input(at, samples):
    names = [str(samples / "unknown" / name) for name in ("train.mp4", "balloons.mp4")]
    lines = at("--json", "-", stdin="\n".join(["", *names]).encode()).of_type("file")
    assert [line["path"] for line in lines] == names
    nul = at("--json", "--null", "-", stdin="\0".join([*names, "with\nbreak"]).encode()).of_type("file")
    assert [line["path"] for line in nul] == [*names, "with\nbreak"]


def test_results_come_while_the_list_still_grows(known, samples):
    import subprocess

    from .driver import start

    with start("match", "--json", "--db", known, "-", stdin=subprocess.PIPE) as process:
        process.stdin.write(os.fsencode(samples / "unknown" / "train.mp4") + b"\n")
        process.stdin.flush()
        assert b'"no-match"' in process.stdout.readline()
        process.stdin.close()
        assert process.wait(30) == 0


def test_a_name_that_is_not_utf8(known, clean, samples):
    raw = b"caf\xe9.mp4"
    shutil.copy(samples / "unknown" / "train.mp4", os.fsdecode(raw))
    done = spawn("match", "--db", known, raw)
    assert done.code == 0
    assert done.lines[0] == "caf\\xe9.mp4  NO MATCH"
    (line,) = run("match", "--db", known, "--json", os.fsdecode(raw)).of_type("file")
    assert line["path"] == "caf\ufffd.mp4"
    assert base64.b64decode(line["path_base64"]) == raw
    (line,) = run("match", "--db", known, "--json", os.fsdecode(b"missing\xff")).of_type("error")
    assert line["message"] == "missing\ufffd: no such file"
    assert "path_base64" not in run("match", "--db", known, "--json", "missing").json[0]


def test_a_name_cannot_forge_a_line_or_move_the_cursor(at, samples):
    name = "x\nother.mp4  NO MATCH\x1b[2J"
    shutil.copy(samples / "edited" / "valley__clip.mp4", name)
    done = at(name)
    assert done.lines[0].startswith("x\\x0aother.mp4  NO MATCH\\x1b[2J  MATCH")
    assert len(done.lines) == 3


def test_without_utf8_the_signs_are_ascii(at, samples):
    done = at(samples / "edited" / "valley__clip.mp4", encoding="ascii")
    assert "<->" in done.out
    assert "-> review" in done.out
    assert " | exit 10" in done.out


def test_not_on_a_terminal_there_is_no_colour_and_no_progress(known, samples):
    done = spawn("match", "--db", known, samples / "edited" / "valley__clip.mp4")
    assert "\x1b" not in done.out
    assert done.err == ""


def test_data_is_untouched_when_only_stderr_is_a_terminal(known, samples):
    import pty

    film = samples / "edited" / "valley__clip.mp4"
    ours, theirs = pty.openpty()
    try:
        done = spawn("match", "--db", known, "--json", film, stderr=theirs)
    finally:
        os.close(ours)
        os.close(theirs)
    assert [line["type"] for line in done.json] == ["file", "match", "summary"]


def test_a_hash_that_hash_wrote_can_be_matched(at, samples):
    assert run("hash", "--views", "query", "--format", "binary", "-o", "a.vhfp", samples / "edited" / "valley__mirror.mp4").code == 0
    assert at("a.vhfp").code == 10


def test_a_fingerprint_of_another_algorithm_is_that_files_error(at, samples):
    run("hash", "--algorithm", "dhash", "--format", "json", "-o", "a.json", samples / "unknown" / "train.mp4")
    done = at("--json", "a.json", samples / "edited" / "valley__clip.mp4")
    assert done.code == 10
    assert done.of_type("error")[0]["error"] == "AlgorithmMismatch"


def test_looks_are_kept_in_the_users_cache_folder_unless_they_are_not_wanted(at, samples, tmp_path):
    film = samples / "unknown" / "train.mp4"
    at("--cache", "off", film)
    assert not (tmp_path / "cache").exists()
    first = at(film)
    assert list((tmp_path / "cache" / "vhashdb").glob("looks.sqlite"))
    assert at(film).lines == first.lines
    at("--cache", tmp_path / "other", film)
    assert (tmp_path / "other" / "looks.sqlite").exists()


def test_a_cache_that_cannot_be_used_is_a_warning(at, samples, tmp_path):
    (tmp_path / "file").touch()
    done = at("--cache", tmp_path / "file" / "in", samples / "edited" / "valley__mirror.mp4")
    assert done.code == 10
    assert "warning: nothing is kept for the next time" in done.err
    assert at("--quiet", "--cache", tmp_path / "file" / "in", samples / "edited" / "valley__mirror.mp4").err == ""

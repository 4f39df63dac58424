"""Sound on the command line: what listens and what does not, which files count, and what people and programs read of it."""

import json
import re
import shutil

import pytest

from tests.footage import listening

from .driver import run
from .terminal import Terminal, assert_golden, on_terminal

ASKED = ("copy.mp4", "replaced.mp4", "elsewhere.mp4", "alone.mp3", "another.wav")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the files and a database that knows one of them."""
    folder = tmp_path_factory.mktemp("sound")
    files = listening(folder)
    assert run("init", folder / "vhash.vhdb").code == 0
    assert (
        run("add", "--db", folder / "vhash.vhdb", "--label", "graphic-violence", "--reason", "first report", files["known.mp4"]).code == 0
    )
    return folder


@pytest.fixture(autouse=True)
def at_desk(desk, clean, monkeypatch):
    """A copy of it to work in: a match is an entry in the record's history."""
    monkeypatch.chdir(shutil.copytree(desk, clean / "desk"))
    monkeypatch.setenv("VHASHDB_CACHE", "off")


def record():
    return run("list", "--json").json[0]["record"][:8]


def matches(*arguments):
    return {line["path"]: line for line in run("match", "--json", *arguments).of_type("match")}


def test_programs_read_what_a_match_rests_on():
    found = matches(*ASKED)
    assert {name: (match["verdict"], match["rests_on"], match["sound"]) for name, match in found.items()} == {
        "copy.mp4": ("match", "picture and sound", "the same"),
        "replaced.mp4": ("match", "picture", "another"),
        "elsewhere.mp4": ("possible", "sound", "the same"),
        "alone.mp3": ("possible", "sound", "the same"),
    }
    (sound,) = found["copy.mp4"]["sounds"]
    assert sound["reference_start_s"] - sound["query_start_s"] == pytest.approx(2.0, abs=0.05)
    assert (sound["speed"], sound["semitones"]) == (pytest.approx(1.0, abs=0.01), pytest.approx(0.0, abs=0.2))
    assert found["elsewhere.mp4"]["segments"] == []


def test_without_sound_nothing_is_found_by_it_and_nothing_said_of_it():
    done = run("match", "--json", "--no-sound", *ASKED)
    assert {line["path"]: (line["rests_on"], line["sound"]) for line in done.of_type("match")} == {
        "copy.mp4": ("picture", "not listened to"),
        "replaced.mp4": ("picture", "not listened to"),
    }
    assert not any(line["listened"] for line in done.of_type("file"))
    assert all(line["listened"] for line in run("match", "--json", *ASKED).of_type("file"))


@pytest.mark.parametrize("set_once", ["variable", "file", "flag over variable"])
def test_it_can_be_set_once(set_once, monkeypatch, tmp_path):
    config = tmp_path / "config.toml"
    if set_once == "file":
        config.write_text("sound = false\n")
        monkeypatch.setenv("VHASHDB_CONFIG", str(config))
    else:
        monkeypatch.setenv("VHASHDB_SOUND", "0")
    if set_once == "flag over variable":
        assert matches("--sound", "elsewhere.mp4")
        return
    assert not matches("elsewhere.mp4")
    (setting,) = [line for line in run("config", "show", "--json").json if line["name"] == "sound"]
    assert (setting["value"], setting["from"]) == (False, {"file": "config file"}.get(set_once, "environment"))


def test_config_show_names_the_flag_that_was_given():
    (setting,) = [line for line in run("config", "show", "--json", "--no-sound").json if line["name"] == "sound"]
    assert setting["detail"] == "--no-sound"


def test_folders_have_files_with_sound_alone_where_records_have_sound():
    names = {line["path"] for line in run("match", "--json", ".").of_type("file")}
    assert {"alone.mp3", "alone.wav", "another.wav"} <= names
    without = run("match", "--json", "--no-sound", ".")
    assert {line["path"]: line["reason"] for line in without.of_type("skipped") if line["path"] != "vhash.vhdb"} == dict.fromkeys(
        ("alone.mp3", "alone.wav", "another.wav"), "sound only"
    )


def test_a_database_without_sound_has_none_and_does_not_listen():
    assert "without sound" in run("init", "--no-sound", "quiet.vhdb").out
    done = run("add", "--json", "--db", "quiet.vhdb", ".")
    assert {line["path"] for line in done.of_type("skipped")} >= {"alone.mp3", "alone.wav", "another.wav"}
    info = run("info", "--json", "--db", "quiet.vhdb").json[0]
    assert (info["sound"], info["landmarks"]) == (False, 0)
    (file,) = run("match", "--json", "--db", "quiet.vhdb", "elsewhere.mp4").of_type("file")
    assert not file["listened"]


def test_a_record_says_whether_it_has_sound():
    assert [line["has_sound"] for line in run("list", "--json").json] == [True]
    assert re.search(r"^has sound +yes$", run("show", record()).out, re.MULTILINE)
    assert run("add", "silent.mp4").code == 0
    assert [line["has_sound"] for line in run("list", "--json").json] == [True, False]


def test_a_folder_of_sounds_can_be_added():
    assert run("init", "sounds.vhdb").code == 0
    added = {line["path"] for line in run("add", "--json", "--db", "sounds.vhdb", ".").of_type("record")}
    assert {"alone.mp3", "alone.wav", "another.wav"} <= added
    (match, *_) = run("match", "--json", "--db", "sounds.vhdb", "alone.mp3").of_type("match")
    assert match["identical"]


def test_a_sound_has_a_fingerprint_that_can_be_asked():
    assert run("hash", "--views", "query", "--format", "binary", "-o", "alone.vhfp", "alone.mp3").code == 0
    assert matches("alone.vhfp")["alone.vhfp"]["rests_on"] == "sound"
    refused = run("hash", "--no-sound", "alone.mp3")
    assert refused.code == 3
    assert "--no-sound" in refused.err


def test_two_sounds_are_compared():
    assert run("compare", "--json", "alone.mp3", "alone.wav").json[0]["verdict"] == "match"
    other = run("compare", "--json", "another.wav", "alone.wav")
    assert (other.code, other.json[0]["verdict"], other.json[0]["sound"]) == (0, "no-match", "another")
    assert other.json[0]["rests_on"] is None
    assert run("compare", "--no-sound", "--json", "copy.mp4", "known.mp4").json[0]["sound"] == "not listened to"


@pytest.mark.parametrize(("arguments", "words"), [
    (("silent.mp4",), ""),
    (("elsewhere.mp4", "--no-sound"), "Sound: the file was not listened to (--no-sound, or --effort fast)"),
    (("another.wav",), "Sound: the sound is another"),
])  # fmt: skip
def test_explain_says_why_sound_added_nothing(arguments, words):
    said = run("explain", *arguments[:1], record(), *arguments[1:]).out
    assert (words in said) if words else ("Sound:" not in said)


def test_explain_shows_the_gate_of_sound_and_the_plot_its_line():
    done = run("explain", "--json", "--plot", "why.svg", "elsewhere.mp4", record())
    (line,) = done.json
    assert [gate["passed"] for gate in line["gates"] if gate["name"] == "sound"] == [True]
    assert line["why_not_by_sound"] == ""
    with open("why.svg") as file:
        assert 'id="sound-0"' in file.read()


@pytest.mark.parametrize(("file", "said", "question"), [
    (
        "elsewhere.mp4",
        r"listen at +00:00:00\.\d – 00:00:1\d\.\d +↔ +known[\s\S]*nothing but the sound is alike",
        r"y  yes +the file has the sound of the known video",
    ),
    ("replaced.mp4", "replaced: in these seconds it is not the known video's", r"y  yes +the file shows the known video"),
])  # fmt: skip
def test_the_review_of_matches_shows_where_to_listen(file, said, question):
    with open("found.jsonl", "w") as found:
        found.write(run("match", "--json", file).out)
    with Terminal("review", "--matches", "found.jsonl", width=80) as terminal:
        screen = terminal.wait_for("Your answer").text
        terminal.send("q")
        terminal.end()
    assert re.search(said, screen)
    assert re.search(question, screen)


def test_lines_of_text_say_it_in_words():
    said = run("match", *ASKED).out
    assert re.search(r"^  sound 00:00:00\.\d – .* ↔ .*  the same$", said, re.MULTILINE)
    assert "sound replaced: in these seconds it is not the known video's" in said
    assert "the sound of the known video under other pictures" in said
    assert "nothing known sounds alike; there are no pictures" in json.dumps(run("match", "--json", "another.wav").json)


@pytest.mark.parametrize(("golden", "options"), [
    ("match-sound-80", {"width": 80}),
    ("match-sound-100-ascii", {"width": 100, "locale": "C"}),
])  # fmt: skip
def test_lanes_on_a_terminal(golden, options):
    screen = on_terminal("match", *ASKED, **options)
    assert screen.code == 10
    assert screen.widest <= options["width"]
    assert_golden(golden, re.sub(r"\d+/256", "##/256", screen.normalised()))  # encoders with threads do not write the same each time


def test_explain_on_a_terminal():
    """Both lanes, the sentence and the gate, whatever the figures are."""
    screen = on_terminal("explain", "elsewhere.mp4", record(), width=80)
    assert screen.widest <= 80
    assert re.search(r"file  │─+│ 00:00:12\.0\n   sound│─*▒+─*│ 00:00:12\.0\n  known │─+│ 00:00:12\.0\n   sound│─*▒+─*│", screen.text)
    assert "that of sound is the one for being possible" in screen.text
    assert "Why not a match: the sound is the same, and no picture confirms it" in screen.text
    assert re.search(r"^sound +[\d.]+ +[\d.]+ +pass ", screen.text, re.MULTILINE)
    assert "▒ the same sound   ─ not the same" in screen.text

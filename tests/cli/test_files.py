"""Which files a command line names: lists, patterns, folders, and how old they may be."""

import os
import time

import pytest
from vhashdb_cli.files import InputFiles, Since

from .driver import run


@pytest.fixture
def folder(clean):
    """A folder with three films in two levels, of different age, and a text."""
    ages = {"new.mp4": 60, "day.mp4": 86_400 * 1.5, "deep/old.mp4": 86_400 * 30, "notes.txt": 5}
    for name, age_s in ages.items():
        path = clean / "uploads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("some words")
        os.utime(path, (time.time() - age_s,) * 2)
    return clean / "uploads"


def names(inputs):
    return [os.path.basename(path) for path in inputs]


def test_a_folder_is_walked_and_what_is_no_media_is_counted(folder):
    inputs = InputFiles([str(folder)])
    assert sorted(names(inputs)) == ["day.mp4", "new.mp4", "old.mp4"]
    assert str(inputs.skipped) == "1 skipped (not media)" and len(inputs.skipped) == 1


@pytest.mark.parametrize(("since", "kept"), [("1h", {"new"}), ("2d", {"new", "day"}), ("5w", {"new", "day", "old"}), ("30s", set())])
def test_since_an_age(folder, since, kept):
    inputs = InputFiles([str(folder)], since=Since().convert(since, None, None))
    assert {name.removesuffix(".mp4") for name in names(inputs)} == kept
    assert inputs.older == 3 - len(kept)


def test_since_a_day_or_a_time():
    here = time.mktime((2026, 11, 24, 0, 0, 0, 0, 0, -1))
    assert Since().convert("2026-11-24", None, None) == here
    assert Since().convert("2026-11-24T18:30", None, None) == here + 18.5 * 3600
    assert Since().convert("2026-11-24T00:00+00:00", None, None) == 1_795_478_400


@pytest.mark.parametrize("text", ["yesterday", "2h30", "-1h", "", "2026-13-01"])
def test_since_something_else_is_a_usage_error(known, folder, text):
    done = run("match", "--db", known, "--since", text, folder)
    assert done.code == 2
    assert "2h" in done.err  # how to write it


def test_since_passes_over_a_file_that_is_named(folder):
    inputs = InputFiles([str(folder / "deep" / "old.mp4")], since=time.time() - 60)
    assert names(inputs) == [] and inputs.older == 1


def test_a_missing_file_is_never_too_old(folder):
    assert names(InputFiles([str(folder / "gone.mp4")], since=time.time())) == ["gone.mp4"]


def test_lists_name_files_and_folders(folder, clean):
    (clean / "list").write_text(f"{folder}/new.mp4\n\n{folder}/deep\r\n")
    (clean / "nul").write_bytes(f"{folder}/day.mp4\0".encode())
    assert names(InputFiles([], lists=["list"])) == ["new.mp4", "old.mp4"]
    assert names(InputFiles([], lists=["nul"], null=True)) == ["day.mp4"]


def test_patterns_that_the_shell_left_alone(folder):
    assert sorted(names(InputFiles([f"{folder}/**/*.mp4"]))) == ["day.mp4", "new.mp4", "old.mp4"]


def test_a_list_on_standard_input_in_both_ways(known, samples):
    film = os.fsencode(samples / "unknown" / "train.mp4")
    for arguments in (["--list", "-"], ["-"]):
        done = run("match", "--db", known, "--json", *arguments, stdin=film + b"\n")
        assert [line["verdict"] for line in done.of_type("file")] == ["no-match"]


def test_a_list_that_is_not_there_is_named(known):
    done = run("match", "--db", known, "--list", "nowhere")
    assert done.code == 2
    assert "the list nowhere cannot be read" in done.err and "one name a line" in done.err


@pytest.mark.parametrize("verb", ["match", "add"])
def test_no_file_at_all_is_a_usage_error_that_says_what_to_give(known, verb):
    done = run(verb, "--db", known)
    assert done.code == 2
    assert "no file is named" in done.err and "--list" in done.err


def test_what_is_older_is_counted_in_the_summary(known, samples, clean):
    import shutil

    film = shutil.copy(samples / "unknown" / "train.mp4", clean)
    os.utime(film, (0, 0))
    done = run("match", "--db", known, "--since", "1d", film)
    assert done.lines[-1].startswith("0 files: 1 older")
    assert run("match", "--db", known, "--json", "--since", "1d", film).json[-1]["older"] == 1

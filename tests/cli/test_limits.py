"""Limits by options, variables and the configuration file, and hints that name the option."""

import json
import re

import pytest
from PIL import Image
from vhashdb_cli.hints import with_options
from vhashdb_cli.limits import LIMITS

from tests.cli.driver import run
from tests.footage import film, picture, scene, tracks


@pytest.fixture
def large(tmp_path):
    Image.fromarray(picture(1, 300, 400)).save(tmp_path / "large.png")
    return tmp_path / "large.png"


@pytest.mark.parametrize("command", [["match", "--db"], ["add", "--db"]])
def test_a_hint_names_the_option(known, large, command):
    done = run(*command, known, "--max-pixels", "100k", large)
    assert done.code == 3
    assert "limit on pixels (--max-pixels)" in done.err
    assert "vhashdb.Limits" not in done.out + done.err
    assert run("hash", "--max-pixels", "100k", large).code == 3
    assert run("hash", "--max-pixels", "1M", large).code == 0


def test_the_variable_and_the_configuration_file_set_it_too(known, large, tmp_path, monkeypatch):
    monkeypatch.setenv("VHASHDB_MAX_PIXELS", "100k")
    assert run("match", "--db", known, large).code == 3
    monkeypatch.delenv("VHASHDB_MAX_PIXELS")
    config = tmp_path / "config.toml"
    monkeypatch.setenv("VHASHDB_CONFIG", str(config))
    for value in ('"100k"', "100000"):
        config.write_text(f"max_pixels = {value}\n")
        assert run("match", "--db", known, large).code == 3
    config.write_text("max_pixels = true\n")
    assert "max_pixels must be a whole number, or text" in run("match", "--db", known, large).err


@pytest.mark.parametrize("value", ["", "x", "12q", "-3", "0", "1e9"])
def test_a_senseless_amount_is_refused(known, large, value):
    done = run("match", "--db", known, "--max-duration", value, large)
    assert done.code == 2


def test_what_is_beyond_a_limit_is_exit_3_with_the_option_named(known, tmp_path):
    path = film(tmp_path / "a.mp4", scene(5, 60), rate=10)
    done = run("match", "--db", known, "--max-duration", "2s", path)
    assert done.code == 3
    assert re.search(r"INSUFFICIENT  nothing known in the (1\.9|2\.0) of 6\.0 s that could be looked at", done.out)
    assert "limit on length (--max-duration)" in done.err
    several = tracks(tmp_path / "b.mkv", *[(scene(6 + number, 10), 10) for number in range(3)])
    done = run("match", "--json", "--db", known, "--max-tracks", "2", several)
    line = json.loads(done.out.splitlines()[0])
    assert (done.code, line["verdict"]) == (3, "insufficient")
    assert line["coverage"]["complete"] is False
    assert line["coverage"]["unseen"]
    assert run("match", "--db", known, several).code == 0


def test_comparing_with_a_part_unseen_is_not_exit_0(tmp_path):
    a, b = film(tmp_path / "a.mp4", scene(5, 60), rate=10), film(tmp_path / "b.mp4", scene(9, 60), rate=10)
    assert run("compare", a, b).code == 0
    done = run("compare", "--max-duration", "2s", a, b)
    assert done.code == 3
    assert "limit on length" in done.out


def test_every_limit_that_can_be_set_is_named_by_its_option():
    for name, limit in LIMITS.items():
        assert with_options(f"raise the {limit.phrase} if") == f"raise the {limit.phrase} (--{name.replace('_', '-')}) if"

"""Flags win over the environment, that over the configuration file, that over defaults."""

import re

import pytest
from vhashdb_cli.settings import SETTINGS, VARIABLES, cache_path, processors, read_reasons

from vhashdb.review import REASONS, Act

from .driver import run


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config" / "vhashdb" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def settings(*options):
    """Those that a flag can give."""
    return {name: value for name, value in shown(*options).items() if name in ("db", "effort", "workers", "quiet", "cache")}


def shown(*options):
    done = run("config", "show", "--json", *options)
    assert done.code == 0, done
    return {line["name"]: (line["value"], line["from"]) for line in done.json}


def test_defaults():
    assert settings() == {
        "db": ("vhash.vhdb", "default"),
        "effort": ("balanced", "default"),
        "workers": (processors(), "default"),
        "quiet": (False, "default"),
        "cache": (cache_path(), "default"),
    }


def test_precedence(config, monkeypatch):
    config.write_text('db = "c.vhdb"\neffort = "fast"\nworkers = 3\nquiet = true\ncache = "k"\n')
    assert settings() == {
        "db": ("c.vhdb", "config file"),
        "effort": ("fast", "config file"),
        "workers": (3, "config file"),
        "quiet": (True, "config file"),
        "cache": ("k", "config file"),
    }
    monkeypatch.setenv("VHASHDB_DB", "e.vhdb")
    monkeypatch.setenv("VHASHDB_EFFORT", "thorough")
    monkeypatch.setenv("VHASHDB_WORKERS", "5")
    monkeypatch.setenv("VHASHDB_QUIET", "0")
    monkeypatch.setenv("VHASHDB_CACHE", "e")
    assert settings() == {
        "db": ("e.vhdb", "environment"),
        "effort": ("thorough", "environment"),
        "workers": (5, "environment"),
        "quiet": (False, "environment"),
        "cache": ("e", "environment"),
    }
    assert settings("--db", "f.vhdb", "--effort", "balanced", "--workers", "7", "--quiet", "--cache", "off") == {
        "db": ("f.vhdb", "flag"),
        "effort": ("balanced", "flag"),
        "workers": (7, "flag"),
        "quiet": (True, "flag"),
        "cache": ("off", "flag"),
    }


def test_the_verbs_use_them(config, known, samples, monkeypatch):
    config.write_text(f'db = "{known}"\neffort = "fast"\n')
    film = samples / "unknown" / "train.mp4"
    assert run("match", "--json", film).json[0]["effort"] == "fast"
    assert run("match", "--json", "--effort", "thorough", film).json[0]["effort"] == "thorough"
    monkeypatch.setenv("VHASHDB_EFFORT", "balanced")
    assert run("match", "--json", film).json[0]["effort"] == "balanced"


def test_text(config):
    config.write_text("workers = 3\n")
    done = run("config", "show", "--effort", "fast")
    lines = [line.split() for line in done.lines]
    assert ["effort", "fast", "flag", "(--effort)"] in lines
    assert ["workers", "3", "config", "file", f"({config})"] in lines
    assert done.lines[-1] == f"The configuration file is {config}."
    config.unlink()
    assert run("config", "show").lines[-1] == f"The configuration file is {config}, which does not exist."


def test_another_configuration_file(tmp_path, monkeypatch):
    path = tmp_path / "other.toml"
    path.write_text('db = "~/my.vhdb"\n')
    monkeypatch.setenv("VHASHDB_CONFIG", str(path))
    monkeypatch.setenv("HOME", "/home/somebody")
    assert shown()["db"] == ("/home/somebody/my.vhdb", "config file")
    monkeypatch.setenv("VHASHDB_CONFIG", str(tmp_path / "missing.toml"))
    done = run("config", "show")
    assert done.code == 2
    assert "missing.toml: no such file" in done.err
    assert "VHASHDB_CONFIG" in done.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"db = ", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"colour = 1", "unknown setting 'colour'"),
        (b"workers = 'two'", "workers must be a whole number, not 'two'"),
        (b"workers = true", "workers must be a whole number, not True"),
        (b"workers = 0", "workers: 0 is not in the range"),
        (b"effort = 'enormous'", "effort: 'enormous' is not one of fast, balanced, thorough"),
    ],
)
def test_a_malformed_file_is_named(config, content, message):
    config.write_bytes(content)
    for arguments in (["config", "show"], ["match", "x.mp4"]):
        done = run(*arguments)
        assert done.code == 2
        assert f"the configuration file {config}" in done.err
        assert message in done.err
    assert run("match", "--help").code == 0  # help is there when it is needed most


@pytest.mark.parametrize(("name", "value"), [("VHASHDB_WORKERS", "two"), ("VHASHDB_EFFORT", "enormous"), ("VHASHDB_QUIET", "perhaps")])
def test_a_senseless_variable_is_named(name, value, monkeypatch):
    monkeypatch.setenv(name, value)
    done = run("config", "show")
    assert done.code == 2
    assert value in done.err


def test_quiet_drops_warnings(known, clean):
    (clean / "empty").mkdir()
    assert run("match", "--db", known, "--quiet", "empty").err == ""


def test_what_only_the_environment_gives(tmp_path, monkeypatch, config):
    assert {name: shown()[name] for name in ("lock_timeout", "feed_passphrase", "debug", "config")} == {
        "lock_timeout": (10.0, "default"),
        "feed_passphrase": (None, "default"),
        "debug": (False, "default"),
        "config": (str(config), "default"),
    }
    monkeypatch.setenv("VHASHDB_LOCK_TIMEOUT", "2")
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", "five words that nobody guesses")
    assert shown()["lock_timeout"] == (2.0, "environment")
    assert shown()["feed_passphrase"] == ("(hidden)", "environment")
    assert "nobody" not in run("config", "show").out


def test_every_setting_and_variable_is_shown():
    assert set(shown()) == {name.removeprefix("VHASHDB_").lower() for name in VARIABLES}


def test_a_variable_that_nothing_reads_is_warned_about(known, samples, monkeypatch):
    monkeypatch.setenv("VHASHDB_EFORT", "fast")
    monkeypatch.setenv("VHASHDB_SOMETHING_ELSE", "1")
    for arguments in (["config", "show"], ["list", "--db", known]):
        done = run(*arguments)
        assert done.code == 0
        assert "warning: VHASHDB_EFORT is set, but there is no such setting; did you mean VHASHDB_EFFORT?" in done.err
        assert "VHASHDB_SOMETHING_ELSE is set, but there is no such setting\n" in done.err
    assert run("match", "--quiet", "--db", known, samples / "unknown" / "train.mp4").err == ""


def test_path(config, tmp_path, monkeypatch):
    assert run("config", "path").out == f"{config}\n"
    monkeypatch.setenv("VHASHDB_CONFIG", str(tmp_path / "other.toml"))
    assert run("config", "path").out == f"{tmp_path / 'other.toml'}\n"


def test_the_example_is_a_configuration_file(config, monkeypatch):
    text = run("config", "example", "--effort", "thorough", "--db", 'a "quoted" name.vhdb').out
    config.write_text(text)
    before = shown()
    config.write_text(re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE))
    after = shown()
    assert before["effort"] == ("balanced", "default")
    assert after["effort"] == ("thorough", "config file")
    assert after["db"] == ('a "quoted" name.vhdb', "config file")
    assert {name for name, (_, word) in after.items() if word == "config file"} == set(SETTINGS)
    config.write_text(re.sub(r"^# (?=[\w.\", ]+ = )", "", text, flags=re.MULTILINE))
    assert shown() == after
    assert read_reasons()["no"] == list(REASONS[Act.WRONG])

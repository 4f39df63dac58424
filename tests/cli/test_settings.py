"""Flags win over the environment, that over the configuration file, that over defaults."""

import pytest
from vhashdb_cli.settings import cache_path, processors

from .driver import run


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config" / "vhashdb" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


def shown(*options):
    done = run("config", "show", "--json", *options)
    assert done.code == 0, done
    return {line["name"]: (line["value"], line["from"]) for line in done.json}


def test_defaults():
    assert shown() == {
        "db": ("vhash.vhdb", "default"),
        "effort": ("balanced", "default"),
        "workers": (processors(), "default"),
        "quiet": (False, "default"),
        "cache": (cache_path(), "default"),
    }


def test_precedence(config, monkeypatch):
    config.write_text('db = "c.vhdb"\neffort = "fast"\nworkers = 3\nquiet = true\ncache = "k"\n')
    assert shown() == {
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
    assert shown() == {
        "db": ("e.vhdb", "environment"),
        "effort": ("thorough", "environment"),
        "workers": (5, "environment"),
        "quiet": (False, "environment"),
        "cache": ("e", "environment"),
    }
    assert shown("--db", "f.vhdb", "--effort", "balanced", "--workers", "7", "--quiet", "--cache", "off") == {
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
    assert "effort   fast                    flag (--effort)" in done.lines
    assert f"workers  3                       config file ({config})" in done.lines
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

"""The main help fits a terminal, and what it has no room for is on pages of its own."""

import importlib
import pkgutil

import click
import pytest
import vhashdb_cli
from vhashdb_cli.codes import ExitCode
from vhashdb_cli.main import cli
from vhashdb_cli.settings import VARIABLES
from vhashdb_cli.topics import TOPICS
from vhashdb_cli.verbs import GROUPS, MODULES, VERBS

from .driver import run
from .test_help import ALL


@pytest.fixture(autouse=True)
def usual_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def shown_groups(text):
    """The commands that a help names, by the heading that they are under; a line of names counts as a group."""
    groups, heading = {}, ""
    for line in text.splitlines():
        title, colon, names = line.partition(":")
        if colon and title in GROUPS:
            heading = title
            groups[heading] = names.replace(",", " ").split()
        elif not line:
            heading = ""
        elif heading and line[2] != " ":
            groups[heading].append(line.split()[0])
    return groups


def test_the_main_help_fits_80_columns_and_24_lines_with_the_prompt_after_it():
    lines = run("--help").lines
    assert len(lines) <= 23
    assert max(map(len, lines)) <= 80


def test_the_main_help_names_every_command_once_under_four_headings():
    groups = shown_groups(run("--help").out)
    assert list(groups) == ["Everyday", "Records", "Sharing", "Upkeep"]
    assert {title: tuple(names) for title, names in groups.items()} == GROUPS


def test_every_module_with_a_command_is_in_exactly_one_group():
    names = [module.name for module in pkgutil.iter_modules(vhashdb_cli.__path__) if module.name != "samples"]
    found = [name for name in names if hasattr(importlib.import_module(f"vhashdb_cli.{name}"), "command")]
    assert sorted(found) == sorted(MODULES.get(verb, verb) for verb in VERBS)


def test_what_the_main_help_says_at_its_end_leads_somewhere():
    last = run("--help").lines[-1]
    assert "vhashdb help " in last
    for topic in TOPICS:
        assert topic in last
        assert run("help", topic).code == 0


def test_codes_and_variables_are_on_their_pages_and_not_in_the_main_help():
    main, codes, variables = run("--help").out, run("help", "exit-codes").out, run("help", "environment").out
    for code in ExitCode:
        assert f"  {code.value:<4} {code.meaning}\n" in codes
    for name, meaning in VARIABLES.items():
        assert any(line.split(maxsplit=1) == [name, meaning] for line in variables.splitlines())
    assert "Exit codes" not in main
    assert "VHASHDB_" not in main


def test_the_page_of_commands_has_a_sentence_for_each():
    text = run("help", "commands").out
    assert {title: tuple(names) for title, names in shown_groups(text).items()} == GROUPS
    context = click.Context(cli)
    for verb in VERBS:
        assert cli.get_command(context, verb).short_help in " ".join(text.split()), verb


@pytest.mark.parametrize("topic", TOPICS)
def test_pages_fit_80_columns(topic):
    assert max(map(len, run("help", topic).lines)) <= 80


@pytest.mark.parametrize(("path", "command"), ALL)
def test_help_of_a_command_is_the_one_it_gives_itself(path, command):
    assert run("help", *path).out == run(*path, "--help").out


def test_help_alone_is_the_main_help():
    assert run("help") == run("--help")


def test_help_is_told_from_a_command_that_has_none_below_it():
    done = run("help", "match", "upload.mp4")
    assert done.code == 2
    assert done.err == "error: `vhashdb match` has no commands of its own.\nhint: see `vhashdb match --help`\n"


def test_a_page_has_nothing_below_it():
    done = run("help", "environment", "match")
    assert done.code == 2
    assert done.err.startswith("error: No such command 'environment'.")
    assert "Did you mean 'environment'" not in done.err


def test_the_help_of_help_names_every_page():
    assert set(TOPICS) <= set(run("help", "--help").out.replace(",", " ").split())

"""Whoever mistypes a command, a topic or an option is told what was probably meant."""

import click
import pytest
from vhashdb_cli.help import Group, did_you_mean
from vhashdb_cli.main import cli

from .driver import run
from .test_help import commands

MISTYPED = [
    ("mtach a.mp4", "No such command 'mtach'. Did you mean 'match' or 'unmatch'?", "vhashdb"),
    ("MATCH a.mp4", "No such command 'MATCH'. Did you mean 'match' or 'unmatch'?", "vhashdb"),
    ("imprt a.csv", "No such command 'imprt'. Did you mean 'import'?", "vhashdb"),
    ("--debug doktor", "No such command 'doktor'. Did you mean 'doctor'?", "vhashdb"),
    ("feed publsh", "No such command 'publsh'. Did you mean 'publish'?", "vhashdb feed"),
    ("review lst", "No such command 'lst'. Did you mean 'list'?", "vhashdb review"),
    ("trust ruls", "No such command 'ruls'. Did you mean 'rules'?", "vhashdb trust"),
    ("help enviroment", "No such command or topic 'enviroment'. Did you mean 'environment'?", "vhashdb"),
    ("help exprt", "No such command or topic 'exprt'. Did you mean 'export' or 'report'?", "vhashdb"),
    ("help feed publsh", "No such command 'publsh'. Did you mean 'publish'?", "vhashdb feed"),
    ("--versoin", "No such option '--versoin'. Did you mean '--version'?", "vhashdb"),
    ("match --efort fast a.mp4", "No such option '--efort'. Did you mean '--effort' or '--report'?", "vhashdb match"),
    ("trust list --jsn", "No such option '--jsn'. Did you mean '--json'?", "vhashdb trust list"),
    ("qqqqqq", "No such command 'qqqqqq'.", "vhashdb"),
    ("match --qqqqqq", "No such option '--qqqqqq'.", "vhashdb match"),
]


@pytest.mark.parametrize(("line", "message", "where"), MISTYPED, ids=[line for line, *_ in MISTYPED])
def test_what_was_probably_meant(line, message, where):
    done = run(*line.split())
    said = [part for part in done.err.splitlines() if part.startswith(("error:", "hint:"))]
    assert said == [f"error: {message}", f"hint: see `{where} --help`"]
    assert done.code == 2
    assert not done.out


def test_every_group_suggests():
    # click's own class does so in its newer releases only, so the table above cannot tell
    assert isinstance(cli, Group)
    assert [path for path, command in commands() if isinstance(command, click.Group) and not isinstance(command, Group)] == []


@pytest.mark.parametrize(
    ("names", "question"),
    [
        ([], ""),
        (["a"], " Did you mean 'a'?"),
        (["a", "b"], " Did you mean 'a' or 'b'?"),
        (["a", "b", "c"], " Did you mean 'a', 'b' or 'c'?"),
    ],
)
def test_the_question(names, question):
    assert did_you_mean(names) == question

"""What the library says to do next, and what the command line makes of it: only the command line knows verbs and options."""

import ast
import functools
import re

import pytest
from vhashdb_cli.codes import ExitCode, code_of_error
from vhashdb_cli.hints import SAID_HERE, with_options
from vhashdb_cli.verbs import VERBS

import vhashdb
from tests.conftest import ROOT
from vhashdb import errors

OPTION = re.compile(r"(?<![\w-])--[a-z]")
COMMAND = re.compile(rf"vhashdb (?:{'|'.join(VERBS)})\b")


@functools.cache
def raised_texts():
    """All text that an error of the library is made with, and the hints of its classes."""
    return list(_raised_texts())


def _raised_texts():
    for path in (ROOT / "vhashdb").rglob("*.py"):
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                yield path, node.value


@pytest.mark.parametrize("words", SAID_HERE)
def test_the_library_says_what_is_translated(words):
    start = words.partition("{}")[0]
    assert any(start in text for _, text in raised_texts())


def test_no_text_of_the_library_names_an_option_or_a_command():
    for path, text in raised_texts():
        if not {"charts", "report"} & set(path.parts):  # pages for people, who have the command line at hand
            assert not OPTION.search(text), (path, text)
            assert not COMMAND.search(text), (path, text)


def test_what_stays_of_a_hint_is_where_it_was():
    assert with_options("if it is meant to: let `Exchange.move` allow the host feeds.corp").endswith("--allow-host feeds.corp`")
    assert with_options("say which name is which field, such as hash=pdq").endswith("--map hash=pdq")


@pytest.mark.parametrize("name", [name for name in errors.__all__ if name != "VhashdbError"])
def test_every_error_has_an_exit_code(name):
    kind = getattr(vhashdb, name)
    code = code_of_error(kind("what happened"))
    assert code not in (ExitCode.FINISHED, ExitCode.FOUND, ExitCode.INTERNAL)
    parent = next(base for base in kind.__mro__[1:] if issubclass(base, errors.VhashdbError))
    assert parent is errors.VhashdbError or code is code_of_error(parent("what happened"))


def test_errors_of_one_kind_of_trouble_share_an_exit_code():
    assert code_of_error(errors.UsageError("x")) is code_of_error(errors.FingerprintError("x")) is ExitCode.USAGE
    assert code_of_error(errors.MediaError("x")) is code_of_error(errors.FormatError("x")) is ExitCode.INCOMPLETE
    assert code_of_error(errors.DatabaseError("x")) is ExitCode.DATABASE
    assert code_of_error(errors.FeedError("x")) is ExitCode.FEED


def test_an_error_outside_of_the_tree_is_a_fault():
    assert code_of_error(errors.VhashdbError("what happened")) is ExitCode.INTERNAL

"""The tree of errors: drawn in the docstring as it is, each with a message, a hint and its built-in."""

import ast
import re
import subprocess
import sys

import pytest

import vhashdb
from vhashdb import errors

from .conftest import ROOT

LINE = re.compile(r"^ {4}([│├└─ ]*)(\w+)(?: \((\w+)\))?")
CLASSES = [getattr(errors, name) for name in errors.__all__]


def drawn_tree():
    """``{name: (parent, built-in)}`` as the docstring of the module draws it."""
    tree, above = {}, {}
    for line in errors.__doc__.split("::\n", 1)[1].splitlines():
        found = LINE.match(line)
        if not found:
            if tree:
                break
            continue
        branch, name, builtin = found.groups()
        depth = len(branch) // 4
        above[depth] = name
        tree[name] = (above.get(depth - 1), builtin)
    return tree


def test_the_drawn_tree_has_every_error_and_no_other():
    assert set(drawn_tree()) == set(errors.__all__)
    assert len(drawn_tree()) >= 19


@pytest.mark.parametrize("name", errors.__all__)
def test_each_error_is_where_the_tree_draws_it(name):
    parent, builtin = drawn_tree()[name]
    kind = getattr(errors, name)
    assert [base.__name__ for base in kind.__bases__] == [parent or "Exception"] + ([builtin] if builtin else [])


def test_every_class_of_the_module_is_in_all():
    defined = {n for n, v in vars(errors).items() if isinstance(v, type) and v.__module__ == errors.__name__}
    assert defined == set(errors.__all__)
    assert list(errors.__all__) == sorted(errors.__all__)


def test_every_error_says_what_to_do_next():
    assert [kind.__name__ for kind in CLASSES if not kind.hint] == ["VhashdbError"]
    bare = []
    for package in ("vhashdb", "cli"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                    hints = [keyword.value for keyword in node.keywords if keyword.arg == "hint"]
                    none = name == "VhashdbError" and not hints
                    empty = hasattr(errors, name) and any(isinstance(hint, ast.Constant) and not hint.value for hint in hints)
                    bare += [f"{path}:{node.lineno}"] if none or empty else []
    assert not bare


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_error_says_its_message(kind):
    error = kind("it's gone: 'x'")
    assert str(error) == error.message == "it's gone: 'x'"
    assert kind("x", hint="try y").hint == "try y"
    assert kind.__doc__
    assert issubclass(kind, vhashdb.VhashdbError)
    assert getattr(vhashdb, kind.__name__) is kind


def test_hints_end_without_a_full_stop_and_speak_of_what_to_do():
    for kind in CLASSES:
        assert not kind.hint.endswith(".")
    told = {
        errors.MediaNotFound,
        errors.NotMedia,
        errors.UnreadableMedia,
        errors.DatabaseNotFound,
        errors.DatabaseLocked,
        errors.SchemaTooNew,
    }
    assert all(kind.hint for kind in told)


def test_built_in_handlers_catch_them(tmp_path):
    with pytest.raises(FileNotFoundError):
        vhashdb.fingerprint(tmp_path / "none.mp4")
    with pytest.raises(FileNotFoundError):
        vhashdb.open(tmp_path / "none.vhdb")
    with pytest.raises(FileExistsError):
        vhashdb.create(__file__)
    with pytest.raises(ValueError, match="not a vhashdb fingerprint"):
        vhashdb.from_bytes(b"")
    with vhashdb.create(tmp_path / "a.vhdb") as db, pytest.raises(LookupError):
        db.get("abc")


def test_errors_load_nothing_heavy():
    code = "import sys, vhashdb.errors; print(sorted(set(sys.modules) & {'numpy', 'av', 'faiss', 'sqlalchemy', 'PIL', 'scipy'}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_each_rule_of_the_exchange_is_a_sentence():
    rules = {kind("x").rule for kind in CLASSES if issubclass(kind, errors.FeedError)}
    assert len(rules) == sum(issubclass(kind, errors.FeedError) for kind in CLASSES)
    assert all(rule.endswith(".") for rule in rules)

"""Every number that decides something on the way from a file to a fingerprint says where it comes from."""

import ast
import itertools
import re

import pytest

from tests.conftest import ROOT

SOURCE = re.compile(r"\b(measured|derived|engineering bound|given by)\b", re.IGNORECASE)
"""Measured: the command that is named shows what another value does. Derived: from what is named. Engineering bound: a
limit or a trade-off that is not tuned. Given: by a standard, a format or other software."""
PACKAGES = ("video", "fingerprints", "hashing", "background")
MODULES = ("content", "coverage", "fingerprinting", "inputs", "opening", "walking")
NUMBERS_OF_THE_KERNEL = {"video/confinement.py"}
FILES = sorted(
    path
    for path in (
        *(p for name in PACKAGES for p in (ROOT / "vhashdb" / name).glob("*.py")),
        *(ROOT / "vhashdb" / f"{m}.py" for m in MODULES),
    )
    if path.relative_to(ROOT / "vhashdb").as_posix() not in NUMBERS_OF_THE_KERNEL
)


def numbers_without_a_source(path):
    """Module-level constants made of numbers, without a docstring that says where they come from."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for statement, after in itertools.zip_longest(body, body[1:]):
        if not isinstance(statement, ast.AnnAssign | ast.Assign) or statement.value is None:
            continue
        target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
        names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
        literals = [node.value for node in ast.walk(statement.value) if isinstance(node, ast.Constant)]
        if not all(name.isupper() for name in names) or not any(type(value) in (int, float) and value for value in literals):
            continue
        if any(isinstance(value, str | bytes) for value in literals):
            continue  # a table of names or beginnings, or a pattern
        said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        if not SOURCE.search(str(said)):
            yield f"{', '.join(names)} (line {statement.lineno})"


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_number_says_where_it_comes_from(path):
    assert not list(numbers_without_a_source(path))


def test_a_number_without_a_source_is_noticed(tmp_path):
    file = tmp_path / "module.py"
    file.write_text('A = 3\n"""Points."""\nB = 4\n"""Derived from A."""\nC = "words"\nd = 5\nE = 2\n')
    assert [found.split()[0] for found in numbers_without_a_source(file)] == ["A", "E"]

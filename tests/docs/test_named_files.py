"""Tests and files that the pages name are there: a promise whose test is gone is no promise."""

import re

import pytest

from tests.conftest import ROOT

PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md")), ROOT / "bench" / "README.md"]
TESTS = [path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")]
NAMED = sorted(
    {(page.name, *found) for page in PAGES for found in re.findall(r"([\w/]*test_\w+\.py)(?:::(\w+))?", page.read_text("utf-8"))}
)
FOLDERS = r"(?<![\w/.-])((?:tests|bench|docs|cli|vhashdb|data)/[\w/.-]+\.(?:py|md|toml|svg))"


@pytest.mark.parametrize(("page", "file", "test"), NAMED, ids=lambda value: value)
def test_a_test_that_is_named_is_there(page, file, test):
    found = [path for path in TESTS if f"/{path}".endswith(f"/{file}")]
    assert found, f"{page} names {file}"
    assert not test or any(f"def {test}(" in (ROOT / path).read_text("utf-8") for path in found), f"{page} names {file}::{test}"


def test_files_that_are_named_are_there():
    named = {(page.name, name) for page in PAGES for name in re.findall(FOLDERS, page.read_text("utf-8")) if "/test_" not in name}
    assert len(named) > 20
    assert [(page, name) for page, name in sorted(named) if not (ROOT / name).exists()] == []

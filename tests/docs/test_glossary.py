"""The glossary says what stands in the code: whoever renames something has to change its row."""

import re

import pytest

from tests.conftest import ROOT

STATUS = {"renamed", "kept"}
SOURCES = [path for folder in ("vhashdb", "cli") for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".j2")]


def rows():
    """The cells of every row of every table."""
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in table if row[-1] != "status"]


def module_of(name):
    """The file that a dotted name is in, and what is looked for in it."""
    *module, last = name.removeprefix("cli.").split(".")
    return (ROOT / ("cli" if name.startswith("cli.") else "vhashdb")).joinpath(*module).with_suffix(".py"), last


def test_every_row_is_whole_and_every_term_has_one_meaning():
    assert len(rows()) > 60
    assert {len(row) for row in rows()} == {4}
    assert {row[3] for row in rows()} <= STATUS
    terms = [row[0].casefold() for row in rows()]
    assert len(terms) == len(set(terms))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_what_is_said_to_be_in_the_code_is_there(row):
    names, texts = re.findall(r"`([^`]+)`", row[2]), re.findall(r'"([^"]+)"', row[2])
    assert names or texts
    for name in names:
        file, last = module_of(name)
        file = file if file.is_file() else file.with_suffix("") / "__init__.py"
        assert re.search(rf"\b{last}\b", file.read_text(encoding="utf-8")), f"{name} is not there any more: its row has to say what is"
    for text in texts:
        assert any(text in path.read_text(encoding="utf-8") for path in SOURCES), f"{text!r} is shown no more: its row has to say so"

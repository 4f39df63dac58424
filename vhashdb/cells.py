"""Cells of tables that other programs open: text from outside that must stay text there."""

from __future__ import annotations

from typing import Final

from vhashdb.text import printable

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a spreadsheet runs, or hides, when a cell begins with it."""
_MARKUP: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|#~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def neutral(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def original(cell: str) -> str:
    """What `neutral` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def markdown(cell: str) -> str:
    """A cell of a Markdown table that shows every character as it is, and is neither a link nor a tag."""
    return printable(cell.replace("\n", " ")).translate(_MARKUP)

"""Escape text from outside for tables that other programs open, so that it stays text there."""

from __future__ import annotations

from typing import Final

from vhashdb.text import printable

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
"""Characters that a spreadsheet runs, or hides, when a cell begins with them."""
_MARKUP: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|#~"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def escape_formula(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def unescape_formula(cell: str) -> str:
    """Return what `escape_formula` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def escape_markdown(cell: str) -> str:
    """Return a cell of a Markdown table that shows every character as it is, and is neither a link nor a tag."""
    return printable(cell.replace("\n", " ")).translate(_MARKUP)

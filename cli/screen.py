"""The terminal that a person reads: its width, its characters and colours, and tables that fit it."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .output import colour_wanted, emit, fitted, speaks_utf8

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDEST: Final = 120
"""Columns beyond which lines of text are hard to follow; tables may be wider."""
NARROWEST: Final = 40


class Screen:
    """Standard output as a terminal; only modules that run on one may import this, as rich takes a while to load."""

    def __init__(self) -> None:
        self.columns = max(NARROWEST, shutil.get_terminal_size().columns)
        self.width = min(WIDEST, self.columns)
        self._colour = colour_wanted()

    def fit(self, text: str) -> str:
        """The text in characters that the terminal has, to be measured only then."""
        return fitted(text, sys.stdout)

    def text(self, words: str, style: str = "") -> Text:
        """One run of words."""
        return Text(self.fit(words), style if self._colour else "")

    def line(self, words: str | Text, indent: int = 0) -> None:
        """Print words, broken between words where they are too long, each line indented."""
        text = words if isinstance(words, Text) else self.text(words)
        self._print(Padding(text, (0, 0, 0, indent)), self.width)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, roomy: Sequence[str] = ()) -> None:
        """Print a table; only the columns named ``roomy`` give way where it is too wide, and break between words."""
        table = Table(
            box=box.SIMPLE if speaks_utf8(sys.stdout) else box.ASCII2, pad_edge=False, header_style="bold" if self._colour else ""
        )
        for column in columns:
            gives_way = column in roomy
            table.add_column(self.fit(column), no_wrap=not gives_way, overflow="fold" if gives_way else "ellipsis")
        for row in rows:
            table.add_row(*(self.text(cell) for cell in row))
        self._print(table, self.columns)

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Print names and values, the values in a column of their own."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(self.text(name, "bold"), self.text(value))
        self._print(table, self.width)

    def shortened(self, text: str, width: int) -> str:
        """The text in at most ``width`` columns; what is too much is left out in its middle."""
        text, gap = self.fit(text), self.fit("…")
        if cell_len(text) <= width:
            return text
        tail = (width - len(gap)) // 2
        return set_cell_size(text, width - len(gap) - tail).rstrip() + gap + _last(text, tail)

    def _print(self, renderable: RenderableType, width: int) -> None:
        # Into a text first: the progress shown on the same terminal has to see every line as it is written.
        colours = {"color_system": "standard"} if self._colour else {"color_system": None}
        console = Console(
            file=io.StringIO(), width=width, force_terminal=self._colour, **colours, markup=False, emoji=False, highlight=False
        )  # type: ignore[arg-type]
        with console.capture() as captured:
            console.print(renderable)
        for line in captured.get().splitlines():
            emit(line.rstrip())


def _last(text: str, width: int) -> str:
    """The end of a text, in at most so many columns."""
    start = len(text)
    while start and cell_len(text[start - 1 :]) <= width:
        start -= 1
    return text[start:]

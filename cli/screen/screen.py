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

from ..output import colour_wanted, emit, fitted, speaks_utf8

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDEST: Final = 120
"""Columns beyond which lines of text are hard to follow; tables may be wider."""
NARROWEST: Final = 40
ROOMY: Final = 100
"""Columns from which a table may have what is only nice to have."""
_SHORTEST_NAME: Final = 24
_WHOLE_WORD: Final = 20
"""Characters up to which a word in a table is not broken."""


class Screen:
    """Standard output as a terminal; only modules that run on one may import this, as rich takes a while to load."""

    def __init__(self) -> None:
        self.columns = max(NARROWEST, shutil.get_terminal_size().columns)
        self.width = min(WIDEST, self.columns)
        self._colour = colour_wanted()
        self._measuring = self._console(self.width)

    def fit(self, text: str) -> str:
        """Return the text in characters that the terminal has, to be measured only then."""
        return fitted(text, sys.stdout)

    def text(self, words: str, style: str = "") -> Text:
        """Return one run of words."""
        return Text(self.fit(words), style if self._colour else "")

    def line(self, words: str | Text, indent: int = 0) -> None:
        """Print words, broken between words where they are too long, each line indented."""
        text = words if isinstance(words, Text) else self.text(words)
        self._print(Padding(text, (0, 0, 0, indent)), self.width)

    def hanging(self, mark: str, words: str, indent: int = 0) -> None:
        """Print words after a mark; their further lines stand under the first word."""
        mark = self.fit(mark)
        for number, line in enumerate(self.text(words).wrap(self._measuring, self.width - indent - len(mark))):
            self.line(Text(" " * len(mark) if number else mark) + line, indent)

    def flow(self, parts: Sequence[str], gap: str, *, indent: int = 0, hang: int = 2, broken: str = "") -> None:
        """Print parts side by side; one that does not fit goes, as a whole, to a further line, which is indented by ``hang``.

        A line that something follows ends in ``broken``, or like the gap.
        """
        first, *others = map(self.fit, parts)
        gap, lines = self.fit(gap), [first]
        broken = broken or gap.rstrip()
        for part in others:
            if cell_len(lines[-1] + gap + part + broken) > self.width - indent:
                lines[-1] += broken
                lines.append(" " * hang + part)
            else:
                lines[-1] += gap + part
        for line in lines:
            self.line(line, indent)

    def row(self, name: str, words: str) -> None:
        """Print a name and words; where they do not fit, first the name is shortened, then the words go on below."""
        words = self.fit(words)
        name = self.shortened(name, max(_SHORTEST_NAME, self.width - cell_len(words) - 2))
        row = self.text(f"{name}  {words}" if name else words)
        lines = [row] if row.cell_len <= self.width else row.wrap(self._measuring, self.width - 2)
        for number, line in enumerate(lines):
            self.line(line, 2 if number else 0)

    def command(self, words: Sequence[str], indent: int = 0) -> None:
        """Print a command to be copied: a line that is broken ends as the shell wants it."""
        self.flow(words, " ", indent=indent, broken=" \\")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, roomy: Sequence[str] = ()) -> None:
        """Print a table; only the columns named ``roomy`` give way where it is too wide, and break between words if they can."""
        table = self._table(columns, rows, roomy, _WHOLE_WORD)
        if self._measuring.measure(table, options=self._measuring.options.update(width=10 * WIDEST)).minimum > self.columns:
            table = self._table(columns, rows, roomy, 0)
        self._print(table, self.columns)

    def _table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], roomy: Sequence[str], whole: int) -> Table:
        """Words of at most ``whole`` characters are not broken."""
        lines = box.SIMPLE if speaks_utf8(sys.stdout) else box.ASCII2
        table = Table(box=lines, show_edge=False, padding=(0, 1, 0, 0), header_style="bold" if self._colour else "")
        for number, column in enumerate(columns):
            if column in roomy:
                longest = max((cell_len(word) for row in rows for word in row[number].split()), default=0)
                table.add_column(self.fit(column), overflow="fold", min_width=min(whole, longest) or None)
            else:
                table.add_column(self.fit(column), no_wrap=True)
        for row in rows:
            table.add_row(*(self.text(cell) for cell in row))
        return table

    def facts(self, rows: Iterable[tuple[str, str]]) -> None:
        """Print names and values, the values in a column of their own."""
        table = Table.grid(padding=(0, 2, 0, 0))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(self.text(name, "bold"), self.text(value))
        self._print(table, self.width)

    def shortened(self, text: str, width: int) -> str:
        """Return the text in at most ``width`` columns; what is too much is left out in its middle."""
        text, gap = self.fit(text), self.fit("…")
        if cell_len(text) <= width:
            return text
        tail = (width - len(gap)) // 2
        return set_cell_size(text, width - len(gap) - tail).rstrip() + gap + _last(text, tail)

    def _print(self, renderable: RenderableType, width: int) -> None:
        # Into a text first: the progress shown on the same terminal has to see every line as it is written.
        console = self._console(width)
        with console.capture() as captured:
            console.print(renderable)
        for line in captured.get().splitlines():
            emit(line.rstrip())

    def _console(self, width: int) -> Console:
        return Console(
            file=io.StringIO(),
            width=width,
            force_terminal=self._colour,
            color_system="standard" if self._colour else None,
            markup=False,
            emoji=False,
            highlight=False,
        )


def _last(text: str, width: int) -> str:
    """The end of a text, in at most so many columns."""
    start = len(text)
    while start and cell_len(text[start - 1 :]) <= width:
        start -= 1
    return text[start:]

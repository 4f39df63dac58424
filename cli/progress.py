"""How far a long run is, for a person at a terminal: on stderr, with rate, time left and what is under way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from .output import fitted, shown

if TYPE_CHECKING:
    from rich.progress import ProgressColumn, Task

Unit = Literal["file", "feed", "byte"]

_REDRAWN_PER_S: Final = 4
"""Enough for a person, and little for a slow line."""
_BAR_WIDTH: Final = 20
_SHORTEST_NAME: Final = 8
_BESIDE_NAME: Final = 62
"""Columns that everything else may take, and a few that stay free."""

_R = TypeVar("_R")


class Progress:
    """A line that is redrawn while a run goes on, and gone afterwards; nothing at all if stderr is no terminal."""

    def __init__(self, total: int | None, *, quiet: bool, unit: Unit = "file") -> None:
        self._total, self._unit = total, unit
        self._shown = sys.stderr.isatty() and os.environ.get("TERM") != "dumb" and not quiet
        self._bar: Any = None
        self._task: Any = None
        self._names: list[str] = []
        """Under way, the one begun first at the front."""
        self._lock = threading.Lock()

    def __enter__(self) -> Progress:
        if self._shown:
            self._bar = _bar(self._unit)
            self._bar.start()
            self._task = self._bar.add_task("", total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, amount: int = 1) -> None:
        """So much more is done."""
        if self._bar is not None:
            self._bar.advance(self._task, amount)

    def expect(self, total: int) -> None:
        """So much will be done, as far as that is known by now."""
        if self._bar is not None:
            self._bar.update(self._task, total=total)

    def begin(self, name: str) -> None:
        """This is under way from now on; any thread may say so."""
        with self._lock:
            self._names.append(name)
        self._name()

    def end(self, name: str) -> None:
        """It no longer is."""
        with self._lock:
            self._names.remove(name)
        self._name()

    def watching(self, work: Callable[[str], _R]) -> Callable[[str], _R]:
        """Return the same work on a file, under way for as long as it lasts."""

        def watched(path: str) -> _R:
            self.begin(path)
            try:
                return work(path)
            finally:
                self.end(path)

        return watched

    def _name(self) -> None:
        if self._bar is not None:
            from rich.cells import set_cell_size

            name = next(iter(self._names), "")  # of several, the one that keeps the others waiting
            # Where the terminal echoes ^C beyond the last column, the line above could not be wiped any more.
            room = max(_SHORTEST_NAME, self._bar.console.width - _BESIDE_NAME)
            name = set_cell_size(fitted(shown(os.path.basename(name)), sys.stderr), room)
            self._bar.update(self._task, description=name.rstrip())


def _bar(unit: Unit) -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as RichProgress
    from rich.table import Column

    amount: list[ProgressColumn] = [DownloadColumn(), TransferSpeedColumn()] if unit == "byte" else [MofNCompleteColumn(), _rate(unit)]
    return RichProgress(
        BarColumn(_BAR_WIDTH),
        *amount,
        _time(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="crop")),
        console=Console(stderr=True),
        refresh_per_second=_REDRAWN_PER_S,
        transient=True,
        redirect_stderr=True,
        # Lines of data printed to the same terminal must not cut through the bar; into a file they must not be touched.
        redirect_stdout=sys.stdout.isatty(),
    )


def _rate(unit: Unit) -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            if not task.speed:
                return Text("")
            return Text(f"{task.speed:.1f} {unit}s/s" if task.speed >= 1 else f"{1 / task.speed:.1f} s a {unit}")

    return Rate()


def _time() -> ProgressColumn:
    """The time left or, where nobody can know it, the time gone by."""
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Time(ProgressColumn):
        max_refresh = 0.5

        def render(self, task: Task) -> Text:
            left = task.time_remaining
            seconds = int((task.elapsed or 0) if left is None else left)
            text = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
            return Text(text if left is None else f"{text} left")

    return Time()

"""Lines of words, which a terminal shows whole; above both plain output and what a terminal shows."""

from __future__ import annotations

import sys

from .output import emit


def emit_words(line: str) -> None:
    """Print one line of words; a terminal shows it broken between them rather than anywhere."""
    if not sys.stdout.isatty():
        emit(line)
        return
    from .screen.screen import Screen

    Screen().row("", line)

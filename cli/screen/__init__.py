"""What a person sees on a terminal. Its modules are loaded only on one, as rich takes a while."""

from __future__ import annotations

import sys

from ..output import emit


def emit_words(line: str) -> None:
    """Print one line of words; a terminal shows it broken between them rather than anywhere."""
    if not sys.stdout.isatty():
        emit(line)
        return
    from .screen import Screen

    Screen().row("", line)

"""Open a file at the second at which it begins to match, with the program that the configuration names."""

from __future__ import annotations

import os
import shlex
from typing import Final

from vhashdb.errors import UsageError

from ..output import clock, printable

FILE: Final = "{file}"
SECONDS: Final = "{seconds}"
NONE: Final = 'no player is configured: put  player = "mpv --start={seconds} {file}"  into the file that `vhashdb config path` names'


class Player:
    """The program that plays files. No shell is asked, and a file's name is never an option: it is given as an absolute path."""

    def __init__(self, command: str | None) -> None:
        """Take the command as it was configured; None: there is no player.

        Raises:
            UsageError: it is none.
        """
        try:
            self._words = shlex.split(command or "")
        except ValueError as error:
            raise UsageError(f"the player {command!r} is no command: {error}", hint="put words with blanks in quotation marks") from error
        if self._words and not any(FILE in word for word in self._words):
            self._words.append(FILE)

    def open(self, path: str, seconds: float) -> str:
        """Start it and wait for nothing; return what to tell the person."""
        if not self._words:
            return NONE
        file = os.path.abspath(path)
        if not os.path.isfile(file):
            return f"{printable(path)} is not there any more"
        command = [word.replace(SECONDS, f"{seconds:.1f}").replace(FILE, file) for word in self._words]
        quiet = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in range(3)]
        try:  # in a session of its own: Ctrl-C here does not end it
            os.posix_spawnp(command[0], command, os.environ, file_actions=quiet, setsid=True)
        except OSError as error:
            return f"{printable(command[0])} cannot be started: {error.strerror}"
        return f"opened at {clock(seconds)}: {printable(path)}"

"""The command in a real pseudo-terminal, and what is then on its screen; golden files of such screens.

``on_terminal`` runs a command to its end. With ``Terminal`` one types into a command that is still running::

    with Terminal("review", width=80) as terminal:
        terminal.wait_for("accept?")
        terminal.send("a")
        screen = terminal.end()
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from dataclasses import dataclass
from pathlib import Path

import pyte

from .driver import start

GOLDEN = Path(__file__).with_name("golden")
REWRITE = "REWRITE_GOLDEN"
"""Environment variable: when it is set, golden files are written instead of compared with."""
ROWS = 24
PAPER_ROWS = 2000
"""What scrolled off the screen is kept, as a person can scroll back."""
UNBROKEN = 1000
"""Columns in which no line is ever broken."""
PATIENCE_S = 60.0

_CHANGING = (
    (re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b"), lambda found: "#" * len(found[0])),
    (re.compile(r"\b[0-9a-f]{8}\b"), lambda found: "#" * len(found[0])),
    (re.compile(r"\b\d+\.\d [kM]B\b"), lambda found: "#.# kB"),
    (re.compile(r"\b20\d\d-\d\d-\d\d([ T]\d\d:\d\d:\d\d(?:\.\d+)?)?"), lambda found: "YYYY-MM-DD" + (" hh:mm:ss" if found[1] else "")),
)
"""What differs from run to run: digests, ids, sizes of databases and dates. Digests and ids keep their width, on
which the layout depends."""


@dataclass(frozen=True)
class Screen:
    """What a command left on a terminal."""

    code: int | None
    """None while the command still runs."""
    raw: bytes
    """Everything that was sent to the terminal."""
    width: int

    @property
    def lines(self):
        """The text at the end, scrolled back to the first line."""
        screen = self._drawn(self.width)
        rows = (screen.buffer[row] for row in range(max(screen.buffer, default=-1) + 1))
        lines = ["".join(row[column].data for column in range(max(row, default=-1) + 1)).rstrip() for row in rows]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self):
        return "".join(f"{line}\n" for line in self.lines)

    @property
    def widest(self):
        """Columns that the longest line would take if the terminal did not break lines."""
        rows = self._drawn(UNBROKEN).buffer.values()
        return max((column + 1 for row in rows for column in row if row[column].data != " "), default=0)

    @property
    def cursor_shown(self):
        return not self._drawn(self.width).cursor.hidden

    @property
    def coloured(self):
        """Whether any colour or weight was ever asked for."""
        return re.search(rb"\x1b\[[0-9;]*[1-9][0-9;]*m", self.raw) is not None

    def normalised(self, **names):
        """The text without what differs from run to run; ``names`` are words that stand for texts, such as a folder."""
        text = self.text
        for name, value in names.items():
            text = text.replace(os.fspath(value), f"<{name}>")
        for pattern, replacement in _CHANGING:
            text = pattern.sub(replacement, text)
        return text

    def _drawn(self, width):
        screen = pyte.Screen(width, PAPER_ROWS)
        pyte.ByteStream(screen).feed(self.raw)
        return screen


class Terminal:
    """A command that runs in a pseudo-terminal of a given width; ``stdin`` is a file that it reads instead of what is typed."""

    def __init__(self, *arguments, width=80, no_colour=False, term="xterm-256color", locale="C.UTF-8", stdin=None, **environment):
        self.width = width
        self._raw = bytearray()
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, width, 0, 0))
        self._before = termios.tcgetattr(theirs)
        given = {"TERM": term, "LC_ALL": locale} | ({"NO_COLOR": "1"} if no_colour else {}) | environment
        if locale == "C":  # what Python would otherwise do with the C locale is to take UTF-8 instead
            given |= {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        dropped = ("LANG", "LC_CTYPE", "NO_COLOR", "COLUMNS", "LINES", "PYTHONIOENCODING")
        environ = {name: value for name, value in os.environ.items() if name not in dropped} | given
        # A session of its own, whose terminal this is: Ctrl-C is then what the terminal makes of the character.
        streams = {"stdin": theirs if stdin is None else stdin, "stdout": theirs, "stderr": theirs}
        self._process = start(*arguments, **streams, env=environ, start_new_session=True, preexec_fn=lambda: _adopt(theirs))
        self._theirs = theirs

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    @property
    def screen(self):
        """What is there now."""
        return Screen(self._process.poll(), bytes(self._raw), self.width)

    def send(self, text):
        """Type this; ``"\\x03"`` is Ctrl-C and ``"\\r"`` the enter key."""
        os.write(self._ours, text.encode())

    def wait_for(self, pattern, timeout_s=PATIENCE_S):
        """Wait until the screen shows what the regular expression says; the screen then."""
        until = time.monotonic() + timeout_s
        while not re.search(pattern, self.screen.text):
            ended = self._process.poll() is not None
            if not self._read(0.05) and (ended or time.monotonic() > until):
                raise AssertionError(f"{pattern!r} is not on the screen:\n{self.screen.text}")
        return self.screen

    def end(self, timeout_s=PATIENCE_S):
        """Wait until the command has ended; the screen then."""
        until = time.monotonic() + timeout_s
        while self._process.poll() is None:
            self._read(0.05)
            if time.monotonic() > until:
                raise AssertionError(f"it does not end:\n{self.screen.text}")
        while self._read(0):
            pass
        return self.screen

    @property
    def as_before(self):
        """Whether the terminal's own settings (echo, line by line …) are what they were before the command."""
        return termios.tcgetattr(self._theirs) == self._before

    def _read(self, wait_s):
        if not select.select([self._ours], [], [], wait_s)[0]:
            return False
        self._raw += os.read(self._ours, 1 << 16)
        return True


def _adopt(terminal):
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def on_terminal(*arguments, **options):
    """Run a command in a pseudo-terminal to its end; the screen. The options are those of `Terminal`."""
    with Terminal(*arguments, **options) as terminal:
        return terminal.end()


def assert_golden(name, text):
    """Compare with ``golden/NAME.txt``, or write it if the environment says so."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get(REWRITE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == expected, f"{path} differs; {REWRITE}=1 writes it anew"

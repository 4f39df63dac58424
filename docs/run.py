"""Run what the pages show and compare it with what they say.

    python docs/run.py [PAGE.md …]            # says where a page shows something else than happens
    python docs/run.py --write [PAGE.md …]    # writes into the page what happens

Each page has one empty folder in which the samples are in `data/samples`, and one shell, on a terminal of 80 columns, in which
everything runs in the page's order. What a block is for is said by its language:

| language | |
|---|---|
| `console` | a session: commands after `$ ` (going on after `> `), and exactly what they print; a line `…` stands for any lines |
| `python` | is run |
| `output` | what the block above it prints |
| `json`, `toml`, `ini` | has to be well-formed |
| `sh` | has to be a well-formed script |
| `text` | is read by people only |

`python title="worker.py"` saves a block under that name in the page's folder instead of running it, so that a session further
down can; the same goes for `sh`, `toml` and `ini`. Ids, digests, dates, durations, sizes and ports need not be those shown, but an id that
is shown twice has to be the same id both times. A command that fails has to be followed by `$ echo $?`, unless it ends with
10, which means that something was found.
"""

from __future__ import annotations

import argparse
import configparser
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import pyte

ROOT: Final = Path(__file__).parents[1]
GENERATED: Final = ("cli.md", "json.md")
_BLOCK: Final = re.compile(r'^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
_COMMAND: Final = re.compile(r"^\$ (?P<command>.*(?:\n> .*)*)\n?(?P<shown>(?:(?!\$ ).*\n?)*)", re.MULTILINE)
_VARIABLE: Final = re.compile(
    r"(?P<id>\b(?:[0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{8})\b)"
    r"|(?P<moment>\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|\+00:00)?)?)"
    r"|(?P<size>\b\d[\d.,]* (?:bytes?|[kMG]B)\b)"
    r'|(?P<took>\b(?:in|after) \d+(?:\.\d+)? s\b|"elapsed_s": [\d.]+)'
    r"|(?P<space>\s+)"
)
_ANY: Final = {
    "moment": r"\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|\+00:00)?)?",
    "size": r"\d[\d.,]* (?:bytes?|[kMG]B)",
    "took": r'(?:(?:in|after) \d+(?:\.\d+)? s|"elapsed_s": [\d.]+)',
    "space": r"\s+",
}
_FOUND: Final = 10
COLUMNS: Final = 80
_ROWS: Final = 1000
_NOT_FOR_PAGES: Final = ("VHASHDB_", "XDG_", "PYTEST_", "COLUMNS", "LINES", "LANG", "LC_", "NO_COLOR")
_TIMEOUT_S: Final = 60
_SERVERS: Final = ("http.server", "vhashdb serve")
"""Commands that listen at a port, in the background; the port that a page shows is another where it is run."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    language: str
    title: str | None
    text: str
    start: int
    """Where its text begins in the page."""
    line: int


@dataclass(frozen=True)
class Difference:
    """A place where a page is not what happens."""

    page: Path
    line: int
    what: str
    shown: str
    happened: str
    span: tuple[int, int] | None = None
    """Of the page, where what happened can be written instead."""

    def __str__(self) -> str:
        where = f"{self.page.relative_to(ROOT)}:{self.line}: {self.what}"
        return f"{where}\n--- shown\n{self.shown.rstrip()}\n--- happened\n{self.happened.rstrip()}"


def pages() -> list[Path]:
    """The pages written by people."""
    return [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(path for path in sorted((ROOT / "docs").glob("*.md")) if path.name not in GENERATED),
    ]


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    found = _BLOCK.finditer(text)
    return [Block(m["language"], m["title"], m["text"], m.start("text"), text.count("\n", 0, m.start("text")) + 1) for m in found]


class Shell:
    """One shell in one empty folder, which remembers what variables and folder were set; its output is a terminal."""

    def __init__(self, place: Path) -> None:
        (place / "data").mkdir()
        (place / "data" / "samples").symlink_to(ROOT / "data" / "samples")
        self.place = place
        self._mark = f"mark-{os.urandom(8).hex()}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_FOR_PAGES)}
        programs = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
        settings = {"HOME": str(place), "PATH": programs, "TZ": "UTC", "LC_ALL": "C.UTF-8", "USER": "you", "LOGNAME": "you"}
        self._screen, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc"],
            cwd=place,
            env=kept | settings | {"TERM": "xterm-256color", "NO_COLOR": "1"},
            stdin=subprocess.PIPE,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):  # servers in the background end with the page
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()
        os.close(self._screen)

    def folder(self) -> Path:
        """The folder that the session is in now."""
        note = self.place / ".folder"
        self.run(f"pwd >{note}")
        return Path(note.read_text(encoding="utf-8").removesuffix("\n"))

    def run(self, command: str) -> tuple[str, int]:
        """What is then on the screen, and how the command ends; `$?` is left as it was."""
        assert self._process.stdin is not None
        script = f"{{ {command}\n}} </dev/null\n__code=$?; printf '\\n%s %d\\n' {self._mark} $__code; (exit $__code)\n"
        self._process.stdin.write(script.encode())
        self._process.stdin.flush()
        raw, end = b"", re.compile(rb"\r\n%s (\d+)\r\n" % self._mark.encode())
        started = time.monotonic()
        while not (found := end.search(raw)):
            if time.monotonic() > started + _TIMEOUT_S:
                raise RuntimeError(f"{command!r} does not end: {raw.decode(errors='replace')}")
            if select.select([self._screen], [], [], 1.0)[0]:
                raw += os.read(self._screen, 65536)
        return _drawn(raw[: found.start()]).replace(str(self.place), "/home/you"), int(found[1])


def _drawn(raw: bytes) -> str:
    """The text that a terminal shows after all this was sent to it."""
    screen = pyte.Screen(COLUMNS, _ROWS)
    pyte.ByteStream(screen).feed(raw)
    lines = [line.rstrip() for line in screen.display[: screen.cursor.y + 1]]
    return "".join(f"{line}\n" for line in lines)


class Page:
    """One page, run from its beginning to its end."""

    def __init__(self, path: Path, shell: Shell) -> None:
        self._path, self._shell = path, shell
        self._text = path.read_text(encoding="utf-8")
        self._known: dict[str, str] = {}
        """Ids and ports as they are here, by how they are shown."""
        self._printed = ""

    def differences(self) -> Iterator[Difference]:
        """Where it shows something else than happens."""
        for block in blocks(self._text):
            yield from _LANGUAGES[block.language](self, block)

    def session(self, block: Block) -> Iterator[Difference]:
        found = list(_COMMAND.finditer(block.text))
        if not found or found[0].start():
            yield self._difference(block, "a session begins with `$ `")
            return
        for match, after in zip(found, [*found[1:], None], strict=True):
            command, shown = match["command"].replace("\n> ", "\n"), match["shown"]
            printed, code = self._run(command)
            line = block.line + block.text.count("\n", 0, match.start())
            if code not in (0, _FOUND) and (after is None or after["command"] != "echo $?"):
                yield Difference(self._path, line, f"`{command}` ends with {code}", shown, printed)
            if not self._same(shown, printed):
                span = (block.start + match.start("shown"), block.start + match.end("shown"))
                yield Difference(self._path, line, f"`{command}` prints something else", shown, self._as_shown(printed), span)

    def python(self, block: Block) -> Iterator[Difference]:
        compile(block.text, f"{self._path.name}:{block.line}", "exec")
        if block.title:
            self._save(block)
            return
        (self._shell.place / ".block.py").write_text(self._here(block.text), encoding="utf-8")
        self._printed, code = self._run(f"python {self._shell.place}/.block.py")
        if code:
            yield self._difference(block, "ends with an error", self._printed)

    def output(self, block: Block) -> Iterator[Difference]:
        if not self._same(block.text, self._printed):
            span = (block.start, block.start + len(block.text))
            yield Difference(self._path, block.line, "what is printed", block.text, self._as_shown(self._printed), span)

    def script(self, block: Block) -> Iterator[Difference]:
        done = subprocess.run(["/bin/bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
        if done.returncode:
            yield self._difference(block, "no script", done.stderr)
        self._save(block)

    def parsed(self, block: Block) -> Iterator[Difference]:
        try:
            _PARSERS[block.language](block.text)
        except (ValueError, configparser.Error) as error:
            yield self._difference(block, f"no {block.language}", str(error))
        self._save(block)

    def read(self, block: Block) -> Iterator[Difference]:  # noqa: ARG002  # there is nothing to check
        yield from ()

    def _run(self, command: str) -> tuple[str, int]:
        serves = any(server in command for server in _SERVERS)
        if serves and (port := re.search(r"\b8\d{3}\b", command)):
            self._known[port[0]] = str(_free_port())
        here = self._here(command)
        printed = self._shell.run(here)
        if serves:
            _until_it_listens(int(self._known[re.search(r"\b8\d{3}\b", command)[0]]))  # type: ignore[index]  # found above
        return printed

    def _here(self, command: str) -> str:
        """The command with the ids of this run: those shown, and beginnings of them."""
        for shown, here in self._known.items():
            command = command.replace(shown, here)
            if len(shown) >= 8:
                command = re.sub(rf"\b{shown[:6]}\b", here[:6], command)
        return command

    def _same(self, shown: str, printed: str) -> bool:
        found = re.fullmatch(self._pattern(shown), printed.strip())
        named = {name.removeprefix("id_"): here for name, here in found.groupdict().items()} if found else {}
        same = found is not None and len({*self._known.values(), *named.values()}) == len(self._known) + len(named)
        if same:
            self._known |= named
        else:  # as far as one can tell, so that what comes after it is about the right records, and is written with the ids shown
            before, now = (list(dict.fromkeys(_ids(text))) for text in (shown, printed))
            fresh = [[name for name in before if name not in self._known], [here for here in now if here not in self._known.values()]]
            self._known |= {name: here for name, here in zip(*fresh, strict=False) if len(name) == len(here)}
        return same

    def _pattern(self, shown: str) -> str:
        """A regular expression of everything that counts as what is shown."""
        parts, seen = [], set()
        for line in shown.strip().splitlines():
            if line.strip() == "…":
                parts.append(r"(?:.*(?:\n|\Z))*?")
                continue
            pattern, at = "", 0
            for match in _VARIABLE.finditer(line):
                pattern += re.escape(line[at : match.start()])
                kind, text, at = match.lastgroup, match[0], match.end()
                if kind != "id":
                    pattern += _ANY[kind or ""]
                elif text in self._known:
                    pattern += self._known[text]
                elif text in seen:
                    pattern += f"(?P=id_{text})"
                else:
                    seen.add(text)
                    pattern += f"(?P<id_{text}>[0-9a-f]{{{len(text)}}})"
            pattern += re.escape(line[at:])
            for there, here in self._known.items():
                if len(there) < 8:  # a port
                    pattern = pattern.replace(f":{there}", f":{here}")
            parts.append(pattern + r"[^\S\n]*(?:\n|\Z)")
        return "".join(parts)

    def _as_shown(self, printed: str) -> str:
        for shown, here in self._known.items():
            printed = printed.replace(here, shown)
        return f"{printed.rstrip()}\n" if printed.strip() else ""

    def _save(self, block: Block) -> None:
        if block.title:
            (self._shell.folder() / block.title).write_text(self._here(block.text), encoding="utf-8")

    def _difference(self, block: Block, what: str, happened: str = "") -> Difference:
        return Difference(self._path, block.line, what, block.text, happened)


def _ids(text: str) -> list[str]:
    return [match[0] for match in _VARIABLE.finditer(text) if match.lastgroup == "id"]


def _json(text: str) -> None:
    """One document, or one object a line."""
    try:
        json.loads(text)
    except ValueError:
        for line in text.splitlines():
            json.loads(line)


_PARSERS: Final[dict[str, Callable[[str], object]]] = {
    "json": _json,
    "toml": tomllib.loads,
    "ini": lambda text: configparser.ConfigParser(strict=False, interpolation=None).read_string(text),
}
_LANGUAGES: Final[dict[str, Callable[[Page, Block], Iterator[Difference]]]] = {
    "console": Page.session,
    "python": Page.python,
    "output": Page.output,
    "sh": Page.script,
    **dict.fromkeys(_PARSERS, Page.parsed),
    "text": Page.read,
}
LANGUAGES: Final = frozenset(_LANGUAGES)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _until_it_listens(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens at port {port}")


def check(page: Path) -> list[Difference]:
    """Run a page in an empty folder, of a short name, so that lines break where they do in a reader's folder."""
    with tempfile.TemporaryDirectory(prefix="v", dir="/tmp") as place, Shell(Path(place)) as shell:  # made safely
        return list(Page(page, shell).differences())


def write(page: Path, differences: list[Difference]) -> None:
    """Write into a page what happened."""
    text = page.read_text(encoding="utf-8")
    for found in sorted((d for d in differences if d.span), key=lambda d: d.span or (0, 0), reverse=True):
        start, end = found.span or (0, 0)
        text = text[:start] + found.happened + text[end:]
    page.write_text(text, encoding="utf-8")


def main() -> int:
    """Check the pages named, or all of them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write what happens into the pages")
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE.md")
    options = parser.parse_args()
    wrong = 0
    for page in [path.resolve() for path in options.pages] or pages():
        differences = check(page)
        if options.write:
            write(page, differences)
            differences = [d for d in differences if not d.span]
        for difference in differences:
            print(difference, end="\n\n")
        wrong += len(differences)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())

"""Run the real program on files and look at what it leaves behind: output, processes, temporary files, memory."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TIMEOUT_S: Final = 600.0
"""After this a run counts as hung. Batches take a few seconds; only a machine that stands still needs more."""
MEMORY_KB: Final = (2 << 20) + (256 << 10)
"""Peak resident memory of any one process: the decoder's limit and a little for Python."""
ENDING_S: Final = 60.0
"""A process whose parent has ended is to end as well; busy machines take their time."""
_SUBREAPER: Final = 36
_BAD_WORDS: Final = ("Traceback (most recent call last)", "internal error", "Segmentation fault", "object has no attribute")
_PROGRAM: Final = (sys.executable, "-P", "-c", "from vhashdb_cli.main import run; run()")


@dataclass(frozen=True)
class Run:
    """What one run of the program did."""

    code: int
    out: str
    err: str
    faults: tuple[str, ...]
    """What no run may do, in words: a traceback, a hang, a crash, something left behind, too much memory."""

    def lines(self, kind: str) -> list[dict[str, object]]:
        """Return the JSON lines of one type."""
        found = []
        for line in self.out.splitlines():
            with contextlib.suppress(ValueError):
                value = json.loads(line)
                if isinstance(value, dict) and value.get("type") == kind:
                    found.append(value)
        return found


class Program:
    """The command line, run in an empty folder with an environment of its own."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def run(self, *arguments: str | Path, codes: Sequence[int], env: dict[str, str] | None = None) -> Run:
        """Run one command; anything but one of ``codes`` is a fault."""
        with _adopting():
            return self._run(arguments, codes, env or {})

    def _run(self, arguments: Sequence[str | Path], codes: Sequence[int], env: dict[str, str]) -> Run:
        before = _children()
        work = Path(tempfile.mkdtemp(dir=self._place))
        temporary = work / "tmp"
        temporary.mkdir()
        quiet = {"VHASHDB_CACHE": "off", "TMPDIR": str(temporary), "HOME": str(work), "XDG_STATE_HOME": str(work / "state")}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VHASHDB_", "XDG_"))}
        with (work / "out").open("wb") as out, (work / "err").open("wb") as err:
            process = subprocess.Popen(
                [*_PROGRAM, *map(str, arguments)],
                cwd=work,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=kept | quiet | env,
            )
            faults = []
            try:
                process.wait(TIMEOUT_S)
            except subprocess.TimeoutExpired:
                faults.append(f"not finished after {TIMEOUT_S:.0f} s")
                process.kill()
                process.wait()
        said, complained = ((work / name).read_text("utf-8", "replace") for name in ("out", "err"))
        if process.returncode not in codes and not faults:
            faults.append(f"exit code {process.returncode}")
        faults += [f"printed {words!r}" for words in _BAD_WORDS if words in said + complained]
        faults += _left_behind(temporary, before)
        shutil.rmtree(work, ignore_errors=True)
        return Run(process.returncode, said, complained, tuple(faults))


def _left_behind(temporary: Path, before: set[int]) -> list[str]:
    faults = []
    if files := [path.name for path in temporary.iterdir()]:
        faults.append(f"left temporary files: {files[:3]}")
    if not _ended(_children() - before):
        faults.append("left a process running")
    if resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > MEMORY_KB:
        faults.append("a process took more memory than the limit (this or an earlier one: the kernel keeps the highest)")
    return faults


def _ended(orphans: set[int]) -> bool:
    """Wait for processes that lost their parent; those that do not end by themselves are killed, and that is a fault."""
    deadline = time.monotonic() + ENDING_S
    left = set(orphans)
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if os.waitpid(pid, os.WNOHANG)[0] == 0}
        time.sleep(0.01)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return not left


def _children() -> set[int]:
    me = os.getpid()
    listed = Path(f"/proc/{me}/task/{me}/children")
    return set(map(int, listed.read_text().split())) if listed.exists() else set()


@contextlib.contextmanager
def _adopting() -> Iterator[None]:
    """On Linux, processes that lose their parent become children of this one, so that they are seen."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        yield
        return
    prctl(_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_SUBREAPER, 0, 0, 0, 0)

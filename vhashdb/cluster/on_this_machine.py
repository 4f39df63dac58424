"""Workers as processes of this machine. `python -m vhashdb.cluster.on_this_machine` is one: it reads its assignment from standard input."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import IO, Final

from vhashdb.cluster.worker import Assignment, name_of, work
from vhashdb.errors import UsageError, VhashdbError

_MOST_DEATHS: Final = 20
"""Workers that may end too early, one after the other without a file being done, before it is given up. Engineering bound."""
_ENDS_S: Final = 2.0
"""Seconds that a worker has to finish a file when it is to end. Engineering bound: a person is waiting."""
_GAVE_UP: Final = 3
"""What a worker ends with that says why no other could work either."""


class Processes:
    """Some workers; those that die are replaced."""

    def __init__(self, assignment: Assignment, count: int, gone: Callable[[str], None]) -> None:
        """Start them; ``gone`` hears the names of those that die."""
        self._assignment, self._gone, self._deaths, self._closed = assignment, gone, 0, -1
        self._words: dict[int, IO[bytes]] = {}
        """What workers write to standard error, by their ids."""
        self._workers = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        words = tempfile.TemporaryFile()  # noqa: SIM115  # it is gone with this object, or with this process
        # In a session of its own: Ctrl-C is for this process, which then ends the workers.
        command = [sys.executable, "-m", "vhashdb.cluster.on_this_machine"]
        worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=words, start_new_session=True)
        self._words[worker.pid] = words
        assert worker.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it is dead already, which `tend` sees
            worker.stdin.write(self._assignment.to_text().encode() + b"\n")
            worker.stdin.flush()  # and it stays open: its end is that of this process, or of the work
        return worker

    def tend(self, closed: int) -> None:
        """Replace workers that are gone; ``closed`` files are done by now.

        Raises:
            UsageError: a worker says why none can work.
            VhashdbError: they die without getting anything done.
        """
        if closed != self._closed:
            self._closed, self._deaths = closed, 0
        for place, worker in enumerate(self._workers):
            code = worker.poll()
            if code is None:
                continue
            said = self._last_words(worker)
            if code == _GAVE_UP:
                raise UsageError(f"a worker ended: {said}", hint="run the same command again once this is mended; it goes on")
            if code:
                self._deaths += 1
                self._gone(name_of(worker.pid))
            if self._deaths > _MOST_DEATHS:
                raise VhashdbError(f"workers end at once, with code {code}: {said}", hint="the system's log may say why")
            self._workers[place] = self._start()

    def close(self) -> None:
        """End them: each finishes the file that it has begun, if that is soon, and else gives it back."""
        for worker in self._workers:
            assert worker.stdin is not None
            worker.stdin.close()
        deadline_s = time.monotonic() + _ENDS_S
        for worker in self._workers:
            try:
                worker.wait(max(0.0, deadline_s - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.terminate()
        for worker in self._workers:
            if worker.wait():
                self._gone(name_of(worker.pid))
            if worker.pid in self._words:
                self._last_words(worker)

    def _last_words(self, worker: subprocess.Popen[bytes]) -> str:
        with self._words.pop(worker.pid) as words:
            words.seek(0)
            return words.read().decode(errors="replace").strip().rpartition("\n")[2]


def main() -> int:
    """Work until nothing is left, or until whoever started this is gone; then a file that was begun is finished first."""
    assignment = Assignment.of_text(sys.stdin.readline())
    gone = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        gone.set()

    threading.Thread(target=wait, daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        work(assignment, gone.is_set)
    except VhashdbError as error:
        print(f"{error.message}; {error.hint}", file=sys.stderr)  # noqa: T201  # for whoever started this
        return _GAVE_UP
    return 0


if __name__ == "__main__":
    sys.exit(main())

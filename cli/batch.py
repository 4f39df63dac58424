"""Many files at once: worker threads, results in the order of the inputs, and a prompt end on Ctrl-C."""

from __future__ import annotations

import contextlib
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Final, Generic, TypeVar

import click

from vhashdb.errors import DatabaseError, VhashdbError
from vhashdb.forms import with_path

from .files import Skipped
from .output import counted, emit_json

LOOK_AHEAD: Final = 4
"""Files a worker may be ahead of the file whose result is awaited."""

_R = TypeVar("_R")


@dataclass
class Job(Generic[_R]):
    """One file and, once it is done, its result or its error."""

    path: str
    value: _R | None = None
    error: VhashdbError | None = None
    done: threading.Event = field(default_factory=threading.Event)
    fatal: BaseException | None = None
    """Concerns the whole batch."""
    part: str = ""
    """Which of several videos in the file this is about; empty: the whole file."""
    unread: _R | None = None
    """Of a file that could not be read: what is known of it all the same."""

    @property
    def name(self) -> str:
        """What it is called where only a name is shown."""
        return f"{self.path}#{self.part}" if self.part else self.path

    @property
    def failure(self) -> VhashdbError:
        """The error of a job that is done and has no value."""
        assert self.error is not None
        return self.error


def in_order(paths: Iterable[str], work: Callable[[str], _R], workers: int) -> Iterator[Job[_R]]:
    """Do the work for every path in ``workers`` threads and give the finished jobs in the order of the paths.

    A file's own error is in its job. An error of the database ends everything. The threads are daemons: they can never
    keep the program from ending.
    """
    jobs: queue.SimpleQueue[Job[_R] | None] = queue.SimpleQueue()
    pending: queue.Queue[Job[_R] | None] = queue.Queue(LOOK_AHEAD * workers)
    stop = threading.Event()
    _start(lambda: _feed(paths, jobs, pending, stop))
    for _ in range(workers):
        _start(lambda: _serve(jobs, work, stop))
    try:
        while (job := pending.get()) is not None:
            job.done.wait()
            if job.fatal is not None:
                raise job.fatal
            yield job
    finally:
        stop.set()
        for _ in range(workers):
            jobs.put(None)
        with contextlib.suppress(queue.Empty):  # the feeder may wait for room
            while True:
                pending.get_nowait()


def _start(target: Callable[[], None]) -> None:
    threading.Thread(target=target, daemon=True).start()


def _feed(
    paths: Iterable[str], jobs: queue.SimpleQueue[Job[_R] | None], pending: queue.Queue[Job[_R] | None], stop: threading.Event
) -> None:
    """Take paths only as fast as they are worked off: a list on standard input may be endless."""
    try:
        for path in paths:
            job: Job[_R] = Job(path)
            pending.put(job)
            if stop.is_set():
                return
            jobs.put(job)
    except Exception as error:
        job = Job("", fatal=error)
        job.done.set()
        pending.put(job)
    pending.put(None)


def _serve(jobs: queue.SimpleQueue[Job[_R] | None], work: Callable[[str], _R], stop: threading.Event) -> None:
    while (job := jobs.get()) is not None and not stop.is_set():
        try:
            job.value = work(job.path)
        except DatabaseError as error:
            job.fatal = error
        except VhashdbError as error:
            job.error = error
        except Exception as error:  # a fault of ours with this file: say so, and go on with the next one
            job.error = VhashdbError(f"internal error: {type(error).__name__}: {error}", hint="`vhashdb --debug …` shows where")
            job.error.__cause__ = error
        job.done.set()


@contextlib.contextmanager
def undisturbed(patience: float = 1) -> Iterator[None]:
    """Ctrl-C waits for the end of the block, so that it is done whole and once; pressed more often than ``patience``, it does not."""
    if threading.current_thread() is not threading.main_thread():  # which alone hears of it
        yield
        return
    pressed = 0

    def note(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > patience:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def trace(error: VhashdbError) -> None:
    """With --debug, where one file's error came from."""
    if click.get_current_context().find_root().meta.get("debug"):
        traceback.print_exception(error, file=sys.stderr)


def nothing_to_do(what: str, skipped: Skipped) -> str:
    """Return the warning of a run that came upon no file to ``add`` or ``check``."""
    if not skipped:
        return f"warning: there was no file to {what}"
    return f"warning: there was nothing to {what}: {skipped}; name a file itself, and it is looked at whatever it is"


def emit_skipped(skipped: Skipped) -> None:
    """The JSON lines of files that were passed over, as far as their names are remembered."""
    for path, reason in skipped.names:
        emit_json(with_path({"type": "skipped", "path": "", "reason": reason}, path))


def tally(counts: dict[str, int], skipped: Skipped, older: int = 0) -> str:
    """``3 files: 1 match, 2 no match, 1 skipped``, from counts in the order to be shown."""
    parts = [f"{number:,} {word}" for word, number in counts.items() if number]
    if skipped:
        parts.append(str(skipped))
    if older:
        parts.append(f"{older:,} older")
    return counted(sum(counts.values()), "file") + (f": {', '.join(parts)}" if parts else "")

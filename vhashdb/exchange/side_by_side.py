"""Several things that wait for others, side by side: each in a thread of its own that can be left behind."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

_T = TypeVar("_T")


def side_by_side(jobs: Sequence[Callable[[], _T]], at_once: int, patience_s: float) -> Iterator[_T | None]:
    """Yield the result of each job, in their order; None for one that took longer than ``patience_s`` and is left behind.

    A job that is left behind may go on, holds nothing of this process's end, and its place is given to the next one. Jobs
    are to return their errors: one that raises counts as left behind.
    """
    ended: queue.SimpleQueue[tuple[int, _T | None]] = queue.SimpleQueue()
    waiting = deque(range(len(jobs)))
    running: dict[int, float] = {}
    results: dict[int, _T | None] = {}

    def work(number: int) -> None:
        result = None
        try:
            result = jobs[number]()
        finally:
            ended.put((number, result))

    for place in range(len(jobs)):
        while place not in results:
            while waiting and len(running) < at_once:
                number = waiting.popleft()
                running[number] = time.monotonic() + patience_s
                threading.Thread(target=work, args=(number,), name=f"feed {number}", daemon=True).start()
            try:
                number, result = ended.get(timeout=max(0.0, min(running.values()) - time.monotonic()))
            except queue.Empty:
                number, result = min(running, key=lambda n: running[n]), None
            if running.pop(number, None) is not None:  # what was left behind comes too late
                results[number] = result
        yield results.pop(place)

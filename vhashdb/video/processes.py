"""Hold the decoder process and the confined processes that it forks, from the parent's side: start, ask, and end them."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.limits import Limits
from vhashdb.video import child, wire

_log: Final = logging.getLogger(__name__)
_STOP_S: Final = 2.0
"""Seconds within which a process that was killed has ended. Engineering bound."""
_END_S: Final = 20.0
"""Seconds within which a process that was done, or was told to end, has ended. Engineering bound: enough on a very busy machine too."""


class DecoderProcess:
    """Run a decoder process, in a session of its own so that all it starts ends with it."""

    def __init__(self, limits: Limits, command: Sequence[str] | None) -> None:
        arguments, environment = child.command(limits)
        self.control, theirs = socket.socketpair()
        self.busy = False
        """Whether a request was sent whose end was not heard."""
        self.files: FileProcess | None = None
        """The process that decodes, while there is one."""
        with theirs:
            self._process = subprocess.Popen(
                list(command or arguments), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=environment, cwd="/", start_new_session=True,
            )  # fmt: skip

    def send(self, request: dict[str, Any], media: int) -> FileProcess:
        """Send a request to the process that decodes, or to this one so that it forks one; return the one that has it.

        Raises:
            OSError: it cannot be sent.
        """
        if self.files is not None:
            wire.send_request(self.files.channel, request, media)
        else:
            channel, theirs = socket.socketpair()
            self.files = FileProcess(channel, request["number"])
            with theirs:
                wire.send_request(self.control, request, media, theirs.fileno())
        self.files.count += 1
        self.busy = True
        return self.files

    def end_files(self) -> tuple[int, float]:
        """End the process that decodes; return its status, and the processor seconds that were not told yet.

        Raises:
            EOFError, OSError, ValueError, TypeError, KeyError: it was not reported that it ended.
        """
        files, self.files = self.files, None
        if files is None:
            raise EOFError
        files.channel.close()
        wire.send_enough(self.control)
        end = wire.receive_end(_Deadline(self.control, time.monotonic() + _END_S))
        if end["number"] != files.number:
            raise ValueError("the end of another process")
        return int(end["status"]), max(0.0, float(end["cpu_s"]) - files.told_s)

    def ended(self) -> bool:
        """Say whether it has ended: between requests it has nothing to send."""
        return readable(self.control.fileno(), 0)

    def close(self) -> None:
        """Kill it and all it started; another thread that waits for it finds an end."""
        with contextlib.suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)
        if self._process.returncode is None:  # once it was waited for, its number may be another's
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            _log.warning("decoder process %d was killed and has not ended after %.0f s", self._process.pid, _STOP_S)
        if not self.busy:  # else whoever reads from it, perhaps in another thread, closes it
            self.release()

    def release(self) -> None:
        """Close the sockets."""
        self.control.close()
        if self.files is not None:
            self.files.channel.close()


@dataclass
class FileProcess:
    """Stand for the confined process that decodes files: the parent's end of its channel, and what was heard on it."""

    channel: socket.socket
    number: int
    """The number of the request for which it was forked."""
    count: int = 0
    """Files that it was given."""
    told_s: float = 0.0
    """Processor seconds that it said it took."""

    def said_something(self) -> bool:
        """Say whether there is something to read, or an end: between files it has nothing to send."""
        return readable(self.channel.fileno(), 0)


class _Deadline:
    """Read a socket until a deadline; what has not come by then is missing."""

    def __init__(self, control: socket.socket, until: float) -> None:
        self._control, self._until = control, until

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size and readable(self._control.fileno(), self._until - time.monotonic()):
            block = self._control.recv(size - len(found))
            if not block:
                break
            found += block
        return found


def readable(descriptor: int, seconds: float) -> bool:
    """Say whether there is something to read, or an end, within some seconds."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))

"""The parent's side of decoding: start, watch and, if need be, end decoder processes."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any, Final, Self

from vhashdb import errors
from vhashdb.coverage import Coverage, PictureTrack
from vhashdb.errors import DecoderFailed, LimitExceeded, MediaError, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.opening import OpenFile, open_file
from vhashdb.video import child, wire
from vhashdb.video.confinement import InForce
from vhashdb.video.files import needs_threads
from vhashdb.video.frames import FrameBatch, Sampling, VideoInfo, with_estimates

_log: Final = logging.getLogger(__name__)
_STOP_S: Final = 2.0
"""Seconds within which a process that was killed has ended. Engineering bound."""
_END_S: Final = 20.0
"""Seconds within which a process that was done, or was told to end, has ended. Engineering bound: enough on a very busy machine too."""
_RAISE_TIME: Final = "raise the limit on time if it is meant to take this long"


class VideoStream:
    """Decode one file: iterate for `FrameBatch` arrays; ``info`` and ``cpu_s`` are known afterwards.

    A file that breaks off after some frames ends without an error and says so in ``info.damage``; one that yields no frame at
    all raises a `MediaError`.
    """

    def __init__(self, decoder: Decoder, source: str | os.PathLike[str] | OpenFile, sampling: Sampling) -> None:
        self._decoder, self._source, self._sampling = decoder, source, sampling
        self._path = source.name if isinstance(source, OpenFile) else os.fspath(source)
        self.info = VideoInfo()
        self.cpu_s = 0.0
        """Processor seconds that the decoder spent on this file. Those of forking and ending a process are with the last of its files."""
        self._last_s = 0.0
        self._count = 0

    def __iter__(self) -> Generator[FrameBatch]:
        try:
            with contextlib.closing(self._decoder.converse(self._source, self._path, self._sampling, self._conclude)) as batches:
                for batch in batches:
                    if float(batch["time_s"][0]) < self._last_s:
                        raise DecoderFailed(f"{self._path}: the decoder process sent times out of order")
                    self._last_s = float(batch["time_s"][-1])
                    self._count += len(batch)
                    yield with_estimates(batch)
        except MediaError as error:
            if not self._count:
                raise
            _log.info("%s: decoding stopped after %d frames: %s", self._path, self._count, error)
            stopped = f"reading stopped: {error.message.removeprefix(f'{self._path}: ')}"
            seen = Coverage((PictureTrack(0, duration_s=self._last_s, seen_s=self._last_s),), (stopped,))
            self.info = VideoInfo(duration_s=self._last_s, frames=self._count, damage=(stopped,), coverage=seen)

    def _conclude(self, info: VideoInfo, cpu_s: float) -> None:
        self.info, self.cpu_s = info, cpu_s


class Decoder:
    """Run one decoder process, started when first needed and kept warm for the next file. Not for several threads at once.

    It forks a process that decodes up to `Limits.files_per_process` files, and another after a file that was not perfectly clean. A
    file that takes its process over can corrupt the answers for those that follow in it; with 1, for none but itself.
    """

    def __init__(self, limits: Limits | None = None, *, _command: Sequence[str] | None = None) -> None:
        """``_command`` is for tests: it starts a process in the place of the decoder's."""
        self._limits, self._command = limits or Limits(), _command
        self._process: _Process | None = None
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, source: str | os.PathLike[str] | OpenFile, sampling: Sampling) -> VideoStream:
        """Return a pass over a file, which is opened if it is not open yet. Nothing happens until it is iterated."""
        return VideoStream(self, source, sampling)

    def warm(self) -> None:
        """Start the process now, so that the first file does not wait for it."""
        self._running()

    def close(self) -> None:
        """End the process. The decoder can be used again: it starts a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def drop(self, process: _Process) -> None:
        """End a process that cannot be used any more."""
        if self._process is process:
            self._process = None
        process.close()

    def converse(
        self,
        source: str | os.PathLike[str] | OpenFile,
        path: str,
        sampling: Sampling,
        conclude: Callable[[VideoInfo, float], None],
    ) -> Generator[FrameBatch]:
        """Send one request and yield the batches of the answer; `VideoStream` is the way to use it.

        However it ends, the process of the file has ended by then, or waits for another. ``conclude`` is called with what it reported
        at its end, and the processor seconds that it took.
        """
        with contextlib.nullcontext(source) if isinstance(source, OpenFile) else open_file(source) as file:
            media = file.fileno()
            asked = {"path": path, "size": os.fstat(media).st_size, "sampling": asdict(sampling), "threads": needs_threads(media)}
            answering = self._asked(asked, media, path)
        info = None
        try:
            while info is None:
                kind, body = answering.receive()
                if kind is wire.Kind.BATCH:
                    yield body  # type: ignore[misc]  # a BATCH body is an array by wire.receive's contract
                elif kind is wire.Kind.DONE:
                    info = answering.conclude(body)  # type: ignore[arg-type]  # a DONE body is a dict
                else:
                    raise _reported(body)  # type: ignore[arg-type]  # a FAILED body is a dict
        except EOFError:
            raise DecoderFailed(f"{path}: the decoder process died with {answering.end()}") from None
        finally:
            answering.close()
        conclude(info, answering.cpu_s)

    def confinement(self) -> InForce:
        """Return what holds the process of a file, found out by trying in one that is confined as always; see `vhashdb.video.probe`."""
        try:
            found = self._probe()
            return InForce(tuple(map(str, found["layers"])), tuple(map(str, found["possible"])))
        except (MediaError, OSError, KeyError, TypeError) as error:
            _log.warning("the confinement of decoder processes could not be tested: %s", error)
            return InForce(problem=str(error) or type(error).__name__)

    def _probe(self) -> dict[str, Any]:
        nothing = os.open(os.devnull, os.O_RDONLY)
        try:
            answering = self._asked({"probe": True}, nothing, "the confinement")
        finally:
            os.close(nothing)
        with contextlib.closing(answering):
            try:
                return dict(answering.receive()[1])
            except EOFError:
                raise DecoderFailed(f"the decoder process died with {answering.end()}") from None

    def _asked(self, request: dict[str, Any], media: int, path: str) -> _Answering:
        """Send a request, to a process that waits for another file if it may have this one; an abandoned answer is ended before."""
        self._number += 1
        request = {"probe": False, "threads": False, "number": self._number, **request}
        process, ended_s = self._running(), 0.0
        alone = request["probe"] or request["threads"]
        if process.files is not None and (alone or process.files.said_something()):
            before = _Answering(self, process, process.files, path, self._limits)
            before.close()
            process, ended_s = self._running(), before.cpu_s
        try:
            files = process.send(request, media)
        except OSError as error:
            self.close()
            raise DecoderFailed(f"{path}: the decoder process went away ({error.strerror})") from None
        answering = _Answering(self, process, files, path, self._limits)
        answering.cpu_s = ended_s
        return answering

    def _running(self) -> _Process:
        if self._process is not None and not self._process.busy and self._process.ended():
            _log.warning("a decoder process ended by itself; another one is started")
            self.close()
        elif self._process is not None and self._process.busy:  # its last answer was abandoned
            self.close()
        if self._process is None:
            self._process = _Process(self._limits, self._command)
        return self._process


class _Process:
    """Run a decoder process, in a session of its own so that all it starts ends with it."""

    def __init__(self, limits: Limits, command: Sequence[str] | None) -> None:
        arguments, environment = child.command(limits)
        self.control, theirs = socket.socketpair()
        self.busy = False
        """Whether a request was sent whose end was not heard."""
        self.files: _FileProcess | None = None
        """The process that decodes, while there is one."""
        with theirs:
            self._process = subprocess.Popen(
                list(command or arguments), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=environment, cwd="/", start_new_session=True,
            )  # fmt: skip

    def send(self, request: dict[str, Any], media: int) -> _FileProcess:
        """Send a request to the process that decodes, or to this one so that it forks one; return the one that has it.

        Raises:
            OSError: it cannot be sent.
        """
        if self.files is not None:
            wire.send_request(self.files.channel, request, media)
        else:
            channel, theirs = socket.socketpair()
            self.files = _FileProcess(channel, request["number"])
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
        return _readable(self.control.fileno(), 0)

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
class _FileProcess:
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
        return _readable(self.channel.fileno(), 0)


class _Answering:
    """Receive the answer to one request: every wait has a deadline, and at the end the process of the file has ended or waits."""

    def __init__(self, decoder: Decoder, process: _Process, files: _FileProcess, path: str, limits: Limits) -> None:
        self._decoder, self._process, self._files = decoder, process, files
        self._path, self._limits = path, limits
        self._open, self._clean = True, False
        self._started = self._heard = time.monotonic()
        self._frames = 0
        self._status: int | None = None
        self.cpu_s = 0.0

    def receive(self) -> tuple[wire.Kind, FrameBatch | dict[str, Any]]:
        """Receive the next message.

        Raises:
            EOFError: there is none.
            LimitExceeded: it takes too long.
            DecoderFailed: it breaks the protocol.
        """
        kind, body = wire.receive(self)
        self._heard = time.monotonic()
        self._frames += len(body) if kind is wire.Kind.BATCH else 0
        if self._frames > self._limits.frames:
            raise DecoderFailed(f"{self._path}: the decoder process sent more pictures than the limit")
        return kind, body

    def conclude(self, done: dict[str, Any]) -> VideoInfo:
        """Return what is said of a file that was read to its end; the process may go on only if all of it is clean.

        Raises:
            DecoderFailed: it breaks the protocol.
        """
        info, told_s = VideoInfo.from_json(done.get("info", {})), done.get("cpu_s", 0.0)
        if not isinstance(told_s, int | float):
            raise DecoderFailed("the decoder process sent a malformed message")
        self.cpu_s += max(0.0, told_s)
        self._files.told_s += max(0.0, told_s)
        self._clean = done.get("waits") is True and not info.damage and self._files.count < self._limits.files_per_process
        return info

    def read(self, size: int) -> bytearray:
        """Read bytes of the answer, as `wire.Readable`."""
        found = bytearray(size)
        at = 0
        with memoryview(found) as places:
            while at < size:
                self._wait()
                count = self._files.channel.recv_into(places[at:])
                if not count:
                    break
                at += count
        return found[:at] if at < size else found

    def _wait(self) -> None:
        """Wait for bytes, or for the end of them."""
        while True:
            now = time.monotonic()
            left = self._started + self._limits.time_s - now
            silence = self._heard + self._limits.silence_s - now
            if left <= 0:
                raise LimitExceeded(f"{self._path}: not finished after {self._limits.time_s:.0f} s, the limit on time", hint=_RAISE_TIME)
            if silence <= 0:
                raise LimitExceeded(f"{self._path}: no picture for {self._limits.silence_s:.0f} s", hint=_RAISE_TIME)
            if _readable(self._files.channel.fileno(), min(left, silence)):
                return

    def end(self) -> str:
        """Say how the process of the file ended, in words."""
        self.close()
        if self._status is None:
            return "the process that started it"
        code = os.waitstatus_to_exitcode(self._status)
        return f"status {code}"

    def close(self) -> None:
        """See that the process of the file has ended, unless it may have another, and release everything of this request."""
        if not self._open:
            return
        self._open = False
        if self._clean and not self._files.said_something():
            self._process.busy = False
            return
        try:
            self._status, untold_s = self._process.end_files()
            self.cpu_s += untold_s
            self._process.busy = False
        except (EOFError, OSError, ValueError, TypeError, KeyError) as error:
            _log.info("%s: the decoder process is replaced, because it did not report the end: %r", self._path, error)
            self._decoder.drop(self._process)
            self._process.release()


class _Deadline:
    """Read a socket until a deadline; what has not come by then is missing."""

    def __init__(self, control: socket.socket, until: float) -> None:
        self._control, self._until = control, until

    def read(self, size: int) -> bytes:
        found = b""
        while len(found) < size and _readable(self._control.fileno(), self._until - time.monotonic()):
            block = self._control.recv(size - len(found))
            if not block:
                break
            found += block
        return found


def _readable(descriptor: int, seconds: float) -> bool:
    """Say whether there is something to read, or an end, within some seconds."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def _reported(failed: dict[str, Any]) -> MediaError:
    """Return the error that a FAILED message stands for; a name that is not one of ours is an unreadable file."""
    kind = getattr(errors, str(failed.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, MediaError)):
        kind = UnreadableMedia
    message, hint = str(failed.get("message"))[: wire.MAX_MESSAGE], str(failed.get("hint"))[: wire.MAX_HINT]
    return kind(message, hint=hint or None)

"""The parent's side of decoding: start, watch and, if need be, end decoder processes."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, Final, Self

from vhashdb import errors
from vhashdb.coverage import Coverage, PictureTrack, SoundTrack
from vhashdb.errors import DecoderFailed, LimitExceeded, MediaError, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.opening import OpenFile, open_file
from vhashdb.sound import SAMPLE_RATE
from vhashdb.video import wire
from vhashdb.video.confinement import InForce
from vhashdb.video.files import needs_threads
from vhashdb.video.frames import FrameBatch, Sampling, SoundBlock, VideoInfo, with_estimates
from vhashdb.video.processes import DecoderProcess, FileProcess, readable

_log: Final = logging.getLogger(__name__)
Hear = Callable[[SoundBlock], None]
"""Takes one block of sound after the other."""
_RAISE_TIME: Final = "raise the limit on time if it is meant to take this long"


class VideoStream:
    """Decode one file: iterate for `FrameBatch` arrays. Blocks of sound, if that is wanted, are handed on as they come between them.

    ``info`` and ``cpu_s`` are known afterwards. A file that breaks off after something was decoded ends without an error and says so in
    ``info.damage``; one that yields no frame at all, nor any sound that is wanted, raises a `MediaError`.
    """

    def __init__(self, decoder: Decoder, source: str | os.PathLike[str] | OpenFile, sampling: Sampling, hear: Hear | None) -> None:
        self._decoder, self._source, self._sampling, self._hear = decoder, source, sampling, hear
        self._path = source.name if isinstance(source, OpenFile) else os.fspath(source)
        self.info = VideoInfo()
        self.cpu_s = 0.0
        """Processor seconds that the decoder spent on this file. Those of forking and ending a process are with the last of its files."""
        self._last_s = 0.0
        self._count = 0
        self._heard: dict[int, SoundTrack] = {}

    def __iter__(self) -> Generator[FrameBatch]:
        asked = {"sampling": asdict(self._sampling), "sound": self._hear is not None}
        try:
            with contextlib.closing(self._decoder.converse(self._source, self._path, asked, self._conclude)) as answer:
                for part in answer:
                    if isinstance(part, SoundBlock):
                        self._heard_block(part)
                    else:
                        yield self._batch(part)
        except MediaError as error:
            if not self._count and not self._heard:
                raise
            _log.debug("%s: decoding stopped after %d frames: %s", self._path, self._count, error)
            stopped = f"reading stopped: {error.message.removeprefix(f'{self._path}: ')}"
            tracks = (PictureTrack(0, duration_s=self._last_s, seen_s=self._last_s),) if self._count else ()
            sounds = tuple(replace(track, unseen=stopped) for track in self._heard.values())
            seen = Coverage(tracks, (stopped,), sounds=sounds)
            duration_s = self._last_s if self._count else max(track.start_s + track.seen_s for track in sounds)
            self.info = VideoInfo(duration_s=duration_s, frames=self._count, damage=(stopped,), coverage=seen)

    def _batch(self, batch: FrameBatch) -> FrameBatch:
        if float(batch["time_s"][0]) < self._last_s:
            raise DecoderFailed(f"{self._path}: the decoder process sent times out of order")
        self._last_s = float(batch["time_s"][-1])
        self._count += len(batch)
        return with_estimates(batch)

    def _heard_block(self, block: SoundBlock) -> None:
        before = self._heard.get(block.track, SoundTrack(block.track, start_s=block.start_s))
        seconds = before.seen_s + len(block.samples) / SAMPLE_RATE
        self._heard[block.track] = replace(before, duration_s=seconds, seen_s=seconds)
        if self._hear is not None:
            self._hear(block)

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
        self._process: DecoderProcess | None = None
        self._number = 0
        self.restarts = 0
        """Processes that ended without being told to, so that another one has to be started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, source: str | os.PathLike[str] | OpenFile, sampling: Sampling, hear: Hear | None = None) -> VideoStream:
        """Return a pass over a file, which is opened if it is not open yet. Nothing happens until it is iterated.

        Args:
            source: the file.
            sampling: which pictures are wanted.
            hear: takes each block of sound; without it none is decoded, and a file that has nothing else is an error.
        """
        return VideoStream(self, source, sampling, hear)

    def warm(self) -> None:
        """Start the process now, so that the first file does not wait for it."""
        self._running()

    def close(self) -> None:
        """End the process. The decoder can be used again: it starts a new one."""
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def drop(self, process: DecoderProcess) -> None:
        """End a process that cannot be used any more."""
        if self._process is process:
            self._process = None
        process.close()

    def converse(
        self,
        source: str | os.PathLike[str] | OpenFile,
        path: str,
        wanted: dict[str, Any],
        conclude: Callable[[VideoInfo, float], None],
    ) -> Generator[FrameBatch | SoundBlock]:
        """Send one request, with what is wanted of the file, and yield the parts of the answer; `VideoStream` is the way to use it.

        However it ends, the process of the file has ended by then, or waits for another. ``conclude`` is called with what it reported
        at its end, and the processor seconds that it took.
        """
        with contextlib.nullcontext(source) if isinstance(source, OpenFile) else open_file(source) as file:
            media = file.fileno()
            asked = {"path": path, "size": os.fstat(media).st_size, "threads": needs_threads(media), **wanted}
            answering = self._asked(asked, media, path)
        info = None
        try:
            while info is None:
                kind, body = answering.receive()
                if kind is wire.Kind.BATCH or kind is wire.Kind.SOUND:
                    yield body  # type: ignore[misc]  # no object by wire.receive's contract
                elif kind is wire.Kind.DONE:
                    info = answering.conclude(body)  # type: ignore[arg-type]  # a DONE body is a dict
                else:
                    raise _reported(body)  # type: ignore[arg-type]  # a FAILED body is a dict
        except EOFError:
            self.restarts += 1
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
                return dict(answering.receive()[1])  # type: ignore[arg-type]  # a DONE body is a dict
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
        answering = _Answering(self, process, files, path, self._limits, sound=request.get("sound", False))
        answering.cpu_s = ended_s
        return answering

    def _running(self) -> DecoderProcess:
        if self._process is not None and not self._process.busy and self._process.ended():
            _log.warning("a decoder process ended by itself; another one is started")
            self.restarts += 1
            self.close()
        elif self._process is not None and self._process.busy:  # its last answer was abandoned
            self.close()
        if self._process is None:
            self._process = DecoderProcess(self._limits, self._command)
        return self._process


class _Answering:
    """Receive the answer to one request: every wait has a deadline, and at the end the process of the file has ended or waits."""

    def __init__(
        self, decoder: Decoder, process: DecoderProcess, files: FileProcess, path: str, limits: Limits, *, sound: bool = False
    ) -> None:
        self._decoder, self._process, self._files = decoder, process, files
        self._path, self._limits = path, limits
        self._open, self._clean = True, False
        self._started = self._heard = time.monotonic()
        self._frames = 0
        self._sound = sound
        self._rules = wire.SoundRules(limits if sound else replace(limits, tracks=0))
        self._status: int | None = None
        self.cpu_s = 0.0

    def receive(self) -> tuple[wire.Kind, FrameBatch | SoundBlock | dict[str, Any]]:
        """Receive the next message.

        Raises:
            EOFError: there is none.
            LimitExceeded: it takes too long.
            DecoderFailed: it breaks the protocol.
        """
        kind, body = wire.receive(self)
        self._heard = time.monotonic()
        if isinstance(body, SoundBlock):
            self._rules.check(body)
            return kind, body
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
                raise LimitExceeded(
                    f"{self._path}: no picture{' or sound' if self._sound else ''} for {self._limits.silence_s:.0f} s", hint=_RAISE_TIME
                )
            if readable(self._files.channel.fileno(), min(left, silence)):
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
            _log.debug("%s: the decoder process is replaced, because it did not report the end: %r", self._path, error)
            self._decoder.drop(self._process)
            self._process.release()


def _reported(failed: dict[str, Any]) -> MediaError:
    """Return the error that a FAILED message stands for; a name that is not one of ours is an unreadable file."""
    kind = getattr(errors, str(failed.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, MediaError)):
        kind = UnreadableMedia
    message, hint = str(failed.get("message"))[: wire.MAX_MESSAGE], str(failed.get("hint"))[: wire.MAX_HINT]
    return kind(message, hint=hint or None)

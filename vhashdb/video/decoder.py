"""The parent's side of decoding: start, watch and, if need be, end decoder processes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any, Final, Self

from vhashdb import errors
from vhashdb.coverage import Coverage, PictureTrack
from vhashdb.errors import DecoderFailed, LimitExceeded, MediaError, UnreadableMedia
from vhashdb.limits import Limits
from vhashdb.video import wire
from vhashdb.video.frames import FrameBatch, Sampling, VideoInfo

_STOP_S: Final = 2.0
_TICK_S: Final = 0.25
_RAISE_TIME: Final = "raise the limit on time if it is meant to take this long"


class VideoStream:
    """One pass over one file. Iterate for `FrameBatch` objects; afterwards ``info`` and ``cpu_s`` are known.

    A file that breaks off after some frames ends quietly and says so in ``info.damage``; one that gives no frame at
    all raises a `MediaError`.
    """

    def __init__(self, decoder: Decoder, path: str, sampling: Sampling) -> None:
        self._decoder, self._path, self._sampling = decoder, path, sampling
        self.info = VideoInfo()
        self.cpu_s = 0.0
        """Processor seconds the decoder process spent on this file."""
        self._last_s = 0.0
        self._count = 0

    def __iter__(self) -> Iterator[FrameBatch]:
        finished = False
        try:
            for batch in self._decoder.converse(self._path, self._sampling, self._conclude):
                self._last_s = float(batch["time_s"][-1])
                self._count += len(batch)
                yield batch
            finished = True
        except MediaError as error:
            finished = isinstance(error, _Reported)
            if not self._count:
                raise _plain(error) from None
            stopped = f"reading stopped: {error.message.removeprefix(f'{self._path}: ')}"
            seen = Coverage((PictureTrack(0, duration_s=self._last_s, seen_s=self._last_s),), (stopped,))
            self.info = VideoInfo(duration_s=self._last_s, frames=self._count, damage=(stopped,), coverage=seen)
        finally:
            if not finished:  # abandoned or failed halfway: the process is in an unknown state
                self._decoder.close()

    def _conclude(self, done: dict[str, Any]) -> None:
        self.info = VideoInfo.from_json(done.get("info", {}))
        with contextlib.suppress(TypeError, ValueError):
            self.cpu_s = float(done.get("cpu_s", 0.0))


class Decoder:
    """One decoder process, started when first needed and kept warm for the next file. Not for several threads at once."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, path: str | os.PathLike[str], sampling: Sampling) -> VideoStream:
        """A pass over the file at ``path``. Nothing happens until it is iterated."""
        return VideoStream(self, os.path.abspath(os.fspath(path)), sampling)

    def warm(self) -> None:
        """Start the process now, so that the first file does not wait for it."""
        self._running()

    def close(self) -> None:
        """End the process. The decoder can be used again: it starts a new one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # before its pipes are closed: another thread may be reading from them
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def converse(self, path: str, sampling: Sampling, conclude: Any) -> Iterator[FrameBatch]:
        """Send one request and give the batches of the answer; `VideoStream` is the way to use it."""
        process = self._running()
        requests, answers = _pipes(process)
        watch = _Watch(process, self._limits)
        request = {"path": path, **asdict(sampling)}
        try:
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            while True:
                kind, body = wire.receive(answers)
                watch.heard()
                if kind is wire.Kind.BATCH:
                    yield body  # type: ignore[misc]  # a BATCH body is an array by wire.receive's contract
                elif kind is wire.Kind.DONE:
                    conclude(body)
                    return
                else:
                    raise _reported(body)  # type: ignore[arg-type]  # a FAILED body is a dict
        except (EOFError, OSError):
            self.close()
            if watch.reason:
                raise LimitExceeded(f"{path}: {watch.reason}", hint=_RAISE_TIME) from None
            raise DecoderFailed(f"{path}: the decoder process died with status {process.returncode}") from None
        finally:
            watch.end()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            command = [sys.executable, "-m", "vhashdb.video.child", json.dumps(asdict(self._limits))]
            # One thread per process: files are what runs in parallel, and small products lose by waking threads.
            single = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **single}
            )
        return self._process


class DecoderPool:
    """As many decoders as are in use at once, kept warm and lent to threads one at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._free: list[Decoder] = []
        self._all: list[Decoder] = []

    @contextlib.contextmanager
    def decoder(self) -> Iterator[Decoder]:
        """Borrow a decoder; the one given back last comes first, for it is the warmest."""
        try:
            decoder = self._free.pop()
        except IndexError:
            decoder = Decoder(self._limits)
            self._all.append(decoder)
        try:
            yield decoder
        finally:
            self._free.append(decoder)

    def close(self) -> None:
        """End all processes, also busy ones: whoever waits for one gets a `DecoderFailed`."""
        for decoder in self._all:
            decoder.close()


class _Watch:
    """Ends a decoder process that takes too long in all, or stays silent too long. Reading its pipe then ends."""

    def __init__(self, process: subprocess.Popen[bytes], limits: Limits) -> None:
        self._process, self._limits = process, limits
        self._started = self._heard = time.monotonic()
        self._ended = threading.Event()
        self.reason = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def heard(self) -> None:
        self._heard = time.monotonic()

    def end(self) -> None:
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.wait(_TICK_S):
            now = time.monotonic()
            if now - self._started > self._limits.time_s:
                self.reason = f"not finished after {self._limits.time_s:.0f} s, the limit on time"
            elif now - self._heard > self._limits.silence_s:
                self.reason = f"no picture for {self._limits.silence_s:.0f} s"
            if self.reason:
                self._process.kill()
                return


class _Reported(MediaError):
    """A `MediaError` the process itself reported: the process is well and can be used again."""

    def __init__(self, cause: MediaError) -> None:
        super().__init__(cause.message, hint=cause.hint)
        self.cause = cause


def _reported(failed: dict[str, Any]) -> _Reported:
    """The error a FAILED message stands for; a name that is not one of ours is an unreadable file."""
    kind = getattr(errors, str(failed.get("error")), None)
    if not (isinstance(kind, type) and issubclass(kind, MediaError)):
        kind = UnreadableMedia
    message, hint = str(failed.get("message"))[:1000], str(failed.get("hint"))[:300]
    return _Reported(kind(message, hint=hint or None))


def _plain(error: MediaError) -> MediaError:
    return error.cause if isinstance(error, _Reported) else error


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None and process.stdout is not None  # opened as pipes in _running
    return process.stdin, process.stdout

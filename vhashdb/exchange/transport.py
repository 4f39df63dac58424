"""Where a feed's files come from: a web server or a folder. Nothing that arrives here is trusted yet.

Both are bounded by a `Budget`, and neither leads elsewhere: a web server only where `Reach` says, a folder only to regular
files within it. Whatever goes wrong is a `FeedError`.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import urllib3
from urllib3.util import Retry, Url

from vhashdb.errors import FeedError, FeedOversize, FeedUnreachable, UsageError
from vhashdb.exchange.budget import Budget
from vhashdb.exchange.connection import pool_of
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.reach import Origin, Reach, checked_hosts, parsed

_BLOCK: Final = 1 << 16
_MISSING: Final = (403, 404, 410)
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_RANGE: Final = re.compile(r"bytes (\d{1,18})-", re.ASCII)
_TRIES: Final = 2
"""Number of times that a request is repeated which failed on the way, or whose server is busy."""


class FileMissing(FeedUnreachable):
    """The place answers, and has no such file."""


class Source(Protocol):
    """A place with a feed's files."""

    budget: Budget
    """Budget for reading from it."""

    def open(self, name: str, offset: int = 0) -> contextlib.AbstractContextManager[tuple[int, Iterator[bytes]]]:
        """Return a file from an offset on: where it really begins, which is the offset or 0, and its blocks.

        Raises:
            FileMissing: there is no such file.
            FeedUnreachable: the place does not answer, or stops to, or leads elsewhere.
            FeedOversize: it sends more than it may.
        """
        ...


def source_of(place: str | Path, limits: FeedLimits, headers: Mapping[str, str] | None = None, hosts: Iterable[str] = ()) -> Source:
    """Return the source at a URL of http or https, or in a folder.

    Args:
        place: the URL or the folder.
        limits: the caps.
        headers: sent to the feed's own host with every request, and to no other.
        hosts: other hosts that the feed may send on to, as ``host`` or ``host:port``.
    """
    if isinstance(place, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", place):
        return HttpSource(place, limits, headers or {}, hosts)
    return FolderSource(Path(place), limits)


def read(source: Source, name: str, limit: int) -> bytes:
    """Return a small file, whole.

    Raises:
        FeedOversize: it is larger than ``limit`` bytes.
    """
    data = bytearray()
    with source.open(name) as (_, blocks):
        for block in blocks:
            data += block
            if len(data) > limit:
                raise FeedOversize(f"{name} is larger than the {limit} bytes that are allowed")
    return bytes(data)


class FolderSource:
    """A feed in a folder: a mounted share, a stick, a copy. Links within it are followed, those that leave it are not."""

    def __init__(self, folder: Path, limits: FeedLimits) -> None:
        self._folder, self._limits = folder, limits
        self.budget = Budget(limits)

    @contextlib.contextmanager
    def open(self, name: str, offset: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Open a file; see `Source.open`."""
        path = self._folder / name
        self.budget.asked()
        try:
            descriptor = _open_within(self._folder, name)
        except FileNotFoundError as error:
            raise FileMissing(f"{path}: no such file") from error
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
            if isinstance(error, FeedError):
                raise
            raise FeedUnreachable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
        try:
            os.lseek(descriptor, offset, os.SEEK_SET)
            yield offset, self._blocks(path, descriptor)
        finally:
            os.close(descriptor)

    def _blocks(self, path: Path, descriptor: int) -> Iterator[bytes]:
        try:
            while True:
                with self.budget.step(self._limits.read_s):
                    block = os.read(descriptor, _BLOCK)
                    self.budget.received(len(block))
                    self.budget.remaining_s()
                if not block:
                    return
                yield block
        except TimeoutError as error:
            raise FeedUnreachable(f"{path} cannot be read: {self.budget.too_long}") from error
        except OSError as error:
            raise FeedUnreachable(f"{path} cannot be read: {error.strerror}") from error


def _open_within(folder: Path, name: str) -> int:
    """Return a descriptor of a regular file below a folder, opened without waiting for anybody.

    Links are resolved first; then nothing on the way may be a link any more, so whoever changes one meanwhile gains nothing.
    """
    root = folder.resolve(strict=True)
    real = (root / name).resolve(strict=True)
    if not real.is_relative_to(root) or real == root:
        raise FeedUnreachable(f"{folder / name} is a link that leads out of the feed's folder")
    *between, last = real.relative_to(root).parts
    here = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in between:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = inner
        if not stat.S_ISREG(os.stat(last, dir_fd=here, follow_symlinks=False).st_mode):  # opening a device can do something
            raise FeedUnreachable(f"{folder / name} is not a regular file")
        descriptor = os.open(last, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FeedUnreachable(f"{folder / name} is not a regular file")
    return descriptor


class HttpSource:
    """A feed on a web server. Asks for plain bytes, follows few redirects and waits for nothing long."""

    def __init__(self, url: str, limits: FeedLimits, headers: Mapping[str, str], hosts: Iterable[str] = ()) -> None:
        address = parsed(url)
        if address.query or address.fragment:
            raise UsageError("the address of a feed has a query or a fragment in it", hint="give credentials as a header")
        self._base = url.rstrip("/")
        self._limits = limits
        self._reach = Reach(Origin.of(address), checked_hosts(hosts))
        self._plain = {"User-Agent": "vhashdb", "Accept-Encoding": "identity"}
        self._headers = {**self._plain, **headers}
        self.budget = Budget(limits)
        self._pools: dict[Origin, urllib3.HTTPConnectionPool] = {}

    @contextlib.contextmanager
    def open(self, name: str, offset: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Open a file; see `Source.open`."""
        url = f"{self._base}/{name}"
        with self.budget.step(self._limits.read_s):
            answer = self._answer(url, {"Range": f"bytes={offset}-"} if offset else {})
        try:
            if answer.status in _MISSING:
                raise FileMissing(f"{url}: the server has no such file ({answer.status})")
            if answer.status not in (200, 206):
                raise FeedUnreachable(f"{url}: the server answers {answer.status}")
            begins = _RANGE.match(answer.headers.get("Content-Range", ""))
            start = int(begins[1]) if answer.status == 206 and begins else 0
            if start != (offset if answer.status == 206 else 0):
                raise FeedUnreachable(f"{url}: the server sends another part than it was asked for")
            yield start, self._blocks(url, answer)
        finally:
            end_answer(answer)

    def _answer(self, url: str, more: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """Return the answer to one request, wherever the feed's host may send us for it."""
        asked, target = url, parsed(url)
        for _ in range(self._limits.redirects + 1):
            answer = self._request(url, target, more)
            if answer.status not in _REDIRECTS:
                return answer
            location = answer.headers.get("Location", "")
            end_answer(answer)
            target = self._reach.follow(asked, location)
            asked = target.url
        raise FeedUnreachable(f"{url} redirects more than {self._limits.redirects} times")

    def _request(self, url: str, target: Url, more: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        origin = Origin.of(target)
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = pool_of(origin, self._reach, self.budget, self._limits)
        retries = Retry(total=_TRIES, redirect=False, status_forcelist=(502, 503, 504), backoff_factor=0.2,
                        respect_retry_after_header=False, raise_on_status=False)  # fmt: skip
        headers = (self._headers if origin == self._reach.own else self._plain) | dict(more)
        try:
            return pool.urlopen(
                "GET", target.request_uri, headers=headers, retries=retries, redirect=False, preload_content=False, decode_content=False
            )
        except Exception as error:  # whatever a server can make a client stumble over is that server's failure
            raise failure(error, f"{url} cannot be reached", self.budget) from error

    def _blocks(self, url: str, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        started, received = time.monotonic(), 0
        while True:
            try:
                with self.budget.step(self._limits.read_s):
                    # `read1` gives what has come; to wait for a full block would let a server hold us with a byte now and then.
                    block = answer.read1(_BLOCK, decode_content=False)
            except Exception as error:  # as above
                raise failure(error, f"{url} broke off after {received} bytes", self.budget) from error
            if not block:
                return
            yield block
            received += len(block)
            elapsed = time.monotonic() - started
            if elapsed > self._limits.read_s and received < elapsed * self._limits.slowest_bytes_per_s:
                raise FeedUnreachable(f"{url}: {received} bytes in {elapsed:.0f} s is too slow")


def failure(error: Exception, what: str, budget: Budget) -> FeedError:
    """Turn an error on the way into one of the place that was asked."""
    cause: object = error
    while isinstance(cause, urllib3.exceptions.HTTPError):  # of several tries, why the last one failed
        inner = getattr(cause, "reason", None) or (cause.args[1] if len(cause.args) > 1 else None)
        if not isinstance(inner, Exception):
            break
        cause = inner
    if isinstance(cause, FeedError):
        return cause
    if isinstance(cause, TimeoutError | urllib3.exceptions.TimeoutError):
        cause = budget.too_long
    return FeedUnreachable(f"{what}: {cause}")


def end_answer(answer: urllib3.BaseHTTPResponse) -> None:
    """Give the connection up: what is left of an answer is nobody's."""
    answer.close()
    answer.release_conn()

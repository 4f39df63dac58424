"""Where a feed's files come from: a web server or a folder. Nothing that arrives here is trusted yet."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

import urllib3
from urllib3.util import Retry, Timeout

from vhashdb.errors import FeedOversize, FeedUnreachable, UsageError
from vhashdb.exchange.limits import FeedLimits

_BLOCK: Final = 1 << 16
_MISSING: Final = (403, 404, 410)
_RANGE: Final = re.compile(r"bytes (\d+)-")


class FileMissing(FeedUnreachable):
    """The place answers, and has no such file."""


class Source(Protocol):
    """A place with a feed's files."""

    def open(self, name: str, offset: int = 0) -> contextlib.AbstractContextManager[tuple[int, Iterator[bytes]]]:
        """A file from an offset on: where it really begins, which is the offset or 0, and its blocks.

        Raises:
            FileMissing: there is no such file.
            FeedUnreachable: the place does not answer, or stops to.
        """
        ...


def source_of(place: str | Path, limits: FeedLimits, headers: Mapping[str, str] | None = None) -> Source:
    """The source at a URL of http or https, or in a folder."""
    if isinstance(place, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", place):
        return HttpSource(place, limits, headers or {})
    return FolderSource(Path(place))


def read(source: Source, name: str, limit: int) -> bytes:
    """A small file, whole.

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
    """A feed in a folder: a mounted share, a stick, a copy."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def open(self, name: str, offset: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        path = self._folder / name
        try:
            with path.open("rb") as file:
                file.seek(offset)
                yield offset, iter(lambda: file.read(_BLOCK), b"")
        except FileNotFoundError as error:
            raise FileMissing(f"{path}: no such file") from error
        except OSError as error:
            if isinstance(error, FeedUnreachable):
                raise
            raise FeedUnreachable(f"{path} cannot be read: {error.strerror}") from error


class HttpSource:
    """A feed on a web server. Asks for plain bytes, follows few redirects and waits for nothing long."""

    def __init__(self, url: str, limits: FeedLimits, headers: Mapping[str, str]) -> None:
        parts = urllib3.util.parse_url(url)
        if parts.scheme not in ("http", "https") or not parts.host:
            raise UsageError(f"{url!r} is no address of a feed", hint="give a URL of http or https, or a folder")
        if parts.auth or parts.query or parts.fragment:
            raise UsageError("the address of a feed has a user name, a query or a fragment in it", hint="give credentials as a header")
        self._base = url.rstrip("/")
        self._limits = limits
        self._headers = {"User-Agent": "vhashdb", "Accept-Encoding": "identity", **headers}
        retries = Retry(total=None, connect=2, read=1, other=0, redirect=limits.redirects, status=2, status_forcelist=(502, 503, 504),
                        backoff_factor=0.2, respect_retry_after_header=False)  # fmt: skip
        self._pool = urllib3.PoolManager(timeout=Timeout(connect=limits.connect_s, read=limits.read_s), retries=retries)

    @contextlib.contextmanager
    def open(self, name: str, offset: int = 0) -> Iterator[tuple[int, Iterator[bytes]]]:
        url = f"{self._base}/{name}"
        headers = self._headers | ({"Range": f"bytes={offset}-"} if offset else {})
        try:
            answer = self._pool.request("GET", url, headers=headers, preload_content=False, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            cause = getattr(error, "reason", None) or error  # of several tries, why the last one failed
            raise FeedUnreachable(f"{url} cannot be reached: {cause}") from error
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
            answer.close()
            answer.release_conn()

    def _blocks(self, url: str, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        started, received = time.monotonic(), 0
        try:
            # `read1` gives what has come; to wait for a full block would let a server hold us with a byte now and then.
            while block := answer.read1(_BLOCK, decode_content=False):
                yield block
                received += len(block)
                elapsed = time.monotonic() - started
                if elapsed > self._limits.read_s and received < elapsed * self._limits.slowest_bytes_per_s:
                    raise FeedUnreachable(f"{url}: {received} bytes in {elapsed:.0f} s is too slow")
        except urllib3.exceptions.HTTPError as error:
            raise FeedUnreachable(f"{url} broke off after {received} bytes: {error}") from error

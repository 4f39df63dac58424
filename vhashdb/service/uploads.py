"""Uploads: streamed to disk within limits, whoever sends them and however slowly, and gone when nobody needs them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO, Final

import anyio
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from vhashdb.errors import FeedError, UsageError
from vhashdb.exchange import fetched
from vhashdb.service.problems import Refused
from vhashdb.service.settings import ServiceSettings
from vhashdb.service.tracing import step
from vhashdb.service.upload_folders import UploadFolders
from vhashdb.text import printable, shortened

_log: Final = logging.getLogger(__name__)

MOST_NAME: Final = 200
"""Characters of a file's name that are kept."""
MOST_PARTS: Final = 32
"""Parts of a form."""
MOST_HEADER_BYTES: Final = 8 << 10
"""Of one part of a form."""
MOST_FETCHED: Final = 8
"""Files that are fetched at the same time. Engineering bound: slow hosts must not hold all threads."""
_LOOKS_AFTER_BYTES: Final = 1 << 20
"""Bytes of an upload after which it is looked again whether there is room."""
GRACE_S: Final = 30.0
"""Seconds for which an upload may be slow. Engineering bound."""


@dataclass(frozen=True)
class Upload:
    """A file that arrived."""

    path: Path
    file: str
    """Its name among the folders of uploads."""
    name: str
    """As whoever sent it calls it: text that people can be shown, and no path."""
    size: int
    part: str = ""
    """Name of the part of the form that it was; empty if it came by itself."""


class Uploads(UploadFolders):
    """The uploads of one service."""

    def __init__(self, settings: ServiceSettings, base: Path) -> None:
        super().__init__(base, several=isinstance(settings.database, str))
        self._settings = settings
        self.fetching = anyio.CapacityLimiter(MOST_FETCHED)
        """Of files that are fetched at the same time."""

    async def receive(self, request: Request, most_bytes: int, name: str = "", parts: Sequence[str] = ("file",)) -> Upload:
        """Write the body of a request to a new file: all of it, or of a form the first part with one of some names.

        Args:
            request: whose body was not read yet.
            most_bytes: that the file may have.
            name: what to call it; empty: as the form does.
            parts: names of the part of a form that is the file.

        Raises:
            Refused: it is too large, too slow, no form, or there is no room.
        """
        self._refuse_early(request, most_bytes)
        file = self.new_file()
        path = self.path(file)
        try:
            with step("receive the upload") as note, _created(path) as written:
                form = await self._write(request, written, most_bytes, parts)
                size = written.tell()
                note("vhashdb.bytes", size)
            if form.more:
                raise Refused(HTTPStatus.BAD_REQUEST, "Only one file allowed per request")
            if not size:
                raise Refused(HTTPStatus.BAD_REQUEST, "the upload is empty")
            return Upload(path, file, _plain_name(name or form.name), size, form.part)
        except OSError as error:
            self.delete(file)
            raise _no_room(error) from error
        except BaseException:  # also when the client is gone
            self.delete(file)
            raise

    def fetch(self, url: str, most_bytes: int, part: Callable[[str], str]) -> Upload:
        """Write a file that lies at an address to a new file; in a thread that may wait.

        Args:
            url: where it is.
            most_bytes: that the file may have.
            part: tells, of the type that its server says it is of, what an upload of it would be called in a form.

        Raises:
            Refused: it is too large, there is no room, its host may not be asked, or it cannot be had.
        """
        self._require_room()
        file = self.new_file()
        path = self.path(file)
        source = fetched(url, self._settings.fetch_hosts, most_bytes)
        try:
            with step("fetch the file") as note, source as (kind, blocks), _created(path) as to:
                called, sink = part(kind), _Sink(to, most_bytes, self._require_room)
                for block in blocks:
                    sink.write(block)
                size = to.tell()
                note("vhashdb.bytes", size)
            if not size:
                raise Refused(HTTPStatus.BAD_GATEWAY, "the file is empty")
            return Upload(path, file, _plain_name(url.partition("?")[0]), size, called)
        except UsageError as error:
            self.delete(file)
            raise Refused(HTTPStatus.FORBIDDEN, f"Invalid or unsafe URL provided: {error.message}", hint=error.hint) from error
        except FeedError as error:
            self.delete(file)
            raise Refused(HTTPStatus.BAD_GATEWAY, f"the file cannot be fetched: {error.message}", hint="send the file") from error
        except OSError as error:
            self.delete(file)
            raise _no_room(error) from error
        except BaseException:
            self.delete(file)
            raise

    def _refuse_early(self, request: Request, most_bytes: int) -> None:
        """Turn away what says that it is too large: before its client has sent it all."""
        said = request.headers.get("Content-Length", "")
        size = int(said) if said.isascii() and said.isdigit() else 0
        if size > most_bytes + (1 << 20):  # a form has a little around the file
            raise _too_large(most_bytes)
        self._require_room(size)

    def _require_room(self, size: int = 0) -> None:
        left = self._settings.quota_bytes - self.used_bytes()
        if size > left or left <= 0:
            raise Refused(
                HTTPStatus.INSUFFICIENT_STORAGE,
                "there is no room for the upload: what waits for people fills the quota",
                hint="decide about what waits, or have the quota raised",
                retry_after_s=60,
            )

    async def _write(self, request: Request, file: BinaryIO, most_bytes: int, parts: Sequence[str]) -> _Form:
        kind, options = parse_options_header(request.headers.get("Content-Type", ""))
        sink = _Sink(file, most_bytes, self._require_room)
        form = _Form(sink, parts)
        blocks = _in_time(request.stream(), self._settings.slowest_bytes_per_s)
        if kind != b"multipart/form-data":
            async for block in blocks:
                sink.write(block)
            return form
        try:
            parser = MultipartParser(options.get(b"boundary", b""), form.callbacks(), max_size=float(most_bytes + (1 << 20)))
            async for block in blocks:
                parser.write(block)
            parser.finalize()
            if not form.ended:
                raise Refused(HTTPStatus.BAD_REQUEST, "the form ends too early", hint="send all of it again")
        except FormParserError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, f"the form cannot be read: {error}") from error
        if not form.part:
            called = " or ".join(f"`{part}`" for part in parts)
            raise Refused(HTTPStatus.BAD_REQUEST, "the form has no file", hint=f"send the file as the part called {called}")
        return form


@contextlib.contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        yield file


class _Sink:
    """A file that takes so many bytes, as long as there is room."""

    def __init__(self, file: BinaryIO, most_bytes: int, require_room: Callable[[], None]) -> None:
        self._file, self._most, self._size = file, most_bytes, 0
        self._require_room, self._next = require_room, _LOOKS_AFTER_BYTES

    def write(self, block: bytes) -> None:
        self._size += len(block)
        if self._size >= self._next:  # many may be arriving, of which none says how large it is
            self._next = self._size + _LOOKS_AFTER_BYTES
            self._file.flush()
            self._require_room()
        if self._size > self._most:
            raise _too_large(self._most)
        self._file.write(block)


class _Form:
    """What is read of a form: its first part with one of some names. Other parts are passed over, and bounded."""

    def __init__(self, sink: _Sink, parts: Sequence[str]) -> None:
        self._sink, self._wanted = sink, parts
        self._field, self._value, self._disposition = b"", b"", b""
        self._parts, self._taking = 0, False
        self.part, self.name, self.more = "", "", 0
        self.ended = False
        """Whether all of the form came."""

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._all,
        }

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MOST_PARTS:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the form has more than {MOST_PARTS} parts")
        self._disposition = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field = _bounded(self._field + data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = _bounded(self._value + data[start:end])

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        part = options.get(b"name", b"").decode("utf-8", "replace")
        self._taking = not self.part and part in self._wanted
        if self._taking:
            self.part, self.name = part, options.get(b"filename", b"").decode("utf-8", "replace")
        elif b"filename" in options:
            self.more += 1

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._taking:
            self._sink.write(data[start:end])

    def _end(self) -> None:
        self._taking = False

    def _all(self) -> None:
        self.ended = True


def _bounded(data: bytes) -> bytes:
    if len(data) > MOST_HEADER_BYTES:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "a part of the form has too long a header")
    return data


async def _in_time(blocks: AsyncIterator[bytes], slowest_bytes_per_s: int) -> AsyncIterator[bytes]:
    """Yield blocks as long as they do not come too slowly on the whole."""
    began_s, received = time.monotonic(), 0
    while True:
        try:
            async with asyncio.timeout(GRACE_S):
                block = await anext(blocks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, f"nothing of the upload came for {GRACE_S:.0f} s") from error
        received += len(block)
        elapsed_s = time.monotonic() - began_s
        if elapsed_s > GRACE_S and received < (elapsed_s - GRACE_S) * slowest_bytes_per_s:
            raise Refused(HTTPStatus.REQUEST_TIMEOUT, "the upload is too slow", hint="send it over a faster connection")
        yield block


def _too_large(most_bytes: int) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"the upload is larger than {most_bytes:,} bytes",
        hint="ask an administrator for a key that allows more",
    )


def _no_room(error: OSError) -> Refused:
    _log.warning("an upload cannot be kept: %s", error)
    return Refused(HTTPStatus.INSUFFICIENT_STORAGE, "there is no room for the upload", retry_after_s=60)


def _plain_name(name: str) -> str:
    """Return a name for people, whatever a client sent: the last part of a path, in one line."""
    return shortened(printable(name.replace("\\", "/").rsplit("/", 1)[-1]), MOST_NAME)

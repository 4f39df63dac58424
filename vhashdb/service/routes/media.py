"""The file of a question that people have to look at, for a player: any part of it, and nothing that a browser would run."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import problems
from vhashdb.service.problems import Refused
from vhashdb.service.routes.shared import service_of
from vhashdb.store import Scope

router = APIRouter(prefix="/questions", tags=["questions"], responses=problems(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE))

POLICY: Final = "default-src 'none'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
UNKNOWN: Final = "application/octet-stream"
_HEAD: Final = 64
_MP4: Final = "video/mp4"
_BRANDS: Final = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
}
_STARTS: Final = (
    (b"OggS", "video/ogg"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"FLV\x01", "video/x-flv"),
    (b"\x00\x00\x01\xba", "video/mpeg"),
    (b"\x00\x00\x01\xb3", "video/mpeg"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
)
_RIFF: Final = {b"AVI ": "video/x-msvideo", b"WAVE": "audio/wav", b"WEBP": "image/webp"}
_TS_PACKET: Final = 188
_BLOCK: Final = 1 << 18
"""Bytes that are read at once."""
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
"""One part of a file (RFC 9110). Several at once, and what is no range, are answered with the whole file, as the standard allows."""
_FILE: Final[dict[str, Any]] = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}


@router.get(
    "/{question_id}/media",
    summary="Return the file of a question that people have to look at.",
    response_class=Response,
    responses={
        HTTPStatus.OK: _FILE | {"description": "The file."},
        HTTPStatus.PARTIAL_CONTENT: _FILE | {"description": "The part of it that `Range` names."},
    },
)
@router.head("/{question_id}/media", include_in_schema=False)
def media(request: Request, caller: Annotated[Caller, needs(Scope.DECIDE)], question_id: str) -> Response:  # noqa: ARG001  # whoever may decide
    """Return the file that was uploaded, or the part of it that the header `Range` names, while people have to look at it."""
    service = service_of(request)
    question = service.questions.get(question_id)
    if not (question.review and question.file):
        raise _gone()
    path = service.uploads.path(question.file)
    try:
        kind, size = media_type(path), os.stat(path).st_size
    except FileNotFoundError as error:
        if host := service.attendance.host_of(question.file):
            raise Refused(
                HTTPStatus.NOT_FOUND, f"the file lies on {host}, with another front of this service",
                hint="look at it there; fronts that share a folder of uploads show each other's",
            ) from error  # fmt: skip
        raise _gone() from error  # it was decided meanwhile
    tag = f'"{question.id}"'  # the file of a question never changes
    headers = {"ETag": tag, "Accept-Ranges": "bytes", "Content-Disposition": "inline", "Content-Security-Policy": POLICY}
    wanted = request.headers.get("Range", "") if request.headers.get("If-Range", tag) == tag else ""
    part = _part(wanted, size)
    status = HTTPStatus.OK if part is None else HTTPStatus.PARTIAL_CONTENT
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    part = part or range(size)
    headers["Content-Length"] = str(len(part))
    if request.method == "HEAD":
        return Response(None, status, headers, kind)
    return StreamingResponse(_blocks(path, part), status, headers, kind)


def _part(wanted: str, size: int) -> range | None:
    """Return which bytes a header asks for; None: all of them.

    Raises:
        Refused: there are none of these.
    """
    found = _RANGE.fullmatch(wanted.strip())
    if found is None or found[0] == "bytes=-":
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    stop = min(size, int(last) + 1) if first and last else size
    if first and last and int(last) < start:
        return None  # it is no range
    if start >= size:
        raise Refused(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
            f"the file has {size:,} bytes, and the part begins after them",
            hint="ask for a part of it",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return range(start, stop)


def _blocks(path: Path, part: range) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(part.start)
        left = len(part)
        while left and (block := file.read(min(left, _BLOCK))):
            left -= len(block)
            yield block


def media_type(path: Path) -> str:
    """Return the type of a file by its first bytes, whatever its name says: of film, sound or pictures, or one that nothing opens."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
        file.seek(_TS_PACKET)
        packet = file.read(1)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], _MP4)
    if head[4:8] in (b"moov", b"mdat", b"moof", b"styp", b"wide", b"free"):
        return _MP4
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[:1] == packet == b"\x47":
        return "video/mp2t"
    return next((kind for start, kind in _STARTS if head.startswith(start)), UNKNOWN)


def _gone() -> Refused:
    return Refused(HTTPStatus.NOT_FOUND, "there is no such file, or it is not kept any more", hint="it is kept until people have decided")

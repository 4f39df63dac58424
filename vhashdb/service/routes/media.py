"""The file of a question that people have to look at, for a player: any part of it, and nothing that a browser would run."""

from __future__ import annotations

import os
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from vhashdb.service.access import Caller, needs
from vhashdb.service.openapi import problems
from vhashdb.service.problems import Refused
from vhashdb.service.routes.questions import service_of
from vhashdb.store import Scope

router = APIRouter(prefix="/questions", tags=["questions"], responses=problems(HTTPStatus.NOT_FOUND))

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


@router.get(
    "/{question_id}/media",
    summary="Return the file of a question that people have to look at.",
    response_class=Response,
    responses={
        HTTPStatus.OK: {"description": "The file.", "content": {UNKNOWN: {"schema": {"type": "string", "format": "binary"}}}},
        HTTPStatus.PARTIAL_CONTENT: {"description": "The part that `Range` names."},
        HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: {"description": "There is no such part."},
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
        kind, found = media_type(path), os.stat(path)
    except FileNotFoundError as error:  # it was decided meanwhile
        raise _gone() from error
    headers = {
        "ETag": f'"{question.id}"',  # the file of a question never changes
        "Content-Disposition": "inline",
        "Content-Security-Policy": POLICY,
    }
    return FileResponse(path, headers=headers, media_type=kind, stat_result=found)


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

"""`/h`: from a file to its signals."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vhashdb.errors import FingerprintError, MediaError
from vhashdb.fingerprinting import every_frame, fingerprint
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.views import Region, View
from vhashdb.inputs import hash_file
from vhashdb.limits import Limits
from vhashdb.service.access import Caller, needs
from vhashdb.service.hma.kinds import SignalKind
from vhashdb.service.hma.requests import HmaRoute, fetched, kinds_for, received
from vhashdb.service.problems import Refused
from vhashdb.service.routes.shared import service_of
from vhashdb.service.uploads import Upload
from vhashdb.store import Scope
from vhashdb.text import decoded
from vhashdb.tx.signals import signal_of
from vhashdb.tx.vpdq_text import to_vpdq_signal

router = APIRouter(prefix="/h", route_class=HmaRoute)

_Asking = Annotated[Caller, needs(Scope.ASK)]
_WHOLE = View(Region.WHOLE).code


@router.get("/hash")
async def hash_url(
    request: Request,
    caller: _Asking,
    url: str | None = None,
    content_type: str | None = None,
    types: str | None = None,
    handles: bool = True,
) -> Response:
    """Return the signals of the file at an address, of a host that the operator named."""
    if url is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "url is required")
    return await _hashed(request, caller, await fetched(request, caller, url, content_type), types, handles=handles)


@router.post("/hash")
async def hash_upload(request: Request, caller: _Asking, types: str | None = None, handles: bool = True) -> Response:
    """Return the signals of a file by signal type; with ``handles``, a long one as a handle."""
    return await _hashed(request, caller, await received(request, caller), types, handles=handles)


async def _hashed(request: Request, caller: Caller, upload: Upload, types: str | None, *, handles: bool) -> Response:
    kept, limits = request.app.state.handles, service_of(request).settings.limits
    made = await service_of(request).asker.in_turn(lambda: signals_of(upload, kinds_for(upload.part, types), limits), upload)
    return JSONResponse({name: kept.shorten(caller.name, signal) if handles else signal for name, signal in made.items()})


def signals_of(upload: Upload, kinds: Sequence[SignalKind], limits: Limits) -> dict[str, str]:
    """Make signals of an upload.

    Raises:
        Refused: it cannot be read, or not all of it, or it shows too little to be compared.
    """
    try:
        return _signals_of(upload.path, {kind.name for kind in kinds}, limits)
    except (FingerprintError, MediaError) as error:
        raise unreadable(upload, error) from error


def unreadable(upload: Upload, error: FingerprintError | MediaError) -> Refused:
    """Return the refusal of an upload that cannot be read; nothing in it says where the file is here."""
    name = upload.name or "the upload"
    message = decoded(error.message).replace(str(upload.path), name).replace(upload.path.name, name)
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, message, hint=error.hint)


def _signals_of(path: Path, names: set[str], limits: Limits) -> dict[str, str]:
    made: dict[str, str] = {}
    if names & {"video_md5", "video_sha256"}:
        hashes = hash_file(path, time_s=limits.time_s)
        made |= {"video_md5": hashes.md5, "video_sha256": hashes.sha256}
    if names & {"vhashdb", "vhashdb_vpdq"}:
        signal, reference = signal_of(path, limits=limits)
        require_whole(reference)
        made |= {"vhashdb": signal, "vhashdb_vpdq": signal}
    if names & {"video_vpdq", "vpdq"}:
        frames = every_frame(path, limits=limits)
        require_whole(frames)
        made |= dict.fromkeys(("video_vpdq", "vpdq"), to_vpdq_signal(frames))
    if "pdq" in names:
        made["pdq"] = pdq_of(fingerprint(path, sound=False, limits=limits))
    return {name: signal for name, signal in made.items() if name in names}


def pdq_of(picture: Fingerprint) -> str:
    """Return the PDQ hash of the whole of one picture, in hexadecimal.

    Raises:
        FingerprintError: it moves, or shows too little to be compared.
    """
    whole = picture.only((picture.view == _WHOLE) & picture.usable)
    if not len(whole):
        raise FingerprintError("the picture shows too little to be compared", hint="nothing can be said of it")
    if (picture.start_s != picture.start_s[0]).any():
        raise FingerprintError("it is no single picture", hint="send it as the part called `video` of the form")
    return bytes(whole.hash[0]).hex()


def require_whole(reference: Fingerprint) -> None:
    """Refuse the fingerprint of a part of a file, as nobody would see of its signal that the rest is missing.

    Raises:
        FingerprintError: it is one.
    """
    if not reference.coverage.complete:
        why = "; ".join((*reference.coverage.unseen, *reference.damage))
        raise FingerprintError(
            f"only a part of the file can be read: {why}", hint="POST it to /m/lookup, which finds what that part matches"
        )

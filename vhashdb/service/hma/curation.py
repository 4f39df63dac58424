"""`/c`: banks and their content. A bank is a label; its content are the records that have it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any, Final

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from vhashdb.adding import Prepared
from vhashdb.database import Database
from vhashdb.errors import FingerprintError, MediaError
from vhashdb.fingerprints import Fingerprint
from vhashdb.inputs import FileHashes
from vhashdb.service.access import Caller, needs, require_scope
from vhashdb.service.hma.hashing import pdq_of, require_whole, unreadable
from vhashdb.service.hma.kinds import KINDS, PHOTO, picture_of, sides_of
from vhashdb.service.hma.requests import HmaRoute, fetched, json_body, received, unfit, whole_signal
from vhashdb.service.problems import Refused
from vhashdb.service.routes.shared import service_of
from vhashdb.store import Bank, BankNotFound, Banks, Details, Record, Scope, State, acting_as
from vhashdb.tx.signal_text import to_signal

router = APIRouter(prefix="/c", route_class=HmaRoute)

_reading = [needs(Scope.ASK, Scope.RECORD, Scope.ADMINISTER)]
_Reading = Annotated[Caller, _reading[0]]
_Recording = Annotated[Caller, needs(Scope.RECORD)]
_Administering = Annotated[Caller, needs(Scope.ADMINISTER)]
_WITH_PICTURES: Final = ("vhashdb", "vhashdb_vpdq", "video_vpdq", "vpdq", "pdq")
"""Signal types that a record can be made of, the best first."""
_MOST_NUMBER: Final = (1 << 63) - 1
"""Derived: SQLite takes no greater number."""


class BankBody(BaseModel):
    """What is said of a bank. As HMA's schema, ``enabled_ratio`` may be text."""

    name: str | None = None
    enabled: bool | None = None
    enabled_ratio: float | None = None

    @property
    def ratio(self) -> float | None:
        """The share of the lookups in which it counts; None if nothing is said."""
        return self.enabled_ratio if self.enabled is None or self.enabled_ratio is not None else float(self.enabled)


# -- banks -----------------------------------------------------------------------------------------


@router.get("/banks", dependencies=_reading)
def banks(request: Request) -> Response:
    """List the banks."""
    return JSONResponse([_bank_json(bank) for bank in _banks(request).all()])


@router.post("/banks")
def make_bank(request: Request, caller: _Administering, body: BankBody) -> Response:
    """Make a bank."""
    if body.name is None:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "name is required")
    with acting_as(caller.name):
        bank = _banks(request).add(body.name, 1.0 if body.ratio is None else body.ratio)
    return JSONResponse(_bank_json(bank), HTTPStatus.CREATED)


@router.get("/bank/{name}", dependencies=_reading)
def bank(request: Request, name: str) -> Response:
    """Return a bank."""
    return JSONResponse(_bank_json(_banks(request).get(name)))


@router.put("/bank/{name}")
def change_bank(request: Request, caller: _Administering, name: str, body: BankBody) -> Response:
    """Rename a bank, or change its share of the lookups."""
    with acting_as(caller.name):
        return JSONResponse(_bank_json(_banks(request).change(name, new_name=body.name, enabled_ratio=body.ratio)))


@router.delete("/bank/{name}")
def delete_bank(request: Request, caller: _Administering, name: str) -> Response:
    """Remove a bank with its content: what is in no other bank is retracted."""
    database, found = service_of(request).database, _banks(request)
    try:
        bank = found.get(name)
    except BankNotFound:
        return JSONResponse({"message": "Done"})
    with acting_as(caller.name):
        found.require_made(bank)
        for label in bank.labels:
            for record in [each for each in database.records(labels=[label]) if each.state is not State.RETRACTED]:
                _take_out(database, bank, record)
        found.remove(name)
    return JSONResponse({"message": "Done"})


# -- content ---------------------------------------------------------------------------------------


@router.post("/bank/{name}/content")
async def add_content(request: Request, caller: _Recording, name: str, url: str | None = None, content_type: str | None = None) -> Response:
    """Record a file, or the one at an address of a host that the operator named, with the label of a bank."""
    service, bank = service_of(request), await anyio.to_thread.run_sync(_banks(request).get, name)
    upload = await (received(request, caller) if url is None else fetched(request, caller, url, content_type))

    def record() -> dict[str, Any]:
        with acting_as(caller.name):
            try:
                prepared = service.database.prepare(upload.path)
                require_whole(prepared.reference)
                signals = _signals(prepared.reference, prepared.hashes, photo=upload.part == PHOTO)
            except (FingerprintError, MediaError) as error:
                raise unreadable(upload, error) from error
            return {"id": _put_in(service.database, bank, prepared), "signals": signals}

    return JSONResponse(await service.asker.in_turn(record, upload))


@router.post("/bank/{name}/signal")
async def add_signals(request: Request, caller: _Recording, name: str) -> Response:
    """Record a video by its signals, with the label of a bank."""
    service, given = service_of(request), await json_body(request)
    for kind in given:
        if kind not in KINDS:
            raise Refused(HTTPStatus.BAD_REQUEST, f"No such signal type {kind}", hint=f"known: {', '.join(KINDS)}")
    signals = {kind: whole_signal(request, caller, text, f"Invalid {kind} signal") for kind, text in given.items()}

    def record() -> dict[str, Any]:
        bank = _banks(request).get(name)
        with acting_as(caller.name):
            return {"id": _put_in(service.database, bank, _prepared(service.database, signals)), "signals": given}

    return JSONResponse(await anyio.to_thread.run_sync(record))


@router.get("/bank/{name}/content/{number:int}")
def content(request: Request, caller: _Reading, name: str, number: int, include_signals: str = "") -> Response:
    """Return what is known of the content with a number, whatever bank it is in."""
    database, found = service_of(request).database, _banks(request)
    bank, record = found.get(name), _record(database, number)
    if record is None:
        raise Refused(HTTPStatus.NOT_FOUND, f"content '{number}' not found")
    if not bank.has(record.labels):
        bank = found.get(found.names().of(record.labels)[0])
    said = _content_json(bank, number)
    if include_signals.lower() == "true":
        require_scope(caller, Scope.RECORD)  # to ask is to be told of matches, and not to read everything
        reference = database.fingerprint(record.id)
        hashes = FileHashes(record.sha256 or "", record.md5 or "")
        said["signals"] = _signals(reference, hashes, photo=_still(reference))
    return JSONResponse(said)


@router.put("/bank/{name}/content/{number:int}", dependencies=[needs(Scope.RECORD)])
def disable_content() -> Response:
    """Turn every request away: a record is in force or retracted, and nothing in between."""
    raise Refused(
        HTTPStatus.NOT_IMPLEMENTED, "content cannot be disabled for a time", hint="delete it, or give its bank another enabled_ratio"
    )


@router.delete("/bank/{name}/content/{number:int}")
def delete_content(request: Request, caller: _Recording, name: str, number: int) -> Response:
    """Take content out of a bank; what is in no other is retracted."""
    database, bank = service_of(request).database, _banks(request).get(name)
    record = _record(database, number)
    if record is None or not bank.has(record.labels):
        return JSONResponse({"deleted": 0})
    with acting_as(caller.name):
        _take_out(database, bank, record)
    return JSONResponse({"deleted": 1})


@router.get("/exchange/{name}", dependencies=_reading)
@router.get("/exchange/{name}/status", dependencies=_reading)
@router.delete("/exchange/{name}", dependencies=_reading)
def exchange(name: str) -> Response:
    """Say that no bank has an exchange: feeds bring records with labels of their own."""
    raise Refused(HTTPStatus.NOT_FOUND, f"Exchange '{name}' not found")


@router.get("/exchanges", dependencies=_reading)
def exchanges() -> Response:
    """List exchanges: none; see `exchange`."""
    return JSONResponse([])


# -- inside ----------------------------------------------------------------------------------------


def _banks(request: Request) -> Banks:
    return Banks(service_of(request).database.store)


def _bank_json(bank: Bank) -> dict[str, Any]:
    return {"name": bank.name, "matching_enabled_ratio": bank.enabled_ratio}


def _content_json(bank: Bank, number: int) -> dict[str, Any]:
    said = {"id": number, "disable_until_ts": 1, "original_media_uri": None, "bank": _bank_json(bank), "collab_metadata": {}}
    return said | {"metadata": None, "note": None}


def _record(database: Database, number: int) -> Record | None:
    """Return the record that is the content with a number, unless it is retracted."""
    record = database.store.by_number([number]).get(number) if number <= _MOST_NUMBER else None
    return None if record is None or record.state is State.RETRACTED else record


def _put_in(database: Database, bank: Bank, prepared: Prepared) -> int:
    """Record a video in a bank, or put the record of the very same file there too; return its number."""
    labels = bank.labels[:1]
    record = database.record(prepared, Details(labels=labels)).record
    if not bank.has(record.labels):
        database.label(record.id, add=labels)
    return database.store.number(record.id)


def _take_out(database: Database, bank: Bank, record: Record) -> None:
    """Take a record out of a bank; one that is in no other then is retracted."""
    if set(record.labels) <= set(bank.labels):
        database.retract(record.id, reason=f"deleted from bank {bank.name}")
    else:
        database.label(record.id, remove=bank.labels)


def _signals(reference: Fingerprint, hashes: FileHashes | None, *, photo: bool) -> dict[str, str]:
    if photo:
        return {"pdq": pdq_of(reference)}
    exact = {"video_md5": hashes.md5, "video_sha256": hashes.sha256} if hashes else {}
    return {"vhashdb": to_signal(reference)} | {name: value for name, value in exact.items() if value}


def _still(reference: Fingerprint) -> bool:
    return bool(len(reference)) and bool((reference.start_s == reference.start_s[0]).all())


def _prepared(database: Database, signals: dict[str, str]) -> Prepared:
    """Make of signals what a record is made of.

    Raises:
        Refused: one cannot be read, or there is none of pictures.
    """
    if not signals:
        raise Refused(HTTPStatus.BAD_REQUEST, "No signals given")
    read: dict[str, Any] = {}
    for name, text in signals.items():
        try:
            kind = KINDS[name]
            if kind.content == PHOTO:
                read[name] = picture_of(text), None
            elif kind.exact:
                read[name] = kind.query(text)
            else:
                sides = sides_of(text, vpdq=name != _WITH_PICTURES[0])
                read[name] = sides.reference, sides.query
        except FingerprintError as error:
            raise unfit(error, f"Invalid {name} signal") from error
    best = next((name for name in _WITH_PICTURES if name in read), None)
    if best is None:
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "a record needs a signal of pictures",
            hint=f"give one of {', '.join(_WITH_PICTURES)}; lists of hashes of files are imported",
        )
    reference, query = read[best]
    sha256 = read["video_sha256"].sha256 if "video_sha256" in read else ""
    md5 = read["video_md5"].md5 if "video_md5" in read else ""
    prepared = database.prepare(reference)
    return Prepared(prepared.reference, query or prepared.query, FileHashes(sha256, md5) if sha256 or md5 else None)

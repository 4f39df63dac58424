"""`/m`: from a signal or a file to the banks it is in."""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vhashdb.errors import FingerprintError
from vhashdb.hash_query import HashQuery
from vhashdb.inputs import hash_file
from vhashdb.service.access import Caller, needs
from vhashdb.service.hma.kinds import KINDS, SignalKind
from vhashdb.service.hma.requests import (
    HmaRoute,
    fetched,
    json_body,
    kind_of,
    kinds_for,
    listed,
    received,
    unfit,
    whole_signal,
)
from vhashdb.service.options import AskOptions
from vhashdb.service.problems import Refused
from vhashdb.service.routes.shared import service_of
from vhashdb.service.service import Service
from vhashdb.service.uploads import Upload
from vhashdb.store import BankNames, Banks, Scope

router = APIRouter(prefix="/m", route_class=HmaRoute)

_Asking = Annotated[Caller, needs(Scope.ASK)]
_PAIR = 2


@dataclass(frozen=True)
class Counting:
    """Which banks count in one lookup."""

    only: frozenset[str]
    """Banks that were named; empty: all."""
    draw: float
    """A bank counts if its share of the lookups is not less."""

    @classmethod
    def of(cls, banks: str | None, seed: str | None = None, *, every: bool = False) -> Counting:
        """Return what a request says; with ``every``, the shares do not matter."""
        return cls(frozenset(listed(banks)), 0.0 if every else random.Random(seed).random())

    def names(self, labels: Sequence[str], names: BankNames) -> list[str]:
        """Return the banks that count, of those that a record with these labels is in."""
        return [name for name in names.of(labels) if (not self.only or name in self.only) and names.ratio(name) >= self.draw]


@router.get("/raw_lookup")
async def raw_lookup(
    request: Request,
    caller: _Asking,
    signal: str,
    signal_type: str,
    include_distance: bool = False,
    banks: str | None = None,
) -> Response:
    """Return the numbers of the content that a signal matches."""
    return JSONResponse(await _raw(request, caller, signal, signal_type, Counting.of(banks, every=True), distances=include_distance))


@router.post("/raw_lookup")
async def raw_lookup_of_body(request: Request, caller: _Asking, include_distance: bool = False, banks: str | None = None) -> Response:
    """Return the same of a signal that does not fit into an address: the body has ``signal`` and ``signal_type``."""
    signal, signal_type = _signal_in(await json_body(request))
    return JSONResponse(await _raw(request, caller, signal, signal_type, Counting.of(banks, every=True), distances=include_distance))


@router.get("/lookup")
async def lookup(
    request: Request,
    caller: _Asking,
    signal: str | None = None,
    signal_type: str | None = None,
    url: str | None = None,
    content_type: str | None = None,
    types: str | None = None,
    banks: str | None = None,
    seed: str | None = None,
) -> Response:
    """Return the banks that a signal is in, each with what it matches there; of the file at an address, by signal type."""
    if url is not None:
        upload = await fetched(request, caller, url, content_type)
        return await _file_in_banks(request, caller, upload, types, Counting.of(banks, seed))
    if signal is None or signal_type is None:
        raise Refused(HTTPStatus.BAD_REQUEST, "Either url or both signal and signal_type are required")
    return JSONResponse(await _in_banks(request, caller, signal, signal_type, Counting.of(banks, seed)))


@router.post("/lookup")
async def lookup_of_body(
    request: Request,
    caller: _Asking,
    types: str | None = None,
    banks: str | None = None,
    seed: str | None = None,
    bypass_coinflip: str = "",
) -> Response:
    """Return by signal type the banks that a file is in; of a signal in a body of JSON, the banks alone, as by GET."""
    every = bypass_coinflip == "true"
    if request.headers.get("Content-Type", "").lower().startswith("application/json"):
        signal, signal_type = _signal_in(await json_body(request))
        return JSONResponse(await _in_banks(request, caller, signal, signal_type, Counting.of(banks, seed, every=every)))
    return await _file_in_banks(request, caller, await received(request, caller), types, Counting.of(banks, seed, every=every))


async def _file_in_banks(request: Request, caller: Caller, upload: Upload, types: str | None, counting: Counting) -> Response:
    service = service_of(request)
    kinds, answer = await _answer_about(service, upload, types, caller)
    said = {}
    for kind in kinds:
        found = _found(kind, answer)
        said[kind.name] = await anyio.to_thread.run_sync(_by_bank, service, kind, found, counting)
    return JSONResponse(said)


@router.post("/compare")
async def compare(request: Request, caller: _Asking) -> Response:
    """Tell of two signals of each type whether they are a match, and how far they are apart."""
    pairs: list[tuple[SignalKind, list[str]]] = []
    for name, signals in (await json_body(request)).items():
        if not isinstance(signals, list):
            raise Refused(HTTPStatus.BAD_REQUEST, f"Comparison hashes for {name} was not a list")
        if len(signals) != _PAIR:
            raise Refused(HTTPStatus.BAD_REQUEST, "Comparison hash list length must be exactly 2")
        pairs.append((kind_of(name), [whole_signal(request, caller, each, f"Invalid {name} hash") for each in signals]))

    def compared() -> dict[str, Any]:
        return {kind.name: _as_read(f"Invalid {kind.name} hash", partial(kind.compare, *signals)) for kind, signals in pairs}

    return JSONResponse(await anyio.to_thread.run_sync(compared))


@router.get("/index/status", dependencies=[needs(Scope.ASK)])
def index_status(request: Request, signal_type: str | None = None) -> Response:
    """Return of each signal type how many signals there are, and from when the newest is; what is recorded is found at once."""
    kinds = list(KINDS.values()) if signal_type is None else [kind_of(signal_type)]
    counts = Banks(service_of(request).database.store).signals()
    built_to = -1 if counts.newest_at is None else int(counts.newest_at.replace(tzinfo=datetime.UTC).timestamp())
    size = {"video_md5": counts.md5, "video_sha256": counts.sha256}
    return JSONResponse({kind.name: {"present": True, "built_to": built_to, "size": size.get(kind.name, counts.videos)} for kind in kinds})


# -- inside ----------------------------------------------------------------------------------------


def _signal_in(body: dict[str, Any]) -> tuple[object, str]:
    if not isinstance(body.get("signal_type"), str) or "signal" not in body:
        raise Refused(HTTPStatus.BAD_REQUEST, "both signal and signal_type are required")
    return body["signal"], body["signal_type"]


async def _raw(
    request: Request, caller: Caller, signal: object, signal_type: str, counting: Counting, *, distances: bool
) -> dict[str, Any]:
    kind, found = await _of_signal(request, caller, signal, signal_type)
    banks = await anyio.to_thread.run_sync(_by_bank, service_of(request), kind, found, counting)
    once = {each["bank_content_id"]: each for matches in banks.values() for each in matches}
    return {"matches": list(once.values()) if distances else list(once)}


async def _in_banks(
    request: Request, caller: Caller, signal: object, signal_type: str, counting: Counting
) -> dict[str, list[dict[str, Any]]]:
    kind, found = await _of_signal(request, caller, signal, signal_type)
    return await anyio.to_thread.run_sync(_by_bank, service_of(request), kind, found, counting)


async def _of_signal(request: Request, caller: Caller, signal: object, signal_type: str) -> tuple[SignalKind, list[dict[str, Any]]]:
    kind, text = kind_of(signal_type), whole_signal(request, caller, signal, "invalid signal")
    query = await anyio.to_thread.run_sync(lambda: _as_read("invalid signal", lambda: kind.query(text)))
    return kind, _found(kind, await service_of(request).asker.hashes(query, "", AskOptions(), caller))


async def _answer_about(service: Service, upload: Upload, types: str | None, caller: Caller) -> tuple[Sequence[SignalKind], dict[str, Any]]:
    """Ask about an upload: its file, or only the hashes of the file if nothing else is wanted."""
    try:
        kinds = kinds_for(upload.part, types)
    except Refused:
        service.uploads.delete(upload.file)
        raise
    if not all(kind.exact for kind in kinds):
        return kinds, await service.asker.upload(upload, AskOptions(), caller, review=False)
    hashes = await service.asker.in_turn(lambda: hash_file(upload.path, time_s=service.settings.limits.time_s), upload)
    return kinds, await service.asker.hashes(HashQuery(sha256=hashes.sha256, md5=hashes.md5), "", AskOptions(), caller)


def _found(kind: SignalKind, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the matches of an answer that are some of this signal type.

    Raises:
        Refused: there is none, and not everything was looked at, so that HMA's empty answer would be wrong.
    """
    found = [match for match in answer["matches"] if kind.found(match)]
    if not found and not kind.exact and not answer["complete"]:
        reason = (answer["error"] or {}).get("message") or answer["file"]["reason"]
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"nothing is known of it, as not everything could be compared: {reason}",
            hint="ask at /v1/questions, which says what was looked at",
        )
    return found


def _by_bank(service: Service, kind: SignalKind, found: list[dict[str, Any]], counting: Counting) -> dict[str, list[dict[str, Any]]]:
    store = service.database.store
    names, banks = Banks(store).names(), dict[str, list[dict[str, Any]]]()
    for match in found:
        said = {"bank_content_id": store.number(match["record"]), "distance": kind.distance(match)}
        for name in counting.names(match["labels"], names):
            banks.setdefault(name, []).append(said)
    return banks


def _as_read(what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except FingerprintError as error:
        raise unfit(error, what) from error

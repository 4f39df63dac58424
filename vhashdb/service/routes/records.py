"""Records: known videos, and what people say of them."""

from __future__ import annotations

import datetime
import hashlib
import io
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from vhashdb.codes import RETRACTION_REASONS, WITHDRAWN
from vhashdb.database import Database
from vhashdb.errors import FingerprintError, MediaError, RecordNotFound, UsageError
from vhashdb.exchange.formats import FormatLimits, Options, read_hashes
from vhashdb.fingerprints import Fingerprint
from vhashdb.forms import record_with_history_json, unmatch_json
from vhashdb.hash_query import only_one
from vhashdb.search.results import Addition, AddStatus
from vhashdb.service.access import Caller, needs
from vhashdb.service.bounded import MOST_HASH_BYTES
from vhashdb.service.openapi import ANY_FILE, UPLOADING, answers, problems
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import Cursor, Expected, Limit, page, service_of
from vhashdb.store import (
    MAX_ACTIONS,
    ORIGINS,
    REVIEW_METHODS,
    SEVERITIES,
    TLP,
    Details,
    Record,
    RecordChanged,
    Scope,
    Selection,
    State,
    acting_as,
    records_after,
)

router = APIRouter(prefix="/records", tags=["records"], route_class=ReplayingRoute, responses=problems(412))

MOST_LABELS = 100
_Recording = Annotated[Caller, needs(Scope.RECORD)]
_Reading = Annotated[Caller, needs(Scope.RECORD, Scope.DECIDE)]
_Knowing = Annotated[Caller, needs(Scope.ASK, Scope.RECORD, Scope.DECIDE)]


def _one_of(known: tuple[str, ...]) -> dict[str, Any]:
    return {"enum": list(known)}


class RecordDetails(BaseModel):
    """What people say of a record."""

    label: list[str] = Field([], max_length=MOST_LABELS, description="What kind of harm it shows; several times for several.")
    reason: str = Field("", max_length=280, description="Why it is recorded.")
    reason_code: str = Field("", max_length=100, description="The same as a code.")
    severity: str = Field(SEVERITIES[0], json_schema_extra=_one_of(SEVERITIES), description="How grave it is.")
    origin: str = Field(ORIGINS[0], json_schema_extra=_one_of(ORIGINS), description="What led to the decision.")
    policy: str = Field("", max_length=1000, description="The rule of yours that it breaks.")
    law: str = Field("", max_length=1000, description="The law that it breaks.")
    review_method: str = Field(REVIEW_METHODS[0], json_schema_extra=_one_of(REVIEW_METHODS), description="How it was reviewed.")
    reviewers: int = Field(0, ge=0, le=1_000_000, description="How many people looked at it.")
    max_action: str = Field("review", json_schema_extra=_one_of(MAX_ACTIONS), description="The most that a match may lead to by itself.")
    tlp: str = Field("amber", json_schema_extra=_one_of(TLP), description="Traffic light protocol: who may see it.")
    first_seen: datetime.date | None = Field(None, description="When it first appeared.")
    review_by: datetime.date | None = Field(None, description="When somebody should look again.")
    expires: datetime.date | None = Field(None, description="When it should stop matching.")

    def details(self) -> Details:
        """Return it as the library has it.

        Raises:
            UsageError: something in it is not allowed.
        """
        given = self.model_dump(include=set(RecordDetails.model_fields))
        return Details(labels=tuple(given.pop("label")), **given)


# -- adding --------------------------------------------------------------------------------------------


@router.post(
    "",
    summary="Record a known video that is uploaded.",
    openapi_extra=ANY_FILE,
    responses=answers("addition", 201) | answers("addition", 200, says="It is recorded already.") | problems(*UPLOADING),
)
async def add(
    request: Request,
    caller: _Recording,
    said: Annotated[RecordDetails, Query()],
    name: Annotated[str, Query(max_length=1000, description="What to call the file; of a form, instead of the name in it.")] = "",
) -> Response:
    """Record a video or picture. The body is the file, or a form with a part called `file`.

    The very same file is not recorded twice; a near duplicate is recorded, and linked to what it resembles. The file is not kept.
    """
    service, details = service_of(request), said.details()
    upload = await service.uploads.receive(request, caller.upload_bytes, name)

    def record() -> Addition:
        try:
            with acting_as(caller.name):
                return service.database.add(upload.path, details=details)
        except MediaError as error:  # by the name that whoever sent it knows
            message = error.message.replace(str(upload.path), upload.name or "the upload")
            raise type(error)(message, hint=error.hint) from error
        finally:
            service.uploads.delete(upload.file)

    try:
        addition = await service.asker.decoding(record)
    except BaseException:  # also when there was no turn for it
        service.uploads.delete(upload.file)
        raise
    return _added(addition, upload.name, request)


class HashesToRecord(RecordDetails):
    """Hashes of a known video, and what people say of it."""

    hashes: str = Field(description="A fingerprint as JSON, vPDQ text, or PDQ hashes.", max_length=MOST_HASH_BYTES)
    name: str = Field("", max_length=200, description="What to call it in the answer.")


@router.post(
    "/hashes",
    summary="Record a known video by its hashes.",
    responses=answers("addition", 201) | answers("addition", 200, says="It is recorded already."),
)
def add_hashes(request: Request, caller: _Recording, body: HashesToRecord) -> Response:
    """Record a video of which there are hashes alone."""
    service, details = service_of(request), body.details()
    with acting_as(caller.name):
        return _added(service.database.add(_fingerprint(body.hashes), details=details), body.name, request)


def _fingerprint(text: str) -> Fingerprint:
    found = read_hashes(io.BytesIO(text.encode()), options=Options(FormatLimits(file_bytes=MOST_HASH_BYTES)))
    if not found:
        raise FingerprintError("these are the hashes of no video")
    return only_one(found, "hashes")


def _added(addition: Addition, name: str, request: Request) -> JSONResponse:
    status = HTTPStatus.OK if addition.status is AddStatus.DUPLICATE else HTTPStatus.CREATED
    where = request.url.path.rstrip("/").removesuffix("/hashes")
    return JSONResponse(addition.to_json(name), status, {"Location": f"{where}/{addition.id}"})


# -- reading -------------------------------------------------------------------------------------------


@router.get("", summary="List records.", responses=answers("records"))
def records(
    request: Request,
    _: _Reading,
    label: Annotated[list[str] | None, Query(description="Only records with all of these labels.")] = None,
    severity: Annotated[list[str] | None, Query(description=f"Only records of one of these severities: {', '.join(SEVERITIES)}.")] = None,
    source: Annotated[list[str] | None, Query(description="Only records from one of these sources.")] = None,
    state: Annotated[list[State] | None, Query(description="Only records in one of these states.")] = None,
    limit: Limit = 100,
    cursor: Cursor = "",
) -> Response:
    """List records in the order in which they were added."""
    chosen = Selection(tuple(label or ()), tuple(severity or ()), tuple(source or ()), tuple(state or ()))
    found = records_after(service_of(request).database.store, chosen, limit + 1, cursor)
    return page("records", (record.to_json() for record in found[:limit]), found[limit - 1].id if len(found) > limit else None)


@router.get("/{record}", summary="Return a record with its history.", responses=answers("record-with-history"))
def show(request: Request, caller: _Knowing, record: str) -> Response:
    """Return a record by its id, by the only beginning of it, or by `FEED:RID`. Its `ETag` begins with its revision."""
    database = service_of(request).database
    found = database.get(record)
    if caller.scopes == {Scope.ASK} and record not in (found.id, found.shared_id):  # who may only ask is told ids, and guesses none
        raise RecordNotFound(f"no record has the id {record!r}", hint="give the whole id, as a match names it")
    return _record(database, found, full=True)


def _record(database: Database, record: Record, *, full: bool = False) -> JSONResponse:
    response = JSONResponse(record_with_history_json(database, record) if full else record.to_json())
    digest = hashlib.sha256(bytes(response.body)).hexdigest()[:32]
    response.headers["ETag"] = f'"{record.revision}-{digest}"'
    return response


# -- changing ------------------------------------------------------------------------------------------


class Labels(BaseModel):
    """Labels to add and to take away."""

    add: list[str] = Field([], max_length=MOST_LABELS)
    remove: list[str] = Field([], max_length=MOST_LABELS)


@router.post("/{record}/labels", summary="Add and take away labels.", responses=answers("record"))
def label(request: Request, caller: _Recording, record: str, body: Labels, expected: Expected) -> Response:
    """Add labels to a record, and take others away."""
    database = service_of(request).database
    if not body.add and not body.remove:
        raise UsageError("there is no label to add or to take away", hint="name at least one")
    with acting_as(caller.name):
        return _record(database, database.label(record, add=body.add, remove=body.remove, revision=expected))


class Retraction(BaseModel):
    """Why a record is withdrawn, and how."""

    reason: str = Field(min_length=1, max_length=1000, description="For people here.")
    code: str = Field(WITHDRAWN, json_schema_extra=_one_of(RETRACTION_REASONS), description="The reason that your feed gives.")
    erase: bool = Field(False, description="Keep nothing of its content, here or at members that follow your feed.")


@router.post("/{record}/retract", summary="Withdraw a record.", responses=answers("record"))
def retract(request: Request, caller: _Recording, record: str, body: Retraction, expected: Expected) -> Response:
    """Withdraw a record, so that it never matches again; it stays on file with the reason. To do so again changes nothing."""
    database = service_of(request).database
    with acting_as(caller.name):
        found = database.get(record)
        if expected not in (None, found.revision):
            raise RecordChanged(f"record {found.short_id} has revision {found.revision} now, not {expected}")
        if found.state is not State.RETRACTED or body.erase:
            found = database.retract(found.id, reason=body.reason, code=body.code, erase=body.erase, revision=expected)
        return _record(database, found)


class Unmatch(BaseModel):
    """A file that is not a record."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the file, as answers have it.")
    reason: str = Field("", max_length=1000)


@router.post("/{record}/unmatch", summary="Say that a file is not a record.", responses=answers("unmatch"))
def unmatch(request: Request, caller: Annotated[Caller, needs(Scope.RECORD, Scope.DECIDE)], record: str, body: Unmatch) -> Response:
    """Remember that a file is not a record, whatever the hashes say: it never matches it again."""
    store = service_of(request).database.store
    with acting_as(caller.name):
        found = store.get(record)
        store.mark_not_this(found.id, body.sha256, body.reason)
    return JSONResponse(unmatch_json("", found.id, body.reason))

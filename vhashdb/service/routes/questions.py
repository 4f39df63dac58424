"""Questions: is any part of this a known video?"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from vhashdb.errors import MediaNotFound
from vhashdb.service.access import Caller, needs
from vhashdb.service.answers import HashText
from vhashdb.service.bounded import MOST_HASH_BYTES
from vhashdb.service.openapi import ANY_FILE, UPLOADING, answers, problems
from vhashdb.service.options import AskOptions, ask_options
from vhashdb.service.problems import Refused
from vhashdb.service.replaying import ReplayingRoute
from vhashdb.service.routes.shared import service_of
from vhashdb.service.service import Service
from vhashdb.store import Question, QuestionState, Scope, no_question

router = APIRouter(prefix="/questions", tags=["questions"], route_class=ReplayingRoute, responses=problems())

ASYNC = "respond-async"
"""In the header `Prefer` (RFC 7240): the answer is wanted later."""

_Asking = Annotated[Caller, needs(Scope.ASK)]
_Options = Annotated[AskOptions, Depends(ask_options)]


@router.post(
    "",
    summary="Ask about a video or picture that is uploaded.",
    openapi_extra=ANY_FILE,
    responses=answers("answer")
    | answers("question", 202, says="Taken; the answer is at `Location` once it is there.")
    | problems(*UPLOADING),
)
async def ask(
    request: Request,
    caller: _Asking,
    options: _Options,
    name: Annotated[str, Query(description="What to call the file; of a form, instead of the name in it.")] = "",
    review: Annotated[bool, Query(description="Whether people look at it if something is found; until then the upload is kept.")] = False,
    webhook: Annotated[str, Query(description="With `Prefer: respond-async`: the webhook that is told of the answer.")] = "",
) -> Response:
    """Is any part of this a known video?

    The body is the file, or a form with a part called `file`. With the header `Prefer: respond-async` the answer comes later.
    An answer with `complete: false` says that not everything was looked at; its verdict is then never `no-match`.
    """
    service = service_of(request)
    if webhook:
        await anyio.to_thread.run_sync(service.webhooks.get, webhook)
    upload = await service.uploads.receive(request, caller.upload_bytes, name)
    if ASYNC not in _preferences(request):
        return JSONResponse(await service.asker.upload(upload, options, caller, review=review))
    question = await service.asker.later(upload, options, caller, review=review, webhook=webhook)
    headers = {"Location": f"{request.url.path.rstrip('/')}/{question.id}", "Preference-Applied": ASYNC}
    return JSONResponse(question_json(question), HTTPStatus.ACCEPTED, headers)


class Hashes(BaseModel):
    """Hashes of one video or picture, in any form that can be imported."""

    hashes: str = Field(description="A fingerprint as JSON, vPDQ text, PDQ hashes, or a SHA-256.", max_length=MOST_HASH_BYTES)
    name: str = Field("", description="What to call it in the answer.", max_length=200)


@router.post("/hashes", summary="Ask about hashes.", responses=answers("answer"))
async def ask_about_hashes(request: Request, caller: _Asking, options: _Options, body: Hashes) -> Response:
    """Is any part of the video with these hashes a known video?"""
    return JSONResponse(await service_of(request).asker.hashes(HashText(body.hashes), body.name, options, caller))


class LocalFile(BaseModel):
    """A file of the machine that the service runs on."""

    path: str = Field(description="Absolute, in a folder that the operator allows.", min_length=1, max_length=4096)


@router.post("/path", summary="Ask about a file of the machine that the service runs on.", responses=answers("answer"))
async def ask_about_path(request: Request, caller: _Asking, options: _Options, body: LocalFile) -> Response:
    """Is any part of this file a known video? Only files in folders that the operator named can be asked about."""
    service = service_of(request)
    path = await anyio.to_thread.run_sync(allowed_path, body.path, service.settings.roots)
    return JSONResponse(await service.asker.path(str(path), body.path, options, caller))


def allowed_path(path: str, roots: tuple[Path, ...]) -> Path:
    """Return the real path of a file, which is in one of these folders.

    Raises:
        Refused: it is not, so that nothing is said of whether there is such a file.
        MediaNotFound: it would be, but there is none.
    """
    if not roots or "\0" in path or not Path(path).is_absolute():
        raise Refused(HTTPStatus.FORBIDDEN, "files of this machine cannot be asked about by this path", hint="upload the file instead")
    real = Path(path).resolve()  # links included: where they lead is what counts
    if not any(real.is_relative_to(root.resolve()) for root in roots):
        raise Refused(HTTPStatus.FORBIDDEN, "files of this machine cannot be asked about by this path", hint="upload the file instead")
    if not real.is_file():
        raise MediaNotFound(f"{path}: there is no such file")
    return real


@router.get("", summary="List questions that are kept.", responses=answers("questions"))
def questions(
    request: Request,
    caller: Annotated[Caller, needs(Scope.ASK, Scope.DECIDE)],
    state: Annotated[list[QuestionState] | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str, Query(description="`next` of the page before.", max_length=64)] = "",
) -> Response:
    """List questions, oldest first: those of the key, and with the scope `decide` everybody's."""
    by = None if Scope.DECIDE in caller.scopes else caller.name
    found = service_of(request).questions.all(tuple(state or QuestionState), by=by, after=cursor, limit=limit + 1)
    following = found[limit - 1].id if len(found) > limit else None
    return JSONResponse({"type": "questions", "items": [question_json(one) for one in found[:limit]], "next": following})


@router.get("/{question_id}", summary="Return a question, with its answer once there is one.", responses=answers("question"))
def question(request: Request, caller: Annotated[Caller, needs(Scope.ASK, Scope.DECIDE)], question_id: str) -> Response:
    """Return a question. While it waits or is being answered, `Retry-After` says when to ask again."""
    found = own(service_of(request), caller, question_id)
    if found.state is QuestionState.ANSWERED:
        return JSONResponse(question_json(found))
    progress = {"decoded_s": service_of(request).asker.seen_s(found.id)}
    return JSONResponse(question_json(found) | {"progress": progress}, headers={"Retry-After": "1"})


@router.delete("/{question_id}", summary="Forget a question.", status_code=HTTPStatus.NO_CONTENT)
def forget(request: Request, caller: _Asking, question_id: str) -> Response:
    """Delete a question that nobody has to decide about, with its answer and its file."""
    service = service_of(request)
    found = own(service, caller, question_id)
    if found.state is QuestionState.RUNNING or (found.review and found.answer and service.asker.decided_at(found) is None):
        raise Refused(HTTPStatus.CONFLICT, "it is being answered, or people have to decide about it", hint="wait until that is done")
    service.questions.forget([found.id])
    if found.file:
        service.uploads.delete(found.file)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def own(service: Service, caller: Caller, identifier: str) -> Question:
    """Return a question that a caller may see; what others asked is not there for them.

    Raises:
        RecordNotFound: there is none.
    """
    found = service.questions.get(identifier)
    if found.by != caller.name and Scope.DECIDE not in caller.scopes:
        raise no_question(identifier)
    return found


def question_json(question: Question) -> dict[str, Any]:
    """Return a question as JSON."""
    return {
        "type": "question",
        "id": question.id,
        "state": question.state.value,
        "by": question.by,
        "name": question.name,
        "options": question.options,
        "asked_at": f"{question.made_at.isoformat()}Z",
        "changed_at": f"{question.changed_at.isoformat()}Z",
        "review": question.review,
        "kept": bool(question.file),
        "bytes": question.size,
        "claimed_by": question.claimed_by,
        "claimed_until": f"{question.claimed_until.isoformat()}Z" if question.claimed_until else None,
        "answer": question.answer,
    }


def _preferences(request: Request) -> set[str]:
    return {one.strip().lower() for one in request.headers.get("Prefer", "").split(",")}

"""Asking about files from the browser: a form that takes one, and what came of those that somebody sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response

from vhashdb.errors import RecordNotFound
from vhashdb.matching.verdict import Verdict
from vhashdb.report import words
from vhashdb.review.found import found_in
from vhashdb.service.access import Caller, needs
from vhashdb.service.console.matched import MatchView, match_view
from vhashdb.service.console.pages import TOKEN, ConsoleRoute, page, require_token, see_other
from vhashdb.service.options import AskOptions
from vhashdb.service.routes.questions import own
from vhashdb.service.routes.shared import service_of
from vhashdb.service.service import Service
from vhashdb.store import CaseDecision, Question, QuestionState, Scope
from vhashdb.text import verdict_word

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)

MOST_SHOWN: Final = 50
"""Uploads of the list, newest first."""
RELOAD_S: Final = 3
"""Seconds after which a page is loaded again, without a script, that waits for an answer."""


@dataclass(frozen=True)
class Sight:
    """An upload as a list shows it."""

    question: Question
    decided: bool

    @property
    def verdict(self) -> str:
        """Its verdict; empty while there is none."""
        return self.question.answer["file"]["verdict"] if self.question.answer else ""

    @property
    def word(self) -> str:
        """The verdict for people."""
        return verdict_word(Verdict(self.verdict)) if self.verdict else self.question.state.value

    @property
    def mark(self) -> str:
        """A sign for it."""
        return words.MARKS[Verdict(self.verdict)] if self.verdict else "…"

    @property
    def waits(self) -> bool:
        """Whether people have to decide about it."""
        return self.question.review and bool(self.verdict) and not self.decided


@router.get("/upload")
def upload_page(request: Request, caller: Annotated[Caller, needs(Scope.ASK)]) -> Response:
    """Show the form, and what this person sent."""
    service = service_of(request)
    mine = service.questions.all(by=caller.name)[::-1][:MOST_SHOWN]
    sights = [sight(service, one) for one in mine]
    reload_s = RELOAD_S if any(not one.verdict for one in sights) else 0
    return page(request, "upload.html.j2", caller, uploads=sights, most_bytes=caller.upload_bytes, reload_s=reload_s)


@router.post("/upload")
async def upload(request: Request, caller: Annotated[Caller, needs(Scope.ASK)]) -> Response:
    """Take one file, without a script. The token is in the address, as the body is written to disk while it comes."""
    require_token(caller, request.query_params.get(TOKEN, ""))
    service = service_of(request)
    received = await service.uploads.receive(request, caller.upload_bytes)
    question = await service.asker.later(received, AskOptions(), caller, review=True)
    return see_other(f"/uploads/{question.id}")


@router.get("/uploads/{question_id}")
def upload_result(request: Request, caller: Annotated[Caller, needs(Scope.ASK, Scope.DECIDE)], question_id: str) -> Response:
    """Show what was found in one file."""
    service = service_of(request)
    found = own(service, caller, question_id)
    views, gone = match_views(service, found)
    reload_s = 0 if found.state is QuestionState.ANSWERED else RELOAD_S
    return page(
        request, "upload_result.html.j2", caller, upload=sight(service, found), views=views, gone=gone, words=words, reload_s=reload_s,
        may_decide=Scope.DECIDE in caller.scopes,
    )  # fmt: skip


def sight(service: Service, question: Question) -> Sight:
    """Return a question as lists show it."""
    return Sight(question, question.answer is not None and service.asker.decided_at(question) is not None)


def match_views(service: Service, question: Question) -> tuple[list[MatchView], int]:
    """Return the matches of an answer, and how many are of records that are gone since."""
    answer: dict[str, Any] = question.answer or {"matches": []}
    views, gone = [], 0
    decisions = decisions_of(service, question)
    for match in answer["matches"]:
        try:
            views.append(match_view(service.database, answer["file"], match, decisions.get(match["record"])))
        except RecordNotFound:
            gone += 1
    return views, gone


def decisions_of(service: Service, question: Question) -> dict[str, CaseDecision]:
    """Return what people decided about a file, by the record's id; with an empty one about the file by itself."""
    found = found_in(question.answer, question.id) if question.answer is not None else []
    file = next((service.database.store.hits.file(one.sha256) for one in found if one.sha256), "")
    return {each.record: each for each in service.database.store.hits.decisions([file]).get(file, ())} if file else {}

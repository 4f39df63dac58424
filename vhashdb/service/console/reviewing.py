"""The queue, one case of it, and what is decided there."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response

from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.report import words
from vhashdb.review import CAUSE_WORDS, FORMS, Act, Chosen, Handover, ReviewDesk, handover
from vhashdb.review.answers import KEYS
from vhashdb.review.queue import DIMENSIONS, Claimed
from vhashdb.service.access import Caller, needs
from vhashdb.service.console.case_view import case_view, decided_uploads
from vhashdb.service.console.pages import ConsoleRoute, Form, Sent, page, posts, see_other
from vhashdb.service.console.sittings import Sittings
from vhashdb.service.routes.shared import service_of
from vhashdb.store import SEVERITIES, Scope, acting_as, decided, now_utc, recently

router = APIRouter(include_in_schema=False, route_class=ConsoleRoute)

PAGE: Final = 50
"""Cases on a page of the queue."""
HOURS: Final = (4, 8, 12, 24)
"""For which a handover can be asked."""
ACTS: Final = (Act.RIGHT, Act.SEEN, Act.WRONG, Act.ESCALATE)
"""What several cases can be answered with at once."""
WHY: Final = CAUSE_WORDS | {"unchecked": "could not be checked"}
"""Why a case waits, in words."""
_Deciding = Annotated[Caller, needs(Scope.DECIDE)]
_Sent = Annotated[Sent, posts(Scope.DECIDE)]
_SEVERITY_ORDER: Final = {severity: place for place, severity in enumerate(reversed(SEVERITIES))}


@router.get("/queue")
def queue_page(request: Request, caller: _Deciding, cursor: str = "") -> Response:
    """Show what waits, with filters and counts."""
    service, chosen = service_of(request), _filters(request.query_params)
    with acting_as(caller.name):
        found = service.desk.page(chosen, limit=PAGE, cursor=cursor)
        others, undoable = service.desk.waiting_for_others(), service.desk.undoable()
    names = {question.id: question.name for question in service.questions.all()} if found.entries else {}
    return page(
        request, "queue.html.j2", caller, found=found, names=names, chosen=chosen, kept=_query(chosen), cause_words=WHY, words=words,
        dimensions=_dimensions(found.counts), others=others, undoable=undoable, acts=_several(service.settings.reasons),
        sitting=_sitting(request, caller), first=not cursor,
    )  # fmt: skip


@router.get("/decided")
def decided_page(request: Request, caller: _Deciding) -> Response:
    """Show the uploads that people decided about, with by whom and when."""
    return page(request, "decided.html.j2", caller, uploads=decided_uploads(service_of(request)), title="Decided", case="")


@router.get("/handover")
def handover_page(request: Request, caller: _Deciding, hours: int = 8, form: str = "") -> Response:
    """Show what one shift hands to the next; or give it as a file."""
    service = service_of(request)
    now, store, reviews = now_utc(), service.database.store, service.database.moderation.reviews
    since = now - datetime.timedelta(hours=min(max(hours, 1), 24 * 31))
    lately = recently(now.date())
    made = Handover(now, caller.name, since, lately, tuple(reviews.queue(matched_since=lately)), tuple(decided(store, since)))
    if f".{form}" in FORMS:
        headers = {"Content-Disposition": f'attachment; filename="handover.{form}"'}
        return Response(FORMS[f".{form}"](made), media_type="text/plain; charset=utf-8", headers=headers)
    return page(
        request, "handed_over.html.j2", caller, title=handover.title(made), summary=handover.summary(made), note=handover.note(made),
        sections=list(handover.sections(made)), hours=hours, choices=HOURS, forms=[name.removeprefix(".") for name in FORMS],
    )  # fmt: skip


@router.get("/cases/{case_id}")
def case_page(request: Request, caller: _Deciding, case_id: str, upload: str = "") -> Response:
    """Show one case; one that does not wait any more is shown as decided."""
    return _case_page(request, caller, case_id, upload, _filters(request.query_params))


def _case_page(
    request: Request, caller: Caller, case_id: str, upload: str, chosen: Mapping[str, list[str]], *, wrong: str = "", status: int = 200
) -> Response:
    service = service_of(request)
    with acting_as(caller.name):
        desk = service.desk
        undoable, entries = desk.undoable(), desk.page(chosen, limit=1_000_000).entries
        try:
            view = case_view(service, desk.case(case_id), upload)
        except RecordNotFound as error:
            return _not_waiting(request, caller, case_id, str(error))
    sittings: Sittings = request.app.state.sittings
    sittings.looked(caller.name, case_id, view.case.entry.severity)
    ids = [entry.id for entry in entries]
    place = ids.index(case_id) if case_id in ids else -1
    return page(
        request, "case.html.j2", caller, status, view=view, entry=view.case.entry, kept=_query(chosen), chosen=chosen, place=place,
        total=len(ids),
        before=ids[place - 1] if place > 0 else "", after=ids[place + 1] if 0 <= place < len(ids) - 1 else "", words=words,
        undoable=undoable, sitting=_sitting(request, caller), wrong=wrong, mine=view.case.entry.claimed is Claimed.ME,
        taken=view.case.entry.claimed is Claimed.OTHERS, link=lambda case: _address(case, chosen),
    )  # fmt: skip


def _not_waiting(request: Request, caller: Caller, case_id: str, why: str) -> Response:
    """Show what was decided about a case that does not wait any more."""
    subject = case_id.partition("-")[2]
    about = [
        one
        for one in decided_uploads(service_of(request))
        if one.question.id == subject
        or any(subject in (match["video"], match["record"]) for match in (one.question.answer or {"matches": ()})["matches"])
    ]
    return page(request, "decided.html.j2", caller, 200 if about else 404, uploads=about, title="This case does not wait for you", case=why)


# -- deciding ----------------------------------------------------------------------------------------


@router.post("/next")
def next_case(request: Request, sent: _Sent) -> Response:
    """Claim the first case that nobody is at, and go to it."""
    with acting_as(sent.caller.name):
        return _to_next(service_of(request).desk, _kept(sent.form))


@router.post("/decide")
def decide(request: Request, sent: _Sent) -> Response:
    """Decide about one case or about several, and go to the next."""
    desk, form, kept = service_of(request).desk, sent.form, _kept(sent.form)
    chosen = [_chosen(text, form) for text in form.all("case")]
    act, reason = _answered(form)
    single = chosen[0].id if len(chosen) == 1 and form.one("from") == "case" else ""
    with acting_as(sent.caller.name):
        try:
            desk.decide(chosen, act, verdict=form.one(f"verdict-{act}"), basis=form.one(f"basis-{act}"), reason=reason)
        except UsageError as error:
            if not single:
                raise
            wrong = f"{error.message}; {error.hint}" if error.hint else error.message
            return _case_page(request, sent.caller, single, form.one("upload"), kept, wrong=wrong, status=409)
        if not single:
            return see_other(f"/queue{_query(kept)}")
        return _to_next(desk, kept)


@router.post("/undo")
def undo(request: Request, sent: _Sent) -> Response:
    """Take a decision back, and go to its case."""
    with acting_as(sent.caller.name):
        back = service_of(request).desk.undo(sent.form.one("decision"))
    kept = _kept(sent.form)
    return see_other(_address(back.cases[0], kept) if len(back.cases) == 1 else f"/queue{_query(kept)}")


@router.post("/claim")
def claim(request: Request, sent: _Sent) -> Response:
    """Claim a case, or give it up."""
    desk, case_id = service_of(request).desk, sent.form.one("case")
    with acting_as(sent.caller.name):
        if sent.form.one("give-up"):
            desk.give_up([case_id])
        else:
            desk.claim([case_id])
    return see_other(_address(case_id, _kept(sent.form)))


@router.post("/pause")
def pause(request: Request, sent: _Sent) -> Response:
    """Begin a new sitting."""
    sittings: Sittings = request.app.state.sittings
    sittings.paused(sent.caller.name)
    return see_other(f"/queue{_query(_kept(sent.form))}")


def _to_next(desk: ReviewDesk, kept: Mapping[str, list[str]]) -> Response:
    """Go to the first case that nobody else is at, claimed; to the queue if there is none."""
    for entry in desk.page(kept, limit=1_000_000).entries:
        if entry.claimed is Claimed.OTHERS:
            continue
        try:
            desk.claim([entry.id])
        except (RecordNotFound, UsageError):  # somebody was quicker
            continue
        return see_other(_address(entry.id, kept))
    return see_other(f"/queue{_query(kept)}")


def _chosen(text: str, form: Form) -> Chosen:
    """Read a case with its version, and which of its uploads are left out."""
    case_id, _, version = text.partition(" ")
    left_out = sorted(set(form.all("upload-of")) - set(form.all("in")))
    return Chosen(case_id, version, tuple(left_out))


def _answered(form: Form) -> tuple[Act, str]:
    """Read which button was pressed: an act, with a reason of the list, or with one in somebody's own words."""
    name, _, reason = form.one("answer").partition(":")
    try:
        act = Act(name)
    except ValueError as error:
        raise UsageError("no answer was chosen", hint="press one of the buttons") from error
    return act, reason or form.one(f"words-{act}")


# -- filters -----------------------------------------------------------------------------------------


def _filters(query: Any) -> dict[str, list[str]]:
    """Read by what the queue is filtered."""
    return {name: values for name in DIMENSIONS if (values := [value for value in query.getlist(name) if value])}


def _kept(form: Form) -> dict[str, list[str]]:
    """Read the filters that a form hands on."""
    return {name: values for name in DIMENSIONS if (values := [value for value in form.all(f"filter-{name}") if value])}


def _query(chosen: Mapping[str, list[str]]) -> str:
    return f"?{urlencode(chosen, doseq=True)}" if chosen else ""


def _address(case_id: str, chosen: Mapping[str, list[str]]) -> str:
    return f"/cases/{quote(case_id, safe='')}{_query(chosen)}"


def _dimensions(counts: Mapping[str, Mapping[str, int]]) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return what can be chosen by, each with its values and how many there are of each."""
    return [
        (
            name,
            sorted(counts.get(name, {}).items(), key=lambda item: (_SEVERITY_ORDER.get(item[0], 0) if name == "severity" else 0, item[0])),
        )
        for name in DIMENSIONS
    ]


def _several(reasons: Mapping[Act, Sequence[str]]) -> list[tuple[Act, str, str, tuple[str, ...]]]:
    """Return what several cases can be answered with: act, key, what it does, reasons."""
    does = {
        Act.RIGHT: "the files do show the known videos",
        Act.SEEN: "the same, and you looked at all of them yourself",
        Act.WRONG: "none of the files shows its video, and none ever matches it again",
        Act.ESCALATE: "somebody else decides about them",
    }
    return [(act, KEYS[act], does[act], tuple(reasons.get(act, ()))) for act in ACTS]


def _sitting(request: Request, caller: Caller) -> tuple[int, bool]:
    """Return how many severe cases were looked at in this sitting, and whether that is enough for now."""
    sittings: Sittings = request.app.state.sittings
    count, most = sittings.count(caller.name), service_of(request).settings.severe_reminder
    return count, bool(most) and count >= most

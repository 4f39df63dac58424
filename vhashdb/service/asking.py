"""Asking: so many questions at a time, at once or later, and what becomes of the file of each.

A question that is answered at once is written down only if people have to look at it. One that is answered later is written down first, so
that it survives whatever ends this process, and begun again by the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import logging
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, Final, TypeVar

import anyio
import anyio.to_thread

from vhashdb.database import Database
from vhashdb.errors import DatabaseError, VhashdbError
from vhashdb.inputs import Source
from vhashdb.matching.verdict import Verdict
from vhashdb.review import Decisions, found_in
from vhashdb.search.results import Result
from vhashdb.service.access import Caller
from vhashdb.service.answers import Hashes, answer_json, answer_to, needs_people
from vhashdb.service.attendance import Attendance
from vhashdb.service.lookups import Lookups
from vhashdb.service.options import AskOptions
from vhashdb.service.problems import Refused
from vhashdb.service.settings import ServiceSettings
from vhashdb.service.tracing import Note, since, step
from vhashdb.service.uploads import Upload, Uploads
from vhashdb.store import Question, Questions, QuestionState, State, acting_as, now_utc, records_with_ids
from vhashdb.store.desk_decisions import DeskDecisions
from vhashdb.store.questions import MAX_ATTEMPTS

OnAnswer = Callable[[str, str, float], None]
"""Takes the verdict, the effort and the seconds of an answer."""
_log: Final = logging.getLogger(__name__)
_T = TypeVar("_T")

_LOOK_AGAIN_S: Final = 5.0
"""Seconds after which a worker looks whether another process wrote a question down. Engineering bound."""
_AFTER_FAILURE_S: Final = 2.0
"""Seconds before a question is begun again that the database could not answer."""
SWEEP_S: Final = 60.0
"""Seconds between two looks for what nobody needs any more."""


class Asker:
    """Answer the questions of one service."""

    def __init__(
        self, database: Database, settings: ServiceSettings, uploads: Uploads, questions: Questions, attendance: Attendance
    ) -> None:
        self._database, self._settings, self._uploads, self._questions = database, settings, uploads, questions
        self._attendance = attendance
        self._media = anyio.CapacityLimiter(settings.workers)
        self._hashes = anyio.CapacityLimiter(max(1, settings.lookup_processes))
        self._lookups = Lookups(settings) if settings.lookup_processes else None
        self._written = asyncio.Event()
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._seen_s: dict[str, float] = {}
        self.on_answer: list[OnAnswer] = []
        """Called with the verdict and the effort of each answer and the seconds it took, in any thread; it must not take long."""
        self.on_question: list[Callable[[Question], None]] = []
        """Called with each question that was written down and is answered now, likewise."""
        self.open_cases = 0
        """Uploads that people had to decide about at the last `sweep`."""

    def under_way(self) -> tuple[int, int]:
        """Return how many requests wait for a turn, and how many questions are being answered."""
        found = [limiter.statistics() for limiter in (self._media, self._hashes)]
        return sum(one.tasks_waiting for one in found), sum(one.borrowed_tokens for one in found)

    # -- at once -------------------------------------------------------------------------------

    async def hashes(self, query: Hashes, name: str, options: AskOptions, caller: Caller) -> dict[str, Any]:
        """Answer a question about hashes."""
        lookups = self._lookups
        if lookups is None:
            return await self._run(self._hashes, lambda: self._answer(query, name, options, caller.name)[1])
        self._refuse_if_busy(self._hashes)
        asked_ns = since()
        async with self._hashes:
            _waited(asked_ns)
            began_s = time.monotonic()
            with step("answer") as note:
                answer = await lookups.answer(query, name, options, caller.name)
                _note_answer(note, answer)
        self._tell(answer, began_s)
        return answer

    async def path(self, path: str, name: str, options: AskOptions, caller: Caller) -> dict[str, Any]:
        """Answer a question about a file of this machine."""
        return await self._run(self._media, lambda: self._answer(path, name, options, caller.name)[1])

    async def decoding(self, work: Callable[[], _T]) -> _T:
        """Do something else that decodes, when it has its turn among the questions."""
        return await self._run(self._media, work)

    async def upload(self, upload: Upload, options: AskOptions, caller: Caller, *, review: bool) -> dict[str, Any]:
        """Answer a question about an upload; its file is gone afterwards, unless people have to look at it."""
        kept = False

        def ask() -> dict[str, Any]:
            nonlocal kept
            result, answer = self._answer(str(upload.path), upload.name, options, caller.name)
            if review and needs_people(result):
                question = self._write_down(upload, options, caller, review=True, answer=answer)
                kept, answer = True, answer | {"id": question.id}
            return answer

        try:
            return await self._run(self._media, ask)
        finally:  # what began in a thread has ended by then, whatever became of the client
            if not kept:
                self._uploads.delete(upload.file)

    async def in_turn(self, work: Callable[[], _T], upload: Upload) -> _T:
        """Do what decodes an upload, when there is a worker for it; its file is gone afterwards."""
        try:
            return await self._run(self._media, work)
        finally:  # what began in a thread has ended by then, whatever became of the client
            self._uploads.delete(upload.file)

    # -- later ---------------------------------------------------------------------------------

    async def later(self, upload: Upload, options: AskOptions, caller: Caller, *, review: bool, webhook: str = "") -> Question:
        """Write a question about an upload down, to be answered when its turn comes."""

        def write() -> Question:
            try:
                if self._questions.count(QuestionState.WAITING) >= self._settings.most_waiting:
                    raise _busy()
                return self._write_down(upload, options, caller, review=review, webhook=webhook)
            except BaseException:
                self._uploads.delete(upload.file)
                raise

        question = await anyio.to_thread.run_sync(write)
        self._written.set()
        return question

    def seen_s(self, identifier: str) -> float | None:
        """Return up to which second a file was decoded that a question is about; None if it is not being decoded."""
        return self._seen_s.get(identifier)

    async def start(self) -> None:
        """Begin to answer what is written down, and to delete what nobody needs."""
        if self._lookups is not None:
            await self._lookups.start()
        self._tasks = [asyncio.create_task(self._work()) for _ in range(self._settings.workers)]
        self._tasks.append(asyncio.create_task(self._sweep_now_and_then()))

    async def stop(self) -> None:
        """End when what is being answered is answered; what waits stays written down."""
        self._stopping.set()
        self._written.set()
        await asyncio.gather(*self._tasks)
        if self._lookups is not None:
            await self._lookups.close()

    async def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                question = await anyio.to_thread.run_sync(self._questions.begin)
            except DatabaseError as error:
                _log.warning("questions wait: %s", error)
                question = None
            if question is not None:
                with step("answer later"):
                    done = await anyio.to_thread.run_sync(self._answer_later, question, limiter=self._media)
                if not done:
                    await self._put_back(question.id)
                continue
            self._written.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._written.wait(), _LOOK_AGAIN_S)

    def _answer_later(self, question: Question) -> bool:
        """Answer one question that was written down; return False if it has to wait again."""
        path, options = self._uploads.path(question.file), AskOptions.from_json(question.options)
        try:
            if question.attempts > MAX_ATTEMPTS:
                reason = f"it could not be checked: {MAX_ATTEMPTS} attempts ended without an answer"
                result, answer = self._unanswered(question, options, "DecoderFailed", reason)
            elif not question.file:
                result, answer = self._unanswered(question, options, "MediaNotFound", "its file is not in the backup that is served")
            elif host := self._attendance.host_of(question.file):
                reason = f"its file lies on {host}, which has not been heard of for too long"
                result, answer = self._unanswered(question, options, "MediaNotFound", reason)
            else:
                result, answer = self._answer(
                    str(path), question.name, options, question.by, partial(self._seen_s.__setitem__, question.id)
                )
            keeps_file = question.review and needs_people(result)
            done = self._questions.answered(question.id, answer | {"id": question.id}, keeps_file=keeps_file)
            if done is None:  # this front seemed to be gone, and another has the question
                return True
            if question.file and not keeps_file:
                self._uploads.delete(question.file)
        except VhashdbError as error:  # the database: nothing is known, so that it has to be asked again
            _log.warning("a question waits: %s", error)
            return False
        finally:
            self._seen_s.pop(question.id, None)
        for told in self.on_question:
            told(done)
        return True

    async def _put_back(self, identifier: str) -> None:
        """Let a question wait again, once the database can be written to; at the end of this process it is left to the next."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _AFTER_FAILURE_S)
            with contextlib.suppress(VhashdbError):
                await anyio.to_thread.run_sync(self._questions.put_back, identifier)
                return

    def _unanswered(self, question: Question, options: AskOptions, kind: str, reason: str) -> tuple[Result, dict[str, Any]]:
        """Return the answer to a question that cannot be answered: that it is unreadable, and why."""
        result = self._database.unreadable(self._uploads.path(question.file or question.id), reason, effort=options.effort)
        return result, answer_json(result, question.name, error={"error": kind, "message": reason, "hint": ""})

    # -- what nobody needs any more ------------------------------------------------------------

    async def _sweep_now_and_then(self) -> None:
        while not self._stopping.is_set():
            try:
                await anyio.to_thread.run_sync(self.sweep)
            except VhashdbError as error:
                _log.warning("what nobody needs any more stays: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), SWEEP_S)

    def sweep(self) -> None:
        """Delete the files of cases that were decided, and answers that were kept for long enough."""
        now = now_utc()
        old, forgotten = now - datetime.timedelta(seconds=self._settings.kept_s), []
        undone = now - datetime.timedelta(seconds=self._settings.undo_s)
        open_cases = 0
        self._questions.forget_answered(old)
        DeskDecisions(self._database.store).forget_old()
        for question in self._questions.all((QuestionState.ANSWERED,), review=True):
            decided_at = self.decided_at(question)
            if decided_at is None:
                open_cases += 1
                continue
            if question.file and decided_at < undone and self._uploads.cares_for(question.file):
                self._uploads.delete(question.file)
                self._questions.file_gone(question.id)
            cared_for = not question.file or self._uploads.cares_for(question.file) or self._attendance.lost(question.file)
            if cared_for and not question.webhook and max(question.changed_at, decided_at) < old:
                forgotten.append(question.id)
        if forgotten:
            self._questions.forget(forgotten)
        self.open_cases = open_cases
        self._uploads.tidy(self._questions.files)

    def decided_at(self, question: Question) -> datetime.datetime | None:
        """Return when the last decision about a file was made if nobody has to decide any more; None if somebody has to."""
        answer = question.answer
        if answer is None:
            return None
        if answer["file"]["verdict"] == Verdict.NO_MATCH:
            return question.changed_at
        found = found_in(answer, question.id)
        store = self._database.store
        records = records_with_ids(store, {one.record for one in found if one.record})
        asked = [one for one in found if not one.record or (one.record in records and records[one.record].state is not State.RETRACTED)]
        before = Decisions.about(self._database, asked)
        closed = [decision for one in asked if (decision := before.of(one)) is not None and decision.closed]
        return max((each.at for each in closed), default=question.changed_at) if len(closed) == len(asked) else None

    def _write_down(self, upload: Upload, options: AskOptions, caller: Caller, *, review: bool, **more: Any) -> Question:
        made = self._questions.add(
            by=caller.name, name=upload.name, options=options.to_json(), review=review, file=upload.file, size=upload.size, **more
        )
        self._uploads.written_down(upload.file)
        return made

    # -- one question --------------------------------------------------------------------------

    def _answer(
        self, source: Source | Hashes, name: str, options: AskOptions, by: str, progress: Callable[[float], None] | None = None
    ) -> tuple[Result, dict[str, Any]]:
        began_s = time.monotonic()
        with step("answer") as note, acting_as(by):
            result, answer = answer_to(self._database, source, name, options, progress)
            _note_answer(note, answer)
            note("vhashdb.decode_cpu_s", result.decode_cpu_s)
        self._tell(answer, began_s)
        return result, answer

    def _tell(self, answer: dict[str, Any], began_s: float) -> None:
        for told in self.on_answer:
            told(answer["file"]["verdict"], answer["file"]["effort"], time.monotonic() - began_s)

    async def _run(self, limiter: anyio.CapacityLimiter, work: Callable[[], _T]) -> _T:
        self._refuse_if_busy(limiter)
        asked_ns = since()

        def in_turn() -> _T:
            _waited(asked_ns)
            return work()

        return await anyio.to_thread.run_sync(in_turn, limiter=limiter)

    def _refuse_if_busy(self, limiter: anyio.CapacityLimiter) -> None:
        if limiter.statistics().tasks_waiting >= self._settings.most_waiting:
            raise _busy()


def _waited(asked_ns: int) -> None:
    with step("wait for a turn", began_ns=asked_ns):
        pass


def _note_answer(note: Note, answer: dict[str, Any]) -> None:
    note("vhashdb.verdict", answer["file"]["verdict"])
    note("vhashdb.effort", answer["file"]["effort"])
    note("vhashdb.complete", answer["complete"])


def _busy() -> Refused:
    return Refused(HTTPStatus.SERVICE_UNAVAILABLE, "too many questions wait already", hint="ask again a little later", retry_after_s=10)

"""Tell webhooks of answers, signed as the Standard Webhooks specification has it, again and again until one was heard or is too old.

What is still to be told is in the table of questions, so that it survives whatever ends this process; how often each was tried is not,
so that the next process tries all of them at once.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import anyio.to_thread

from vhashdb.errors import FeedError, UsageError, VhashdbError
from vhashdb.exchange import post
from vhashdb.service.settings import ServiceSettings
from vhashdb.store import Question, Questions, Webhook, Webhooks, now_utc

_log: Final = logging.getLogger(__name__)

PAUSES_S: Final = (5.0, 60.0, 300.0, 1800.0, 3600.0, 7200.0, 14400.0)
"""Seconds after each attempt that failed; after later ones the last of them. Engineering bound."""
LOOK_AGAIN_S: Final = 30.0
"""Seconds after which it is looked again for what is to be told, should nobody have said so."""
_AT_ONCE: Final = 8
"""Webhooks that are told at the same time."""
_GONE: Final = 410
_SUCCESSES: Final = range(200, 300)


class Notifier:
    """Tell the webhooks of one service. Each is told one thing after the other, and one that is slow keeps no other waiting."""

    def __init__(
        self,
        questions: Questions,
        webhooks: Webhooks,
        settings: ServiceSettings,
        as_json: Callable[[Question], dict[str, Any]],
        on_attempt: Callable[[str], None],
    ) -> None:
        """Args: ``as_json`` gives a question as whoever asks for it gets it; ``on_attempt`` takes what came of each attempt."""
        self._questions, self._webhooks, self._settings = questions, webhooks, settings
        self._as_json, self._on_attempt = as_json, on_attempt
        self._threads = anyio.CapacityLimiter(_AT_ONCE)
        self._news, self._stopping = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._tries: dict[str, _Tries] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with what an earlier process left untold."""
        self._task = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """End when what is being sent is sent."""
        self._stopping.set()
        self._news.set()
        if self._task is not None:
            await self._task
        await asyncio.gather(*self._busy.values())

    def answered(self, question: Question) -> None:
        """Note that a question is answered; in any thread."""
        if question.webhook:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the next process tells it
                self._loop.call_soon_threadsafe(self._news.set)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            self._news.clear()
            try:
                wait_s = await self._begin()
            except VhashdbError as error:
                _log.warning("webhooks wait: %s", error)
                wait_s = LOOK_AGAIN_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)

    async def _begin(self) -> float:
        """Begin to tell what is due; return the seconds until something else is."""
        untold = await anyio.to_thread.run_sync(self._questions.untold)
        self._tries = {one.id: self._tries.get(one.id, _Tries()) for one in untold}
        now_s = time.monotonic()
        due: dict[str, list[Question]] = {}
        for question in untold:
            if self._tries[question.id].next_s <= now_s:
                due.setdefault(question.webhook, []).append(question)
        for name in due.keys() - self._busy.keys():
            task = self._busy[name] = asyncio.create_task(anyio.to_thread.run_sync(self._tell, name, due[name], limiter=self._threads))
            task.add_done_callback(functools.partial(self._done, name))
        later = [tries.next_s - now_s for tries in self._tries.values() if tries.next_s > now_s]
        return min([LOOK_AGAIN_S, *later])

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        del self._busy[name]
        if not task.cancelled() and (error := task.exception()) is not None:  # the database: it is looked again in a while
            _log.warning("the webhook %s waits: %s", name, error)
        else:
            self._news.set()

    def _tell(self, name: str, due: list[Question]) -> None:
        """Tell one webhook of several answers; where nothing answers, what is left waits as well."""
        try:
            webhook = self._webhooks.get(name)
        except UsageError:
            for question in due:
                self._give_up(question, "it was removed")
            return
        for place, question in enumerate(due):
            if self._stopping.is_set():
                return
            try:
                status = self._send(webhook, question)
            except (FeedError, UsageError) as error:  # it cannot be reached, or is no address after all
                for each in due[place:]:
                    self._failed(each, error.message)
                return
            if status in _SUCCESSES:
                self._on_attempt("delivered")
                self._questions.told(question.id)
            elif status == _GONE:
                self._give_up(question, "it answers 410 Gone")
            else:
                self._failed(question, f"it answers {status}")

    def _send(self, webhook: Webhook, question: Question) -> int:
        body = json.dumps(self._as_json(question)).encode()
        return post(webhook.url, body, headers_of(webhook.secret, question.id, int(time.time()), body), inside=self._settings.webhook_hosts)

    def _failed(self, question: Question, why: str) -> None:
        if (now_utc() - question.changed_at).total_seconds() > self._settings.kept_s:
            self._give_up(question, why)
            return
        self._on_attempt("failed")
        tries = self._tries.setdefault(question.id, _Tries())
        pause_s = PAUSES_S[min(tries.failed, len(PAUSES_S) - 1)]
        tries.failed, tries.next_s = tries.failed + 1, time.monotonic() + pause_s
        _log.warning("the webhook %s was not told of question %s and is in %.0f s: %s", question.webhook, question.id, pause_s, why)

    def _give_up(self, question: Question, why: str) -> None:
        self._questions.told(question.id)
        _log.warning("the webhook %s is not told of question %s any more: %s", question.webhook, question.id, why)
        self._on_attempt("given-up")


@dataclass
class _Tries:
    """How often one thing could not be told, and when it is tried again."""

    failed: int = 0
    next_s: float = 0.0


def headers_of(secret: str, identifier: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers that say what is sent, when, and that it is from here.

    Args:
        secret: ``whsec_`` and the key in base64.
        identifier: of what is told; the same when it is told again.
        timestamp: seconds since 1970.
        body: what is sent.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = hmac.new(key, f"{identifier}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }

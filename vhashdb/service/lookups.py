"""Questions about hashes, answered in processes of their own.

Such a question is nothing but computing, which one process of Python does on one processor. Each of these processes has the database open
and maps the same index, or asks the same shards. One that dies takes no question with it: what it was asked is asked again.

Each process answers one question after the other, over a socket on which the event loop waits: no thread has to be woken for that. A
message is its length and JSON.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import json
import logging
import multiprocessing
import os
import signal
import socket
import threading
import traceback
from multiprocessing import resource_tracker
from typing import Any, Final

import anyio.to_thread

from vhashdb import errors
from vhashdb.database import Database
from vhashdb.errors import DatabaseError, VhashdbError
from vhashdb.fingerprints import from_bytes, to_stored
from vhashdb.hash_query import HashQuery
from vhashdb.service.answers import Hashes, HashText, answer_to
from vhashdb.service.opened import opened
from vhashdb.service.options import AskOptions
from vhashdb.service.settings import ServiceSettings
from vhashdb.store import acting_as

_log: Final = logging.getLogger(__name__)
_TRIES: Final = 3
"""How often a question is asked whose process died. Engineering bound."""
_LENGTH_BYTES: Final = 8
"""Of the length before each message. Engineering bound: more than any memory has."""
_ANSWER, _ERROR, _FAULT = "answer", "error", "fault"


class Lookups:
    """The processes of one service, within one running event loop."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._idle: list[_Process] = []

    async def answer(self, query: Hashes, name: str, options: AskOptions, by: str) -> dict[str, Any]:
        """Answer a question in one of the processes. The caller sees to it that no more are asked at a time than there are.

        Raises:
            VhashdbError: as `answer_to`.
        """
        question = {"hashes": _to_json(query), "name": name, "options": options.to_json(), "by": by}
        for _ in range(_TRIES):
            process = self._idle.pop() if self._idle else await _Process.started(self._settings)
            try:
                said = await process.ask(question)
            except (EOFError, OSError):
                _log.warning("a process that answers questions about hashes died; another takes its place")
                process.abandon()
                continue
            except BaseException:  # nobody waits for the answer any more, which must not be taken for that to the next question
                process.abandon()
                raise
            self._idle.append(process)
            return _answer_in(said)
        raise DatabaseError(
            "the processes that answer questions about hashes die", hint="look at the memory of this machine and at the log"
        )

    async def start(self) -> None:
        """Start the processes, so that the first question need not wait for one."""
        self._idle += [await _Process.started(self._settings) for _ in range(self._settings.lookup_processes)]

    async def close(self) -> None:
        """End the processes, none of which is being asked any more."""
        idle, self._idle = self._idle, []
        for process in idle:
            process.abandon()
        for process in idle:
            await process.ended()


class _Process:
    """One process, as the service sees it."""

    def __init__(self, process: multiprocessing.process.BaseProcess, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._process, self._reader, self._writer = process, reader, writer

    @classmethod
    async def started(cls, settings: ServiceSettings) -> _Process:
        """Start a process, which takes questions once it has the database open."""
        here, there = socket.socketpair()
        with there:
            context = multiprocessing.get_context("spawn")  # a fork would have locks of threads that are not there
            process = context.Process(target=_work, args=(there, settings), daemon=True)
            await anyio.to_thread.run_sync(_start_deaf, process)
        return cls(process, *await asyncio.open_unix_connection(sock=here))

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Return what the process says to a question.

        Raises:
            EOFError: it died.
            OSError: likewise.
        """
        self._writer.writelines(_message(question))
        await self._writer.drain()
        length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES))
        said: dict[str, Any] = json.loads(await self._reader.readexactly(length))
        return said

    def abandon(self) -> None:
        """Ask nothing any more, upon which the process ends, at once or when it has answered."""
        self._writer.transport.abort()

    async def ended(self) -> None:
        """Wait until the process has ended."""
        await anyio.to_thread.run_sync(self._process.join)


def _start_deaf(process: multiprocessing.process.BaseProcess) -> None:
    """Start a process that hears none of the signals which end the service, of a terminal or to a whole group: it ends with the service."""
    resource_tracker.ensure_running()  # what starts a process else starts this first, and unblocks signals
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _message(content: dict[str, Any]) -> tuple[bytes, bytes]:
    text = json.dumps(content, separators=(",", ":")).encode()
    return len(text).to_bytes(_LENGTH_BYTES), text


def _to_json(hashes: Hashes) -> dict[str, Any]:
    if isinstance(hashes, HashText):
        return {"text": hashes.text}
    frames = base64.b85encode(to_stored(hashes.frames)).decode() if hashes.frames is not None else None
    return vars(hashes) | {"frames": frames}


def _from_json(value: dict[str, Any]) -> Hashes:
    if "text" in value:
        return HashText(**value)
    frames = from_bytes(base64.b85decode(value["frames"])) if value["frames"] is not None else None
    return HashQuery(**value | {"frames": frames})


def _answer_in(said: dict[str, Any]) -> dict[str, Any]:
    """Return the answer that a process gave.

    Raises:
        VhashdbError: it said so.
        RuntimeError: the program has a fault.
    """
    if _FAULT in said:
        raise RuntimeError(f"in a process that answers questions about hashes:\n{said[_FAULT]}")
    if _ERROR in said:
        kind: type[VhashdbError] = getattr(errors, said[_ERROR], VhashdbError)
        raise kind(said["message"], hint=said["hint"])
    answer: dict[str, Any] = said[_ANSWER]
    return answer


# -- in such a process -----------------------------------------------------------------------------


def _work(questions: socket.socket, settings: ServiceSettings) -> None:
    """Answer questions until nobody asks any more."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, OSError), opened(settings) as database, questions.makefile("rwb") as stream:
        gc.freeze()  # what is there by now stays, and need not be gone through again and again
        while True:
            length = int.from_bytes(_exactly(stream, _LENGTH_BYTES))
            stream.writelines(_message(_said_to(database, json.loads(_exactly(stream, length)))))
            stream.flush()


def _exactly(stream: Any, count: int) -> bytes:
    read: bytes = stream.read(count)
    if len(read) < count:
        raise EOFError
    return read


def _end_with_parent() -> None:
    """End this process once its parent is gone, also one that was killed, in the middle of an answer that nobody will read."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _said_to(database: Database, question: dict[str, Any]) -> dict[str, Any]:
    """Answer a question, or say what went wrong."""
    try:
        with acting_as(question["by"]):
            options = AskOptions.from_json(question["options"])
            return {_ANSWER: answer_to(database, _from_json(question["hashes"]), question["name"], options)[1]}
    except VhashdbError as error:
        return {_ERROR: type(error).__name__, "message": error.message, "hint": error.hint}
    except Exception:
        return {_FAULT: traceback.format_exc()}

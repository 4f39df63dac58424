"""Ask the shards that run in a cluster: all of them at once, each whichever replica is there, once more where one died."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from vhashdb.cluster.deploying import running
from vhashdb.cluster.generations import Generation, ShardName, chosen, generations
from vhashdb.cluster.patience import Patience
from vhashdb.cluster.ray_cluster import join
from vhashdb.cluster.shard import identity_of
from vhashdb.cluster.sharded import Answers, ShardedSearcher
from vhashdb.errors import IndexUnavailable, VhashdbError
from vhashdb.store import Store

TIMEOUT_S: Final = 10.0
"""Seconds that a shard has for its answer, what is asked once more included. Engineering bound: Ray starts a replica again in less."""
_log: Final = logging.getLogger(__name__)

LOOK_S: Final = 5.0
"""Seconds between two looks which generation there is. Engineering bound."""


def connect(
    address: str, *, partial: bool = False, fresh: bool = True, timeout_s: float = TIMEOUT_S, hedge_after_s: float | None = None
) -> Callable[[Store], ShardedSearcher]:
    """Join a cluster; return what `vhashdb.open` takes as ``searcher``.

    Args:
        address: of the cluster, such as ``10.0.0.1:6379``.
        partial: answer without shards that are missing: matches are then marked as incomplete, and nothing is ever `no-match`. Else an
            answer that cannot be had whole is an `IndexUnavailable`.
        fresh: require all that was written before the question. Else an answer may lack what was written in the last second or so.
        timeout_s: how long a shard has for its answer; after one was waited for in vain, for a while a second.
        hedge_after_s: ask another replica as well if one has not answered after so many seconds; None: never.

    Raises:
        UsageError: Ray is not installed, or there is no such cluster.
    """
    join(address)

    def searcher(store: Store) -> ShardedSearcher:
        return ShardedSearcher(RayShards(identity_of(store), timeout_s, hedge_after_s), store, partial=partial, fresh=fresh)

    return searcher


class RayShards:
    """The shards of one database in the cluster that this process has joined; see `Shards`. Safe from several threads."""

    def __init__(self, identity: str, timeout_s: float = TIMEOUT_S, hedge_after_s: float | None = None) -> None:
        from ray import serve
        from ray.exceptions import RayActorError, RayTaskError

        self._serve: Any = serve
        self._died: tuple[type[BaseException], ...] = (RayActorError,)
        self._failed: Any = RayTaskError
        self._identity, self._hedge_after_s = identity, hedge_after_s
        self._patience = Patience(timeout_s)
        self._lock = threading.Lock()
        self._generation: Generation | None = None
        self._handles: dict[str, Any] = {}
        self._looked_s = -LOOK_S
        self._looking = False

    @property
    def count(self) -> int:
        return self._current().shards

    def ask(self, what: str, *arguments: Any) -> Answers:
        generation = self._current()
        answers = self._ask(generation, what, arguments)
        if answers.missing:  # it may have been replaced, and be gone
            newer = self._current(look=True)
            if (newer.number, newer.shards) != (generation.number, generation.shards):
                answers = self._ask(newer, what, arguments)
        return answers

    def _ask(self, generation: Generation, what: str, arguments: tuple[Any, ...]) -> Answers:
        told = asyncio.run_coroutine_threadsafe(self._gathered(generation, what, arguments), _loop()).result()
        answered = [each for each in told if not isinstance(each, BaseException)]
        missing = tuple(number for number, each in enumerate(told) if isinstance(each, BaseException))
        for each in told:
            if isinstance(each, ValueError) and not isinstance(each, VhashdbError):  # what was asked is wrong
                raise each
        why = next((_said(each) for each in told if isinstance(each, BaseException)), "")
        change = min((change for change, _ in answered), default=0)
        return Answers(change, tuple(values for _, values in answered), missing, generation.shards, why)

    async def _gathered(self, generation: Generation, what: str, arguments: tuple[Any, ...]) -> list[Any]:
        return await asyncio.gather(*(self._of(name, what, arguments) for name in generation.names), return_exceptions=True)

    async def _of(self, name: ShardName, what: str, arguments: tuple[Any, ...]) -> Any:
        """Ask one shard, once more if the replica died that was asked."""
        with self._patience.waiting(str(name)) as seconds:
            async with asyncio.timeout(seconds):
                try:
                    return await self._hedged(name, what, arguments)
                except self._died:
                    return await self._hedged(name, what, arguments)
                except self._failed as error:  # what the shard raised, as it was
                    raise getattr(error, "cause", None) or error from error

    async def _hedged(self, name: ShardName, what: str, arguments: tuple[Any, ...]) -> Any:
        if self._hedge_after_s is None:
            return await self._asked(name, what, arguments)
        first = asyncio.ensure_future(self._asked(name, what, arguments))
        done, _ = await asyncio.wait({first}, timeout=self._hedge_after_s)
        if done:
            return first.result()
        both = {first, asyncio.ensure_future(self._asked(name, what, arguments))}
        try:
            while both:
                done, both = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                for each in done:
                    if each.exception() is None or not both:
                        return each.result()
        finally:
            for each in both:
                each.cancel()
        raise AssertionError("neither was asked")

    async def _asked(self, name: ShardName, what: str, arguments: tuple[Any, ...]) -> Any:
        return await self._handle(name).ask.remote(what, *arguments)

    def _handle(self, name: ShardName) -> Any:
        handle = self._handles.get(str(name))
        if handle is None:
            handle = self._handles[str(name)] = self._serve.get_deployment_handle("shard", app_name=str(name), _check_exists=False)
        return handle

    def _current(self, *, look: bool = False) -> Generation:
        """Return the generation to ask, which is looked up now and then.

        Raises:
            IndexUnavailable: none runs.
        """
        if look or self._generation is None:
            self._look()
        elif time.monotonic() - self._looked_s > LOOK_S and not self._looking:  # nobody waits for it
            self._looking = True
            threading.Thread(target=self._look, name="vhashdb-look", daemon=True).start()
        now = self._generation
        if now is None:
            raise IndexUnavailable("no shard of the index runs in the cluster", hint="`Deployment.start` runs them")
        return now

    def _look(self) -> None:
        with self._lock:
            try:
                found = chosen(generations(self._identity, running(self._serve)), self._generation)
            except Exception as error:  # of many kinds: whoever directs the shards is not there, which they may be all the same
                _log.warning("it cannot be seen which shards there are: %s", str(error).strip().partition("\n")[0])
            else:
                self._generation = found
            self._looked_s, self._looking = time.monotonic(), False


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop in which this process waits for shards, in a thread of its own."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="vhashdb-ask", daemon=True).start()
    return loop


def _said(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__

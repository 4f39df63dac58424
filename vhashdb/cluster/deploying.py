"""Run the shards of an index on Ray Serve: start them, divide the index anew beside what runs, renew replicas, stop.

Nothing here keeps anything: what runs says what there is (`vhashdb.cluster.generations`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vhashdb.cluster.generations import Generation, ShardName, chosen, generations
from vhashdb.cluster.ray_cluster import LEAN, join
from vhashdb.cluster.shard import identity_of, opened
from vhashdb.errors import DatabaseError, UsageError
from vhashdb.version import __version__

AT_ONCE: Final = 8
"""Questions that one replica answers at a time. Engineering bound: threads, which leave the processor to each other while they search."""
SETTLE_S: Final = 15.0
"""Seconds between a new generation being complete and the old one being stopped. Derived: three times as long as it takes until whoever
asks looks which there is (`vhashdb.cluster.asking`)."""
READY_S: Final = 24 * 3600.0
"""Seconds to wait for shards at most: they are made from all records where they were not there before. Engineering bound."""
_POLL_S: Final = 0.5


@dataclass(frozen=True)
class Layout:
    """How the index of one database is spread."""

    shards: int
    replicas: int = 2
    cpus: float = 1.0
    """Processors that Ray sets aside for each replica."""
    memory: int = 0
    """Bytes that it sets aside for each; 0: it does not say."""
    apart: bool = False
    """Whether two replicas of one shard may never be on one machine: then there must be as many machines as replicas."""
    local: str = ""
    """Folder on each machine for the index; empty: what ``VHASHDB_INDEX`` says there, or where the user's data are."""

    def __post_init__(self) -> None:
        if self.shards < 1 or self.replicas < 1:
            raise UsageError("there must be a shard and a replica at least", hint="give whole numbers from 1 on")


class Deployment:
    """The shards of one database in one cluster."""

    def __init__(self, address: str, database: str) -> None:
        """Join the cluster; see `join`.

        Raises:
            UsageError: it cannot be joined.
            DatabaseError: the database cannot be opened.
        """
        with opened(database) as store:
            self.database, self.identity = database, identity_of(store)
        join(address)
        from ray import serve

        self._serve: Any = serve

    # -- what runs -----------------------------------------------------------------------------

    def generations(self) -> list[Generation]:
        """Return all generations that run or are being made, the oldest first."""
        return generations(self.identity, running(self._serve))

    def status(self) -> list[dict[str, Any]]:
        """Describe each shard of each generation: which replicas run, and what its index has."""
        found = self.generations()
        asked = chosen(found)
        applications = self._serve.status().applications
        lines = []
        for generation in found:
            for name in generation.names:
                application = applications.get(str(name))
                deployed = application.deployments.get("shard") if application is not None else None
                states = {str(getattr(k, "value", k)): n for k, n in deployed.replica_states.items()} if deployed is not None else {}
                lines.append({
                    "generation": generation.number, "asked": generation == asked, "shard": name.number + 1, "shards": name.of,
                    "ready": name.number in generation.ready, "replicas": states.get("RUNNING", 0), "states": states,
                    "message": application.message if application is not None else "it is not there",
                })  # fmt: skip
        return lines

    # -- what is done --------------------------------------------------------------------------

    def start(self, layout: Layout, *, wait_s: float = READY_S, progress: Callable[[Generation], None] | None = None) -> Generation:
        """Run the index as the first generation; return it when all its shards answer.

        Raises:
            UsageError: it runs already.
            DatabaseError: the shards are not ready in time.
        """
        if found := self.generations():
            raise UsageError(f"the index runs already, in {found[-1].shards} shards", hint="`Deployment.reshard` divides it anew")
        return self._deployed(Generation(self.identity, 1, layout.shards), layout, wait_s, progress)

    def reshard(
        self,
        layout: Layout,
        *,
        wait_s: float = READY_S,
        settle_s: float = SETTLE_S,
        progress: Callable[[Generation], None] | None = None,
    ) -> Generation:
        """Run the index in other shards beside the ones that answer; when all of the new ones do, stop the old ones.

        Whoever asks goes over to the new ones by itself. With as many shards as before, all replicas are new ones: of another version
        of vhashdb, say.

        Raises:
            DatabaseError: the new ones are not ready in time. The old ones go on, and the new ones are stopped.
        """
        old = self.generations()
        number = max((each.number for each in old), default=0) + 1
        try:
            new = self._deployed(Generation(self.identity, number, layout.shards), layout, wait_s, progress)
        except BaseException:
            self._delete(Generation(self.identity, number, layout.shards).names)
            raise
        time.sleep(settle_s if old else 0)
        self._delete([name for generation in old for name in generation.names])
        return new

    def upgrade(self, layout: Layout, *, wait_s: float = READY_S, progress: Callable[[Generation], None] | None = None) -> Generation:
        """Replace the replicas of the generation that is asked, shard after shard, each new one before an old one is stopped.

        Raises:
            UsageError: none is complete, or it has another number of shards.
        """
        now = chosen(self.generations())
        if now is None or not now.complete or now.shards != layout.shards:
            raise UsageError("there is no complete index of so many shards", hint="`Deployment.status` says what there is")
        stamp = f"{__version__} {time.time_ns()}"
        for name in now.names:
            self._serve.run(self._application(name, layout, stamp), name=str(name), route_prefix=None)
            self._wait(now, wait_s, progress)
        return now

    def stop(self) -> None:
        """Stop all shards of the database; what they have on the machines' disks stays, for the next start."""
        self._delete([name for generation in self.generations() for name in generation.names])

    # -- inside --------------------------------------------------------------------------------

    def _deployed(self, generation: Generation, layout: Layout, wait_s: float, progress: Callable[[Generation], None] | None) -> Generation:
        serve = self._serve
        serve.start(proxy_location="Disabled")  # nobody asks a shard over HTTP
        targets = [
            serve.RunTarget(self._application(name, layout, __version__), name=str(name), route_prefix=None) for name in generation.names
        ]
        serve.run_many(targets, wait_for_ingress_deployment_creation=False, wait_for_applications_running=False)
        return self._wait(generation, wait_s, progress)

    def _wait(self, generation: Generation, wait_s: float, progress: Callable[[Generation], None] | None) -> Generation:
        end_s = time.monotonic() + wait_s
        seen: Generation | None = None
        while True:
            applications = self._serve.status().applications
            states = {str(name): applications.get(str(name)) for name in generation.names}
            if failed := [each for each in states.values() if each is not None and str(each.status.value) == "DEPLOY_FAILED"]:
                raise DatabaseError(f"a shard cannot be started: {failed[0].message}"[:500], hint="`Deployment.status` says which")
            found = [each for each in self.generations() if each.number == generation.number]
            if found and found[0] != seen:
                seen = found[0]
                if progress is not None:
                    progress(seen)
            if seen is not None and seen.complete:
                return seen
            if time.monotonic() > end_s:
                ready = len(seen.ready) if seen is not None else 0
                raise DatabaseError(
                    f"{ready} of {generation.shards} shards answer after {wait_s:.0f} s",
                    hint="`Deployment.status` says what is missing: often machines, processors or memory",
                )
            time.sleep(_POLL_S)

    def _application(self, name: ShardName, layout: Layout, version: str) -> Any:
        options: dict[str, Any] = {"num_cpus": layout.cpus, "runtime_env": {"env_vars": LEAN}}
        options |= {"memory": layout.memory} if layout.memory else {}
        apart = {"max_replicas_per_node": 1} if layout.apart else {}
        deployed = self._serve.deployment(
            ShardReplica, name="shard", num_replicas=layout.replicas, ray_actor_options=options, max_ongoing_requests=AT_ONCE,
            max_surge_percent=100, graceful_shutdown_timeout_s=5, health_check_period_s=2, health_check_timeout_s=10,
            logging_config={"enable_access_log": False}, **apart,
        )  # fmt: skip
        return deployed.bind(self.database, name.number, name.of, layout.local, version)

    def _delete(self, names: Sequence[ShardName]) -> None:
        there = self._serve.status().applications
        gone = {str(name) for name in names if str(name) in there}
        for name in gone:
            self._serve.delete(name, _blocking=False)  # else each is waited for before the next
        while gone & self._serve.status().applications.keys():
            time.sleep(_POLL_S)


def running(serve: Any) -> list[tuple[str, bool]]:
    """Return the name of each application of a cluster, and whether it answers: whether some replica of it runs."""
    return [
        (name, str(each.status.value) == "RUNNING" or any(_running(one) for one in each.deployments.values()))
        for name, each in serve.status().applications.items()
        if str(each.status.value) != "DELETING"
    ]


def _running(deployment: Any) -> bool:
    return any(count > 0 and str(getattr(state, "value", state)) == "RUNNING" for state, count in deployment.replica_states.items())


class ShardReplica:
    """A shard as Ray Serve runs it: each method of `IndexShard` in a thread, as many at a time as `AT_ONCE`."""

    def __init__(self, database: str, number: int, of: int, local: str, version: str) -> None:
        """Open the shard; another ``version`` is what makes Ray Serve replace a replica."""
        import os

        from vhashdb.cluster.shard import IndexShard
        from vhashdb.store.changes import Share

        folder = local or os.environ.get("VHASHDB_INDEX")
        self._shard = IndexShard(database, Share(number, of), Path(folder) if folder else None)
        self._threads, self.version = ThreadPoolExecutor(AT_ONCE), version

    async def ask(self, what: str, *arguments: Any) -> Any:
        """Answer one question, by the name of the method of `IndexShard`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, getattr(self._shard, what), *arguments)

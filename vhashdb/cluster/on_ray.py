"""Workers as actors of Ray, wherever it has room. Ray places them and starts them again."""

from __future__ import annotations

from typing import Any, Final

from vhashdb.cluster.ray_cluster import join
from vhashdb.cluster.worker import Assignment, work
from vhashdb.errors import VhashdbError

_HINT: Final = "vhashdb, and whatever reads such files, must be installed on every machine of the cluster"


class RayWorkers:
    """Some actors; Ray starts those again that die, elsewhere if their machine is gone."""

    def __init__(self, assignment: Assignment, address: str, count: int | None) -> None:
        """Start them; ``count`` None: as many as the cluster has processors.

        Raises:
            UsageError: Ray is not installed, or there is no cluster at the address.
        """
        self._ray = ray = join(address)
        resources: Any = ray.cluster_resources()
        count = count or max(1, int(resources.get("CPU", 1)))
        actor: Any = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=-1)(_Actor)
        text = assignment.to_text()
        self._actors = [actor.remote() for _ in range(count)]
        self._runs = [each.run.remote(text) for each in self._actors]

    def tend(self, closed: int) -> None:  # noqa: ARG002  # Ray starts them again by itself
        """Look whether a worker gave up.

        Raises:
            VhashdbError: one did, for a reason that others would have as well.
        """
        done, self._runs = self._ray.wait(self._runs, num_returns=len(self._runs), timeout=0) if self._runs else ([], [])
        for run in done:
            try:
                self._ray.get(run)
            except VhashdbError:
                raise
            except Exception as error:
                raise VhashdbError(f"a worker of the cluster ended: {error}".partition("\n")[0], hint=_HINT) from error

    def close(self) -> None:
        """End them, in the middle of a file if need be, and leave the cluster."""
        self._ray.shutdown()


class _Actor:
    """One worker."""

    def run(self, text: str) -> int:
        """Work until nothing is left."""
        return work(Assignment.of_text(text))

"""Workers as actors of Ray, wherever it has room. The only room that imports Ray, which places workers and starts them again."""

from __future__ import annotations

import socket
from typing import Any, Final

from vhashdb.cluster.worker import Assignment, work
from vhashdb.errors import UsageError, VhashdbError

_CONNECTS_S: Final = 10.0
"""Seconds to wait for a cluster to answer. Engineering bound."""
_HINT: Final = "vhashdb, and whatever reads such files, must be installed on every machine of the cluster"


class RayWorkers:
    """Some actors; Ray starts those again that die, elsewhere if their machine is gone."""

    def __init__(self, assignment: Assignment, address: str, count: int | None) -> None:
        """Start them; ``count`` None: as many as the cluster has processors.

        Raises:
            UsageError: Ray is not installed, or there is no cluster at the address.
        """
        try:
            import ray
        except ImportError as error:
            raise UsageError("a cluster needs Ray, which is not installed", hint='pip install "vhashdb[cluster]"') from error
        self._ray = ray
        try:
            _require_listening(address)
            ray.init(address, log_to_driver=False, configure_logging=False, include_dashboard=None)
            resources: Any = ray.cluster_resources()
            count = count or max(1, int(resources.get("CPU", 1)))
        except Exception as error:  # of many kinds
            raise UsageError(
                f"there is no Ray cluster at {address}: {error}", hint="start one on that machine, or check the address"
            ) from error
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


def _require_listening(address: str) -> None:
    """Make sure that somebody listens at an address that has a port: Ray itself would wait for minutes, and then end this process.

    Raises:
        OSError: nobody does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECTS_S).close()


class _Actor:
    """One worker."""

    def run(self, text: str) -> int:
        """Work until nothing is left."""
        return work(Assignment.of_text(text))

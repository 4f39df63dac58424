"""Join a cluster of Ray, with what has to be set before: a token, no statistics of usage sent, a namespace."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Mapping
from typing import Any, Final

from vhashdb.errors import UsageError

_log: Final = logging.getLogger(__name__)
NAMESPACE: Final = "vhashdb"
LEAN: Final = {"RAY_SERVE_THROUGHPUT_OPTIMIZED": "1"}
"""Has Ray Serve hand a question over between fewer threads, and write its lines of log together: a question takes half of the time to all
shards and back. What asks does so in a loop of its own, and shards answer in threads of their own, so that nothing waits for another."""
_CONNECTS_S: Final = 10.0
"""Seconds to wait for a cluster to answer. Engineering bound."""
_BEFORE: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", **LEAN}
"""Environment variables that Ray reads when it is imported, and what they are unless somebody said otherwise."""


def join(address: str) -> Any:
    """Make this process a client of the cluster at an address such as ``10.0.0.1:6379``, once; return the module `ray`.

    The machine has to be part of the cluster: it may have been added to it without processors (``ray start --num-cpus=0``).

    Raises:
        UsageError: Ray is not installed, there is no cluster there, or it asks for another token.
    """
    for name, value in _BEFORE.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        from ray import serve
        from ray._private import worker
    except ImportError as error:
        raise UsageError("a cluster needs Ray, which is not installed", hint='pip install "vhashdb[cluster]"') from error
    if not ray.is_initialized():
        worker.print_to_stdstream = _logged
        try:
            _require_listening(address)
            terminated = signal.getsignal(signal.SIGTERM)
            ray.init(address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False, logging_level=logging.ERROR)
            if threading.current_thread() is threading.main_thread():  # Ray has made SIGTERM its own, which is this program's
                signal.signal(signal.SIGTERM, terminated)
        except Exception as error:  # of many kinds
            said = str(error).strip().partition("\n")[0]
            raise UsageError(
                f"there is no cluster of Ray at {address} that can be joined: {said}",
                hint="docs/operating-cluster.md says how one is started, and where its token has to be",
            ) from error
    serve.configure_default_serve_logger()
    logging.getLogger("ray.serve").setLevel(logging.ERROR)  # what of it matters is said here, in answers and by `vhashdb cluster status`
    return ray


def _logged(data: Mapping[str, Any], **_: object) -> None:
    """Log what Ray tells of its other processes, such as a machine that is gone; it prints that to standard output, which has answers."""
    for lines in data["lines"]:
        _log.info("the cluster says: %s", str(lines).strip().partition("\n")[0])


def _require_listening(address: str) -> None:
    """Make sure that somebody listens at an address that has a port: Ray itself would wait for minutes, and then end this process.

    Raises:
        OSError: nobody does.
    """
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECTS_S).close()

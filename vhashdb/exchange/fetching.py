"""Fetch one file from an address that somebody else gave: of a host that this machine's operator named, within bounds, and no redirect.

A host is named as what serves files, so that it may be inside, too. Any other host is not asked, whatever its name stands for.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

import urllib3
from urllib3.util import Retry

from vhashdb.errors import FeedUnreachable, UsageError
from vhashdb.exchange.budget import Budget
from vhashdb.exchange.connection import pool_of
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.reach import Origin, Reach, checked_hosts, parsed
from vhashdb.exchange.transport import end_answer, failure

_LIMITS: Final = FeedLimits(feed_s=300.0, connect_s=5.0, read_s=30.0, overhead_bytes=512 << 10, requests=1, redirects=0)
_BLOCK: Final = 1 << 16
_OK: Final = 200


@contextlib.contextmanager
def fetched(url: str, hosts: Iterable[str], most_bytes: int) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Give the type of a file, as its server says it, and its blocks as they come.

    Args:
        url: of http or https.
        hosts: that may be asked, as ``host``, whose usual port is meant, or ``host:port``.
        most_bytes: of the file.

    Raises:
        UsageError: it is no such address, or of another host.
        FeedOversize: the file is larger.
        FeedUnreachable: it cannot be had in time.
    """
    target, named = parsed(url), checked_hosts(hosts)
    origin = Origin.of(target)
    whole = f"{origin.host}:{origin.port}"
    if whole not in named and not (origin.host in named and target.port is None):
        raise UsageError("files of this host are not fetched", hint="the operator names the hosts from which they are; or send the file")
    limits = replace(_LIMITS, received_bytes=most_bytes + _LIMITS.overhead_bytes)
    budget = Budget(limits)
    pool = pool_of(origin, Reach(origin, frozenset({whole})), budget, limits)
    try:
        with budget.step(limits.read_s):
            answer = pool.urlopen(
                "GET", target.request_uri, headers={"User-Agent": "vhashdb", "Accept-Encoding": "identity"},
                retries=Retry(total=0, redirect=False, raise_on_status=False), redirect=False, preload_content=False, decode_content=False,
            )  # fmt: skip
    except Exception as error:  # whatever a server can make a client stumble over is that server's failure
        pool.close()
        raise failure(error, f"{origin} cannot be reached", budget) from error
    try:
        if answer.status != _OK:
            raise FeedUnreachable(f"{origin} answers {answer.status}")
        yield answer.headers.get("Content-Type", ""), _blocks(answer, origin, budget, limits)
    finally:
        end_answer(answer)
        pool.close()


def _blocks(answer: urllib3.BaseHTTPResponse, origin: Origin, budget: Budget, limits: FeedLimits) -> Iterator[bytes]:
    began_s, received = time.monotonic(), 0
    while True:
        try:
            with budget.step(limits.read_s):
                block = answer.read1(_BLOCK, decode_content=False)  # what has come, and no waiting for a full block
        except Exception as error:  # as above
            raise failure(error, f"{origin} broke off after {received} bytes", budget) from error
        if not block:
            return
        yield block
        received += len(block)
        elapsed_s = time.monotonic() - began_s
        if elapsed_s > limits.read_s and received < elapsed_s * limits.slowest_bytes_per_s:
            raise FeedUnreachable(f"{origin}: {received} bytes in {elapsed_s:.0f} s is too slow")

"""Send something to an address that people here named: one request, bounded, and inside only where this machine's operator allows it.

Whoever may name an address need not be who runs this machine, so that an internal address is not allowed by being named, as that of
a feed is: the operator names its host apart. Where a redirect leads is not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from urllib3.util import Retry

from vhashdb.exchange.budget import Budget
from vhashdb.exchange.connection import pool_of
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.reach import Origin, Reach, checked_hosts, parsed
from vhashdb.exchange.transport import end_answer, failure

LIMITS: Final = FeedLimits(
    feed_s=15.0, connect_s=5.0, read_s=15.0, received_bytes=64 << 10, overhead_bytes=64 << 10, requests=1, redirects=0
)
"""Of one request. What is answered is not read beyond its head."""
_NOWHERE: Final = Origin("", "", 0)


def post(url: str, body: bytes, headers: Mapping[str, str], *, inside: Iterable[str] = (), limits: FeedLimits = LIMITS) -> int:
    """Send a body; return the status of the answer, also that of a redirect or an error.

    Args:
        url: of http or https.
        body: what is sent.
        headers: of the request, besides those that say how long it is.
        inside: hosts, as ``host`` or ``host:port``, that may stand for an internal address.
        limits: the caps.

    Raises:
        UsageError: it is no such address.
        FeedUnreachable: nothing answers in time, or it is inside and not allowed.
    """
    target = parsed(url)
    origin, budget = Origin.of(target), Budget(limits)
    pool = pool_of(origin, Reach(_NOWHERE, checked_hosts(inside)), budget, limits)
    try:
        with budget.step(limits.read_s):
            answer = pool.urlopen(
                "POST", target.request_uri, body=body, headers={"User-Agent": "vhashdb", "Accept-Encoding": "identity", **headers},
                retries=Retry(total=0, redirect=False, raise_on_status=False), redirect=False, preload_content=False, decode_content=False,
            )  # fmt: skip
    except Exception as error:  # whatever a server can make a client stumble over is that server's failure
        raise failure(error, f"{origin} cannot be reached", budget) from error
    finally:
        pool.close()
    status = answer.status
    end_answer(answer)
    return status

"""Connections to a feed's host that end when its budget does, and lead only where the feed may send us.

``urllib3`` bounds each wait on its own, so a server that sends a byte now and then, endless headers or endless ``100
Continue`` holds it for ever. Here the sockets themselves know what is left: every byte that comes, in a handshake, a header
or a body, is waited for within the budget and counted.
"""

from __future__ import annotations

import socket
import ssl
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from vhashdb.errors import FeedUnreachable
from vhashdb.exchange.budget import Budget
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.reach import Origin, Reach


def pool_of(origin: Origin, reach: Reach, budget: Budget, limits: FeedLimits) -> urllib3.HTTPConnectionPool:
    """Return the connections to one host."""

    def dial(host: str) -> socket.socket:
        return _dial(host, origin, reach, budget, limits)

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self._dns_host)

        def request(self, *args: Any, **more: Any) -> None:
            budget.asked()
            super().request(*args, **more)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self._dns_host)

        def request(self, *args: Any, **more: Any) -> None:
            budget.asked()
            super().request(*args, **more)

    if origin.scheme == "http":
        plain = urllib3.HTTPConnectionPool(origin.host, origin.port)
        plain.ConnectionCls = Plain
        return plain
    context = ssl.create_default_context()
    context.sslsocket_class = type("_EncryptedSocket", (_EncryptedSocket,), {"budget": budget})
    encrypted = urllib3.HTTPSConnectionPool(origin.host, origin.port, ssl_context=context)
    encrypted.ConnectionCls = Encrypted
    return encrypted


def _dial(host: str, origin: Origin, reach: Reach, budget: Budget, limits: FeedLimits) -> socket.socket:
    """Connect to the first address of a host that answers.

    What is checked is what is connected to, so a name that resolves to something else the next time gains nothing.
    """
    failed: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, origin.port, type=socket.SOCK_STREAM):
        if not reach.admits(origin, str(address[0])):
            failed = _Inside(host)
            continue
        sock = _PlainSocket(family, kind, protocol)
        sock.budget = budget
        try:
            sock.settimeout(min(limits.connect_s, budget.remaining_s()))
            sock.connect(address)
            if not reach.admits(origin, str(sock.getpeername()[0])):
                raise _Inside(host)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
        except OSError as error:
            sock.close()
            failed = error
            budget.remaining_s()
        except BaseException:
            sock.close()
            raise
    raise failed or OSError(f"{host} has no address")


class _Inside(FeedUnreachable):
    """The host is inside, and nobody here said that the feed may send us there."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} stands for an internal address of this machine's network",
            hint=f"if it is meant to: let `Exchange.move` allow the host {host}",
        )


class _PlainSocket(socket.socket):
    """A socket that waits and receives within a budget."""

    budget: Budget

    def recv_into(self, *args: Any, **more: Any) -> int:
        self.settimeout(self.budget.remaining_s())
        count = super().recv_into(*args, **more)
        self.budget.received(count)
        return count


class _EncryptedSocket(ssl.SSLSocket):
    """An encrypted socket that waits and receives within a budget."""

    budget: Budget

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(self.budget.remaining_s())
        super().do_handshake(block)

    def recv_into(self, *args: Any, **more: Any) -> int:
        self.settimeout(self.budget.remaining_s())
        count = super().recv_into(*args, **more)
        self.budget.received(count)
        return count

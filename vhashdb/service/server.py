"""Serve an application over HTTP until a signal says that it is enough: what is being answered then is answered first."""

from __future__ import annotations

import contextlib
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from vhashdb.errors import UsageError
from vhashdb.service.app import create_app
from vhashdb.service.service import Service
from vhashdb.service.settings import ServiceSettings

KEEP_ALIVE_S = 15
"""Seconds for which a connection without a request stays open."""
BACKLOG = 2048


@dataclass(frozen=True)
class Listening:
    """Where a service is reached, and how."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0: any that is free."""
    certificate: Path | None = None
    """File with the certificate and what it is signed with, in PEM; None: no TLS."""
    key: Path | None = None
    """File with its private key."""
    proxies: tuple[str, ...] = ()
    """Addresses of proxies whose word for who asks, and over which scheme, is taken."""
    grace_s: int = 30
    """Seconds that what is being answered has in the end."""

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in ("127.0.0.1", "::1", "localhost")


class _Server(uvicorn.Server):
    """A server that a signal ends well: uvicorn's own ends with the signal once more, so that the exit code is not 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals that end it."""
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.handle_exit(number, frame)


def serve(settings: ServiceSettings, listening: Listening, *, started: Callable[[str], None] = lambda _: None) -> None:
    """Serve a database until SIGTERM or SIGINT.

    Args:
        settings: of the service.
        listening: where it is reached.
        started: called with the address once it listens.

    Raises:
        UsageError: it cannot listen there, or there would be no keys where others than this machine reach it.
        DatabaseError: the database cannot be opened.
    """
    if not settings.require_key and not listening.loopback:
        raise UsageError(
            f"without keys, everybody who reaches {listening.host} could do everything", hint="require keys, or listen on 127.0.0.1 alone"
        )
    _require_certificate(listening)
    _raise_limit_of_files()
    bound = _bound(listening)
    with contextlib.closing(bound):
        scheme, port = "https" if listening.certificate else "http", bound.getsockname()[1]
        host = f"[{listening.host}]" if ":" in listening.host else listening.host
        service = Service.open(settings)  # here, so that what is wrong with the database is said like anywhere else
        service.database.warm(settings.workers)
        started(f"{scheme}://{host}:{port}")
        _Server(server_config(settings, listening, service)).run(sockets=[bound])


def server_config(settings: ServiceSettings, listening: Listening, opened: Service | None = None) -> uvicorn.Config:
    """Return how the server is run, for `serve` and for whoever runs it in another way."""
    return uvicorn.Config(
        create_app(settings, opened), log_config=None, access_log=False, server_header=False, lifespan="on", ws="none",
        timeout_keep_alive=KEEP_ALIVE_S, timeout_graceful_shutdown=listening.grace_s,
        ssl_certfile=listening.certificate, ssl_keyfile=listening.key,
        proxy_headers=bool(listening.proxies), forwarded_allow_ips=list(listening.proxies),
    )  # fmt: skip


def _require_certificate(listening: Listening) -> None:
    """Make sure that the certificate and its key can be used.

    Raises:
        UsageError: they cannot.
    """
    if listening.certificate is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(listening.certificate, listening.key)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise UsageError(f"{listening.certificate}: it is no certificate with its key: {error}", hint="give both in PEM") from error


def _raise_limit_of_files() -> None:
    """Allow as many open files, and so connections, as this process may have; shells often begin with a thousand."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _bound(listening: Listening) -> socket.socket:
    family = socket.AF_INET6 if ":" in listening.host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((listening.host, listening.port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise UsageError(
            f"{listening.host}, port {listening.port}: {error.strerror or error}", hint="choose another address or port"
        ) from error
    return made

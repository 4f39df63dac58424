"""Find out what a confined process can still do, by trying: each attempt is harmless if it succeeds."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
from collections.abc import Callable, Iterable
from typing import Any, Final

_PTRACE_SEIZE, _PTRACE_DETACH = 0x4206, 17
"""Requests. Given by Linux's ptrace.h."""


def tried(layers: Iterable[str]) -> dict[str, Any]:
    """Return ``{"layers", "refused", "possible"}``: the layers in force, and which attempts failed and succeeded."""
    refused, possible = [], []
    for what, attempt in ATTEMPTS.items():
        try:
            attempt()
        except Exception:
            refused.append(what)
        else:
            possible.append(what)
    return {"layers": list(layers), "refused": refused, "possible": possible}


def _read_files() -> None:
    os.close(os.open("/", os.O_RDONLY))


def _write_files() -> None:
    with open(os.devnull, "wb") as file:
        file.write(b"x")


def _connect() -> None:
    with socket.socket(socket.AF_INET) as connection:
        connection.settimeout(0.2)
        code = connection.connect_ex(("127.0.0.1", 9))
    if code in (1, 13):  # EPERM, EACCES: anything else is an answer of the network
        raise PermissionError(code)


def _start_processes() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)


def _run_programs() -> None:
    try:
        os.execv("/nowhere", ["/nowhere"])  # noqa: S606 - there is no such program
    except FileNotFoundError:  # the system searched for it
        return


def _signal_others() -> None:
    os.kill(os.getppid(), 0)


def _look_into_others() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    for request in (_PTRACE_SEIZE, _PTRACE_DETACH):
        if libc.ptrace(request, os.getppid(), None, None):
            raise PermissionError(ctypes.get_errno())


def _raise_limits() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1, hard + 1))


ATTEMPTS: Final[dict[str, Callable[[], None]]] = {
    "read files": _read_files,
    "write files": _write_files,
    "use the network": _connect,
    "start processes": _start_processes,
    "run programs": _run_programs,
    "signal other processes": _signal_others,
    "look into other processes": _look_into_others,
    "raise its limits": _raise_limits,
}

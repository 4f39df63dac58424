"""Confine a process before it reads an untrusted file, on Linux, without a helper program.

Each layer is effective by itself, and is put on if the kernel has it:

* *no new privileges* and *capabilities*: no program it might start, nor root, gives it any right;
* *limits*: soft and hard alike, so that it cannot raise them: no new descriptor but that of the next file, no process, growing
  file or core dump;
* *Landlock*: no file, no TCP, no signal or abstract socket to anything outside;
* *system calls*: an allow-list of those that decoding needs. It may read and write what is open, take memory that is not
  executable, receive the next file, and end. All others fail with EPERM and do not end the process: codecs make calls when they
  start that they do well without, and a refusal gives an attacker no more than being killed does. Only a call made in the manner
  of another architecture ends it.

`confine` is called in a process with one thread, which has everything open and imported that it needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
import sys
from dataclasses import dataclass
from typing import Any, Final

from vhashdb.limits import Limits

NO_NEW_PRIVILEGES, CAPABILITIES, LIMITS, LANDLOCK, SYSTEM_CALLS = "no new privileges", "capabilities", "limits", "Landlock", "system calls"
LAYERS: Final = (NO_NEW_PRIVILEGES, CAPABILITIES, LIMITS, LANDLOCK, SYSTEM_CALLS)


@dataclass(frozen=True)
class InForce:
    """Say what confines a decoder on this machine, as a confined process found by trying."""

    layers: tuple[str, ...] = ()
    """Those of `LAYERS` that were put on."""
    possible: tuple[str, ...] = ()
    """What it could still do, in words; empty if it is confined to its file."""
    problem: str = ""
    """Why nothing is known, if it could not be tried."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The layers that this system does not have."""
        return tuple(layer for layer in LAYERS if layer not in self.layers)

    @property
    def complete(self) -> bool:
        """Whether nothing was found that it could do."""
        return not self.possible and not self.problem


KEPT_BYTES: Final = 64 << 20
"""Address space that a process may keep of earlier files and still be given another, beyond the limit of each. Engineering bound:
twice what malloc keeps."""
SPARE_S: Final = 60
"""Processor seconds of a process beyond the limit on time: half of them may be used by earlier files. Engineering bound."""

_LINUX: Final = sys.platform == "linux"
_libc: Any = ctypes.CDLL(None, use_errno=True) if _LINUX else None

# linux/prctl.h, linux/capability.h
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_SECCOMP_MODE_FILTER: Final = 2
_CAPABILITY_VERSION_3: Final = 0x20080522
_SIGKILL: Final = 9

# linux/landlock.h: how many kinds of access to files each version of the interface knows, and when the others came
_FILE_RIGHTS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6
_BIND_AND_CONNECT_TCP: Final = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 0b11
_CREATE_RULESET, _RESTRICT_SELF = 444, 446  # alike on all architectures
_RULESET_VERSION: Final = 1

# linux/audit.h, and the numbers of system calls by architecture: asm/unistd_64.h, asm-generic/unistd.h
_ARCHITECTURES: Final = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_CALLS: Final = {
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "munmap": (11, 215),
    "brk": (12, 214),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "pread64": (17, 67),
    "writev": (20, 66),
    "sched_yield": (24, 124),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "nanosleep": (35, 101),
    "getpid": (39, 172),
    "exit": (60, 93),
    "gettimeofday": (96, 169),
    "getrusage": (98, 165),
    "sigaltstack": (131, 132),
    "gettid": (186, 178),
    "futex": (202, 98),
    "sched_getaffinity": (204, 123),
    "restart_syscall": (219, 128),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "exit_group": (231, 94),
    "preadv": (295, 69),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "preadv2": (327, 286),
}
_WITHOUT_CODE: Final = {"mmap": (9, 222), "mprotect": (10, 226)}
"""Allowed unless the third argument asks for executable memory."""
_FOR_OTHERS: Final = {"recvmsg": (47, 212)}
_FOR_THREADS: Final = {"set_robust_list": (273, 99), "rseq": (334, 293)}
_CLONE: Final = (56, 220)
"""Allowed, where threads are, if its first argument asks for a thread of this process."""
_CLONE3: Final = (435, 435)
"""Reported as missing: its arguments cannot be inspected, and the C library then uses ``clone``."""
_CLONE_THREAD: Final = 0x10000
_PRLIMIT: Final = (302, 261)
"""Allowed if it only reads: its third argument, the new limits, is null."""

# linux/bpf_common.h, linux/seccomp.h
_LOAD, _JUMP_EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_ALLOW, _KILL, _REFUSE, _NOT_THERE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_PROT_EXEC: Final = 4


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


def confine(limits: Limits, *, threads: bool = False, others: bool = False) -> tuple[str, ...]:
    """Give up everything but reading what is open, computing and answering; return the layers that were put on.

    Processes, programs, files and sockets cannot be had afterwards, and there is no way back.

    Args:
        limits: on memory and time.
        threads: whether threads of this process may be started, which the decoder of HEIC pictures cannot do without. They are
            as confined as the process, and end with it.
        others: whether descriptors of further files may be received, one at a time.
    """
    program = _FILTERS.get((threads, others))
    if not _LINUX:
        return (LIMITS,) if _limit(limits) else ()
    on = []
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        on.append(NO_NEW_PRIVILEGES)
    if _libc.capset(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)) == 0:
        on.append(CAPABILITIES)
    if _landlock():
        on.append(LANDLOCK)
    # After Landlock, which needs a descriptor. Without the filter nothing tells threads from processes, nor receiving a descriptor from
    # opening a file, so none of them is allowed.
    if _limit(limits, threads=threads and program is not None, others=others and program is not None):
        on.append(LIMITS)
    if program is not None and _libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) == 0:
        on.append(SYSTEM_CALLS)
    elif program is not None:
        _limit(limits)
    return tuple(layer for layer in LAYERS if layer in on)


def end_with_parent() -> None:
    """Have this process killed when the thread that forked it ends."""
    if _LINUX:
        _libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)


def _limit(limits: Limits, *, threads: bool = False, others: bool = False) -> bool:
    """Set hard limits; return False if the system refuses one."""
    import resource

    wanted = {
        resource.RLIMIT_AS: limits.memory_bytes + (KEPT_BYTES if others else 0),
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: _lowest_free() + 1 if others else 0,
        resource.RLIMIT_NPROC: 0,
        # The parent's clock is stricter; this one holds if the parent is stopped.
        resource.RLIMIT_CPU: int(limits.time_s) + SPARE_S,
    }
    if threads:
        del wanted[resource.RLIMIT_NPROC]
    done = True
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(kind, (value, value))
        except (OSError, ValueError):
            done = False
    return done


def _lowest_free() -> int:
    """Return the number that the next descriptor gets."""
    number = 0
    with contextlib.suppress(OSError):
        while os.fstat(number):
            number += 1
    return number


def _landlock() -> bool:
    """Handle every kind of access that this kernel knows, and allow none."""
    version = _libc.syscall(_CREATE_RULESET, None, 0, _RULESET_VERSION)
    if version < 1:
        return False
    attributes = struct.pack(
        "=QQQ",
        (1 << _FILE_RIGHTS[min(version, max(_FILE_RIGHTS))]) - 1,
        _BIND_AND_CONNECT_TCP if version >= _NETWORK_SINCE else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _SCOPES_SINCE else 0,
    )
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _NETWORK_SINCE else 8
    ruleset = _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    restricted: bool = _libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0
    _libc.close(ruleset)
    return restricted


def _program(machine: str, threads: bool, others: bool) -> bytes | None:
    """Return the allow-list in the language of the kernel's filters; None for an architecture whose numbers are not known here."""
    if machine not in _ARCHITECTURES or struct.calcsize("P") != 8:
        return None
    audit, column = _ARCHITECTURES[machine]

    def argument(number: int, high: bool = False) -> int:
        return _ARGUMENTS + 8 * number + 4 * high

    def step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_so, if_not, value)

    refuse, allow = step(_RETURN, _REFUSE), step(_RETURN, _ALLOW)
    steps = [step(_LOAD, _ARCHITECTURE), step(_JUMP_EQUAL, audit, 1, 0), step(_RETURN, _KILL), step(_LOAD, _NUMBER)]
    for numbers in _WITHOUT_CODE.values():
        checked = [step(_LOAD, argument(2)), step(_AND, _PROT_EXEC), step(_JUMP_EQUAL, 0, 1, 0), refuse, allow]
        steps += [step(_JUMP_EQUAL, numbers[column], 0, len(checked)), *checked]
    checked = [
        step(_LOAD, argument(2)), step(_JUMP_EQUAL, 0, 1, 0), refuse,
        step(_LOAD, argument(2, high=True)), step(_JUMP_EQUAL, 0, 1, 0), refuse, allow,
    ]  # fmt: skip
    steps += [step(_JUMP_EQUAL, _PRLIMIT[column], 0, len(checked)), *checked]
    if threads:
        checked = [step(_LOAD, argument(0)), step(_AND, _CLONE_THREAD), step(_JUMP_EQUAL, 0, 0, 1), refuse, allow]
        steps += [step(_JUMP_EQUAL, _CLONE[column], 0, len(checked)), *checked]
        steps += [step(_JUMP_EQUAL, _CLONE3[column], 0, 1), step(_RETURN, _NOT_THERE)]
    for numbers in (_CALLS | (_FOR_THREADS if threads else {}) | (_FOR_OTHERS if others else {})).values():
        steps += [step(_JUMP_EQUAL, numbers[column], 0, 1), allow]
    return b"".join([*steps, refuse])


def _filter(threads: bool, others: bool) -> _Filter | None:
    program = _program(platform.machine(), threads, others) if _LINUX else None
    return _Filter(len(program) // 8, program) if program else None


_FILTERS: Final = {allowed: _filter(*allowed) for allowed in ((False, False), (False, True), (True, False))}
"""By whether threads are allowed, and whether descriptors of further files are."""

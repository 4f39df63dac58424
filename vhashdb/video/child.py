"""The decoder process: wait with everything imported, and fork processes that decode files.

The parent starts it with `command`, isolated: with no folder on the import path but Python's own, with the packages at the
very places where the parent has them, few environment variables, and ``/`` as its working directory. Its standard input is a
socket on which it receives requests (see `vhashdb.video.wire`), each with two descriptors: the open file, and the channel to
answer on. It never reads a byte of a file itself. The process it forks confines itself (`vhashdb.video.confinement`), decodes
that file and answers. Further files may come over the channel, `Limits.files_per_process` in all: a file that takes the process
over can corrupt the answers for itself and for those. The parent has the process ended after a file that was not perfectly clean.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.machinery
import json
import mmap
import os
import pkgutil
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any, BinaryIO, Final

from vhashdb import errors
from vhashdb.limits import Limits

_PACKAGES: Final = ("vhashdb", "numpy", "PIL", "av", "pi_heif", "_pi_heif")
_BOOTSTRAP: Final = """
import importlib.util, json, sys
class Places:
    places = json.loads(sys.argv[1])
    def find_spec(self, name, path=None, target=None):
        if path is None and name in self.places:
            file = self.places[name]
            return importlib.util.spec_from_file_location(name, file, submodule_search_locations=[file.rpartition("/")[0]])
sys.meta_path.insert(0, Places())
from vhashdb.video.child import main
sys.exit(main(*sys.argv[2:]))
"""
_KEPT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Environment variables without which some Pythons do not find their own libraries."""
_NOT_OF_AV: Final = ("av.__main__", "av.datasets")
"""PyAV's only modules that have nothing to do with decoding; it imports others when it first meets such a stream."""
_TEXT: Final = tuple(
    f"encodings.{name}"
    for name in (
        "ascii",
        "latin_1",
        "cp1252",
        "utf_8",
        "utf_16",
        "utf_16_le",
        "utf_16_be",
        "utf_32",
    )
)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of ``mallopt``. Given by glibc's malloc.h."""
_GIVEN_BACK_BYTES: Final = 64 << 10
"""Size from which allocations are mapped during the warm-up, so that they are returned to the system. Engineering bound."""
_KEPT_BYTES: Final = 32 << 20
"""Size up to which freed memory is kept while a file is decoded. Given by glibc: the most that it accepts for ``M_MMAP_THRESHOLD``."""
_ONE_THREAD: Final = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Keep libraries to one thread: files are decoded in parallel, and waking threads takes longer than products as small as these."""


# -- the parent's side -----------------------------------------------------------------------------


def command(limits: Limits) -> tuple[list[str], dict[str, str]]:
    """Return the arguments and the environment that start a decoder process."""
    places = {name: file for name in _PACKAGES if (file := _place_of(name))}
    arguments = [sys.executable, "-I", "-S", "-X", "utf8", "-c", _BOOTSTRAP, json.dumps(places), json.dumps(asdict(limits))]
    folders = {name: os.pathsep.join(filter(os.path.isabs, os.environ.get(name, "").split(os.pathsep))) for name in _KEPT}
    return arguments, {**_ONE_THREAD, **{name: value for name, value in folders.items() if value}}


def _place_of(package: str) -> str | None:
    """Return the file of a package: where it was imported from, or is found without searching the working directory."""
    loaded = sys.modules.get(package)
    if loaded is not None:
        return os.path.abspath(loaded.__file__) if loaded.__file__ else None
    here = os.path.realpath(os.curdir)
    folders = [path for path in sys.path if os.path.isabs(path) and os.path.realpath(path) != here]
    spec = importlib.machinery.PathFinder.find_spec(package, folders)
    return spec.origin if spec else None


# -- the process that waits ------------------------------------------------------------------------


def main(limits: str) -> int:
    """Serve requests until the other end of the socket is closed."""
    control = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):  # so that no library can write into the protocol
        os.dup2(nowhere, standard)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    read = _reading(Limits(**json.loads(limits)))
    serve(control, read)
    return 0


def serve(control: socket.socket, work: Callable[[dict[str, Any], int, BinaryIO], None]) -> None:
    """Fork a process for each request, which does ``work`` with request, file and channel; report when and how it ended."""
    from vhashdb.video import wire

    # Collecting garbage would write to objects and so copy the pages that forked processes share. Freeze what exists now.
    gc.collect()
    gc.disable()
    gc.freeze()
    while (request := wire.receive_request(control, 2)) is not None:
        asked, (media, answers) = request
        before = time.process_time()
        alive, hold = os.pipe()
        child = os.fork()
        if not child:
            _own_process(control, alive, partial(work, asked, media), answers)
        for descriptor in (media, answers, hold):
            os.close(descriptor)
        # The child holds the other end, so this one is readable when it has ended. If it closes its end early, it is killed now.
        ready, _, _ = select.select([control.fileno(), alive], [], [])
        told = control.recv(1) if control.fileno() in ready else None
        for kill in (os.killpg, os.kill):  # with whatever it may have started, where confinement did not prevent that
            with contextlib.suppress(OSError):
                kill(child, signal.SIGKILL)
        _, status, used = os.wait4(child, 0)
        os.close(alive)
        # The parent sends one byte when it is done with the process, so that what follows is the next request.
        if not (control.recv(1) if told is None else told):
            return
        cpu_s = time.process_time() - before + used.ru_utime + used.ru_stime
        wire.send_end(control, {"number": asked["number"], "status": status, "cpu_s": cpu_s})


def _own_process(control: socket.socket, alive: int, work: Callable[[BinaryIO], None], answers: int) -> None:
    """Do the work in the forked process and end it, whatever happens."""
    from vhashdb.video.confinement import end_with_parent

    try:
        end_with_parent()
        os.setpgid(0, 0)
        os.close(alive)
        control.close()
        gc.enable()
        work(os.fdopen(answers, "wb"))
    except BaseException:
        os._exit(1)
    os._exit(0)


# -- the process that decodes ----------------------------------------------------------------------


def _reading(limits: Limits) -> Callable[[dict[str, Any], int, BinaryIO], None]:
    """Return how files are decoded, with everything imported that they can need: a confined process cannot open a module."""
    # FFmpeg's messages would go to stderr, which leads nowhere.
    import av.logging

    from vhashdb.video import confinement, probe, source, wire
    from vhashdb.video.frames import Mode, Sampling
    from vhashdb.video.media import DecodeSession
    from vhashdb.video.pictures import prepare
    from vhashdb.video.warming import warm_up

    _set_malloc(_GIVEN_BACK_BYTES, 0)  # memory that the warm-up frees but keeps would count against the limit of every file
    av.logging.set_level(None)
    of_av = (found.name for found in pkgutil.walk_packages(av.__path__, "av."))
    _import_ahead((*_TEXT, *(name for name in of_av if name not in _NOT_OF_AV)))
    prepare()
    with contextlib.suppress(errors.MediaError):  # warming up only saves time
        warm_up(limits)
    _set_malloc(_KEPT_BYTES, _KEPT_BYTES)

    room = limits.memory_bytes - _address_space()

    def decode(request: dict[str, Any], media: int, answers: BinaryIO) -> dict[str, Any]:
        path, asked = request["path"], request["sampling"]
        source.give(path, media, request["size"])  # a confined process cannot ask for it
        hear = partial(wire.send_sound, answers) if request["sound"] else None
        session = DecodeSession(path, Sampling(**{**asked, "mode": Mode(asked["mode"])}), limits, hear)
        for batch in session:
            wire.send(answers, wire.Kind.BATCH, batch.tobytes())
        source.forget(path)
        return session.info.to_json()

    def work(request: dict[str, Any], media: int, answers: BinaryIO) -> None:
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, answers.fileno())
        others = limits.files_per_process > 1 and not request["threads"]
        layers = confinement.confine(limits, threads=request["threads"], others=others)
        if request["probe"]:
            wire.send(answers, wire.Kind.DONE, json.dumps(probe.tried(layers)).encode())
            return
        # Where system calls are not filtered, a file could do more to the next than lie about it.
        waits, told_s = others and confinement.SYSTEM_CALLS in layers, 0.0
        try:
            while True:
                info = decode(request, media, answers)
                used_s = time.process_time()
                waits = waits and used_s < confinement.SPARE_S / 2 and _can_map(room)
                done = {"info": info, "cpu_s": used_s - told_s, "waits": waits}
                wire.send(answers, wire.Kind.DONE, json.dumps(done).encode())
                os.close(media)  # there may be one at a time
                following = wire.receive_request(channel, 1) if waits else None
                if following is None:
                    return
                told_s, (request, (media,)) = used_s, following
        except Exception as error:
            failed = {"error": type(error).__name__, "message": str(error)[: wire.MAX_MESSAGE], "hint": getattr(error, "hint", "")}
            wire.send(answers, wire.Kind.FAILED, json.dumps(failed).encode())

    return work


def _address_space() -> int:
    """Return the bytes of this process's address space; 0 where that cannot be read, so that no process decodes a second file."""
    with contextlib.suppress(OSError), open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * mmap.PAGESIZE
    return 0


def _can_map(size: int) -> bool:
    """Say whether so much memory could be had: as much as in a process that has decoded nothing."""
    with contextlib.suppress(OSError, ValueError), mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0):
        return True
    return False


def _set_malloc(mapped: int, kept: int) -> None:
    """Have glibc map allocations from ``mapped`` bytes separately, and keep up to ``kept`` bytes of what is freed, from now on.

    By default it adapts to large allocations as they are freed, and each process is new to it. Unless it keeps them, every
    picture is returned to the system and mapped again: three times the page faults.
    """
    libc = ctypes.CDLL(None)
    mallopt, trim = getattr(libc, "mallopt", None), getattr(libc, "malloc_trim", None)
    if mallopt is not None and trim is not None:
        trim(0)
        mallopt(_TRIM_THRESHOLD, kept)
        mallopt(_MMAP_THRESHOLD, mapped)


def _import_ahead(modules: Iterable[str]) -> None:
    """Import modules that would otherwise be imported during decoding, as far as they are there."""
    for module in modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)

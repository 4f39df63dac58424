"""The decoder process: reads requests from standard input, answers on standard output, touches nothing else.

Started as ``python -m vhashdb.video.child LIMITS`` where LIMITS is a JSON object of `vhashdb.Limits`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from typing import BinaryIO

from vhashdb.limits import Limits


def main() -> int:
    """Serve requests until standard input ends."""
    limits = Limits(**json.loads(sys.argv[1]))
    requests, answers = _private_pipes()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # After the pipes are safe: FFmpeg prints to stderr, which now leads nowhere.
    import av.logging

    from vhashdb.video import wire
    from vhashdb.video.frames import Mode, Sampling
    from vhashdb.video.media import MediaReading

    av.logging.set_level(None)
    _confine(limits)
    for line in requests:
        request = json.loads(line)
        started = time.process_time()
        try:
            path = request.pop("path")
            reading = MediaReading(path, Sampling(**{**request, "mode": Mode(request["mode"])}), limits)
            for batch in reading:
                wire.send(answers, wire.Kind.BATCH, batch.tobytes())
            done = {"info": reading.info.to_json(), "cpu_s": time.process_time() - started}
            wire.send(answers, wire.Kind.DONE, json.dumps(done).encode())
        except Exception as error:  # whatever it is, it concerns this file only
            failed = {
                "error": type(error).__name__,
                "message": str(error)[:1000],
                "hint": getattr(error, "hint", ""),
                "cpu_s": time.process_time() - started,
            }
            wire.send(answers, wire.Kind.FAILED, json.dumps(failed).encode())
    return 0


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take over the two pipes, and lead the standard streams nowhere, so that no library can write into the protocol."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    return requests, answers


def _confine(limits: Limits) -> None:
    """Give up what a decoder does not need. Where the platform has no such limits, the parent's clock remains."""
    try:
        import resource
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: 0,  # no file can grow
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    sys.exit(main())

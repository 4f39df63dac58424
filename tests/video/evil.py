"""A decoder whose files are programs: what could be run if FFmpeg were taken over, under the real confinement.

Each process for a file confines itself as `vhashdb.video.child` does, and then executes the file it was given as Python.
The program finds ``answers`` and ``channel``, which lead to the parent, ``report``, which answers with an object, and some modules.
"""

import contextlib
import json
import sys
import textwrap
from dataclasses import asdict

from tests.conftest import ROOT
from vhashdb.limits import Limits
from vhashdb.video import Decoder, Mode, Sampling

SERVER = """
import ctypes, json, os, resource, signal, socket, struct, sys, threading, time
sys.path.insert(0, sys.argv[1])
import numpy as np
from vhashdb.limits import Limits
from vhashdb.video import confinement, wire
from vhashdb.video.child import serve
from vhashdb.video.frames import FRAME_DTYPE, VideoInfo

LIMITS = Limits(**json.loads(sys.argv[2]))
LIBC = ctypes.CDLL(None, use_errno=True)


def frames(count=1, **columns):
    batch = np.zeros(count, FRAME_DTYPE)
    batch["time_s"] = np.arange(count)
    batch["height"] = batch["width"] = 100
    for name, value in columns.items():
        batch[name] = value
    return batch.tobytes()


def work(request, media, answers):
    size = os.fstat(media).st_size
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, answers.fileno())
    layers = confinement.confine(LIMITS, others=True)
    program = os.pread(media, size, 0).decode()

    def report(**facts):
        good = VideoInfo(width=1, height=1, codec="x", duration_s=1.0, frames=1).to_json()
        wire.send(answers, wire.Kind.BATCH, frames())
        wire.send(answers, wire.Kind.DONE, json.dumps({"info": good | {"damage": [json.dumps(facts)]}}).encode())

    exec(program, globals() | {"media": media, "answers": answers, "channel": channel, "report": report, "layers": layers})


serve(socket.socket(fileno=0), work)
"""


def command(limits):
    """What starts such a decoder."""
    return [sys.executable, "-c", SERVER, str(ROOT), json.dumps(asdict(limits))]


def decoder(limits=None):
    """A decoder that runs the files it is given."""
    limits = limits or Limits()
    return Decoder(limits, _command=command(limits))


def run(evil, folder, program, hear=None):
    """Have a program run in the place of a decoder; the stream that was read to its end, or the error."""
    path = folder / "evil.mp4"
    path.write_text(textwrap.dedent(program))
    stream = evil.read(path, Sampling(Mode.FULL), hear)
    with contextlib.closing(iter(stream)) as batches:
        for _ in batches:
            pass
    return stream


def reported(evil, folder, program):
    """What a program reported."""
    return json.loads(run(evil, folder, program).info.damage[0])

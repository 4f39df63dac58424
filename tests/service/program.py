"""The service as a program of its own, which can be stopped and killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys

import httpx

from tests.service.serving import eventually

PROGRAM = [sys.executable, "-c", "from vhashdb_cli.main import run; run()"]


class Program:
    """`vhashdb serve`, once it is ready; without keys unless they are wanted."""

    def __init__(self, folder, *options, log, before=(), environment=None, keys=False):
        self.folder, self.log = folder, log
        some = () if keys else ("--no-keys",)
        command = [*before, *PROGRAM, "serve", "--db", folder, "--port", "0", *some, "--cache", "off", *options]
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=subprocess.DEVNULL, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True,
                env=os.environ | (environment or {}),
            )  # fmt: skip
        self.address = eventually(self._address, bool, seconds=300)
        eventually(self._is_ready, bool, seconds=300)

    def client(self, secret=""):
        named = {"X-API-KEY": secret} if secret else {}
        return httpx.Client(base_url=self.address, timeout=120, trust_env=False, headers=named)

    def uploads(self):
        return sorted(file.name for file in (self.folder / "uploads").iterdir())

    def kill(self):
        """End it without a word; what it started ends by itself."""
        started = descendants(self.process.pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        eventually(lambda: [one for one in started if alive(one)], lambda left: not left)

    def _address(self):
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"http://\S+:\d+", self.log.read_text())
        return found and found[0]

    def _is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.address}/readyz", trust_env=False, timeout=60).status_code == 200


def descendants(process):
    """Ids of what a process started, and of what that started."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/stat") as file:
            children.setdefault(int(file.read().rpartition(")")[2].split()[1]), []).append(int(entry))
    found, new = [], [process]
    while new:
        new = [child for parent in new for child in children.get(parent, ())]
        found += new
    return found


def alive(process):
    """Whether a process is there, and no zombie."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
    return False


@contextlib.contextmanager
def program(folder, *options, log_at=None, **more):
    """Gives the service as a program, and kills it in the end if it is still there."""
    running = Program(folder, *options, log=(log_at or folder.parent) / "serve.log", **more)
    try:
        yield running
    finally:
        running.kill()

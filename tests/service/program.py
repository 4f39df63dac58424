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
    """`vhashdb serve --no-keys`, once it is ready."""

    def __init__(self, folder, *options, log, before=(), environment=None):
        self.folder, self.log = folder, log
        command = [*before, *PROGRAM, "serve", "--db", folder, "--port", "0", "--no-keys", "--cache", "off", *options]
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                list(map(str, command)), stdout=subprocess.DEVNULL, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True,
                env=os.environ | (environment or {}),
            )  # fmt: skip
        self.address = eventually(self._address, bool)
        eventually(self._is_ready, bool)

    def client(self):
        return httpx.Client(base_url=self.address, timeout=120, trust_env=False)

    def uploads(self):
        return sorted(file.name for file in (self.folder / "uploads").iterdir())

    def kill(self):
        """End it and all it started at once, as a machine does that loses its power."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _address(self):
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"http://\S+:\d+", self.log.read_text())
        return found and found[0]

    def _is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{self.address}/readyz", trust_env=False, timeout=60).status_code == 200


@contextlib.contextmanager
def program(folder, *options, log_at=None, **more):
    """Gives the service as a program, and kills it in the end if it is still there."""
    running = Program(folder, *options, log=(log_at or folder.parent) / "serve.log", **more)
    try:
        yield running
    finally:
        running.kill()

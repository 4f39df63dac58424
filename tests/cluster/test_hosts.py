"""Three hosts in network namespaces, one of which is unplugged and plugged in again; see `bench.hosts`, which does it."""

import os
import secrets
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.ray import WANTED


@pytest.fixture
def namespaces():
    """Skips the test where no network namespace can be made."""
    if not os.environ.get(WANTED):
        pytest.skip(f"set {WANTED}=1 to run it on Ray")
    if shutil.which("ip") is None:
        pytest.skip("ip is not installed: Debian's package is called iproute2")
    name = f"vh{secrets.token_hex(2)}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"network namespaces are not permitted here: {made.stderr.strip()}")
    subprocess.run(["ip", "netns", "delete", name], check=True)


def test_no_known_video_is_missed_in_silence_while_a_host_is_unplugged_and_plugged_in_again(namespaces):
    command = [sys.executable, "-m", "bench.hosts", "--quick", "--seconds", "2"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(raylet)" not in done.stdout  # nothing that Ray says is among the answers
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines() if line.startswith("| ")]
    head = rows.pop(0)
    seen = {(row[0], row[1]): dict(zip(head[2:], row[2:], strict=True)) for row in rows}
    assert {each["wrong"] for each in seen.values()} == {"0"}
    for who in ("whole", "some"):
        assert int(seen["two replicas each: plugged in again", who]["right"]) > 0
    assert int(seen["one replica each: a host unplugged", "whole"]["refused"]) > 0
    assert int(seen["one replica each: a host unplugged", "some"]["incomplete"]) > 0

"""The verbs of the cluster as people type them, each a program of its own, against a small cluster of Ray."""

import os
import subprocess

import pytest

from tests.cli.driver import PROGRAM

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray has many of its own


@pytest.fixture
def typed(spread):
    """Runs a command in the folder of the test; the cluster is named by the environment."""

    def run(*words, code=0, **variables):
        environment = os.environ | {
            "VHASHDB_CLUSTER": spread.address, "VHASHDB_DB": str(spread.place), "VHASHDB_INDEX": str(spread.folder / "here"),
            "VHASHDB_CACHE": "off", "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        done = subprocess.run([*PROGRAM, *map(str, words)], env=environment | variables, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        return done

    return run


def test_shards_are_started_asked_divided_and_stopped_by_commands(spread, typed, samples):
    assert "no shard of this database runs" in typed("cluster", "status").stderr
    started = typed("cluster", "start", "--shards", 2, "--replicas", 1, "--cpus", 0.05)
    assert started.stdout == "generation 1 answers in 2 shards\n"
    assert "generation 1: 2 of 2 shards answer" in started.stderr
    typed("add", samples / "known", "--label", "sample")
    found = typed("match", samples / "edited" / "harbour__insert.mp4", code=10)
    assert "  MATCH  1.00  " in found.stdout
    assert "INFO" not in found.stderr
    assert "database" in typed("info").stdout
    assert not list((spread.folder / "here").rglob("current.json"))  # no index is kept where it is asked
    typed("cluster", "reshard", "--shards", 3, "--replicas", 1, "--cpus", 0.05)
    status = typed("cluster", "status").stdout.splitlines()
    assert [line.split("  ")[:3] for line in status] == [["generation 2", f"shard {n} of 3", "READY"] for n in (1, 2, 3)]
    typed("match", samples / "edited" / "harbour__insert.mp4", code=10)
    typed("cluster", "stop")
    stopped = typed("match", samples / "edited" / "harbour__insert.mp4", code=4)
    assert "no shard of the index runs in the cluster" in stopped.stderr
    assert "vhashdb cluster start" in stopped.stderr
    other = {"RAY_AUTH_TOKEN": "0" * 64, "RAY_gcs_server_port_wait_time_s": "3"}  # Ray tries a token that is refused for so long
    refused = typed("match", samples / "edited" / "harbour__insert.mp4", code=2, **other)
    assert "that can be joined" in refused.stderr

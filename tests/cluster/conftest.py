"""An object store and a Ray cluster of the tests' own, on this machine alone."""

import os
import secrets
import subprocess
import sys

import pytest

from tests.ray import ENVIRONMENT

_STORE = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


def _served(program, environment):
    """Start a program that prints one line when it is ready, and ends when its standard input does."""
    process = subprocess.Popen(
        [sys.executable, *program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    return process, process.stdout.readline().strip()


def _end(process):
    process.stdin.close()
    process.stdout.close()
    process.wait()


@pytest.fixture(scope="session")
def object_store():
    """The address of an S3 server."""
    pytest.importorskip("moto", reason="moto[server] is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    process, port = _served(["-c", _STORE], dict(os.environ))
    yield f"http://127.0.0.1:{port}"
    _end(process)


def _of_store(address):
    return {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture
def bucket(object_store, monkeypatch):
    """A client of S3 and the name of a new bucket."""
    import boto3

    for name, value in _of_store(object_store).items():
        monkeypatch.setenv(name, value)
    client, name = boto3.client("s3"), f"bucket-{secrets.token_hex(4)}"
    client.create_bucket(Bucket=name)
    yield client, name
    client.close()


@pytest.fixture(scope="module")  # beside the one of shards, which has another token, it could not be
def ray_with_bucket(object_store, tmp_path_factory):
    """The address of a cluster with two processors, the environment of whoever uses it, and the folder of its temporary files."""
    pytest.importorskip("ray", reason="Ray is not installed")
    temporary = tmp_path_factory.mktemp("of_ray")
    own = ENVIRONMENT | {"RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VHASHDB_")} | own | _of_store(object_store)
    process, address = _served(["-m", "tests.ray", "2"], environment | {"TMPDIR": str(temporary)})
    assert address, "Ray did not start"
    yield address, own, temporary
    _end(process)

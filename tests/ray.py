"""A small cluster of Ray of the tests' own, on this machine alone, and databases whose index is spread in it.

    python -m tests.ray PROCESSORS

runs one, says its address, and ends with its standard input: for who must not share a process with it.
"""

import contextlib
import importlib.util
import os
import secrets
import sys
import tempfile

import pytest

import vhashdb
from tests.cluster.searching import Books

WANTED = "VHASHDB_TEST_RAY"
"""Environment variable: run tests on Ray. With ``required``, as `make test-cluster` has it, they fail without."""
SECRET = secrets.token_hex(32)
ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_DEDUP_LOGS": "0",
    "RAY_memory_monitor_refresh_ms": "0",  # it ends processes where others use up a container's memory
    # A machine that is slow because it is loaded is not a dead one.
    "RAY_gcs_server_port_wait_time_s": "180", "RAY_worker_register_timeout_seconds": "300", "RAY_health_check_failure_threshold": "60",
}  # fmt: skip
"""What is set where Ray starts."""
TRIES = 3
"""How often it is started where starting takes longer than Ray itself is ready to wait, which cannot be set."""


def started(processors, folder=None):
    """Start Ray in this process with little of everything; return the address of the cluster."""
    import ray

    for attempt in range(1, TRIES + 1):
        try:
            ray.init(
                num_cpus=processors, object_store_memory=100 << 20, include_dashboard=False, namespace="vhashdb", log_to_driver=False,
                configure_logging=False, _node_ip_address="127.0.0.1", _temp_dir=folder,
            )  # fmt: skip
        except Exception:
            ray.shutdown()
            if attempt == TRIES:
                raise
        else:
            break
    return ray.get_runtime_context().gcs_address


@contextlib.contextmanager
def running():
    """Start Ray, and end it."""
    if not os.environ.get(WANTED):
        pytest.skip(f"set {WANTED}=1 to run it on Ray")
    if importlib.util.find_spec("ray") is None:
        (pytest.fail if os.environ[WANTED] == "required" else pytest.skip)("Ray is not installed: vhashdb[cluster]")
    os.environ |= ENVIRONMENT | {"RAY_AUTH_TOKEN": SECRET}
    import ray

    with tempfile.TemporaryDirectory(prefix="vhashdb-ray-", ignore_cleanup_errors=True) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("VHASHDB_INDEX", f"{folder}/index")  # of replicas that are not told where, which inherit it
        try:
            yield started(2, folder)
        finally:
            with contextlib.suppress(Exception):
                ray.serve.shutdown()
            ray.shutdown()


@pytest.fixture(scope="session")
def ray_cluster():
    """The address of a cluster of the tests' own."""
    with running() as address:
        yield address


class Spread:
    """An empty database whose index is to be spread, and what runs of it."""

    def __init__(self, address, folder, request):
        from vhashdb.cluster import Deployment, Layout

        self.address, self.folder = address, folder
        server = request.getfixturevalue("postgres") if os.environ.get("VHASHDB_TEST_POSTGRES") else None
        self.place = server.url() if server is not None else str(folder / "own.vhdb")
        vhashdb.create(self.place, local=folder).close()
        self.deployment, self._layout = Deployment(address, self.place), Layout

    def layout(self, shards, replicas=1):
        return self._layout(shards, replicas, cpus=0.05, local=str(self.folder / "shards"))

    @contextlib.contextmanager
    def opened(self, **options):
        from vhashdb.cluster import connect

        with vhashdb.open(self.place, local=self.folder, searcher=connect(self.address, **options)) as db:
            yield Books(db)


@pytest.fixture
def spread(ray_cluster, tmp_path, request):
    """An empty database in the cluster, of which nothing runs yet."""
    made = Spread(ray_cluster, tmp_path, request)
    yield made
    made.deployment.stop()


if __name__ == "__main__":
    print(started(int(sys.argv[1])), flush=True)
    sys.stdin.read()

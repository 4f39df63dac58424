"""A small cluster of Ray of the tests' own, on this machine alone, and databases whose index is spread in it."""

import contextlib
import importlib.util
import os
import secrets
import tempfile

import pytest

import vhashdb
from tests.cluster.searching import Books

WANTED = "VHASHDB_TEST_RAY"
"""Environment variable: run tests on Ray. With ``required``, as `make test-cluster` has it where Ray is installed, they fail without."""
SECRET = secrets.token_hex(32)


@contextlib.contextmanager
def running():
    """Start Ray with little of everything, and end it."""
    if not os.environ.get(WANTED):
        pytest.skip(f"set {WANTED}=1 to run it on Ray")
    if importlib.util.find_spec("ray") is None:
        (pytest.fail if os.environ[WANTED] == "required" else pytest.skip)("Ray is not installed: vhashdb[cluster]")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": SECRET, "RAY_DEDUP_LOGS": "0"}
    import ray

    with tempfile.TemporaryDirectory(prefix="vhashdb-ray-", ignore_cleanup_errors=True) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("VHASHDB_INDEX", f"{folder}/index")  # of replicas that are not told where, which inherit it
        ray.init(
            num_cpus=2, object_store_memory=100 << 20, include_dashboard=False, namespace="vhashdb", log_to_driver=False,
            configure_logging=False, _node_ip_address="127.0.0.1", _temp_dir=folder,
        )  # fmt: skip
        try:
            yield ray.get_runtime_context().gcs_address
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

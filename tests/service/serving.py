"""A service that really listens, in a thread of the test, and a client that speaks HTTP to it."""

import contextlib
import functools
import socket
import threading
import time
from dataclasses import replace

import httpx
import uvicorn

import vhashdb
from tests.service.published import Published
from vhashdb.service import Listening, ServiceSettings
from vhashdb.service.server import server_config
from vhashdb.store import ApiKeys, Scope


@contextlib.contextmanager
def served(settings):
    """Give the address at which a database is served meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(128)
        server = uvicorn.Server(server_config(settings, Listening()))
        ready = threading.Event()
        started = server.startup

        async def startup(*arguments, **more):
            await started(*arguments, **more)
            ready.set()

        server.startup = startup

        def run():
            try:
                server.run(sockets=[bound])
            finally:
                ready.set()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            assert ready.wait(60)
            assert server.started
            yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


class Served:
    """One service with keys for each scope."""

    def __init__(self, folder, address, keys):
        self.folder, self.address, self.keys = folder, address, keys

    @functools.cached_property
    def published(self):
        return Published(self.address)

    def client(self, *scopes, secret="", name="", **headers):
        """A client with the key that has these scopes, this secret or this name; none: without a key.

        Each answer that it gets is held against the published description.
        """
        secret = secret or (self.keys[name or scopes] if name or scopes else "")
        named = {"X-API-KEY": secret} if secret else {}
        hooks = {"response": [self.published.check]}
        return httpx.Client(base_url=self.address, headers=named | headers, timeout=120, trust_env=False, event_hooks=hooks)


def eventually(ask, good, seconds=60):
    """What a question says once it is as it should be."""
    until = time.monotonic() + seconds
    while not good(said := ask()):
        assert time.monotonic() < until, said
        time.sleep(0.02)
    return said


ALL = (Scope.ASK, Scope.RECORD, Scope.DECIDE, Scope.ADMINISTER)


@contextlib.contextmanager
def service_with_keys(folder, **changes):
    """Serve the database in a folder, and make keys for it."""
    with vhashdb.open(folder) as db:
        keys = ApiKeys(db.store)
        kinds = [(scope,) for scope in ALL] + [ALL]
        made = {kind: keys.add("+".join(kind), kind)[1] for kind in kinds}
        made["second person"] = keys.add("second person", [Scope.ASK, Scope.DECIDE])[1]
    # Processes for lookups take a second each to start: only who wants them has them.
    with served(replace(ServiceSettings(folder, lookup_processes=0), **changes)) as address:
        yield Served(folder, address, made)

"""Real feeds on disk, served over real HTTP, and the hands of an attacker."""

import contextlib
import datetime
import http.server
import shutil
import threading
from pathlib import Path

from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Metadata, MetaFile

from vhashdb.exchange import events as e
from vhashdb.exchange.client import FeedClient
from vhashdb.exchange.keys import Keyring, make_key
from vhashdb.exchange.position import Course, course
from vhashdb.exchange.publisher import Publisher
from vhashdb.exchange.state import FeedState, replay

PASSPHRASE = "correct horse battery staple"
NOW = datetime.datetime(2026, 11, 25, 16, tzinfo=datetime.UTC)


def passphrase(path):
    return PASSPHRASE


def rid(number):
    return f"{number:032x}"


def put(number, rev=1, **more):
    return e.Put(rid(number), rev, (e.Signal("md5", f"{number:032x}", 128),), at=NOW, **more)


def retract(number, rev=2, erase=False):
    return e.Retract(rid(number), rev, "error", erase, NOW)


class Feed:
    """A publisher with its keys, and ways to look at and to falsify what it published."""

    def __init__(self, place: Path, feed_id="acme-tvec", thresholds=None, keys=None, **options):
        self.folder, self.keys_folder = place / feed_id, place / f"{feed_id}.keys"
        self.made = {
            role: [make_key(self.keys_folder, role, passphrase) for _ in range((keys or {}).get(role, 1))]
            for role in ("root", "targets", "online")
        }
        self.options = options
        self.publisher.init(feed_id, {role: [f.public for f in made] for role, made in self.made.items()}, thresholds or {})
        self.first_root = (self.metadata / "1.root.json").read_bytes()

    @property
    def publisher(self):
        return Publisher(self.folder, self.keyring, **self.options)

    @property
    def keyring(self):
        return Keyring.load([self.keys_folder], passphrase)

    @property
    def metadata(self):
        return self.folder / "metadata"

    @property
    def targets(self):
        return self.folder / "targets"

    def publish(self, *events, **more):
        return self.publisher.publish(events, **more)

    def new_key(self, role):
        return make_key(self.keys_folder, role, passphrase)

    def read(self, name):
        return Metadata.from_file(str(self.metadata / f"{name}.json"))

    def current(self):
        """Names of the current snapshot's and targets' files, without `.json`."""
        snapshot = self.read("timestamp").signed.snapshot_meta.version
        targets = self.read(f"{snapshot}.snapshot").signed.meta["targets.json"].version
        return f"{snapshot}.snapshot", f"{targets}.targets"

    def forge(
        self, change=lambda targets: None, *, timestamp=lambda timestamp: None, targets_keys=None, online_keys=None, sign_targets=True
    ):
        """What a thief of keys can do: change the current targets and the timestamp, and sign both.

        A role's list of key files says which keys were stolen; None is all of them.
        """
        snapshot_name, targets_name = self.current()
        targets = self.read(targets_name)
        change(targets.signed)
        if sign_targets:
            targets.signed.version += 1
            self._sign(targets, self.made["targets"] if targets_keys is None else targets_keys)
        online = self.made["online"] if online_keys is None else online_keys
        version = targets.signed.version
        self._put(targets, f"{version}.targets")
        snapshot = self.read(snapshot_name)
        snapshot.signed.version += 1
        snapshot.signed.meta["targets.json"] = self._meta(f"{version}.targets", version)
        self._sign(snapshot, online)
        self._put(snapshot, f"{snapshot.signed.version}.snapshot")
        stamp = self.read("timestamp")
        stamp.signed.version += 1
        stamp.signed.snapshot_meta = self._meta(f"{snapshot.signed.version}.snapshot", snapshot.signed.version)
        timestamp(stamp.signed)
        self._sign(stamp, online)
        self._put(stamp, "timestamp")

    def _sign(self, metadata, key_files):
        metadata.signatures.clear()
        for file in key_files:
            metadata.sign(file.unlock(passphrase), append=True)

    def _put(self, metadata, name):
        (self.metadata / f"{name}.json").write_bytes(metadata.to_bytes())

    def _meta(self, name, version):
        return MetaFile.from_data(version, (self.metadata / f"{name}.json").read_bytes(), ["sha256"])

    def copy(self, place):
        """The feed as it is now, as a mirror keeps it."""
        shutil.copytree(self.folder, place)
        return place

    def become(self, place):
        """Another state of the same feed takes the place of this one."""
        shutil.rmtree(self.folder)
        shutil.copytree(place, self.folder)


class Consumer:
    """A member that follows a feed: staging, promotion, position, as a database would do it."""

    def __init__(self, place, root, folder, limits=None, **options):
        self.client = FeedClient(place, root, folder, limits, **options)
        self.state, self.position = FeedState(), None
        self.content = {}
        self.applied = 0

    def sync(self):
        head = self.client.refresh()
        step = course(self.position, head.position)
        if step is Course.UNCHANGED:
            return head
        fetch = self.client.fetch() if step is Course.ANEW else self.client.fetch(self.position.seq, self.position.chain)
        staged = list(fetch)
        if fetch.replaces:
            self.state, self.content = FeedState(), {}
        self.state = replay(staged, self.state)
        self.content |= {seq: event for seq, _, event in staged}
        self.content = {seq: self.content[seq] for seq in self.state.counting()}
        self.position = head.position
        self.applied += len(staged)
        return head

    @property
    def rids(self):
        """Records that match."""
        return {int(rid, 16) for rid, said in self.state.records.items() if not said.retracted}

    def said_of(self, rid):
        """What was last said of a record, in full."""
        return self.content[self.state.records[rid].seq]


class Handler(http.server.BaseHTTPRequestHandler):
    """A plain file server that knows ranges, and can be told to misbehave."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.asked.append((self.path, self.headers.get("Range")))
        server.headers_seen.append(dict(self.headers))
        for part, misbehave in server.tricks.items():
            if part in self.path:
                misbehave(self)
                return
        path = server.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        self.answer(path.read_bytes())

    def answer(self, data, cut=None):
        asked = self.headers.get("Range") if self.server.ranges else None
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start and start >= len(data):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : start + cut] if cut is not None else data[start:])
        if cut is not None:
            self.close_connection = True

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def served(folder):
    """The folder, over HTTP on the loopback interface."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.folder, server.asked, server.tricks, server.ranges, server.headers_seen = folder, [], {}, True, []
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def alias(key, keyid):
    """The same key under another id."""
    return SSlibKey(keyid, key.keytype, key.scheme, dict(key.keyval))

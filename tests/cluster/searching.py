"""What conforms to `Searcher`, beside a plain list: the index of this process, shards in this process, shards on Ray."""

import contextlib
from dataclasses import replace
from pathlib import Path

import vhashdb
from tests.footage import fingerprint_of, random_hashes
from tests.index.plain import landmarks
from vhashdb.cluster.shard import IndexShard
from vhashdb.cluster.sharded import Answers, ShardedSearcher
from vhashdb.sound import SoundFingerprint
from vhashdb.store import Details
from vhashdb.store.changes import Share


class Here:
    """Shards in this process, some of which may be taken away."""

    def __init__(self, place, count, folder):
        self.count, self.gone = count, set()
        self.shards = [IndexShard(str(place), Share(number, count), folder, follow_s=None) for number in range(count)]

    def ask(self, what, *arguments):
        told = {n: getattr(shard, what)(*arguments) for n, shard in enumerate(self.shards) if n not in self.gone}
        change = min((change for change, _ in told.values()), default=0)
        return Answers(change, tuple(values for _, values in told.values()), tuple(sorted(self.gone)), self.count, "it was taken away")

    def close(self):
        for shard in self.shards:
            shard.close()


class Books:
    """A database, and beside it a plain list of what can be found: of each record, by number, its hashes and its landmarks."""

    def __init__(self, database):
        self.db, self.ids, self.hashes, self.landmarks = database, {}, {}, {}

    def add(self, seed, *, sound=True, label=None):
        """Add a record of which nothing is like any other."""
        hashes, heard = random_hashes(seed, 15), landmarks(seed, 50)
        shown = fingerprint_of(hashes)
        if sound:
            shown = replace(shown, sound=SoundFingerprint(heard, 3600.0))
        ((addition),) = self.db.add_many([(shown, Details(labels=(label or f"label-{seed % 2}",)))])
        number = self.db.store.number(addition.record.id)
        self.ids[number], self.hashes[number] = addition.record.id, hashes
        if sound:
            self.landmarks[number] = heard
        return number

    def retract(self, number):
        self.db.retract(self.ids[number], reason="test")
        self.hashes.pop(number)
        self.landmarks.pop(number, None)

    @property
    def change(self):
        return self.db.store.changes.last()


@contextlib.contextmanager
def embedded(folder, place):
    with vhashdb.open(place) as db:
        yield Books(db)


@contextlib.contextmanager
def in_shards(folder, place, count=3, **options):
    made = []

    def searcher(store):
        made.append(Here(place, count, folder / "shards"))
        return ShardedSearcher(made[0], store, **options)

    try:
        with vhashdb.open(place, searcher=searcher) as db:
            books = Books(db)
            books.shards = made[0]
            yield books
    finally:
        for each in made:
            each.close()


def new_place(folder: Path):
    """An empty database in a folder, of which the tests on PostgreSQL keep the records there."""
    vhashdb.create(folder / "own.vhdb").close()
    return folder / "own.vhdb"

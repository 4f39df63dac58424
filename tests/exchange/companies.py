"""Member companies: each a database of its own, with a feed of its own if it publishes."""

import dataclasses
import shutil

import numpy as np

import vhashdb
from tests.footage import fingerprint_of
from vhashdb.exchange.pending_events import put as as_put
from vhashdb.store import Details

from .feeds import NOW, Feed


def pictures(seed, count=24):
    """Hashes that no other seed has, each with half of its bits set, as PDQ's have."""
    rng = np.random.default_rng(seed)
    bits = np.zeros((count, 256), np.uint8)
    for row in bits:
        row[rng.choice(256, 128, replace=False)] = 1
    return np.packbits(bits, axis=1)


def film(seed, count=24):
    """The fingerprint of a film that nobody else has."""
    return fingerprint_of(pictures(seed, count))


class Company:
    """What the people of one member company do."""

    def __init__(self, place, name, *, like=None, **chosen):
        """With a new database, or a copy of the one of a company that has closed it."""
        self.name, self.path, self.place = name, place / f"{name}.vhdb", place
        self.db = vhashdb.open(shutil.copytree(like.path, self.path)) if like else vhashdb.create(self.path, **chosen)
        self.feed = None

    @property
    def exchange(self):
        return self.db.exchange

    @property
    def moderation(self):
        return self.db.moderation

    def close(self):
        self.db.close()

    def reopen(self):
        self.db.close()
        self.db = vhashdb.open(self.path)

    # -- giving

    def begins_to_publish(self, **options):
        self.feed = Feed(self.place, f"{self.name}-feed", **options)
        self.exchange.publishes(f"{self.name}-feed", member=self.name)
        return self.feed

    def adds(self, seed, **details):
        """A record of a film of one's own; its id."""
        details = {"review_method": "human", "reviewers": 1, "max_action": "block"} | details
        return self.db.add(film(seed), labels=["tvec"], details=Details(**details)).id

    def publishes(self):
        """Everything that the feed does not say yet; how many events."""
        before = self.feed.publisher.listing().seq
        return self.feed.publisher.publish(self.exchange.pending_events(self.feed.publisher.entries())).seq - before

    def put(self, identifier, **more):
        """A record of one's own as an event, for feeds that are written by hand."""
        (event,) = as_put(self.db.get(identifier), self.db.fingerprint(identifier), NOW)
        return dataclasses.replace(event, **more)

    # -- taking

    def trusts(self, other, url=None, **more):
        return self.exchange.trust(str(url or other.feed.folder), other.feed.first_root, member=other.name, **({"level": "block"} | more))

    def syncs(self, *feeds, **more):
        return {done.feed: done for done in self.exchange.sync(feeds, **more)}

    def asks(self, seed):
        """What a question about a film finds: (state, action) by the source of the record."""
        found = self.db.match(film(seed)).matches
        return {match.record.details.source: match for match in found}

    def allowed(self, seed):
        """What may happen to the film: the action by source."""
        return {source: str(match.action_cap.action) for source, match in self.asks(seed).items()}

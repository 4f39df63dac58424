"""The reader, the writer and the checker of one index, as tests use them: all at once, and the same for hashes and for landmarks.

Each of `KINDS` says how its records are made and what an index is to answer, by a plain list.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.footage import fingerprint_of, random_hashes
from tests.index.plain import landmarks, looked_up, near, pairs, scan, triples
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.index import planning
from vhashdb.index.kinds import FrameHashes, Landmarks
from vhashdb.live_index import FrameReader, IndexWriter, LandmarkReader, check_index
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.retrieval import retrieve
from vhashdb.sound import SoundFingerprint

PDQ = AlgorithmId("pdq", 256, 1)


class Whole:
    """What a reader lacks: the writer of the same index, and its checker."""

    def maintain(self, *, wait=False):
        self.writer.maintain()
        if wait:
            self.writer.wait()

    def check(self, sample):
        return check_index(self, sample)


class Live(Whole, FrameReader):
    """All of the index of hashes."""

    def __init__(self, path, store):
        super().__init__(Path(path), store, store.algorithm)
        self.writer = IndexWriter(self)


class LiveSound(Whole, LandmarkReader):
    """All of the index of landmarks."""

    def __init__(self, path, store):
        super().__init__(Path(path), store)
        self.writer = IndexWriter(self)


class Near:
    """A reader as `retrieve` asks it."""

    def __init__(self, live):
        self.search = live.near


class Frames:
    """Records by their hashes."""

    index_kind = FrameHashes(PDQ)
    other_version = "pdq-256/2"
    live = Live
    changes = "since"
    values = staticmethod(random_hashes)
    fingerprint = staticmethod(fingerprint_of)

    @staticmethod
    def varied(seed, count, turn):
        """Values some of which are near those of others of the same seed."""
        return near(random_hashes(seed, 30), 50, seed=turn)[:count]

    @staticmethod
    def asked(some):
        """What to ask so that it finds the first of some values, and something that finds nothing."""
        return np.concatenate([random_hashes(1, 1), *(hashes[:2] for hashes in some)])

    @staticmethod
    def everything(some):
        return np.concatenate(some)

    @staticmethod
    def answers(index, asked):
        return [pairs(index.search(asked, radius, exact=True)) for radius in (0, 52)]

    @staticmethod
    def found(index, asked):
        """The first of the answers, as a question asks."""
        return pairs(index.search(asked, 0))

    @staticmethod
    def truth(model, asked):
        return [scan(model, asked, radius) for radius in (0, 52)]

    @staticmethod
    def records_of(live, values):
        """Which records are found, as a question of a user finds them."""
        planning.SCAN_COST, before = 1e9, planning.SCAN_COST  # by tables
        try:
            return {candidate.record for candidate in retrieve(fingerprint_of(values), Near(live), 52, MatchingConfig())}
        finally:
            planning.SCAN_COST = before


class Sound:
    """Records by their landmarks; in the pictures of each there is nothing."""

    index_kind = Landmarks()
    other_version = "landmarks/0"
    live = LiveSound
    changes = "of_sound_since"
    values = staticmethod(landmarks)

    @staticmethod
    def fingerprint(values):
        """A fingerprint of landmarks; without any, one without sound every other time."""
        shown = fingerprint_of(random_hashes(len(values), 2))
        return replace(shown, sound=SoundFingerprint(values, 3600.0)) if len(values) else shown

    @staticmethod
    def varied(seed, count, turn):
        """Values some of which have keys of others."""
        return landmarks(100 * seed + turn, count)

    @staticmethod
    def asked(some):
        keys = [Landmarks().keys(values[:2, None], 0, 24) for values in some]
        return np.concatenate([np.array([5, 0xFFFFFF], np.uint32), *keys])

    @staticmethod
    def everything(some):
        return np.unique(Landmarks().keys(np.concatenate(some)[:, None], 0, 24))

    @staticmethod
    def answers(index, asked):
        snapshot = index.snapshot()
        return [triples(snapshot.look_up(asked)), snapshot.frequency(asked).tolist()]

    @staticmethod
    def found(index, asked):
        return triples(index.snapshot().look_up(asked))

    @staticmethod
    def truth(model, asked):
        found = looked_up(model, asked)
        return [found, np.bincount([query for query, *_ in found], minlength=len(asked)).tolist()]

    @staticmethod
    def records_of(live, values):
        return {record for hits in live.landmarks(Sound.everything([values])).hits for record in hits.record.tolist()}


KINDS = {"frames": Frames, "sound": Sound}

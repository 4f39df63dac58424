"""What an index is held against: a plain list, scanned from end to end."""

import numpy as np

from tests.footage import random_hashes
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.hashing.bits import distances
from vhashdb.index.kinds import FrameHashes, Landmarks, RecordRows

SIZES = (16, 64, 144, 256, 400, 1024)
"""Bits of hashes that some algorithm has."""


def kind_of(bits):
    """An index of hashes of so many bits."""
    return FrameHashes(AlgorithmId("phash", bits, 1))


def scan(known, asked, radius):
    """``(query, record, distance)`` of each near pair, sorted; ``known`` has the hashes by record."""
    found = []
    for record, hashes in known.items():
        table = distances(asked, hashes)
        found += [(query, record, int(table[query, row])) for query, row in np.argwhere(table <= radius).tolist()]
    return sorted(found)


def pairs(hits):
    """The same of what an index answers."""
    return sorted(zip(hits.query.tolist(), hits.record.tolist(), hits.distance.tolist(), strict=True))


def looked_up(known, asked):
    """``(query, record, landmark)`` of each landmark with one of the asked keys, sorted; ``known`` has the landmarks by record."""
    of_key = {}
    for record, landmarks in known.items():
        for landmark in landmarks.tolist():
            of_key.setdefault(landmark >> 40, []).append((record, landmark))
    return sorted((query, *each) for query, key in enumerate(asked.tolist()) for each in of_key.get(key, ()))


def triples(hits):
    """The same of what an index answers."""
    return sorted(zip(hits.query.tolist(), hits.record.tolist(), hits.landmark.tolist(), strict=True))


def near(hashes, bits, seed):
    """The same hashes, each with up to ``bits`` random bits turned over."""
    random = np.random.default_rng(seed)
    unpacked = np.unpackbits(hashes, axis=1)
    for row in unpacked:
        row[random.choice(len(row), random.integers(0, bits + 1), replace=False)] ^= 1
    return np.packbits(unpacked, axis=1)


def landmarks(seed, count, keys=40, first_key=0x5A0000):
    """So many landmarks, of a few keys some of which are much more frequent than others, as a fingerprint of sound has them."""
    random = np.random.default_rng(seed)
    key = first_key + (keys * random.random(count) ** 3).astype(np.uint64) * np.uint64(977)
    frame = np.sort(random.choice(1 << 16, count, replace=False)).astype(np.uint64)
    return key << np.uint64(40) | random.integers(0, 1 << 16, count, np.uint64) << np.uint64(24) | frame


def values(kind, seed, count):
    """So many random hashes or landmarks."""
    return landmarks(seed, count) if isinstance(kind, Landmarks) else random_hashes(seed, count, kind.algorithm.bytes)


def parts(seed, counts, size=32, first=1, kind=None):
    """Records numbered from ``first``, with so many rows each: of a kind, or hashes of ``size`` bytes."""
    kind = kind or kind_of(8 * size)
    return [RecordRows(first + i, 1000 + first + i, values(kind, seed * 1000 + i, count)) for i, count in enumerate(counts)]


def known(records):
    """The rows of some parts, by record."""
    return {part.record: part.values for part in records}

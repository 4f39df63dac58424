"""What an index is held against: a plain list, scanned from end to end."""

import numpy as np

from tests.footage import random_hashes
from vhashdb.hashing.bits import distances
from vhashdb.index.segment import RecordHashes

SIZES = (16, 64, 144, 256, 400, 1024)
"""Bits of hashes that some algorithm has."""


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


def near(hashes, bits, seed):
    """The same hashes, each with up to ``bits`` random bits turned over."""
    random = np.random.default_rng(seed)
    unpacked = np.unpackbits(hashes, axis=1)
    for row in unpacked:
        row[random.choice(len(row), random.integers(0, bits + 1), replace=False)] ^= 1
    return np.packbits(unpacked, axis=1)


def parts(seed, counts, size=32, first=1):
    """Records numbered from ``first``, with so many hashes each."""
    return [RecordHashes(first + i, 1000 + first + i, random_hashes(seed * 1000 + i, count, size)) for i, count in enumerate(counts)]


def known(records):
    """The hashes of some parts, by record."""
    return {part.record: part.hashes for part in records}

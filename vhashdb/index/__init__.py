"""Search stored frame hashes within a Hamming radius: multi-index hashing in a log-structured index. Only here is `faiss` imported.

::

    permutation   hashes as disjoint substrings, substrings as table keys             pure
    planning      probe parameters of a search: expected recall and cost              pure
    compaction    sizes of memtable and segments; which segments to merge next        pure
    segment       `IndexSegment`: immutable hashes with sorted tables, linear scan
    memtable      the latest hashes, scanned linearly
    frames        `FrameIndex`: segments, tombstones and memtable, searched as one
    manifest      which segments make up an index on disk, as JSON with a checksum    pure
    folder        segments and manifest on disk: mapped, checked, replaced atomically

Everything in here is derived from the store. A manifest says up to which change of the store it goes; a reader replays the
changes that came later (`vhashdb.live_index`), so the index on disk may lag, be lost or be damaged without harm.

The tables are those of M. Norouzi, A. Punjani and D. J. Fleet, "Fast search in Hamming space with multi-index hashing",
CVPR 2012: one per substring, each probed with all keys within a few bits of the query's.
"""

from vhashdb.index.compaction import MEMTABLE_HASHES
from vhashdb.index.frames import FrameIndex, Hits
from vhashdb.index.segment import RecordHashes

__all__ = ["MEMTABLE_HASHES", "FrameIndex", "Hits", "RecordHashes"]

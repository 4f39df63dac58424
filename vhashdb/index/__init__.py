"""Search what is stored of records: hashes of frames within a Hamming radius, landmarks of sound by their keys.

Only here is `faiss` imported.

::

    permutation   hashes as disjoint substrings, substrings as table keys             pure
    kinds         what is indexed, hashes or landmarks: rows, keys, names of files    pure
    planning      probe parameters of a search for hashes: expected recall and cost   pure
    compaction    sizes of memtable and segments; which segments to merge next        pure
    segment       `IndexSegment`: immutable rows with sorted tables
    memtable      the latest rows
    layers        `LayeredIndex`: segments, tombstones and memtable, changed as one
    probing       linear scan and multi-index hashing in a segment of hashes
    frames        `FrameIndex`: hashes, searched within a radius
    landmarks     `LandmarkIndex`: landmarks, looked up by key
    manifest      which segments make up an index on disk, as JSON with a checksum    pure
    folder        segments and manifest on disk: mapped, checked, replaced atomically

An index is log-structured: what is new goes to a memtable, which is flushed to segments, which are merged. Everything in here is
derived from the store. A manifest says up to which change of the store it goes; a reader replays the changes that came later
(`vhashdb.live_index`), so the index on disk may lag, be lost or be damaged without harm.

The tables of hashes are those of M. Norouzi, A. Punjani and D. J. Fleet, "Fast search in Hamming space with multi-index hashing",
CVPR 2012: one per substring, each probed with all keys within a few bits of the query's. Landmarks have one table, of whole keys.
"""

from vhashdb.index.compaction import MEMTABLE_ROWS
from vhashdb.index.frames import FrameIndex, Hits
from vhashdb.index.kinds import FrameHashes, Landmarks, RecordRows
from vhashdb.index.landmarks import LandmarkHits, LandmarkIndex

__all__ = ["MEMTABLE_ROWS", "FrameHashes", "FrameIndex", "Hits", "LandmarkHits", "LandmarkIndex", "Landmarks", "RecordRows"]

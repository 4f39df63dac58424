"""Keep the indexes of one database equal to its records: one of the hashes of frames, one of the landmarks of sound.

::

    reader     `IndexReader`: opens an index on disk, replays what the store has since
    frames     `FrameReader`: the index of hashes, searched
    landmarks  `LandmarkReader`: the index of landmarks, looked up
    searcher   `LiveSearcher`: both, for whoever asks a `Searcher`
    writer     `IndexWriter`: flushes the memtable, merges segments, rebuilds, commits; `IndexWriters`: of all indexes
    checker    `check_index`: compares checksums, and a sample of records with the index
    health     `check_health`: records and indexes checked, an index that is wrong made again
    building   what reader and writer share: changes into layers, layers into a manifest

The lock of an index's folder lets one process write at a time. Nothing breaks if none does for long: readers only replay more.
"""

from vhashdb.live_index.checker import check_index
from vhashdb.live_index.frames import FrameReader
from vhashdb.live_index.health import Health, check_health
from vhashdb.live_index.landmarks import LandmarkReader
from vhashdb.live_index.reader import IndexReader
from vhashdb.live_index.searcher import LiveSearcher
from vhashdb.live_index.writer import IndexWriter, IndexWriters

__all__ = [
    "FrameReader",
    "Health",
    "IndexReader",
    "IndexWriter",
    "IndexWriters",
    "LandmarkReader",
    "LiveSearcher",
    "check_health",
    "check_index",
]

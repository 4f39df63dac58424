"""Keep the index of one database equal to its records.

::

    reader     `IndexReader`: opens the index on disk, replays what the store has since, answers searches
    writer     `IndexWriter`: flushes the memtable, merges segments, rebuilds, commits
    checker    `check_index`: compares checksums, and a sample of records with the index
    building   what reader and writer share: changes into layers, layers into a manifest

The folder's lock lets one process write at a time. Nothing breaks if none does for long: readers only replay more.
"""

from vhashdb.live_index.checker import check_index
from vhashdb.live_index.reader import IndexReader, IndexState
from vhashdb.live_index.writer import IndexWriter

__all__ = ["IndexReader", "IndexState", "IndexWriter", "check_index"]

"""The reader, the writer and the checker of one index, as tests use them: all at once."""

from pathlib import Path

from vhashdb.live_index import FrameReader, IndexWriter, check_index


class Live(FrameReader):
    """A reader with the writer of the same index."""

    def __init__(self, path, store):
        super().__init__(Path(path), store, store.algorithm)
        self.writer = IndexWriter(self)

    def maintain(self, *, wait=False):
        self.writer.maintain()
        if wait:
            self.writer.wait()

    def check(self, sample):
        return check_index(self, sample)

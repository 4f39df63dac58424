"""Search the indexes of this process."""

from __future__ import annotations

from vhashdb.errors import IndexUnavailable
from vhashdb.hashing.bits import PackedHashes
from vhashdb.index.landmarks import BUDGET, MOST, Keys
from vhashdb.live_index.frames import FrameReader
from vhashdb.live_index.landmarks import LandmarkReader
from vhashdb.searcher import IndexParts, IndexState, LandmarkLookup, NearHashes, Sizes
from vhashdb.store import Selection


class LiveSearcher:
    """Searches the indexes that this process keeps equal to the records; see `Searcher`."""

    def __init__(self, frames: FrameReader, sound: LandmarkReader) -> None:
        self.frames, self.sound = frames, sound

    def near(
        self,
        hashes: PackedHashes,
        radius: int,
        *,
        times: int = 1,
        where: Selection | None = None,
        budget: float = 1.0,
        at_least: int = 0,
    ) -> NearHashes:
        found = self.frames.near(hashes, radius, times=times, where=where, budget=budget)
        require(found.change, at_least)
        return found

    def glance(
        self, hashes: PackedHashes, radius: int, *, quick: bool = False, where: Selection | None = None, at_least: int = 0
    ) -> NearHashes:
        found = self.frames.glance(hashes, radius, quick=quick, where=where)
        require(found.change, at_least)
        return found

    def landmarks(
        self, keys: Keys, *, where: Selection | None = None, most: int = MOST, budget: int = BUDGET, at_least: int = 0
    ) -> LandmarkLookup:
        found = self.sound.landmarks(keys, where=where, most=most, budget=budget)
        require(found.change, at_least)
        return found

    def damaged(self, where: Selection | None = None) -> int:
        return self.frames.damaged(where)

    def sizes(self) -> Sizes:
        return Sizes(len(self.frames.current), len(self.sound.current))

    def parts(self) -> IndexParts:
        self.sizes()  # reads what is on disk, and says if it cannot
        return IndexParts(1)

    def states(self) -> tuple[IndexState, IndexState]:
        return self.frames.state(), self.sound.state()

    def problems(self) -> tuple[str | None, str | None]:
        return self.frames.problem, self.sound.problem


def require(change: int, at_least: int) -> None:
    """Require that an index has the changes of the store up to one.

    Raises:
        IndexUnavailable: it has not.
    """
    if change < at_least:
        raise IndexUnavailable(f"the index has the records up to change {change}, and {at_least} was asked for")

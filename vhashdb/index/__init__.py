"""The index over frame hashes: which stored hashes are near a given one. The only room that imports `faiss`.

::

    dealing     bits into columns, columns into keys                      pure
    planning    which keys to try, and what that finds and costs          pure
    segment     many hashes that never change, in tables sorted by key
    recent      the few that came last, compared one by one
    frames      `FrameIndex`: all of these, searched as one
    folder      generations on disk: mapped, checked, switched in one step
    upkeep      when hashes become a segment, and segments one

Everything in here is derived from the store. A generation on disk says up to which change of the store it goes; whoever
opens it replays the changes that came later (`vhashdb.live_index`), so it may lag, be lost or be damaged without harm.
"""

from vhashdb.index.frames import FrameIndex, Hits
from vhashdb.index.segment import Part

__all__ = ["FrameIndex", "Hits", "Part"]

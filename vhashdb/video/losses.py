"""Count what of a track could not be decoded."""

from __future__ import annotations

from vhashdb.coverage import LEAST_RUN_S, counts


class Losses:
    """Count the seconds in which there are pictures, or sound, that could not be decoded."""

    def __init__(self) -> None:
        self.total_s = self._longest_s = self._run_s = 0.0

    def piece(self, seconds: float) -> float:
        """Add one piece; return what of it leaves a gap."""
        seconds = max(0.0, seconds)
        self.total_s += seconds
        self._longest_s = max(self._longest_s, seconds)
        return seconds if seconds >= LEAST_RUN_S else 0.0

    def made_up(self, seconds: float) -> None:
        """Add a frame that is not what it should be, or 0 for one that is intact: successive ones are one piece."""
        self._run_s = self._run_s + seconds if seconds else 0.0
        self.total_s += seconds
        self._longest_s = max(self._longest_s, self._run_s)

    def counts(self, there_s: float) -> bool:
        """Say whether something could be in what was lost."""
        return counts(self.total_s, self._longest_s, there_s)

"""What is asked when there is no file, only hashes of one: a plain value."""

from __future__ import annotations

from dataclasses import dataclass

from vhashdb.errors import FingerprintError
from vhashdb.fingerprints.model import Fingerprint

__all__ = ["HashQuery", "only_one"]


@dataclass(frozen=True)
class HashQuery:
    """Hold the hashes of one video or picture that somebody asks about, as `read_hashes` finds them in a file."""

    name: str = ""
    """Which of the videos in the file it is, and of no other there; empty if there is only one."""
    frames: Fingerprint | None = None
    sha256: str = ""
    md5: str = ""
    """Of the video's file, in lower-case hexadecimal; empty if not known."""
    problem: str = ""
    """Why it cannot be asked; empty if it can."""

    def require(self) -> None:
        """Raise `FingerprintError` if it cannot be asked."""
        if self.problem:
            raise FingerprintError(self.problem, hint="correct the file, or get it again from where it came")

    @property
    def exact(self) -> str:
        """The kinds of its hashes of the whole file, in words."""
        return " and ".join(kind for kind, value in (("SHA-256", self.sha256), ("MD5", self.md5)) if value)


def only_one(queries: list[HashQuery], path: str) -> Fingerprint:
    """Return the frame hashes of a file that holds those of one video.

    Raises:
        FingerprintError: it holds those of several, or none.
    """
    if len(queries) > 1:
        names = ", ".join(query.name for query in queries[:3])
        raise FingerprintError(
            f"{path}: it holds the hashes of {len(queries)} videos ({names}{', …' if len(queries) > 3 else ''}), and one is needed here",
            hint="split the file; matching, adding and importing take all of them",
        )
    if queries[0].problem:
        raise FingerprintError(f"{path}: {queries[0].problem}")
    if queries[0].frames is None:
        raise FingerprintError(f"{path}: it holds no hashes of pictures", hint="matching looks up hashes of whole files")
    return queries[0].frames

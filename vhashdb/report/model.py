"""Content of the page as small plain values: no fingerprint and no array stays behind, so that a page may be about many files.

Text from outside has passed `vhashdb.text.printable` when it is in here.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from vhashdb.matching.verdict import Verdict
from vhashdb.report import words
from vhashdb.report.matrix import Matrix
from vhashdb.report.outlines import OutlinePair
from vhashdb.report.stretches import SoundStretch, Stretch
from vhashdb.report.timeline import Bar, Timeline
from vhashdb.search.triage import Urgency, urgency
from vhashdb.text import verdict_word


class WithVerdict:
    """Something that has a verdict."""

    verdict: Verdict

    @property
    def word(self) -> str:
        """The verdict for people."""
        return verdict_word(self.verdict)

    @property
    def mark(self) -> str:
        """A sign for it, so that colour is never alone."""
        return words.MARKS[self.verdict]


@dataclass(frozen=True)
class Opinion:
    """One organisation's opinion on a record."""

    author: str
    says: str
    basis: str
    reason: str
    on: datetime.date


@dataclass(frozen=True)
class RecordFacts:
    """Facts about a reference, as people gave them."""

    id: str
    short_id: str
    shared_id: str
    """How others name it, as ``FEED:RID``; empty if they cannot."""
    labels: tuple[str, ...]
    severity: str
    state: str
    reason: str
    source: str
    basis: str
    """Origin of the decision, and the rule under which it was made."""
    reviewed: str
    dates: tuple[tuple[str, str], ...]
    """Name and day."""
    duration_s: float
    opinions: tuple[Opinion, ...]
    more_opinions: int


@dataclass(frozen=True)
class Condition:
    """One condition of the verdict."""

    about: str
    value: str
    needed: str
    met: bool


@dataclass(frozen=True)
class Picture:
    """A picture of the submitted file, made small, grey and, unless clear ones were asked for, blurred."""

    uri: str
    """A ``data:`` address."""
    time: str
    width: int
    height: int
    clear: bool


@dataclass(frozen=True)
class MatchEntry(WithVerdict):
    """One record that a file matched, or may match."""

    verdict: Verdict
    score: float
    reason: str
    identical: bool
    record: RecordFacts
    stretches: tuple[Stretch, ...]
    conditions: tuple[Condition, ...]
    matched_s: float
    query_coverage: float
    reference_coverage: float
    action: str
    """The most that may happen without a person."""
    limits: tuple[str, ...]
    """Why not more."""
    agree: int
    dispute: int
    exceptions: tuple[str, ...]
    timeline: Timeline | None
    matrix: Matrix | None
    outlines: tuple[OutlinePair, ...] = ()
    """Where in the pictures the stretches lie."""
    pictures: tuple[Picture, ...] = ()
    sounds: tuple[SoundStretch, ...] = ()
    """Where both sound alike."""
    sound_line: Timeline | None = None
    """The lane of sound."""
    sound_words: str = ""
    """What else is to be known of the sound."""
    by_sound: bool = False
    """Whether it rests on sound alone."""
    share: float = 0.0
    """Of the file that matched, 0…1."""
    decided: str = ""
    """What people decided about the file and this record; empty if nothing."""
    settled: bool = False
    """Whether nobody has to decide about it any more."""
    video: str = ""
    """The video that the record belongs to."""
    times: str = ""
    """How many files matched the record lately, in words."""

    @property
    def urgency(self) -> Urgency:
        """Its place in the order in which people look."""
        return urgency(self.verdict, self.record.severity, self.record.labels, self.share)

    @property
    def still(self) -> bool:
        """Whether all that matched is one picture."""
        return len(self.stretches) == 1 and self.stretches[0].still

    @property
    def met(self) -> int:
        """Conditions that are met."""
        return sum(condition.met for condition in self.conditions)


@dataclass(frozen=True)
class FileEntry(WithVerdict):
    """One file, and what was found in it."""

    name: str
    folder: str
    verdict: Verdict
    reason: str
    hint: str
    """Advice about a file that could not be read."""
    duration_s: float
    usable_s: float
    damage: tuple[str, ...]
    sha256: str
    matches: tuple[MatchEntry, ...]
    more_matches: int = 0
    """That are not told."""
    bar: Bar | None = None
    """Of a file that shows too little: where it does."""
    sound_only: bool = False
    """Whether it has no pictures."""
    decided: tuple[str, ...] = ()
    """What people decided about it apart from the matches."""
    settled: bool = False
    """Whether nobody has to decide about it any more."""
    path: str = ""
    """Where it is, absolute, for a link that plays it; empty for what is no file of its own."""

    def link(self, base: str) -> str:
        """Return where a page in a folder finds it, at the second at which it begins to match; empty if it cannot."""
        if not (base and self.path and self.best is not None):
            return ""
        begins = [*(seen.query_s[0] for seen in self.best.stretches), *(heard.query_s[0] for heard in self.best.sounds)]
        return f"./{quote(os.fsencode(os.path.relpath(self.path, base)))}#t={min(begins, default=0.0):.1f}"

    @property
    def best(self) -> MatchEntry | None:
        """The match that presses most."""
        return min(self.matches, key=lambda match: match.urgency, default=None)

    @property
    def urgency(self) -> Urgency:
        """Its place in the order in which people look."""
        return self.best.urgency if self.best else urgency(self.verdict)

    @property
    def open(self) -> bool:
        """Whether somebody has to decide about it."""
        return self.told and not self.settled

    @property
    def told(self) -> bool:
        """Whether it has a section of its own: everything a person has to do something about."""
        return self.verdict is not Verdict.NO_MATCH


@dataclass(frozen=True)
class VerdictCount(WithVerdict):
    """Number of files with one verdict, and what that means."""

    verdict: Verdict
    count: int

    @property
    def meaning(self) -> str:
        """In a sentence or two."""
        return words.VERDICTS[self.verdict]


@dataclass(frozen=True)
class Facts:
    """Facts about the run: what was asked, of what, and when."""

    made_at: datetime.datetime
    database: str
    records: int
    updated_at: datetime.datetime | None
    folder: str
    """The one that all files are in."""
    algorithm: str
    schema_version: int
    effort: str
    among: tuple[str, ...]
    """Which records counted, if not all did."""
    files: int
    verdicts: tuple[VerdictCount, ...]
    interrupted: bool
    with_pictures: bool
    with_clear_pictures: bool
    waiting: int
    """Cases that wait in the database, as `vhashdb.store.queue` counts them."""
    open: int
    """Files of this page that somebody has to decide about."""
    goes_on: bool = False
    """Whether more files are being checked, and the page is going to be written anew."""
    print_details: bool = False
    """Whether everything is printed, and not the summary alone."""
    base: str = ""
    """Folder of the page; empty where it is not known."""


@dataclass(frozen=True)
class VideoEntry:
    """One known video, and the files that show it."""

    best: MatchEntry
    """The match that presses most."""
    files: tuple[tuple[str, FileEntry, MatchEntry], ...]
    """Each with its id on the page, and with its match that presses most; what presses most comes first."""

    @property
    def records(self) -> tuple[str, ...]:
        """The short ids of its records that matched."""
        return tuple(
            dict.fromkeys(match.record.short_id for _, file, _ in self.files for match in file.matches if match.video == self.best.video)
        )

    @property
    def open(self) -> int:
        """Files that somebody has to decide about."""
        return sum(not match.settled for _, _, match in self.files)


def videos_of(files: Sequence[tuple[str, FileEntry]]) -> list[VideoEntry]:
    """Group files by the videos that they show; a file that shows several is with each."""
    found: dict[str, list[tuple[str, FileEntry, MatchEntry]]] = {}
    for name, file in files:
        by_video: dict[str, MatchEntry] = {}
        for match in sorted(file.matches, key=lambda match: match.urgency):
            by_video.setdefault(match.video, match)
        for video, match in by_video.items():
            found.setdefault(video, []).append((name, file, match))
    entries = [VideoEntry(min((match for _, _, match in some), key=lambda match: match.urgency), tuple(some)) for some in found.values()]
    return sorted(entries, key=lambda entry: (entry.best.urgency[:3], -len(entry.files), entry.best.urgency))

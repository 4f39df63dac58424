"""The report of one run: told every answer, it keeps what the page shows of it, and writes the page."""

from __future__ import annotations

import enum
import functools
import os
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from markupsafe import Markup

from vhashdb.errors import UsageError, VhashdbError
from vhashdb.matching.verdict import Verdict
from vhashdb.report import words
from vhashdb.report.budget import MOST_BYTES, Part, Piece, affordable
from vhashdb.report.entries import RecordLookup, error_entry, file_entry
from vhashdb.report.model import Facts, FileEntry, MatchEntry, VerdictCount, videos_of
from vhashdb.report.page import environment, render
from vhashdb.report.thumbnails import moments_of, pictures_of
from vhashdb.search.efforts import Effort, effort_of
from vhashdb.search.results import Result
from vhashdb.search.triage import ORDER
from vhashdb.store import SEVERITIES, CaseDecision, Selection, recently
from vhashdb.store.clock import now_utc
from vhashdb.text import counted, printable
from vhashdb.video import Decoder
from vhashdb.writing import require_writable, write_whole

if TYPE_CHECKING:
    from vhashdb.database import Database

SUFFIXES: Final = (".html", ".htm")
TEMPLATE: Final = "report.html.j2"
STYLES: Final = ("report.css",)
SCRIPTS: Final = ("report.js",)
_MATCH: Final = "match.html.j2"
_ORDER: Final = {verdict: place for place, verdict in enumerate(Verdict)}
"""In which verdicts are sorted, the most pressing first."""
_SEVERITIES: Final = {severity: place for place, severity in enumerate(reversed(SEVERITIES))}


def require_page(path: str | os.PathLike[str]) -> Path:
    """Make sure that a page can be written at a path, before the costly part.

    Raises:
        UsageError: nothing can be written there, or its name is not that of a page: it may be a video that was named by mistake.
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{target}: a report is written as .html", hint="end the name with .html")
    return require_writable(target)


class Pictures(enum.StrEnum):
    """Which pictures of the submitted files a report holds."""

    NONE = "none"
    OBSCURED = "obscured"
    """Small, grey and blurred."""
    CLEAR = "clear"
    """Small and grey."""


class Report:
    """A page about what files matched. Use it in a ``with`` statement.

    Example::

        with vhashdb.open("industry.vhdb") as db, Report(db) as report:
            for path in paths:
                report.add(path, db.match(path))
            report.write("report.html")
    """

    def __init__(
        self,
        database: Database,
        *,
        effort: Effort | str = Effort.BALANCED,
        where: Selection | None = None,
        pictures: Pictures | str = Pictures.NONE,
    ) -> None:
        self._database, self._effort, self._where = database, effort_of(effort), where
        self._pictures = Pictures(pictures)
        self._decoder = Decoder(database.limits)
        self._files: list[FileEntry] = []
        self._members: dict[str, str] = {}
        self._times: dict[str, str] = {}
        self._lookup = RecordLookup(database.fingerprint, database.moderation.opinions.about, self._member, self._times_of)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End the decoder process that pictures are taken with, if there is one."""
        self._decoder.close()

    def __len__(self) -> int:
        """Return the number of files so far."""
        return len(self._files)

    def add(self, path: str | os.PathLike[str], result: Result) -> None:
        """Add a file and its answer, whose fingerprint is not needed afterwards."""
        entry = file_entry(path, result, self._lookup)
        if self._pictures is not Pictures.NONE:
            entry = replace(entry, matches=tuple(self._with_pictures(path, match) for match in entry.matches))
        self.add_entry(entry)

    def add_error(self, path: str | os.PathLike[str], error: VhashdbError, decisions: Sequence[CaseDecision] = ()) -> None:
        """Add a file that could not be read, with what people decided about it."""
        self.add_entry(error_entry(path, error, decisions))

    def add_entry(self, entry: FileEntry) -> None:
        """Add a file as the page shows it."""
        self._files.append(entry)

    def write(self, path: str | os.PathLike[str], *, interrupted: bool = False, goes_on: bool = False, print_details: bool = False) -> None:
        """Write the page, whole or not at all.

        Args:
            path: an existing file is replaced.
            interrupted: not all files that were to be checked were; the page says so.
            goes_on: more files are being checked, and the page is going to be written anew; it says so.
            print_details: whether everything is printed, unless the reader says otherwise on the page; else a summary is.

        Raises:
            UsageError: nothing can be written there.
        """
        target = require_page(path)
        page = self.page(interrupted=interrupted, goes_on=goes_on, print_details=print_details, base=os.path.abspath(target.parent))
        write_whole(target, page.encode())

    def page(self, *, interrupted: bool = False, goes_on: bool = False, print_details: bool = False, base: str = "") -> str:
        """Return the page; what would make it larger than `MOST_BYTES` is said in brief.

        Args:
            interrupted: as in `write`, like the others.
            goes_on: see there.
            print_details: see there.
            base: folder that the page is going to be in, from which files can be played; empty: there are no links to them.
        """
        files = list(self._files)  # of which there may be more while the page is made
        folder = common_folder([entry.folder for entry in files])
        facts = replace(self._facts(files, folder, interrupted=interrupted), goes_on=goes_on, print_details=print_details, base=base)
        pressing = sorted(files, key=lambda entry: entry.urgency)  # what is alike in it stays in the order of checking
        numbered = [(f"f{number}", _within(entry, folder)) for number, entry in enumerate(pressing, 1)]
        matches = _numbered(numbered)
        shown = {match.id: match.full for match in matches}
        page = _page(facts, numbered, shown)
        too_much = len(page.encode()) - MOST_BYTES
        if too_much <= 0:
            return page
        spent = sum(size(match.full) - size(match.brief) for match in matches)
        chosen = affordable([piece for match in matches for piece in match.pieces], spent - too_much)
        return _page(facts, numbered, {match.id: match.shown(chosen) for match in matches})

    def _with_pictures(self, path: str | os.PathLike[str], match: MatchEntry) -> MatchEntry:
        clear = self._pictures is Pictures.CLEAR
        return replace(match, pictures=pictures_of(path, moments_of(match.stretches or match.sounds), self._decoder, clear=clear))

    def _times_of(self, record: str) -> str:
        """Say how many files matched a record lately, counted once for the page."""
        if record not in self._times:
            store = self._database.store
            since = recently(store.now().date())
            found = self._database.moderation.reviews.hits(store.get(record), since)
            self._times[record] = f"{counted(found.count, 'file')} since {since.date()}" if found else f"no file since {since.date()}"
        return self._times[record]

    def _member(self, feed: str) -> str:
        """Return the organisation behind a feed, asked for once."""
        if feed not in self._members:
            found = self._database.exchange.feeds.find(feed)
            self._members[feed] = found.member if found else ""
        return self._members[feed]

    def _facts(self, files: Sequence[FileEntry], folder: str, *, interrupted: bool) -> Facts:
        store, counts = self._database.store, Counter(entry.verdict for entry in files)
        waiting = self._database.moderation.reviews.queue(matched_since=recently(store.now().date()))
        return Facts(
            now_utc(),
            printable(os.fspath(self._database.place)),
            len(self._database),
            store.updated_at(),
            folder,
            str(self._database.algorithm),
            store.schema_version,
            self._effort.value,
            _among(self._where),
            len(files),
            tuple(VerdictCount(verdict, counts[verdict]) for verdict in Verdict),
            interrupted,
            self._pictures is not Pictures.NONE,
            self._pictures is Pictures.CLEAR,
            len(waiting),
            sum(entry.open for entry in files),
        )


@dataclass(frozen=True)
class _Match:
    """One match as it stands on the page."""

    id: str
    rank: int
    entry: MatchEntry
    before: str | None
    after: str | None

    @functools.cached_property
    def map(self) -> Markup:
        return self._piece("map") if self.entry.matrix else Markup()

    @functools.cached_property
    def full(self) -> Markup:
        return self._piece("full", self.map)

    @functools.cached_property
    def brief(self) -> Markup:
        return self._piece("brief")

    @property
    def pieces(self) -> tuple[Piece, Piece]:
        """Parts of it that can be left out."""
        details = Piece(self.id, self.rank, Part.DETAILS, size(self.full) - size(self.map) - size(self.brief))
        return details, Piece(self.id, self.rank, Part.MAP, size(self.map))

    def shown(self, chosen: Container[tuple[str, Part]]) -> Markup:
        """Render as much of it as was chosen."""
        if (self.id, Part.DETAILS) not in chosen:
            return self.brief
        return self.full if (self.id, Part.MAP) in chosen or not self.map else Markup(self.full.replace(self.map, ""))  # noqa: S704  # its own text

    def _piece(self, name: str, *arguments: Markup) -> Markup:
        macro = getattr(environment().get_template(_MATCH).module, name)
        return Markup(macro(self, self.entry, *arguments))  # noqa: S704  # the template escapes


def _numbered(files: Sequence[tuple[str, FileEntry]]) -> list[_Match]:
    """Return all matches in the order of the page, each with the ids of its neighbours."""
    ids = [(f"{file}m{rank}", rank, match) for file, entry in files for rank, match in enumerate(entry.matches)]
    names = [None, *(name for name, _, _ in ids), None]
    return [_Match(name, rank, match, names[place], names[place + 2]) for place, (name, rank, match) in enumerate(ids)]


def _page(facts: Facts, files: Sequence[tuple[str, FileEntry]], shown: Mapping[str, Markup]) -> str:
    return render(
        TEMPLATE,
        styles=STYLES,
        scripts=SCRIPTS,
        facts=facts,
        files=files,
        videos=videos_of(files),
        shown=shown,
        words=words,
        order=_ORDER,
        order_words=ORDER,
        severities=_SEVERITIES,
    )


def common_folder(folders: Sequence[str]) -> str:
    """Return the folder that all are in, if there is one worth saying once."""
    named = {folder for folder in folders if folder}
    if len(folders) < 2 or len(named) < len(set(folders)) or len({os.path.isabs(folder) for folder in named}) != 1:
        return ""
    found = os.path.commonpath(named)
    return "" if found in ("", os.sep) else found


def _within(entry: FileEntry, folder: str) -> FileEntry:
    """Return the entry with its folder as seen from another."""
    if not folder:
        return entry
    inner = os.path.relpath(entry.folder, folder)
    return replace(entry, folder="" if inner == os.curdir else inner)


def _among(selection: Selection | None) -> tuple[str, ...]:
    """Return a selection of records in words."""
    if selection is None:
        return ()
    given = (
        ("label", selection.labels),
        ("severity", selection.severities),
        ("source", selection.sources),
        ("state", selection.states),
    )
    return tuple(f"{name} {' or '.join(map(printable, values))}" for name, values in given if values)


def size(text: str) -> int:
    """Count the bytes of a text in the page."""
    return len(text.encode())

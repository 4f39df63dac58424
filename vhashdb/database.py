"""The database as its users see it: a folder with records and an index. Queries are answered in `vhashdb.search`."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from vhashdb.adding import Prepared, notes, prepare, record_many
from vhashdb.codes import WITHDRAWN
from vhashdb.errors import DatabaseEmpty, DatabaseError, DatabaseExists, DatabaseNotFound, NotADatabase
from vhashdb.exchange.membership import Exchange
from vhashdb.fingerprints import Fingerprint, without_squares
from vhashdb.hash_query import HashQuery
from vhashdb.hashing.algorithms import AlgorithmId, get_algorithm
from vhashdb.index import FrameIndex
from vhashdb.inputs import Source, as_file, hash_file, sha256_of
from vhashdb.layout import INDEX_FOLDER, READING_FOLDER, RECORDS_FILE, SOUND_INDEX_FOLDER
from vhashdb.limits import Limits
from vhashdb.live_index import FrameReader, Health, IndexWriter, IndexWriters, LandmarkReader, LiveSearcher, check_health
from vhashdb.matching.config import MatchingConfig
from vhashdb.matching.explanation import Explanation
from vhashdb.matching.verdict import Verdict
from vhashdb.search.efforts import Effort, effort_of
from vhashdb.search.found_matches import unreadable
from vhashdb.search.grouper import Grouper, near_of
from vhashdb.search.matcher import Matcher
from vhashdb.search.results import Addition, AddStatus, Result
from vhashdb.searcher import Searcher, SearcherOf
from vhashdb.sound import LandmarkBuilder
from vhashdb.store import AuditEntry, Details, Record, Selection, State, Store
from vhashdb.store.backup import back_up
from vhashdb.store.cache import FingerprintCache
from vhashdb.store.moderation import Moderation
from vhashdb.store.query_log import QueryLog
from vhashdb.store.records import texts
from vhashdb.store.records_file import LOCK_TIMEOUT_S
from vhashdb.store.video_list import Videos
from vhashdb.store.withdrawals import withdraw
from vhashdb.video import DecoderPool

__all__ = ["Database", "Health", "Prepared"]

_log: Final = logging.getLogger(__name__)

SECOND_PERSON: Final = "a second person has to confirm it"


class Database:
    """Keep, match and share the records of one database. `vhashdb.create` and `vhashdb.open` make one; use it in a ``with`` statement.

    Reading is safe from several threads; one process at a time writes.
    """

    def __init__(
        self, path: Path, store: Store, limits: Limits, cache: FingerprintCache | None = None, searcher: SearcherOf | None = None
    ) -> None:
        self.path = path
        """The folder; of a database on PostgreSQL the one that this machine keeps of it."""
        self.place: Path | str = path if isinstance(store.path, Path) else store.path
        """What to open to have it again: the folder, or the URL without its password."""
        self.limits = limits
        self._store = store
        self._algorithm_id = store.algorithm
        self._algorithm = get_algorithm(self._algorithm_id.name, self._algorithm_id.bits)
        self._algorithm_id.require(self._algorithm.id)
        self._squares, self._sound = store.squares, store.sound
        on_server = isinstance(store.path, str)
        # What a standby lacks yet is no reason to write the index of those anew who follow its primary.
        indexes = path / READING_FOLDER if on_server and store.read_only else path
        with contextlib.suppress(OSError):  # then it is kept in memory
            indexes.mkdir(exist_ok=True)
        self._index_reader = FrameReader(indexes / INDEX_FOLDER, store, self._algorithm_id)
        self._sound_reader = LandmarkReader(indexes / SOUND_INDEX_FOLDER, store)
        writers = () if searcher is not None else (IndexWriter(self._index_reader), IndexWriter(self._sound_reader))
        self._index_writer = IndexWriters(*writers)
        self.searcher: Searcher = searcher(store) if searcher is not None else LiveSearcher(self._index_reader, self._sound_reader)
        """What finds hashes and landmarks of the records: the indexes of this process, or shards elsewhere."""
        self._readers = (self._index_reader, self._sound_reader) if searcher is None else ()
        self._lock = threading.RLock()
        self._decoders = DecoderPool(limits)
        self.moderation = Moderation(store)
        """Reviews, opinions, allow-lists, and what a match may lead to."""
        self.exchange = Exchange(store, path, self.moderation, self.searcher, self._index_writer)
        """Feeds and files: what is shared with others."""
        self.query_log = QueryLog(store)
        """What was asked, on its way into the audit log."""
        self._matcher = Matcher(store, self.searcher, self.moderation, self._algorithm, self._decoders, limits, cache, self.query_log)
        self.grouper = Grouper(store, self.searcher, self._matcher, MatchingConfig.of(self._algorithm.id))
        """Groups records that show the same."""
        if not store.read_only:
            self._index_writer.before = self.grouper.catch_up
        elif on_server:
            self._index_writer.note_change()
        self.videos = Videos(store)
        """All records that show the same, as people see them."""

    @classmethod
    def create(
        cls,
        path: Path | str,
        *,
        algorithm: str = "pdq",
        bits: int = 256,
        squares: bool = False,
        sound: bool = True,
        limits: Limits | None = None,
        local: Path | None = None,
    ) -> Database:
        """Make a new, empty database; see `vhashdb.create`. A URL is a text."""
        if isinstance(path, str):
            chosen = get_algorithm(algorithm, bits)
            chosen.load()
            store = Store.create(path, chosen.id, squares=squares, sound=sound)
            return cls(local_folder(store, local), store, limits or Limits())
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise DatabaseExists(f"{path} exists already")
        chosen = get_algorithm(algorithm, bits)
        chosen.load()  # else nothing could be put in
        path.mkdir(parents=True, exist_ok=True)
        return cls(path, Store.create(path / RECORDS_FILE, chosen.id, squares=squares, sound=sound), limits or Limits())

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        limits: Limits | None = None,
        lock_timeout_s: float = LOCK_TIMEOUT_S,
        cache: FingerprintCache | None = None,
        read_only: bool = False,
        local: Path | None = None,
        searcher: SearcherOf | None = None,
        max_lag_s: float | None = None,
    ) -> Database:
        """Open an existing database; see `vhashdb.open`. A URL is a text."""
        if isinstance(path, str):
            store = Store.open(path, lock_timeout_s=lock_timeout_s, read_only=read_only, max_lag_s=max_lag_s)
            return cls(local_folder(store, local), store, limits or Limits(), cache, searcher)
        if not path.exists():
            raise DatabaseNotFound(f"there is no database at {path}")
        records = path / RECORDS_FILE
        if not path.is_dir() or not records.is_file():
            raise NotADatabase(f"{path} is not a vhashdb database")
        store = Store.open(records, lock_timeout_s=lock_timeout_s, read_only=read_only)
        return cls(path, store, limits or Limits(), cache, searcher)

    def close(self) -> None:
        """Flush the index if this process wrote records, end decoder processes, release the files.

        Everything that was acknowledged is on disk before: what cannot be written now is made again from it, or is a line
        of the audit log about a question, which `unlogged` counts. So nothing is raised. One idle decoder process stays for
        the next database, until the program ends.
        """
        try:
            if self._index_writer.maintenance_due:
                try:
                    self._index_writer.maintain()
                    self._index_writer.wait()
                except (OSError, DatabaseError) as error:
                    _log.warning("the index of %s was not flushed when it was closed; whoever opens it replays more: %s", self.path, error)
            self.query_log.close()
        finally:  # whatever went wrong, no busy decoder process stays behind
            self._decoders.close()
            self._store.close()
            self._index_writer.maintenance_due = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    # -- what is in here -----------------------------------------------------------------------

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written: questions are answered, and what would change something raises `DatabaseError`."""
        return self._store.read_only

    @property
    def unlogged(self) -> int:
        """Lines about questions that could not be written to the audit log; complete once the database is closed."""
        return self.query_log.lost

    def warm(self, files: int) -> None:
        """Start what decodes so many files at a time, so that the first ones do not wait for it."""
        self._decoders.warm(files)

    @property
    def decoder_restarts(self) -> int:
        """Decoder processes that ended without being told to since the database was opened."""
        return self._decoders.restarts

    @property
    def store(self) -> Store:
        """The records and the audit log."""
        return self._store

    @property
    def algorithm(self) -> AlgorithmId:
        """The frame algorithm of all records."""
        return self._algorithm_id

    @property
    def squares(self) -> bool:
        """Whether records have squares, which off-centre crops are found by; chosen when the database was made."""
        return self._squares

    @property
    def sound(self) -> bool:
        """Whether the sound of videos that are added is kept as well; chosen when the database was made."""
        return self._sound

    @property
    def index(self) -> FrameIndex:
        """The index, brought up to date with the store."""
        return self._index_reader.current

    @property
    def index_reader(self) -> FrameReader:
        """The reader of the index: what is on disk, and how far it lags behind the records."""
        return self._index_reader

    @property
    def sound_reader(self) -> LandmarkReader:
        """The reader of the sound index, which holds landmarks: the same of it, and what has given keys."""
        return self._sound_reader

    @property
    def index_writer(self) -> IndexWriters:
        """The writer of both indexes: their maintenance on disk."""
        return self._index_writer

    @property
    def index_problem(self) -> str | None:
        """Why the index on disk could not be used and was made again from the records, if so."""
        return self._index_reader.problem

    @property
    def sound_index_problem(self) -> str | None:
        """The same of the sound index."""
        return self._sound_reader.problem

    def __len__(self) -> int:
        """Records that can be matched."""
        return sum(count for state, count in self._store.counts().items() if state is not State.RETRACTED)

    def get(self, identifier: str) -> Record:
        """Return the record with this id, or with the only id that begins so."""
        return self._store.get(identifier)

    def records(
        self, *, labels: Sequence[str] = (), states: Sequence[State] = (), source: str | None = None, limit: int | None = None
    ) -> Iterator[Record]:
        """Records in the order they were added; every given label must be there."""
        return self._store.records(labels=labels, states=states, source=source, limit=limit)

    def fingerprint(self, identifier: str) -> Fingerprint:
        """Return the stored fingerprint of a record."""
        return self._store.fingerprint(self.get(identifier).id)

    def audit(self, *, record: str | None = None, limit: int | None = None) -> list[AuditEntry]:
        """Return the newest lines of the audit log."""
        return self._store.audit.entries(record=record, limit=limit)

    # -- recording -----------------------------------------------------------------------------

    def add(
        self, source: Source | Fingerprint, *, labels: Sequence[str] = (), reason: str = "", details: Details | None = None
    ) -> Addition:
        """Record a known video.

        The very same file is not recorded twice; a near duplicate is recorded and linked.

        Args:
            source: a path, a picture, an array, a file object, or a reference fingerprint.
            labels: kinds of harm, such as ``"graphic-violence"``.
            reason: why it is here, in words.
            details: everything else; ``labels`` and ``reason`` are added to it.

        Raises:
            MediaError: the input cannot be fingerprinted.
            DatabaseLocked: another process is writing.
        """
        details = details or Details()
        details = replace(details, labels=(*details.labels, *texts("labels", labels)), reason=reason or details.reason)
        if known := self.known_file(source):
            return Addition(known, AddStatus.DUPLICATE)
        return self.record(self.prepare(source), details)

    def known_file(self, source: Source | Fingerprint) -> Record | None:
        """Return the record made from this very file, if there is one."""
        if isinstance(source, str | os.PathLike):
            return self._store.by_sha256(hash_file(source, with_md5=False, time_s=self.limits.time_s).sha256)
        return None

    def prepare(self, source: Source | Fingerprint) -> Prepared:
        """Fingerprint an input and write nothing: the part of `add` that takes time; safe from several threads."""
        if isinstance(source, Fingerprint):
            self._algorithm_id.require(source.algorithm)
            kept = source if self._squares else without_squares(source)
            return Prepared(kept if self._sound else replace(kept, sound=None), source, None)
        listener = LandmarkBuilder() if self._sound else None
        return prepare(source, self._algorithm, self._decoders, self.limits, squares=self._squares, listener=listener)

    def record(self, prepared: Prepared, details: Details) -> Addition:
        """Record what `prepare` made: the part of `add` that writes, one transaction, durable when it returns."""
        new = prepared.as_new(details)
        with self._lock:
            if new.sha256 and (known := self._store.by_sha256(new.sha256)):
                return Addition(known, AddStatus.DUPLICATE)
            related, found = self.grouper.related_with_frames(prepared.reference, prepared.at_hand)
            near = near_of(self._store, related, found)
            record = self._store.add(new, prepared.reference, [(n.record, n.score) for n in near], held=self.held)
            self.grouper.place(self._store.number(record.id), prepared.reference, related)
            self._index_writer.note_change()
            self._index_writer.maintain()
        status = AddStatus.NEAR_DUPLICATE if near else AddStatus.ADDED
        grouped = self._store.get(record.id)
        return Addition(grouped, status, near, notes(self._store, prepared.reference, details))

    def add_many(self, items: Iterable[tuple[Fingerprint | Prepared, Details]]) -> Iterator[Addition]:
        """Record many known videos quickly: fingerprints, or what `prepare` made, each with what people say about it.

        Hundreds are written in one transaction, which is durable before the first of its additions is yielded; nothing happens until the
        iterator is used. The very same file is not recorded twice. Records are grouped with those that show the same, as with `record`,
        but no addition names near duplicates. That is done while the next are taken from ``items``; at the end it is done with all.
        """
        described = ((self.prepare(source) if isinstance(source, Fingerprint) else source, details) for source, details in items)
        yield from record_many(self._store, described, self._index_writer, self._lock, lambda: self.held, self.grouper.remember)

    @property
    def held(self) -> str:
        """Why a record that is added now must wait for somebody else; empty if it need not."""
        return SECOND_PERSON if self.moderation.reviews.rules.two_person else ""

    def label(self, identifier: str, *, add: Sequence[str] = (), remove: Sequence[str] = (), revision: int | None = None) -> Record:
        """Add and take away labels of a record; with ``revision`` only if that is still the record's, else `RecordChanged` is raised."""
        self._index_writer.note_change()
        return self._store.relabel(identifier, add=add, remove=remove, revision=revision)

    def retract(self, identifier: str, *, reason: str, code: str = WITHDRAWN, erase: bool = False, revision: int | None = None) -> Record:
        """Withdraw a record: it stops matching at once and stays on file.

        Args:
            identifier: of the record.
            reason: in words, for people here.
            code: the same for whoever follows a feed of this database; one of `vhashdb.codes.RETRACTION_REASONS`.
            erase: keep nothing of its content, here or there.
            revision: the record's, as it was read; None: whatever it is.

        Raises:
            RecordChanged: it is another by now.
        """
        self._index_writer.note_change()
        return withdraw(self._store, self.get(identifier), reason=reason, code=code, erase=erase, revision=revision)

    def unmatch(self, source: Source, identifier: str, *, reason: str = "") -> Record:
        """Remember that this file is *not* that record, whatever the hashes say."""
        record = self.get(identifier)
        with as_file(source, self.limits) as file:
            self._store.mark_not_this(record.id, sha256_of(file), reason)
        return record

    # -- asking --------------------------------------------------------------------------------

    def match(
        self,
        source: Source | Fingerprint | HashQuery,
        *,
        effort: Effort | str = Effort.BALANCED,
        where: Selection | None = None,
        sound: bool = True,
        progress: Callable[[float], None] | None = None,
    ) -> Result:
        """Is any part of this a known video?

        Args:
            source: a path, a picture, an array, a file object, a fingerprint (made with ``views="query"`` for best recall), or
                hashes that `vhashdb.read_hashes` found in a file.
            effort: how much to spend; see `Effort`.
            where: which records count; None: all of them.
            sound: whether to listen as well, where records have sound. Not with ``"fast"``, unless keyframes look like a record.
            progress: called now and then, in this thread, with the second of the input up to which pictures were decoded; it begins
                anew where the input is looked at again.

        Raises:
            MediaError: the input cannot be read.
            DatabaseEmpty: there is nothing to compare with.
            AlgorithmMismatch: the fingerprint is of another algorithm than the database.
            FingerprintError: the hashes cannot be asked.
        """
        effort = effort_of(effort)
        if self._store.is_empty:
            raise DatabaseEmpty(f"{self.path} holds no record to match against")
        return self._matcher.match(source, effort, where, sound=sound, progress=progress)

    def unreadable(self, source: Source, reason: str, *, effort: Effort | str = Effort.BALANCED) -> Result:
        """Return the answer about a file that `match` could not read, with what people decided about the file by itself.

        Args:
            source: the file; it is hashed again, as far as that can be done.
            reason: why it could not be read.
            effort: that was asked for.
        """
        return unreadable(self._store, source, self.limits, Result(Verdict.UNREADABLE, reason, effort=effort_of(effort)))

    def explain(
        self, source: Source | Fingerprint, identifier: str, *, effort: Effort | str = Effort.BALANCED, sound: bool = True
    ) -> Explanation:
        """Explain how an input compares with one record, and whether a search retrieves it: everything, whatever the verdict.

        Raises:
            MediaError: the input cannot be read.
            RecordNotFound: there is no such record.
        """
        return self._matcher.explain(source, self.get(identifier), effort_of(effort), sound=sound)

    def backup(self, path: str | os.PathLike[str], *, uploads: bool = False) -> None:
        """Copy everything that is known to a new folder, as it is at this moment, and check the copy; others may go on writing.

        The copy is a database. To go back to it, put it in the place of the other. Never copy the files of a database in a
        process that has it open: closing a file frees the locks that SQLite has on it in the same process.

        Args:
            path: the new folder.
            uploads: whether the files go with it that the service keeps for people. Else the copy has the cases and says that their
                files are gone.

        Raises:
            DatabaseExists: there is something at ``path``.
            DatabaseDamaged: the copy did not pass its check, and is gone again.
            DatabaseError: it cannot be written.
        """
        back_up(self._store, Path(path), uploads=uploads)

    # -- the index -----------------------------------------------------------------------------

    def check(self) -> Health:
        """Check the records and both indexes; make an index again that is damaged or not as the records are."""
        return check_health(self._store, self._readers, self._index_writer)


def local_folder(store: Store, parent: Path | None) -> Path:
    """Return the folder in which this machine keeps what is its own of a database on PostgreSQL; make it if it is not there."""
    if parent is None:
        import platformdirs

        parent = Path(platformdirs.user_data_dir("vhashdb", appauthor=False))
    try:
        folder = parent / store.identity  # reading it can fail as well
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except BaseException as error:
        if isinstance(error, OSError) and store.read_only:  # the indexes are kept in memory
            return folder
        store.close()
        if isinstance(error, OSError):
            raise DatabaseError(f"the folder {parent} cannot be made: {error.strerror or error}", hint="name another one") from error
        raise
    return folder

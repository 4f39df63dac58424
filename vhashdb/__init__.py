"""vhashdb: keep, search and share fingerprints of known harmful videos.

Modules, from what users call to what it rests on; docs/architecture.md draws the same::

    open, create ─► Database     database       keep records: add, label, retract
                    match,       search         the matcher: from an input to a verdict
                    explain
    fingerprint, hash_image      fingerprinting from an input to fingerprints
    compare                      matching       two fingerprints become segments and a verdict
    FingerprintCache             store          records, labels, audit log, feeds, cache; SQLite
    read_hashes                  exchange       signed feeds, opinions, formats of others; The Update Framework
                                 moderation     what a match may lead to without a person, and why not more
                                 review         cases that wait for a person, one by one
                                 live_index     the index kept equal to the records: reader, writer, checker
                                 index          hashes of many videos, searched; FAISS
                                 fingerprints   the hashes of one video: a value and its stored forms
                                 background     hashes of pictures that unrelated videos share
                                 hashing        pictures become hashes, in many views
                                 sound          the landmarks of a sound, another part of a fingerprint
                                 video          files become sampled frames, in a confined process; PyAV
                                 forms        answers as JSON, and its schema
                                 report, charts, plotting    answers as pages and pictures

Example::

    import vhashdb

    with vhashdb.open("industry.vhdb") as db:
        db.add("known.mp4", labels=["graphic-violence"], reason="perpetrator-produced")
        for match in db.match("upload.mp4").matches:
            print(match.record.id, match.score, match.segments)

Public are the names in ``__all__`` of this package, of the packages below it and of the modules beside them; modules within a package
are not. Modules are loaded when first used, because FAISS, PyAV and SQLAlchemy together take longer to import than a short command takes
to run.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from vhashdb.errors import (
    AlgorithmMismatch,
    DatabaseDamaged,
    DatabaseEmpty,
    DatabaseError,
    DatabaseExists,
    DatabaseLocked,
    DatabaseNotFound,
    DatabaseUnreachable,
    DecoderFailed,
    EventInvalid,
    FeedBusy,
    FeedDigest,
    FeedError,
    FeedExpired,
    FeedFork,
    FeedGap,
    FeedIllegalStub,
    FeedMalformed,
    FeedOversize,
    FeedRollback,
    FeedSignature,
    FeedUnreachable,
    FingerprintError,
    FormatError,
    IndexUnavailable,
    KeyUnusable,
    LimitExceeded,
    MediaError,
    MediaNotFound,
    NotADatabase,
    NotMedia,
    RecordNotFound,
    SchemaTooNew,
    UnreadableMedia,
    UsageError,
    VhashdbError,
)
from vhashdb.layout import place_of
from vhashdb.lazy import lazy_names
from vhashdb.limits import Limits
from vhashdb.version import __version__

if TYPE_CHECKING:
    from vhashdb.coverage import Coverage, PictureTrack, SoundTrack
    from vhashdb.database import Database
    from vhashdb.exchange import Exchange
    from vhashdb.exchange.formats import read_hashes
    from vhashdb.fingerprinting import every_frame, fingerprint, hash_image
    from vhashdb.fingerprints import Fingerprint, from_bytes, from_json, from_vpdq, to_bytes, to_json, to_vpdq
    from vhashdb.hash_query import HashQuery
    from vhashdb.hashing import PdqHash
    from vhashdb.matching import Comparison, Explanation, Gate, MatchedSegment, RestsOn, SoundFinding, SoundSegment, Verdict, compare
    from vhashdb.moderation import Action, ActionCap
    from vhashdb.search import Addition, AddStatus, Effort, Match, Result
    from vhashdb.sound import SoundFingerprint
    from vhashdb.store import Details, FingerprintCache, Moderation, Record, Selection, State
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "coverage": "Coverage PictureTrack SoundTrack",
            "database": "Database",
            "exchange": "Exchange",
            "exchange.formats": "read_hashes",
            "fingerprinting": "every_frame fingerprint hash_image",
            "fingerprints": "Fingerprint from_bytes from_json from_vpdq to_bytes to_json to_vpdq",
            "hash_query": "HashQuery",
            "hashing": "PdqHash",
            "matching": "Comparison Explanation Gate MatchedSegment RestsOn SoundFinding SoundSegment Verdict compare",
            "moderation": "Action ActionCap",
            "search": "AddStatus Addition Effort Match Result",
            "sound": "SoundFingerprint",
            "store": "Details FingerprintCache Moderation Record Selection State",
        },
    )

if TYPE_CHECKING:  # not public, but said in a signature
    from vhashdb.searcher import SearcherOf

logging.getLogger("vhashdb").addHandler(logging.NullHandler())  # who wants to see what is logged says so

__all__ = [
    "Action",
    "ActionCap",
    "AddStatus",
    "Addition",
    "AlgorithmMismatch",
    "Comparison",
    "Coverage",
    "Database",
    "DatabaseDamaged",
    "DatabaseEmpty",
    "DatabaseError",
    "DatabaseExists",
    "DatabaseLocked",
    "DatabaseNotFound",
    "DatabaseUnreachable",
    "DecoderFailed",
    "Details",
    "Effort",
    "EventInvalid",
    "Exchange",
    "Explanation",
    "FeedBusy",
    "FeedDigest",
    "FeedError",
    "FeedExpired",
    "FeedFork",
    "FeedGap",
    "FeedIllegalStub",
    "FeedMalformed",
    "FeedOversize",
    "FeedRollback",
    "FeedSignature",
    "FeedUnreachable",
    "Fingerprint",
    "FingerprintCache",
    "FingerprintError",
    "FormatError",
    "Gate",
    "HashQuery",
    "IndexUnavailable",
    "KeyUnusable",
    "LimitExceeded",
    "Limits",
    "Match",
    "MatchedSegment",
    "MediaError",
    "MediaNotFound",
    "Moderation",
    "NotADatabase",
    "NotMedia",
    "PdqHash",
    "PictureTrack",
    "Record",
    "RecordNotFound",
    "RestsOn",
    "Result",
    "SchemaTooNew",
    "Selection",
    "SoundFinding",
    "SoundFingerprint",
    "SoundSegment",
    "SoundTrack",
    "State",
    "UnreadableMedia",
    "UsageError",
    "Verdict",
    "VhashdbError",
    "__version__",
    "compare",
    "create",
    "every_frame",
    "fingerprint",
    "from_bytes",
    "from_json",
    "from_vpdq",
    "hash_image",
    "open",
    "read_hashes",
    "to_bytes",
    "to_json",
    "to_vpdq",
]


def create(
    path: str | os.PathLike[str],
    *,
    algorithm: str = "pdq",
    bits: int = 256,
    squares: bool = False,
    sound: bool = True,
    limits: Limits | None = None,
    local: str | os.PathLike[str] | None = None,
) -> Database:
    """Make a new, empty database at ``path``, a folder that does not exist yet or is empty, or a URL of PostgreSQL.

    Args:
        path: where; a URL is such as ``postgresql+psycopg://host/name``.
        algorithm: how frames are hashed, for good.
        bits: of one hash.
        squares: whether records also store a grid of squares, by which off-centre crops are found: for good, at about twice the room.
        sound: whether records also store landmarks of their sound: for good, at about twice the room of the pictures' hashes.
        limits: bounds on what an input may cost.
        local: see `open`.

    Raises:
        DatabaseExists: there is something already.
        UsageError: no such algorithm, or it needs imagehash, which is not installed; likewise PostgreSQL and psycopg.
    """
    from vhashdb.database import Database

    folder = None if local is None else Path(local)
    return Database.create(place_of(path), algorithm=algorithm, bits=bits, squares=squares, sound=sound, limits=limits, local=folder)


def open(
    path: str | os.PathLike[str],
    *,
    limits: Limits | None = None,
    lock_timeout_s: float = 10.0,
    cache: FingerprintCache | None = None,
    read_only: bool = False,
    local: str | os.PathLike[str] | None = None,
    searcher: SearcherOf | None = None,
    max_lag_s: float | None = None,
) -> Database:
    """Open the database at ``path``, a folder or a URL of PostgreSQL.

    With a ``cache``, files that were asked about before are not decoded again.

    A database that may not be written, such as a standby copy, is opened as with ``read_only``: it answers, writes nothing
    anywhere, and whatever would change it raises `DatabaseError`.

    Of a database on PostgreSQL every machine keeps its own indexes, and what it knows of feeds, in a folder within ``local``: unless it is
    given, where the user's data are. A standby can only be read; with ``max_lag_s``, what was read from it is a `DatabaseError` if it was
    more than so many seconds behind its primary.

    With a ``searcher``, such as `vhashdb.cluster.connect` returns, questions go to the shards of a cluster, and no index is kept here.

    Raises:
        DatabaseNotFound: there is nothing.
        NotADatabase: it is something else.
        SchemaTooNew: a newer vhashdb wrote it.
        DatabaseLocked: another process kept writing for ``lock_timeout_s`` seconds.
    """
    from vhashdb.database import Database

    folder = None if local is None else Path(local)
    return Database.open(
        place_of(path),
        limits=limits,
        lock_timeout_s=lock_timeout_s,
        cache=cache,
        read_only=read_only,
        local=folder,
        searcher=searcher,
        max_lag_s=max_lag_s,
    )

"""The one place that asks The Update Framework: what of a feed's metadata is signed, current and not older than before."""

from __future__ import annotations

import contextlib
import datetime
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from securesystemslib.exceptions import StorageError
from tuf.api import exceptions
from tuf.api.metadata import Key, Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from vhashdb import errors
from vhashdb.exchange import transport
from vhashdb.exchange.events import MAX_SEQ
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import FIELD
from vhashdb.text import printable

_BASE: Final = "feed:metadata/"
"""Stands for the source in the addresses that TUF makes."""
_TIMESTAMP: Final = "timestamp.json"

_RULES: Final[tuple[tuple[type[Exception], type[errors.FeedError]], ...]] = (
    (exceptions.ExpiredMetadataError, errors.FeedExpired),
    (exceptions.UnsignedMetadataError, errors.FeedSignature),
    (exceptions.BadVersionNumberError, errors.FeedRollback),
    (exceptions.LengthOrHashMismatchError, errors.FeedDigest),
    (exceptions.DownloadLengthMismatchError, errors.FeedOversize),
    (exceptions.DownloadError, errors.FeedUnreachable),
    (exceptions.RepositoryError, errors.FeedMalformed),
    (DeserializationError, errors.FeedMalformed),
    (StorageError, errors.FeedError),
    (OSError, errors.FeedError),  # of this machine: what comes from the source is a DownloadError
)
"""The first that fits counts."""


@dataclass(frozen=True)
class Trusted:
    """Verified metadata."""

    targets: Targets
    root_version: int
    root_epoch: int
    """The highest epoch that the root keys allow."""
    expires: datetime.datetime
    """When the first of the signed statements runs out."""
    unchanged: bool
    """The feed says what it said the last time, word for word."""


@contextlib.contextmanager
def in_our_words() -> Iterator[None]:
    """Turn errors of The Update Framework into those of the rules that were broken."""
    try:
        yield
    except errors.VhashdbError:
        raise
    except Exception as error:
        # Metadata that parse can still make a parser stumble, in as many ways as there are types and depths of JSON.
        rule = next((rule for kind, rule in _RULES if isinstance(error, kind)), errors.FeedMalformed)
        why = f"{error}: {error.__cause__}" if error.__cause__ else f"{error}" or type(error).__name__
        raise rule(f"the feed's metadata is not accepted: {printable(why)}") from error


def check_root(data: bytes) -> Root:
    """Return a root of trust, as it was handed over.

    Raises:
        FeedMalformed: it is none.
        FeedSignature: it is not signed by its own keys, or counts a key twice.
    """
    with in_our_words():
        metadata = Metadata[Root].from_bytes(data)
        if not isinstance(metadata.signed, Root):
            raise errors.FeedMalformed("the root of trust is metadata of another kind", hint="it is the file metadata/1.root.json")
        metadata.verify_delegate(Root.type, metadata)
        _no_key_twice(metadata.signed)
        return metadata.signed


def refresh(source: transport.Source, root: bytes, folder: Path, limits: FeedLimits) -> Trusted:
    """Bring the metadata in ``folder`` up to date with the source.

    Raises:
        FeedError: the subclass is the rule that was broken. What was accepted before stays.
    """
    check_root(root)
    with in_our_words():
        folder.mkdir(parents=True, exist_ok=True)
        data = transport.read(source, f"metadata/{_TIMESTAMP}", limits.timestamp_bytes)
        before = folder / _TIMESTAMP
        unchanged = before.is_file() and before.read_bytes() == data
        updater = Updater(
            metadata_dir=str(folder),
            metadata_base_url=_BASE,
            fetcher=_Fetcher(source, data if unchanged else None),
            config=_config(limits),
            bootstrap=root,
        )
        updater.refresh()
        return _verified(folder, unchanged)


def _config(limits: FeedLimits) -> UpdaterConfig:
    return UpdaterConfig(
        max_root_rotations=limits.root_rotations,
        max_delegations=1,
        root_max_length=limits.root_bytes,
        timestamp_max_length=limits.timestamp_bytes,
        snapshot_max_length=limits.snapshot_bytes,
        targets_max_length=limits.targets_bytes,
    )


def _verified(folder: Path, unchanged: bool) -> Trusted:
    """Read the metadata that the updater left behind: it writes only what it verified."""
    root = Metadata[Root].from_file(str(folder / "root.json")).signed
    if root.version > MAX_SEQ:
        raise errors.FeedMalformed("the root of trust has a version that no database can hold")
    _no_key_twice(root)
    targets = Metadata[Targets].from_file(str(folder / "targets.json")).signed
    timestamp = Metadata[Timestamp].from_file(str(folder / _TIMESTAMP)).signed
    snapshot = Metadata[Snapshot].from_file(str(folder / "snapshot.json")).signed
    expires = min(role.expires for role in (root, targets, timestamp, snapshot))
    return Trusted(targets, root.version, epoch_of(root), expires, unchanged)


def epoch_of(root: Root) -> int:
    """Return the highest epoch that a root allows."""
    value = root.unrecognized_fields.get(FIELD)
    epoch = value.get("epoch") if isinstance(value, dict) else None
    if type(epoch) is not int or not 1 <= epoch <= MAX_SEQ:
        raise errors.FeedMalformed("the root of trust names no epoch, so it is not of a feed")
    return epoch


def _no_key_twice(root: Root) -> None:
    """TUF counts ids; the same key under two ids would count twice."""
    for role, signed in root.roles.items():
        keys = [root.keys[keyid] for keyid in signed.keyids if keyid in root.keys]
        if any(number > 1 for number in Counter(map(_value, keys)).values()):
            raise errors.FeedSignature(f"the root of trust counts one key twice for {role}")


def _value(key: Key) -> str:
    """Return the key itself, however its text is wrapped or its digits are written."""
    return "".join(str(key.keyval.get("public")).split()).lower()


class _Fetcher(FetcherInterface):
    """Gives TUF the bytes of a source. If the timestamp is what it was, nothing else is asked for: it names the rest."""

    def __init__(self, source: transport.Source, timestamp: bytes | None) -> None:
        self._source = source
        self._timestamp = timestamp

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return a metadata file, read here rather than block by block, so that a connection never outlives an error."""
        name = url.removeprefix("feed:")
        if self._timestamp is not None:
            if name.endswith(_TIMESTAMP):
                return self._timestamp
            if name.endswith("root.json"):
                raise exceptions.DownloadHTTPError(f"{name} is not asked for", 404)
        try:
            return transport.read(self._source, name, max_length)
        except transport.FileMissing as error:
            raise exceptions.DownloadHTTPError(error.message, 404) from error

    def _fetch(self, url: str) -> Iterator[bytes]:
        raise NotImplementedError(f"{url}: only metadata is fetched in this way")

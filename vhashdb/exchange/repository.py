"""A TUF repository on disk: which metadata is current, and how the next is signed and put in place.

Current is what the timestamp leads to, whatever else lies there. The next state is written from the bottom up and the
timestamp last, each file whole and synced before the next, so that a crash leaves only files that nothing refers to.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from vhashdb.errors import FeedMalformed, FeedUnreachable
from vhashdb.exchange import trust
from vhashdb.exchange.keys import Keyring
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import FIELD, Listing, from_targets, to_targets
from vhashdb.writing import write_durably

SIGNED_BY: Final = {"root": "root", "targets": "targets", "timestamp": "online", "snapshot": "online"}
"""Which of this project's three kinds of keys signs which of TUF's roles."""
SWEEP_AFTER_S: Final = 24 * 3600.0
"""Files that nothing refers to stay this long: somebody may be in the middle of reading them."""


@dataclass(frozen=True)
class Lifetimes:
    """Days after which each statement runs out unless it is signed again."""

    root: int = 730
    targets: int = 365
    snapshot: int = 30
    timestamp: int = 7


@dataclass(frozen=True)
class Current:
    """Signed metadata that the timestamp leads to."""

    root: Metadata[Root]
    timestamp: Metadata[Timestamp]
    snapshot: Metadata[Snapshot]
    targets: Metadata[Targets]


class Repository:
    """The metadata of one feed. The caller holds the lock."""

    def __init__(self, folder: Path, limits: FeedLimits, lifetimes: Lifetimes) -> None:
        self.folder = folder
        self._metadata = folder / "metadata"
        self._limits, self._lifetimes = limits, lifetimes

    @property
    def exists(self) -> bool:
        """Whether there is a feed here: its first timestamp was written."""
        return (self._metadata / "timestamp.json").exists()

    def current(self) -> Current:
        """Read what is current.

        Raises:
            FeedUnreachable: there is no feed.
            FeedMalformed: a file is damaged or missing.
        """
        root = self.root()
        timestamp = self._read(Timestamp, "timestamp")
        snapshot = self._read(Snapshot, f"{timestamp.signed.snapshot_meta.version}.snapshot")
        targets = self._read(Targets, f"{snapshot.signed.meta['targets.json'].version}.targets")
        return Current(root, timestamp, snapshot, targets)

    def listing(self) -> Listing:
        """Read the current listing from the targets."""
        return from_targets(self.current().targets.signed, self._limits)

    def ageing(self) -> bool:
        """Tell whether the targets have lived for most of their time, so that they should be signed again."""
        left = self.current().targets.signed.expires - datetime.datetime.now(datetime.UTC)
        return left < datetime.timedelta(days=self._lifetimes.targets / 4)

    def root(self) -> Metadata[Root]:
        """Return the newest root."""
        if not self.exists:
            raise FeedUnreachable(f"{self.folder} is not a feed", hint="make one with `Publisher.init`")
        version = max(int(path.name.partition(".")[0]) for path in self._metadata.glob("*.root.json"))
        return self._read(Root, f"{version}.root")

    def commit(self, root: Root, listing: Listing, keyring: Keyring) -> None:
        """Make a listing current: targets, snapshot, timestamp, in this order."""
        old = self.current() if self.exists else None
        version = old.targets.signed.version + 1 if old else 1
        targets = Metadata(to_targets(listing, version, self._in(self._lifetimes.targets)))
        self._sign(targets, (root,), keyring)
        self._write(targets, f"{version}.targets")
        self._commit_online((root,), targets.signed.version, old, keyring)

    def renew(self, keyring: Keyring) -> None:
        """Sign once more that what is current is current."""
        old = self.current()
        self._commit_online((old.root.signed,), old.targets.signed.version, old, keyring)

    def begin(self, keys: dict[str, list[Key]], thresholds: dict[str, int], keyring: Keyring) -> Root:
        """Write the first root."""
        root = Root(version=1, expires=self._in(self._lifetimes.root), consistent_snapshot=True, unrecognized_fields={FIELD: {"epoch": 1}})
        for role in TOP_LEVEL_ROLE_NAMES:
            for key in keys[SIGNED_BY[role]]:
                root.add_key(key, role)
            root.roles[role].threshold = thresholds[SIGNED_BY[role]]
        self._commit_root(root, (root,), keyring)
        return root

    def rotate(self, root: Root, keyring: Keyring) -> None:
        """Replace the root by its successor and have everything signed by the keys that it names.

        While the old keys are at hand, all is signed by old and new ones and the root comes last: every moment in between
        is valid for everybody. If they are lost, the root comes first, and the feed is whole again when this is done.
        """
        old = self.current()
        root.version, root.expires = old.root.signed.version + 1, self._in(self._lifetimes.root)
        both = (old.root.signed, root)
        self._signers(both, "root", keyring)  # here and in the next line, to fail before anything is written
        for role in self._to_sign_again(old.root.signed, root):
            self._signers((root,), role, keyring)
        if all(keyring.suffices(root.keys, root.roles[role]) for root in both for role in self._to_sign_again(*both)):
            self._sign_again(both, old, keyring)
            self._commit_root(root, both, keyring)
        else:
            self._commit_root(root, both, keyring)
            self._sign_again((root,), old, keyring)

    def sweep(self, referred: Iterable[Path], older_than_s: float) -> None:
        """Remove files that nothing refers to and that nobody has written for a while. Every root stays."""
        old = self.current()
        kept = {path.resolve() for path in referred} | {
            (self._metadata / name).resolve()
            for name in ("timestamp.json", f"{old.snapshot.signed.version}.snapshot.json", f"{old.targets.signed.version}.targets.json")
        }
        before = time.time() - older_than_s
        for path in (*self._metadata.iterdir(), *(self.folder / "targets").rglob("*")):
            if path.is_file() and path.resolve() not in kept and not path.name.endswith(".root.json") and path.stat().st_mtime <= before:
                path.unlink(missing_ok=True)

    # -- inside --------------------------------------------------------------------------------

    @staticmethod
    def _to_sign_again(old: Root, new: Root) -> tuple[str, ...]:
        """Return the roles that have to be signed after a new root; a targets key that stays can stay in its safe."""
        kept = old.roles["targets"] == new.roles["targets"]
        return ("snapshot", "timestamp") if kept else ("targets", "snapshot", "timestamp")

    def _sign_again(self, roots: tuple[Root, ...], old: Current, keyring: Keyring) -> None:
        """Sign the same content again, for all of some roots."""
        version = old.targets.signed.version
        if "targets" in self._to_sign_again(old.root.signed, roots[-1]):
            version += 1
            targets = Metadata(Targets.from_dict(old.targets.signed.to_dict()))
            targets.signed.version, targets.signed.expires = version, self._in(self._lifetimes.targets)
            self._sign(targets, roots, keyring)
            self._write(targets, f"{version}.targets")
        self._commit_online(roots, version, old, keyring)

    def _commit_online(self, roots: tuple[Root, ...], targets_version: int, old: Current | None, keyring: Keyring) -> None:
        version = old.snapshot.signed.version + 1 if old else 1
        meta = {"targets.json": self._meta(f"{targets_version}.targets", targets_version)}
        snapshot = Metadata(Snapshot(version=version, expires=self._in(self._lifetimes.snapshot), meta=meta))
        self._sign(snapshot, roots, keyring)
        self._write(snapshot, f"{version}.snapshot")
        timestamp = Timestamp(
            version=old.timestamp.signed.version + 1 if old else 1,
            expires=self._in(self._lifetimes.timestamp),
            snapshot_meta=self._meta(f"{version}.snapshot", version),
        )
        signed = Metadata(timestamp)
        self._sign(signed, roots, keyring)
        self._write(signed, "timestamp")

    def _commit_root(self, root: Root, roots: tuple[Root, ...], keyring: Keyring) -> None:
        metadata = Metadata(root)
        self._sign(metadata, roots, keyring)
        trust.check_root(metadata.to_bytes())
        self._write(metadata, f"{root.version}.root")

    def _sign(self, metadata: Metadata[Any], roots: tuple[Root, ...], keyring: Keyring) -> None:
        for signer in self._signers(roots, metadata.signed.type, keyring):
            metadata.sign(signer, append=True)

    def _signers(self, roots: tuple[Root, ...], role: str, keyring: Keyring) -> list[Signer]:
        found = {}
        for root in roots:
            signed = root.roles[role]
            for signer in keyring.signers(root.keys, signed, SIGNED_BY[role]):
                found[signer.public_key.keyid] = signer
        return list(found.values())

    def _meta(self, name: str, version: int) -> MetaFile:
        return MetaFile.from_data(version, (self._metadata / f"{name}.json").read_bytes(), ["sha256"])

    def _read(self, kind: type[Any], name: str) -> Metadata[Any]:
        path = self._metadata / f"{name}.json"
        try:
            with trust.in_our_words():
                metadata: Metadata[Any] = Metadata.from_file(str(path))
        except FeedMalformed:
            raise
        except Exception as error:
            raise FeedMalformed(f"{path} cannot be read: {error}", hint="restore the feed's folder from a copy") from error
        if not isinstance(metadata.signed, kind):
            raise FeedMalformed(f"{path} holds metadata of another kind")
        return metadata

    def _write(self, metadata: Metadata[Any], name: str) -> None:
        write_durably(self._metadata / f"{name}.json", metadata.to_bytes())

    @staticmethod
    def _in(days: float) -> datetime.datetime:
        return datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(days=days)

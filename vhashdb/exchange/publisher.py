"""One's own feed on disk: events are appended, signed, compacted, erased.

::

    keyring = Keyring.load([Path("acme.keys")], passphrase)
    publisher = Publisher(Path("acme-tvec"), keyring)
    publisher.publish([Put(rid=…, rev=1, signals=…), Retract(rid=…, rev=2, reason="appeal", erase=True)])
    publisher.heartbeat()                                      # daily, with the online key alone

The folder is then copied to, or served from, wherever members read it. Everything may be copied in any order as long as
``metadata/timestamp.json`` comes last.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from securesystemslib.signer import Key
from tuf.api.metadata import TOP_LEVEL_ROLE_NAMES, Root

from vhashdb.errors import UsageError
from vhashdb.exchange import chain as chains
from vhashdb.exchange import events, files
from vhashdb.exchange.archive import Archive
from vhashdb.exchange.keys import ROLES, Keyring
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import FIELD, Listing, Policy
from vhashdb.exchange.repository import SIGNED_BY, SWEEP_AFTER_S, Lifetimes, Repository
from vhashdb.exchange.state import Entry, FeedState, replay


class Publisher:
    """Writes one feed. One process at a time works on it; another one gets `FeedBusy`."""

    def __init__(self, folder: Path, keyring: Keyring, *, limits: FeedLimits | None = None, lifetimes: Lifetimes | None = None) -> None:
        self.folder = folder
        self.limits = limits or FeedLimits()
        self._keyring = keyring
        self._archive = Archive(folder / "targets", self.limits)
        self._repository = Repository(folder, self.limits, lifetimes or Lifetimes())

    def init(self, feed_id: str, keys: Mapping[str, Sequence[Key]], thresholds: Mapping[str, int], policy: Policy | None = None) -> Listing:
        """Begin a feed without events.

        Args:
            feed_id: lower-case words joined by ``-`` or ``.``; it stays for ever.
            keys: of the roles ``root``, ``targets`` and ``online``.
            thresholds: how many keys of each role have to sign; 1 for a role that is not named.
            policy: what holds for all records.
        """
        events.check_feed_id(feed_id)
        for role in ROLES:
            _check_threshold(role, thresholds.get(role, 1), len(keys.get(role, ())))
        self.folder.mkdir(parents=True, exist_ok=True)
        with files.locked(self.folder):
            if self._repository.exists:
                raise UsageError(f"{self.folder} is a feed already", hint="choose another folder")
            listing = Listing(feed_id, 1, 0, chains.start(feed_id), policy or Policy())
            root = self._repository.begin(
                {role: list(keys[role]) for role in ROLES}, {role: thresholds.get(role, 1) for role in ROLES}, self._keyring
            )
            self._repository.commit(root, listing, self._keyring)
            return listing

    # -- reading -------------------------------------------------------------------------------

    def listing(self) -> Listing:
        """Read the current listing of the feed."""
        return self._repository.listing()

    def root(self) -> Root:
        """Return the keys and thresholds in force."""
        return self._repository.root().signed

    def entries(self) -> Iterator[Entry]:
        """Yield the events that the feed says now, or those of a snapshot in the place of the older ones."""
        return iter(self._archive.entries(self.listing()))

    def taxonomy(self) -> bytes | None:
        """Return the document that the feed pins, such as labels in words or a roster; None if it has none.

        Raises:
            FeedMalformed: its file is missing or damaged.
        """
        return self._archive.document(self.listing())

    def state(self) -> FeedState:
        """Replay the feed's events."""
        return replay(self._archive.entries(self.listing()))

    # -- writing -------------------------------------------------------------------------------

    def publish(self, new: Iterable[events.Written], *, policy: Policy | None = None, taxonomy: bytes | None = None) -> Listing:
        """Append events, in one step for all who read the feed: they see all of them or none.

        Events without a time get the present one. A `Retract` with ``erase`` also takes what was published of its record
        out of the files, at once.

        Raises:
            EventInvalid: an event breaks the schema or says what a feed may not say; nothing was published.
            KeyUnusable: keys of targets or online are missing.
        """
        with self._working() as listing:
            changed = replace(listing, policy=policy or listing.policy)
            changed, erased = self._archive.append(changed, new)
            if erased:
                changed = self._archive.erase(changed, erased)
            changed = self._archive.join(changed)
            if taxonomy is not None:
                changed = self._archive.taxonomy(changed, taxonomy)
            if changed != listing or self._repository.ageing():
                self._commit(changed, sweep_after_s=0.0 if erased else SWEEP_AFTER_S)
            return changed

    def heartbeat(self) -> None:
        """Sign once more that what is current is current. Needs the online key only; to be done daily."""
        with self._working() as listing:
            self._repository.renew(self._keyring)
            self._sweep(listing, SWEEP_AFTER_S)

    def compact(self, *, keep_events: int | None = None) -> Listing:
        """Write a snapshot of the state, for new members, and take away old snapshots and files that nothing refers to.

        Args:
            keep_events: with it, segments that end more than so many events before the head are taken away as well;
                who was away for longer starts from the snapshot.
        """
        with self._working() as listing:
            if not listing.seq:
                return listing
            changed = self._archive.snapshot(listing)
            if keep_events is not None:
                first_kept = listing.seq - keep_events + 1
                files_ = (f for f in changed.files if f.custom.kind != "segment" or f.custom.last >= first_kept)
                changed = replace(changed, files=tuple(files_))
            self._commit(changed, sweep_after_s=SWEEP_AFTER_S)
            return changed

    def rotate(
        self,
        role: str,
        *,
        drop: Iterable[str] = (),
        add: Iterable[Key] = (),
        threshold: int | None = None,
        new_epoch: bool = False,
    ) -> Root:
        """Replace keys of a role: a new root, signed by old and new root keys, and everything else signed by the new ones.

        Args:
            role: ``root``, ``targets`` or ``online``.
            drop: ids of keys that lose their say.
            add: keys that get one.
            threshold: how many have to sign from now on; as before without it.
            new_epoch: begin the history anew with the present state, for those to whom a thief of keys showed another one.
        """
        if role not in ROLES:
            raise UsageError(f"{role!r} is not a role", hint=f"known: {', '.join(ROLES)}")
        dropped, added = list(drop), list(add)
        with self._working() as listing:
            root = Root.from_dict(self.root().to_dict())
            for name in TOP_LEVEL_ROLE_NAMES:
                if SIGNED_BY[name] == role:
                    for key in added:
                        root.add_key(key, name)
                    for keyid in dropped:
                        _check_dropped(root, name, keyid, role)
                        root.revoke_key(keyid, name)
                    signed = root.roles[name]
                    signed.threshold = signed.threshold if threshold is None else threshold
                    _check_threshold(role, signed.threshold, len(signed.keyids))
            if new_epoch:  # consumers accept no epoch that the root does not allow
                root.unrecognized_fields[FIELD] = {"epoch": listing.epoch + 1}
            self._repository.rotate(root, self._keyring)
            if new_epoch:
                self._begin_anew(listing)
            return root

    def _begin_anew(self, listing: Listing) -> None:
        kept = tuple(file for file in listing.files if file.custom.kind == "taxonomy")
        fresh = replace(listing, epoch=listing.epoch + 1, seq=0, chain=chains.start(listing.feed), files=kept)
        again = (event for _, _, event in self._archive.counting(listing) if not isinstance(event, events.Unknown | events.Malformed))
        changed, _ = self._archive.append(fresh, again)
        self._commit(changed, sweep_after_s=SWEEP_AFTER_S)

    # -- inside --------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _working(self) -> Iterator[Listing]:
        if not self.folder.is_dir():
            self._repository.root()  # says that there is no feed
        with files.locked(self.folder):
            yield self._repository.listing()

    def _commit(self, listing: Listing, sweep_after_s: float) -> None:
        self._repository.commit(self.root(), listing, self._keyring)
        self._sweep(listing, sweep_after_s)

    def _sweep(self, listing: Listing, after_s: float) -> None:
        self._repository.sweep(map(self._archive.path, listing.files), after_s)


def _check_threshold(role: str, threshold: int, keys: int) -> None:
    if not 1 <= threshold <= keys:
        raise UsageError(
            f"{threshold} of {keys} keys cannot sign {role}", hint="the threshold is at least 1, and at most the number of keys"
        )


def _check_dropped(root: Root, name: str, keyid: str, role: str) -> None:
    if keyid not in root.roles[name].keyids:
        known = ", ".join(root.roles[name].keyids)
        raise UsageError(f"{keyid} is not a key of {role}", hint=f"its keys: {known}")

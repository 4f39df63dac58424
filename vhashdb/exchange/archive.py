"""The files of one's own feed: segments, snapshots and taxonomies, made from one another. Nothing here is signed.

Every method takes a listing and gives the next one. Files are written before the listing that names them is signed, and
never changed: what is joined, cut anew or erased gets another hash, so another name.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain as joined
from pathlib import Path
from typing import Final

from vhashdb.errors import EventInvalid, FeedError, FeedMalformed, UsageError
from vhashdb.exchange import chain as chains
from vhashdb.exchange import events, files, lint
from vhashdb.exchange.fetch_plan import cheapest_plan
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.listing import Custom, File, Listing, path_of
from vhashdb.exchange.position import HistoryVerifier, state_lines
from vhashdb.exchange.segments import JOINED_BYTES, WrittenFile, compressed, read_lines, redacted, to_join
from vhashdb.exchange.state import Entry, replay
from vhashdb.opening import content_of
from vhashdb.writing import settle, write_durably

MAX_TAXONOMY_BYTES: Final = 1 << 20

_RESTORE: Final = "restore the feed's folder from a copy"


class Archive:
    """The folder ``targets`` of a feed."""

    def __init__(self, folder: Path, limits: FeedLimits) -> None:
        self.folder = folder
        self._limits = limits

    def path(self, file: File) -> Path:
        """Return where a file is."""
        return self.folder / file.stored

    def lines(self, file: File) -> Iterator[bytes]:
        """Yield the lines of a file.

        Raises:
            FeedMalformed: it is missing or damaged.
        """
        path = self.path(file)
        try:
            if path.exists() and not path.is_file():  # a pipe would be waited for
                raise FeedMalformed(f"{path} is not a regular file", hint=_RESTORE)
            if files.sha256_of(path) != file.sha256:
                raise FeedMalformed(f"{path} is damaged", hint=_RESTORE)
            with path.open("rb") as opened:
                yield from read_lines(opened, file.custom.raw, self._limits)
        except OSError as error:
            if isinstance(error, FeedError):
                raise
            raise FeedMalformed(f"{path} cannot be read: {error.strerror}", hint=_RESTORE) from error

    def document(self, listing: Listing) -> bytes | None:
        """Return the taxonomy as it is published; None if there is none.

        Raises:
            FeedMalformed: it is missing or damaged.
        """
        file = listing.taxonomy
        if file is None:
            return None
        path = self.path(file)
        try:
            data = content_of(path, MAX_TAXONOMY_BYTES)
        except OSError as error:
            raise FeedMalformed(f"{path} cannot be read: {error.strerror}", hint=_RESTORE) from error
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise FeedMalformed(f"{path} is damaged", hint=_RESTORE)
        return data

    def entries(self, listing: Listing) -> Iterator[Entry]:
        """Yield the cheapest events that give the state, checked as a consumer would."""
        plan = cheapest_plan(listing, 0)
        verifier = HistoryVerifier(0, chains.start(listing.feed))
        if plan.snapshot is not None:
            last = plan.snapshot.custom.last
            yield from state_lines(self.lines(plan.snapshot), last, plan.snapshot.custom.lines)
            verifier = HistoryVerifier(last, plan.snapshot.chain)
        for segment in plan.segments:
            yield from verifier.along(self.lines(segment), segment.custom.first)
        verifier.expect(listing.seq, listing.chain)
        verifier.finish()

    def counting(self, listing: Listing) -> Iterator[Entry]:
        """Yield the events that count at the head, in order. Reads everything twice rather than holding it."""
        numbers = replay(self.entries(listing)).counting()
        return (entry for entry in self.entries(listing) if entry[0] in numbers)

    # -- making files --------------------------------------------------------------------------

    def append(self, listing: Listing, new: Iterable[events.Written]) -> tuple[Listing, dict[str, int]]:
        """Add new events in new segments; and return for each record that they erase, the number of the event that does.

        Raises:
            EventInvalid: an event may not be published.
        """
        end = HistoryVerifier(listing.seq, listing.chain)
        erased: dict[str, int] = {}
        lines = _encoded(new, end, erased)
        # One line ahead, so that no segment is empty.
        written = [self._segment(end.seq, _until_large(line, lines), end) for line in lines]
        return replace(listing, seq=end.seq, chain=end.chain, files=(*listing.files, *written)), erased

    def _segment(self, first: int, lines: Iterable[bytes], end: HistoryVerifier) -> File:
        return self._keep(lines, lambda w: Custom("segment", first, end.seq, w.raw, w.lines, end.chain.hex()))

    def join(self, listing: Listing) -> Listing:
        """Join the last segments, if there are many small ones."""
        segments = listing.segments
        count = to_join([segment.custom.raw for segment in segments])
        if not count:
            return listing
        old = segments[-count:]
        first, last = old[0].custom.first, old[-1].custom
        lines = joined.from_iterable(map(self.lines, old))
        new = self._keep(lines, lambda w: replace(last, first=first, raw=w.raw, lines=w.lines))
        return replace(listing, files=(*(file for file in listing.files if file not in old), new))

    def erase(self, listing: Listing, erased: Mapping[str, int]) -> Listing:
        """Put stubs in the place of records that are erased."""
        return replace(listing, files=tuple(self._without(file, erased) for file in listing.files))

    def _without(self, file: File, erased: Mapping[str, int]) -> File:
        rids = [rid.encode() for rid in erased]
        if file.custom.kind == "taxonomy" or not any(rid in line for line in self.lines(file) for rid in rids):
            return file
        changed = (redacted(line, erased) for line in self.lines(file))
        if file.custom.kind == "snapshot":  # it has no places to keep: what is not in it is retracted
            changed = (new for old, new in zip(self.lines(file), changed, strict=True) if new == old)
        return self._keep(changed, lambda w: replace(file.custom, raw=w.raw, lines=w.lines))

    def snapshot(self, listing: Listing) -> Listing:
        """Add a snapshot at the head, in place of all others."""
        lines = (line for _, line, _ in self.counting(listing))
        new = self._keep(lines, lambda w: Custom("snapshot", 0, listing.seq, w.raw, w.lines, listing.chain.hex()))
        return replace(listing, files=(*(file for file in listing.files if file.custom.kind != "snapshot"), new))

    def taxonomy(self, listing: Listing, data: bytes) -> Listing:
        """Replace the taxonomy, which is one JSON object; the former ones stay listed.

        Raises:
            UsageError: it is not JSON, or too large.
        """
        try:
            fits = isinstance(json.loads(data), dict) and len(data) <= MAX_TAXONOMY_BYTES
        except (ValueError, RecursionError):
            fits = False
        if not fits:
            raise UsageError(f"the taxonomy is not one JSON object of at most {MAX_TAXONOMY_BYTES} bytes")
        digest, last = hashlib.sha256(data).hexdigest(), listing.taxonomy
        if last is not None and last.sha256 == digest:
            return listing
        custom = Custom("taxonomy", last=last.custom.last + 1 if last else 1)
        new = File(path_of(custom), digest, len(data), custom)
        write_durably(self.path(new), data)
        return replace(listing, files=(*listing.files, new))

    def _keep(self, lines: Iterable[bytes], describe: Callable[[WrittenFile], Custom]) -> File:
        """Write a new file of lines; its description is asked for when they are all there."""
        with compressed(lines, self.folder, self._limits) as (temporary, written):
            custom = describe(written)
            new = File(path_of(custom), written.sha256, written.length, custom)
            self.path(new).parent.mkdir(exist_ok=True)
            settle(temporary, self.path(new))
        return new


def _encoded(new: Iterable[events.Written], end: HistoryVerifier, erased: dict[str, int]) -> Iterator[bytes]:
    """Yield the lines of new events; ``end`` and ``erased`` keep up with them."""
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    for event in new:
        if isinstance(event, events.Redacted):
            raise EventInvalid("a stub is not published; a retraction with `erase` makes it")
        if isinstance(event, events.Put) and event.rid in erased:
            raise EventInvalid(f"record {event.rid} is erased; what is erased does not come back")
        timed = event if event.at is not None else replace(event, at=now)
        lint.check(timed)
        line = events.encode(end.seq + 1, timed)
        end.seq, end.chain = end.seq + 1, chains.extend(end.chain, chains.leaf(line, timed))
        if isinstance(timed, events.Retract) and timed.erase:
            erased.setdefault(timed.rid, end.seq)
        yield line


def _until_large(line: bytes, lines: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a line and those after it, until they are enough for a segment."""
    size = 0
    for each in joined((line,), lines):
        yield each
        size += len(each)
        if size >= JOINED_BYTES:
            return

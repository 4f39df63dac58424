"""Import a file of others: a pure decision for each item, carried out in small transactions."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Final

import numpy as np

from vhashdb.codes import LOCAL, NEGATIVE
from vhashdb.errors import UsageError
from vhashdb.exchange.formats import Entry, Format, FormatLimits, Item, ItemOpinion, Options, Refusal, Remark, opened
from vhashdb.exchange.formats.words import label_of
from vhashdb.fingerprints import Fingerprint
from vhashdb.fingerprints.build import subsampled
from vhashdb.fingerprints.model import bare, bare_with_squares
from vhashdb.fingerprints.text import quoted
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.live_index import IndexWriters
from vhashdb.moderation.import_gate import ImportGate
from vhashdb.sound import FRAME_S, SoundFingerprint
from vhashdb.store.clock import now_utc
from vhashdb.store.imports import Batch, Content, Imported, Imports, Place
from vhashdb.store.records import EXPIRED, Details, NewRecord, State, check_label
from vhashdb.store.records_file import Store
from vhashdb.text import counted

_RENAMINGS: Final = 100
"""Labels that are named as written otherwise here. Engineering bound: on what is printed at the end of a file."""
_BATCH: Final = 256
"""Items that are one transaction: what was reported is safe on disk, and a disk need not be waited for each time."""


class Status(enum.StrEnum):
    """Outcome of one item, in a word."""

    ADDED = "added"
    HELD = "held"
    """Added, and waits for a person."""
    UPDATED = "updated"
    KNOWN = "known"
    """Nothing new in it."""
    WITHDRAWN = "withdrawn"
    """Its source withdrew it; it does not match any more."""
    OPINION = "opinion"
    """It says that something is *not* harmful, which makes no record."""
    REFUSED = "refused"


@dataclass(frozen=True)
class ImportOutcome:
    """Outcome of one item, or of a part of the file that is none."""

    number: int
    """The line it begins in, or how many items it is from the start, as `Format.counts` says."""
    status: Status
    reason: str = ""
    """Why, where it is not plain."""
    record: str | None = None
    """The id of the record that was touched; None with ``dry_run`` and where there is none."""
    source: str = ""
    external_id: str = ""
    opinions: tuple[ItemOpinion, ...] = ()
    notes: tuple[str, ...] = ()
    """Parts that were left out, in words."""
    shortcomings: tuple[str, ...] = ()
    """Reasons why its record is hard to find, in words; the number of each is said once, at the end of the file."""

    def to_json(self, path: str, counts: str) -> dict[str, Any]:
        """Return the ``item`` line of ``vhashdb import --json``."""
        return {
            "type": "item",
            "path": path,
            counts: self.number,
            "status": self.status.value,
            "reason": self.reason,
            "record": self.record,
            "source": self.source,
            "external_id": self.external_id,
            "opinions": [{"by": o.by, "verdict": o.verdict, "reason": o.reason} for o in self.opinions],
            "notes": [*self.notes, *self.shortcomings],
        }


@dataclass(frozen=True)
class ImportDecision:
    """Decision about an item."""

    status: Status
    reason: str = ""
    state: State = State.ACTIVE


def decide(item: Item, known: Imported | None, held: str) -> ImportDecision:
    """Decide about an item, given what is known of its id and why the gate would hold it (empty if it would not)."""
    if item.withdrawn or item.harmless:
        return _less(item, known)
    if not item.has_signals:
        return ImportDecision(Status.REFUSED, "it has no hash that is kept")
    disputed = item.disputed or any(opinion.verdict in NEGATIVE for opinion in item.opinions)
    state = State.HELD if held else State.DISPUTED if disputed else State.ACTIVE
    said = held or ("organisations disagree on it" if disputed else "")
    if known is None:
        return ImportDecision(Status.HELD if held else Status.ADDED, said, state)
    if known.state is State.RETRACTED:
        if not known.withdrawn:
            return ImportDecision(Status.KNOWN, "it was retracted here")
        return ImportDecision(Status.HELD, "its source withdrew it before", State.HELD)
    if known.digest == item.statement:
        return ImportDecision(Status.KNOWN)
    # What waits for a person goes on waiting: new words of its source are no review.
    if known.state is State.HELD and not held:
        return ImportDecision(Status.UPDATED, "it still waits for a person", State.HELD)
    return ImportDecision(Status.HELD if held else Status.UPDATED, said, state)


def _less(item: Item, known: Imported | None) -> ImportDecision:
    """Decide about an item that takes something away."""
    reason = item.withdrawn or "its source says that it is not harmful"
    if known is None:
        return ImportDecision(Status.KNOWN, "withdrawn, and was never here") if item.withdrawn else ImportDecision(Status.OPINION, reason)
    if known.state is State.RETRACTED and known.withdrawn:
        return ImportDecision(Status.KNOWN, "withdrawn before")
    return ImportDecision(Status.WITHDRAWN, reason, State.RETRACTED)


@dataclass(frozen=True)
class Attribution:
    """Source, labels and reason that the person who imports gives for all items."""

    source: str = ""
    """Where they come from; by default the format, and where it names one the organisation."""
    labels: tuple[str, ...] = ()
    reason: str = ""
    label_map: Mapping[str, str] = field(default_factory=dict)
    """Labels of theirs, as `label_of` writes them, and which label here each of them is; empty: none."""

    def __post_init__(self) -> None:
        for label in filter(None, self.label_map.values()):
            check_label(label)
        if self.source and (self.source == LOCAL or label_of(self.source) != self.source):
            raise UsageError(f"{self.source!r} cannot be a source", hint="use lower-case words joined by hyphens, other than local")


def read_label_map(text: str) -> dict[str, str]:
    """Read which label here each of theirs is: lines ``Theirs=ours``, without anything after ``=`` if it is left out, and ``#`` comments.

    Raises:
        UsageError: a line is none of these, or names no label here.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        theirs, equals, ours = (part.strip() for part in line.rpartition("="))
        if not equals or not label_of(theirs):
            raise UsageError(f"line {number} of the label map is not THEIRS=OURS", hint="write such as: Terrorism and Violence=tvec")
        try:
            found[label_of(theirs)] = check_label(ours) if ours else ""
        except UsageError as error:
            raise UsageError(f"line {number} of the label map: {error.message}", hint=error.hint) from error
    return found


class Importer:
    """One import into one database.

    Example::

        with vhashdb.open("industry.vhdb") as db, open("page.json", "rb") as file:
            for outcome in db.exchange.import_from(file, Attribution(source="acme")).run():
                print(outcome)
    """

    def __init__(
        self,
        store: Store,
        gate: ImportGate,
        index_writer: IndexWriters,
        stream: BinaryIO,
        said: Attribution | None = None,
        *,
        form: str = "",
        options: Options | None = None,
        dry_run: bool = False,
    ) -> None:
        """Recognise the file; see `Exchange.import_from`.

        Raises:
            FormatError: it is of no known format.
            UsageError: there is no format of that name.
        """
        self._store, self._index_writer, self._said, self._dry_run = store, index_writer, said or Attribution(), dry_run
        self._imports = Imports(store)
        self.format, self._file = opened(stream, options, form)
        self._bare, self._keeps_sound = bare_with_squares if store.squares else bare, store.sound
        self._pretended: dict[Place, Imported] = {}
        self._gate = gate
        self._little: Counter[str] = Counter()
        """Records that can be found less well than one might think, by why."""
        self._renamed: Counter[tuple[str, str]] = Counter()
        """Items with a label that is written otherwise here, by how it is written there and here."""

    def run(self) -> Iterator[ImportOutcome | Remark]:
        """Take the file, item by item; what was given is on disk, unless it is a dry run.

        Raises:
            FormatError: the file as a whole cannot be read.
            LimitExceeded: it is larger than it may be; what came before is taken.
        """
        pending: list[Entry] = []
        try:
            for entry in self.format.entries(self._file):
                pending.append(entry)
                if len(pending) == _BATCH:
                    taken, pending = pending, []
                    yield from self._take(taken)
        except Exception:
            yield from self._take(pending)
            raise
        yield from self._take(pending)
        if not self._dry_run:
            self._index_writer.maintain()
        yield from map(Remark, renamings(self._renamed))
        yield from (Remark(f"{counted(number, 'record')}: {words}") for words, number in self._little.items())

    def _take(self, entries: list[Entry]) -> Iterator[ImportOutcome | Remark]:
        if self._dry_run or not entries:
            yield from [self._outcome(entry, None) for entry in entries]
            return
        with self._imports.batch() as batch:
            done = [self._outcome(entry, batch) for entry in entries]
        self._index_writer.note_change()
        yield from done

    def _outcome(self, entry: Entry, batch: Batch | None) -> ImportOutcome | Remark:
        if isinstance(entry, Remark):
            return entry
        if isinstance(entry, Refusal):
            return ImportOutcome(entry.number, Status.REFUSED, entry.reason)
        item = _fitting(_labelled(entry, self._said.label_map), self._store.algorithm)
        self._renamed.update(item.renamed)
        if too_much := beyond(item, self._file.limits):
            return ImportOutcome(item.number, Status.REFUSED, too_much, external_id=item.external_id, notes=item.notes)
        place = Place(self._said.source or source_of(self.format, item), item.key)
        known = batch.find(place) if batch is not None else self._pretended.get(place) or self._imports.find(place)
        doubts = (item.doubt,) if item.doubt else self._gate(subsampled(item.frames)) if item.frames is not None else ()
        decision = decide(item, known, "; ".join((*filter(None, [item.unread]), *doubts)))
        record = self._carry_out(decision, place, item, known, batch)
        taken = decision.status in (Status.ADDED, Status.HELD, Status.UPDATED)
        little = tuple(shortcomings(item)) if taken else ()
        self._little.update(little)
        return ImportOutcome(
            item.number, decision.status, decision.reason, record, place.source, item.external_id, item.opinions, item.notes, little
        )

    def _carry_out(self, decision: ImportDecision, place: Place, item: Item, known: Imported | None, batch: Batch | None) -> str | None:
        """Change what is to be changed; the id of the record."""
        if decision.status in (Status.KNOWN, Status.OPINION, Status.REFUSED):
            return known.record if known else None
        withdrawn = decision.status is Status.WITHDRAWN
        if batch is None:
            self._pretended[place] = Imported(known.record if known else "", decision.state, item.statement, withdrawn)
            return None
        if withdrawn and known:
            batch.retract(place, known, reason=decision.reason, erase=item.erase)
            return known.record
        content = self._content(item, place.source, decision)
        if known is None:
            return batch.add(place, content)
        batch.update(place, known, content)
        return known.record

    def _content(self, item: Item, source: str, decision: ImportDecision) -> Content:
        details = details_of(item.details, source, self._said)
        frames = item.frames if item.frames is not None else Fingerprint.empty(self._store.algorithm, item.duration_s)
        new = NewRecord(item.duration_s or frames.duration_s, item.sha256, item.md5, details)
        others = tuple((other.algorithm, other.value) for other in item.others)
        held = decision.reason if decision.state is State.HELD else ""
        opinions = opinions_by_author(item, source)
        return Content(new, self._kept(frames), others, decision.state, held, opinions, item.statement)

    def _kept(self, frames: Fingerprint) -> Fingerprint:
        """Return what this database stores of a fingerprint."""
        kept = self._bare(subsampled(frames))
        return kept if self._keeps_sound else replace(kept, sound=None)


def beyond(item: Item, limits: FormatLimits) -> str:
    """Say why an item has more hashes than a video of its length can have, which would slow every question; empty if it has not."""
    if item.frames is None:
        return ""
    # The file's own word is not believed beyond what its frames reach.
    most = limits.hashes_free + limits.hashes_per_s * item.frames.duration_s
    if item.frames.duration_s > limits.duration_s:
        return f"it claims to last {item.frames.duration_s:,.0f} s; at most {limits.duration_s:,.0f} s are believed"
    if (kept := len(subsampled(item.frames))) > most:
        return f"it has {kept:,} hashes for {item.frames.duration_s:,.1f} s, and a video has at most {limits.hashes_per_s} a second"
    return _beyond_sound(item.frames.sound, limits) if item.frames.sound else ""


def _beyond_sound(sound: SoundFingerprint, limits: FormatLimits) -> str:
    reach_s = float(sound.frame[-1]) * FRAME_S
    if max(sound.duration_s, reach_s) > limits.duration_s:
        return f"its sound claims to last {max(sound.duration_s, reach_s):,.0f} s; at most {limits.duration_s:,.0f} s are believed"
    if len(sound) > limits.landmarks_free + limits.landmarks_per_s * reach_s:
        return f"it has {len(sound):,} landmarks for {reach_s:,.1f} s, and sound has at most {limits.landmarks_per_s} a second"
    return ""


def shortcomings(item: Item) -> Iterator[str]:
    """Say in words what keeps a record from being found."""
    frames = item.frames
    exact = "the very same file" if item.sha256 or item.md5 else ""
    if frames is not None and frames.sound and not len(frames):
        yield "no frame hashes, so it is found by its sound alone"
    elif frames is None or not len(frames):
        yield (
            f"no frame hashes, so only {exact} can be found by it"
            if exact
            else "only hashes that are kept for others: nothing is found by it"
        )
    elif not frames.usable.any():
        yield f"pictures that show too little to be compared, so {f'only {exact}' if exact else 'nothing'} can be found by it"
    elif len(frames) > 1 and len(np.unique(frames.start_s)) == 1 and len(np.unique(frames.view)) < len(frames):
        yield "frame hashes without times, so it is found by single pictures only"
    if item.details.expired(now_utc().date()):
        yield EXPIRED


def details_of(details: Details, source: str, said: Attribution) -> Details:
    """Return the details to record: what the file says, but never that it may be passed on, or more than a review."""
    labels = (*details.labels, *said.labels)
    return replace(details, labels=labels, reason=said.reason or details.reason, source=source, reshare=False, max_action="review")


def opinions_by_author(item: Item, source: str) -> dict[str, tuple[str, str]]:
    """Return verdict and reason of each organisation, which counts once: with the first that disagrees, or else with the last."""
    found: dict[str, tuple[str, str]] = {}
    for opinion in item.opinions:
        author = f"{source}/{opinion.by or 'unnamed'}"
        if found.get(author, ("", ""))[0] not in NEGATIVE:
            found[author] = opinion.verdict, opinion.reason
    return found


def source_of(form: Format, item: Item) -> str:
    """Return the source of an item, if nobody names one."""
    source = form.source or form.name
    owner = label_of(item.owner) if form.by_organisation else ""
    return f"{source}:{owner}" if owner else source


def renamings(counts: Counter[tuple[str, str]]) -> Iterator[str]:
    """Say in words which labels are written otherwise here than in the file."""
    for (theirs, ours), number in counts.most_common(_RENAMINGS):
        yield f"{counted(number, 'item')}: the label {quoted(theirs)} {f'became {ours}' if ours else 'was left out'}"
    if (more := len(counts) - _RENAMINGS) > 0:
        yield f"{counted(more, 'other label')} became lower-case words joined by hyphens too"


def _labelled(item: Item, label_map: Mapping[str, str]) -> Item:
    """Return the item with labels as they are called here."""
    if not label_map or not item.details.labels:
        return item
    ours = {label: label_map.get(label, label) for label in item.details.labels}
    as_written = {label: text for text, label in item.renamed}
    said = [(text, ours.get(label, label)) for text, label in item.renamed]
    said += [(theirs, label) for theirs, label in ours.items() if theirs != label and theirs not in as_written]
    return replace(item, details=replace(item.details, labels=tuple(filter(None, ours.values()))), renamed=tuple(said))


def _fitting(item: Item, algorithm: AlgorithmId) -> Item:
    """Return the item without frame hashes that the database cannot compare; sound can be compared with that of any."""
    if item.frames is None or item.frames.algorithm == algorithm:
        return item
    note = f"its {item.frames.algorithm} frame hashes were left out: this database has {algorithm}"
    heard = replace(Fingerprint.empty(algorithm, item.frames.duration_s), sound=item.frames.sound) if item.frames.sound else None
    return replace(item, frames=heard, notes=(*item.notes, note))

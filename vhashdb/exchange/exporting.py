"""Which records leave the database in a file of another format, and which stay, with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vhashdb.codes import LOCAL
from vhashdb.exchange.formats import Format, Item, ItemOpinion, OtherHash, Sender
from vhashdb.exchange.lint import findings
from vhashdb.fingerprints.model import bare
from vhashdb.store.imports import Imports
from vhashdb.store.opinions import Opinion, Opinions
from vhashdb.store.records import Details, Record, State
from vhashdb.store.records_file import Store

WITHDRAWN: Final = "withdrawn by its publisher"


@dataclass(frozen=True)
class Stays:
    """A record that is not written."""

    record: Record
    reason: str
    mistake: bool = False
    """Somebody has to correct something before it can leave, as opposed to what is meant to stay."""


def stays(record: Record, *, imported: bool) -> Stays | None:
    """Return why a record may not leave, or None; ``imported``: records from elsewhere may as well, for a copy of one's own."""
    if not imported:
        if record.details.source != LOCAL:
            return Stays(record, f"it came from {record.details.source}")
        if not record.details.reshare:
            return Stays(record, "it is not to be passed on")
        if record.details.tlp == "red":
            return Stays(record, "it is TLP:RED, for its recipients only")
    if record.state is State.HELD:
        return Stays(record, "it waits for a person")
    for field in ("reason", "policy", "law"):
        if seen := findings(getattr(record.details, field)):
            return Stays(record, f"its {field} contains {', '.join(seen)}; none of these may leave", mistake=True)
    return None


class Export:
    """Records on their way into a file; what stays is counted and told."""

    def __init__(self, store: Store, form: Format | None, sender: Sender, *, imported: bool = False, sound: bool = True) -> None:
        """Prepare; ``form`` None is Parquet, which can say everything; ``sound``: it is written, where the format has a place for it."""
        self._store, self._form, self._sender, self._imported, self._sound = store, form, sender, imported, sound
        self._imports, self._opinions = Imports(store), Opinions(store)
        self.written = 0
        self.without_sound = 0
        """Number of them that were written without their sound, for which the format has no place."""
        self.stayed: Counter[str] = Counter()
        """Number of records that stayed, by reason."""
        self.mistakes: list[Stays] = []
        """Those of them that somebody has to correct."""

    def items(self, *, ids: Sequence[str] = (), labels: Sequence[str] = ()) -> Iterator[Item]:
        """Yield the records as items: those with these ids, or all; of them those with all of these labels.

        Raises:
            RecordNotFound: there is no record of one of the ids.
        """
        records = [self._store.get(i) for i in ids] if ids else self._store.records(labels=labels)
        for record in records:
            if not set(labels) <= set(record.labels):
                continue
            staying = stays(record, imported=self._imported)
            item = self._item(record)
            if staying is None and self._form is not None and (reason := self._form.carried(item)):
                staying = Stays(record, f"the format cannot say it: {reason}")
            if staying is None:
                self.written += 1
                if self._form is not None and not self._form.has_sound and item.frames is not None and item.frames.sound:
                    self.without_sound += 1
                yield item
            else:
                self.stayed[staying.reason] += 1
                if staying.mistake:
                    self.mistakes.append(staying)

    def _item(self, record: Record) -> Item:
        owner = self._sender.organisation if record.details.source == LOCAL else record.details.source
        if record.state is State.RETRACTED:
            # Whoever has it must learn that it is gone; nobody else must learn what it was.
            return Item(self.written + 1, record.id, owner=owner, withdrawn=WITHDRAWN, details=Details(tlp=record.details.tlp))
        frames = bare(self._store.fingerprint(record.id))
        frames = frames if self._sound else replace(frames, sound=None)
        return Item(
            number=self.written + 1,
            external_id=record.id,
            frames=None if frames.is_empty else frames,
            sha256=record.sha256,
            md5=record.md5,
            others=tuple(OtherHash(algorithm, value) for algorithm, value in self._imports.others(record.id)),
            duration_s=record.duration_s,
            details=record.details,
            owner=owner,
            opinions=self._spoken(record),
            disputed=record.state is State.DISPUTED,
            at=record.added_at,
        )

    def _spoken(self, record: Record) -> tuple[ItemOpinion, ...]:
        return tuple(self._judged(opinion) for opinion in self._opinions.about(record))

    def _judged(self, opinion: Opinion) -> ItemOpinion:
        by = self._sender.organisation if opinion.author == LOCAL else opinion.author
        return ItemOpinion(by, opinion.verdict, "" if findings(opinion.reason) else opinion.reason)

"""What people decided at the desk of the service and can still take back, at whichever front, and after it was started again."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass

import sqlalchemy as sa

from vhashdb.store.clock import now_utc
from vhashdb.store.records_file import Store
from vhashdb.store.service_schema import desk_decision
from vhashdb.store.undoing import UndoState, from_text, to_text


@dataclass(frozen=True)
class DeskDecision:
    """One decision about cases."""

    id: str
    by: str
    at: datetime.datetime
    until: datetime.datetime
    """Until when it can be taken back."""
    act: str
    cases: tuple[str, ...]
    uploads: int
    final: bool
    """False: a second person has to confirm it."""
    memories: tuple[UndoState, ...]


class DeskDecisions:
    """The decisions at the desk of one database that can be taken back."""

    def __init__(self, store: Store) -> None:
        self._transactions = store.transactions

    def keep(self, decision: DeskDecision) -> None:
        """Keep a decision until it cannot be taken back any more; forget those that cannot."""
        said = {name: getattr(decision, name) for name in ("act", "cases", "uploads", "final")}
        what = json.dumps(said | {"memories": to_text(decision.memories)})
        row = {name: getattr(decision, name) for name in ("id", "by", "at", "until")}
        with self._transactions.writing() as connection:
            connection.execute(desk_decision.delete().where(desk_decision.c.until <= decision.at))
            connection.execute(desk_decision.insert().values(**row, what=what))

    def of(self, who: str) -> list[DeskDecision]:
        """Return what somebody can still take back, the newest first."""
        query = sa.select(desk_decision).where(desk_decision.c.by == who, desk_decision.c.until > now_utc())
        with self._transactions.reading() as connection:
            rows = connection.execute(query.order_by(desk_decision.c.at.desc(), desk_decision.c.id)).mappings().all()
        return [_decision(dict(row)) for row in rows]

    def get(self, identifier: str) -> DeskDecision | None:
        """Return a decision that can still be taken back."""
        query = sa.select(desk_decision).where(desk_decision.c.id == identifier, desk_decision.c.until > now_utc())
        with self._transactions.reading() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _decision(dict(row))

    def forget(self, identifier: str) -> None:
        """Forget one that was taken back."""
        with self._transactions.writing() as connection:
            connection.execute(desk_decision.delete().where(desk_decision.c.id == identifier))

    def forget_old(self) -> None:
        """Forget those that cannot be taken back any more."""
        with self._transactions.reading() as connection:  # without the lock that writing needs
            if connection.execute(sa.select(desk_decision.c.id).where(desk_decision.c.until <= now_utc()).limit(1)).first() is None:
                return
        with self._transactions.writing() as connection:
            connection.execute(desk_decision.delete().where(desk_decision.c.until <= now_utc()))


def _decision(row: dict[str, object]) -> DeskDecision:
    what = json.loads(str(row.pop("what")))
    return DeskDecision(**row | what | {"cases": tuple(what["cases"]), "memories": from_text(what["memories"])})

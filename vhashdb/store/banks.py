"""Banks, as clients of Hasher-Matcher-Actioner know them: the records with a label, under a name of capitals.

Every label has a name, so that whatever matches is in a bank. A name that was made, renamed, or given a share of the lookups is a row;
any other follows from the label alone.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import UsageError
from vhashdb.store.clock import now_utc
from vhashdb.store.records_file import Store
from vhashdb.store.schema import NOT_RETRACTED, not_retracted, record
from vhashdb.store.service_schema import bank

UNLABELLED: Final = "UNLABELLED"
"""The bank of records without a label."""
_NAME: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,254}")
_IN_USE: Final = sa.text(
    "SELECT d.label FROM (SELECT DISTINCT label FROM label) d WHERE EXISTS "
    f"(SELECT 1 FROM label l JOIN record r ON r.number = l.record WHERE l.label = d.label AND r.{NOT_RETRACTED})"
)
_LABEL_CHARS: Final = 56
"""Of a label that is made of a name. Derived: what a label may have, less room for a number."""


class BankNotFound(UsageError, LookupError):
    """There is no such bank."""


class BankExists(UsageError):
    """There is such a bank already, or it is not one that can be changed."""


@dataclass(frozen=True)
class Bank:
    """One bank."""

    name: str
    labels: tuple[str, ...]
    """Of its records, one of them at least; what is added gets the first. None in the bank of records without a label."""
    enabled_ratio: float = 1.0
    """Share of the lookups in which it counts."""
    made: bool = False
    """Whether it was made, and so can be renamed and removed."""

    def has(self, labels: Sequence[str]) -> bool:
        """Tell whether a record with these labels is in it."""
        return not labels if self.name == UNLABELLED else not set(self.labels).isdisjoint(labels)


@dataclass(frozen=True)
class SignalCounts:
    """Records that can be found."""

    videos: int
    """By what they show."""
    sha256: int
    md5: int
    """By a hash of the file."""
    newest_at: datetime.datetime | None
    """When the last of them was added; None without any."""


class BankNames:
    """What the labels of one moment are called."""

    def __init__(self, rows: Mapping[str, tuple[str, float]]) -> None:
        self._rows = rows
        self._ratios = dict(rows.values())

    def of(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the banks that a record with these labels is in; one at least."""
        return tuple(sorted({self.of_label(label) for label in labels})) or (UNLABELLED,)

    def of_label(self, label: str) -> str:
        """Return the name of one label."""
        return self._rows[label][0] if label in self._rows else plain_name(label)

    def ratio(self, name: str) -> float:
        """Return the share of the lookups in which a bank counts."""
        return self._ratios.get(name, 1.0)


class Banks:
    """The banks of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def names(self) -> BankNames:
        """Return what labels are called now."""
        with self._store.transactions.reading() as connection:
            return _names(connection)

    def all(self) -> list[Bank]:
        """Return every bank, by name."""
        with self._store.transactions.reading() as connection:
            return _all(connection)

    def get(self, name: str) -> Bank:
        """Return one.

        Raises:
            BankNotFound: there is none of that name.
        """
        found = next((one for one in self.all() if one.name == name), None)
        if found is None:
            raise BankNotFound(f"bank {name!r} not found")
        return found

    def add(self, name: str, enabled_ratio: float = 1.0) -> Bank:
        """Make a bank, with a label of its own for what will be in it.

        Raises:
            UsageError: it cannot have that name, or that share.
            BankExists: there is one.
        """
        _check(name, enabled_ratio)
        with self._store.transactions.writing() as connection:
            banks = _all(connection)
            if any(one.name == name for one in banks):
                raise BankExists("Bank already exists")
            label = _free_label(name, {label for one in banks for label in one.labels})
            row = {"name": name, "label": label, "enabled_ratio": enabled_ratio, "made_at": now_utc()}
            connection.execute(bank.insert().values(**row))
            self._store.audit.log_in(connection, "bank-added", None, name=name, label=label)
        return Bank(name, (label,), enabled_ratio, made=True)

    def change(self, name: str, *, new_name: str | None = None, enabled_ratio: float | None = None) -> Bank:
        """Rename a bank, whose records keep their label, or give it another share of the lookups.

        Raises:
            BankNotFound: there is none of that name.
            BankExists: the new name is taken, or it was not made and is called as its label says.
            UsageError: it cannot have that name, or that share.
        """
        with self._store.transactions.writing() as connection:
            banks = {one.name: one for one in _all(connection)}
            known = _made(banks, name)
            new, ratio = name if new_name is None else new_name, known.enabled_ratio if enabled_ratio is None else enabled_ratio
            _check(new, ratio)
            if new != name and new in banks:
                raise BankExists("Bank name already exists")
            connection.execute(bank.update().where(bank.c.name == name).values(name=new, enabled_ratio=ratio))
            self._store.audit.log_in(connection, "bank-changed", None, name=name, new_name=new, enabled_ratio=ratio)
        return self.get(new)

    def require_made(self, one: Bank) -> None:
        """Refuse a bank that nobody made.

        Raises:
            BankExists: it is only what records with a label are called.
        """
        _made({one.name: one}, one.name)

    def signals(self) -> SignalCounts:
        """Count what can be found, by what."""
        counted = (sa.func.count(), sa.func.count(record.c.sha256), sa.func.count(record.c.md5), sa.func.max(record.c.added_at))
        with self._store.transactions.reading() as connection:
            return SignalCounts(*connection.execute(sa.select(*counted).select_from(record).where(not_retracted)).one())

    def remove(self, name: str) -> None:
        """Forget the name and the share of a bank; its records stay, and so does their label, whose name is the plain one from then on.

        Raises:
            BankNotFound: there is none of that name.
            BankExists: it was not made.
        """
        with self._store.transactions.writing() as connection:
            _made({one.name: one for one in _all(connection)}, name)
            connection.execute(bank.delete().where(bank.c.name == name))
            self._store.audit.log_in(connection, "bank-removed", None, name=name)


def plain_name(label: str) -> str:
    """Return what the bank of a label is called unless somebody gave it another name."""
    name = re.sub("[^A-Z0-9]", "_", label.upper())
    return f"_{name}" if name[0].isdigit() else name


def _names(connection: Connection) -> BankNames:
    return BankNames({row.label: (row.name, row.enabled_ratio) for row in connection.execute(sa.select(bank))})


def _all(connection: Connection) -> list[Bank]:
    rows = connection.execute(sa.select(bank)).all()
    names, made = _names(connection), {row.name: row.label for row in rows}
    labels: dict[str, list[str]] = {UNLABELLED: []} | {name: [label] for name, label in made.items()}
    for label in connection.execute(_IN_USE).scalars():
        of_it = labels.setdefault(names.of_label(label), [])
        if label not in of_it:
            of_it.append(label)
    return [Bank(name, tuple(found), names.ratio(name), name in made) for name, found in sorted(labels.items())]


def _made(banks: Mapping[str, Bank], name: str) -> Bank:
    if name not in banks:
        raise BankNotFound(f"bank {name!r} not found")
    if not banks[name].made:
        raise BankExists(f"{name} is what records with a label are called; it was not made as a bank", hint="change the labels of records")
    return banks[name]


def _check(name: str, enabled_ratio: float) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError("Bank names must be UPPER_WITH_UNDERSCORE")
    if not 0 <= enabled_ratio <= 1:
        raise UsageError("the enabled ratio of a bank is within 0 and 1")


def _free_label(name: str, taken: set[str]) -> str:
    """Return a label for a new bank that no record has."""
    wanted = re.sub("_+", "_", name.lower()).strip("_")[:_LABEL_CHARS].strip("_") or "bank"
    numbered: Any = (wanted if number == 1 else f"{wanted}-{number}" for number in range(1, len(taken) + 3))
    return str(next(label for label in numbered if label not in taken))

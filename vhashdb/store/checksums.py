"""Checksums over the rows that matter: a bit that flips in the records file is noticed.

Rows belong to groups, each with a checksum: everything about a record is one group, an opinion or a feed another. Triggers
note which groups a transaction changes, and its end computes their checksums anew, in one place for everything that
writes (`renew`). No statement can forget it, another program that changes rows in SQL is noted as well, and a
flipped bit is what fires no trigger.

PostgreSQL computes them by itself, see `vhashdb.store.postgresql_schema`.

SQLite has checksums of its own, of pages (cksumvfs), but Python's build of it does not, and they would name a page where
these name a record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.store import feed_schema, job_schema, postgresql_schema, schema, service_schema
from vhashdb.store.dialect import is_postgresql, marks

_MODULUS: Final = 1 << 64


@dataclass(frozen=True)
class Group:
    """Rows, of one table or several, that have a checksum together."""

    name: str
    of: Mapping[sa.Table, tuple[str, ...]]
    """For each table, the columns that say to which group a row belongs; at most three."""

    def source(self, keys: str, *, pg: bool) -> str:
        """Return SQL for the checksum of the group whose key is in the columns ``a``, ``b`` and ``c`` of ``keys``; NULL without rows.

        ``pg``: for PostgreSQL, as in all of this module; else for SQLite.
        """
        sums = [
            f"({_digest(table, alone=set(columns) >= set(table.primary_key.columns.keys()), pg=pg)}"
            f" WHERE {_same(table, columns, keys, pg=pg)})"
            for table, columns in self.of.items()
        ]
        return f"checksum_sum({', '.join(sums)})" if len(sums) > 1 else sums[0]


def _digest(table: sa.Table, *, alone: bool, pg: bool) -> str:
    """Return SQL for a checksum of rows, whatever their order; ``alone``: of one at most, which costs less."""
    if pg:  # the server computes it, of a row as text
        values = ("substr(blob, length(blob) - 15)" if column is schema.fingerprint.c.blob else column.name for column in table.columns)
        return f"SELECT bit_xor(checksum_of(CAST(ROW('{table.name}', {', '.join(values)}) AS text))) FROM {table.name}"
    return (
        f"SELECT {'checksum_of_row' if alone else 'checksum_of'}('{table.name}', {', '.join(map(_value, table.columns))}) FROM {table.name}"
    )


def _value(column: sa.Column[Any]) -> str:
    if column is schema.fingerprint.c.blob:  # it ends with a checksum of its own, which whoever reads it compares
        return "substr(blob, -16)"
    if not isinstance(column.type, sa.String | sa.Date | sa.DateTime):
        return column.name
    # As bytes: text that a flipped bit made invalid has to have a checksum too. Bytes in its place equal no text, as types have bits.
    # Bytes alone are not less than no bytes, which costs less to ask than their type.
    return f"CASE WHEN {column.name} >= x'' THEN 0 ELSE CAST({column.name} AS BLOB) END"


def _same(table: sa.Table, columns: Sequence[str], keys: str, *, pg: bool) -> str:
    def key(column: str, letter: str) -> str:
        number = pg and isinstance(table.c[column].type, sa.Integer)  # keys are texts there
        return f"CAST({keys}.{letter} AS bigint)" if number else f"{keys}.{letter}"

    return " AND ".join(f"{table.name}.{column} = {key(column, letter)}" for column, letter in zip(columns, "abc", strict=False))


def _by_key(table: sa.Table) -> Group:
    return Group(table.name, {table: tuple(column.name for column in table.primary_key)})


RECORD: Final = Group(
    "record",
    {
        schema.record: ("number",),
        schema.label: ("record",),
        schema.fingerprint: ("record",),
        schema.sounding: ("record",),
        schema.near: ("record",),
        schema.copy: ("record",),
        schema.other_hash: ("record",),
        feed_schema.held: ("record",),
    },
)
GROUPS: Final = (
    RECORD,
    Group("same_video", {feed_schema.same_video: ("author", "rid", "on_rid")}),
    *map(
        _by_key,
        (
            schema.meta,
            schema.audit,
            schema.hit,
            schema.imported,
            schema.video,
            schema.said_of_editions,
            feed_schema.feed,
            feed_schema.federation,
            feed_schema.origin,
            feed_schema.withdrawal,
            feed_schema.opinion,
            feed_schema.allow,
            service_schema.api_key,
            service_schema.bank,
            service_schema.webhook,
        ),
    ),
)
WITHOUT: Final = frozenset(
    {
        schema.checksum,
        schema.changed,
        schema.ungrouped,
        schema.loosened,
        schema.edition,
        schema.edition_relation,
        schema.video_edition,
        service_schema.api_session,
        service_schema.desk_decision,
        service_schema.front,
        service_schema.question,
        service_schema.record_claim,
        service_schema.reply,
        *feed_schema.STAGING,
        *job_schema.TABLES,
    }
)
"""Tables that need none: the checksums themselves; staging, which holds what is on its way in and was signed; how records are grouped,
which is computed from them; and what the service and jobs keep for a while."""


# -- functions of SQL ------------------------------------------------------------------------------


class _Rows:
    """An aggregate: the sum of the checksums of rows."""

    __slots__ = ("_sum",)

    def __init__(self) -> None:
        self._sum: int | None = None

    def step(self, *values: Any) -> None:
        """Add one row: the name of its table, and its values."""
        self._sum = ((self._sum or 0) + _number_of(values)) % _MODULUS

    def finalize(self) -> int | None:
        """Return the checksum as an integer of SQLite; None without rows."""
        return None if self._sum is None else _signed(self._sum)


def _number_of(values: tuple[Any, ...]) -> int:
    # `ascii` writes text, numbers and bytes in one way, in every version of Python.
    return int.from_bytes(hashlib.blake2b(ascii(values).encode(), digest_size=8).digest())


def _of_row(*values: Any) -> int:
    """Return what the aggregate does of one row."""
    return _signed(_number_of(values))


def _sum(*sums: int | None) -> int | None:
    some = [value for value in sums if value is not None]
    return _signed(sum(some) % _MODULUS) if some else None


def _signed(number: int) -> int:
    return number - _MODULUS if number >= _MODULUS // 2 else number


def prepare(connection: Any) -> None:
    """Give a connection of SQLite the functions that checksums are computed with."""
    connection.create_aggregate("checksum_of", -1, _Rows)
    connection.create_function("checksum_of_row", -1, _of_row, deterministic=True)
    connection.create_function("checksum_sum", -1, _sum, deterministic=True)


# -- writing ---------------------------------------------------------------------------------------


def watch(connection: Connection) -> None:
    """Make the triggers that note changes, as the tables are now, and note everything as changed; ends a migration."""
    pg = is_postgresql(connection)
    make_triggers(connection)
    if pg:
        connection.exec_driver_sql(_RENEW)
    connection.exec_driver_sql("DELETE FROM checksum")
    for group in GROUPS:
        for table, columns in group.of.items():
            keys = f"SELECT DISTINCT '{group.name}', {_three(columns, pg=pg)} FROM {table.name} WHERE true"
            connection.exec_driver_sql(f"INSERT INTO changed {keys} ON CONFLICT DO NOTHING")


def make_triggers(connection: Connection) -> None:
    """Make the triggers alone."""
    for group in GROUPS:
        for table, columns in group.of.items():
            if is_postgresql(connection):
                old, new = (_noting(group, [f"{row}.{column}" for column in columns], pg=True) for row in ("OLD", "NEW"))
                body = f"IF TG_OP <> 'INSERT' THEN {old} END IF; IF TG_OP <> 'DELETE' THEN {new} END IF;"
                postgresql_schema.trigger(connection, f"changed_{table.name}", table.name, "INSERT OR UPDATE OR DELETE", body)
                continue
            for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
                noting = (_noting(group, [f"{row}.{column}" for column in columns]) for row in rows)
                name = f"changed_{table.name}_{event.lower()}"
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
                connection.exec_driver_sql(f"CREATE TRIGGER {name} AFTER {event} ON {table.name} BEGIN {' '.join(noting)} END")


def _noting(group: Group, key: Sequence[str], *, pg: bool = False) -> str:
    return f"INSERT INTO changed VALUES ('{group.name}', {_three(key, pg=pg)}) ON CONFLICT DO NOTHING;"


def _three(key: Sequence[str], *, pg: bool) -> str:
    parts = [f"CAST({column} AS text)" for column in key] if pg else key
    return ", ".join([*parts, "''", "''"][:3])


@cache
def _renewing(*, pg: bool) -> tuple[tuple[str, str], ...]:
    """For each group: what forgets the checksums of changed rows, and what computes them."""
    return tuple(
        (
            f"DELETE FROM checksum WHERE kind = '{group.name}' AND (a, b, c) IN (SELECT a, b, c FROM changed WHERE kind = '{group.name}')",
            _computing(group, pg=pg),
        )
        for group in GROUPS
    )


def _computing(group: Group, *, pg: bool) -> str:
    """Return SQL that writes the checksums of changed groups; without rows there is no value, and so no checksum."""
    computed = f"SELECT kind, a, b, c, {group.source('k', pg=pg)} AS value FROM changed k WHERE kind = '{group.name}'"
    if pg:
        return f"WITH computed AS MATERIALIZED ({computed}) INSERT INTO checksum SELECT * FROM computed WHERE value IS NOT NULL"
    return f"INSERT OR IGNORE INTO checksum {computed}"  # it is the column that ignores NULL


_RENEW: Final = f"""
CREATE OR REPLACE FUNCTION renew_checksums() RETURNS void LANGUAGE plpgsql AS $renew$
DECLARE changed_kind text;
BEGIN
  FOR changed_kind IN SELECT DISTINCT kind FROM changed LOOP
    CASE changed_kind
    {
    " ".join(
        f"WHEN '{group.name}' THEN {' '.join(f'EXECUTE $s${statement}$s$;' for statement in statements)}"
        for group, statements in zip(GROUPS, _renewing(pg=True), strict=True)
    )
}
    END CASE;
  END LOOP;
  DELETE FROM changed;
END $renew$
"""
"""Does on the server what `renew` does elsewhere. Each statement is planned anew, as what fits few rows does not fit many."""


def renew(connection: Connection) -> None:
    """Compute the checksums of everything that was changed; the end of every transaction that writes."""
    if is_postgresql(connection):
        connection.exec_driver_sql("SELECT renew_checksums()")  # one round trip
        return
    kinds = set(connection.exec_driver_sql("SELECT DISTINCT kind FROM changed").scalars())
    for group, statements in zip(GROUPS, _renewing(pg=False), strict=True):
        if group.name in kinds:
            for statement in statements:
                connection.exec_driver_sql(statement)
    if kinds:
        connection.exec_driver_sql("DELETE FROM changed")


# -- checking --------------------------------------------------------------------------------------


def wrong_records(connection: Connection, identifiers: Sequence[str]) -> list[str]:
    """Return those of the records with these full ids that are not as they were written."""
    if not identifiers:
        return []
    given = marks(connection, len(identifiers))
    wrong = connection.exec_driver_sql(_wrong_records(given, pg=is_postgresql(connection)), tuple(identifiers))
    return list(wrong.scalars())


@cache
def _wrong_records(given: str, *, pg: bool) -> str:
    number, back = ("CAST(number AS text)", "CAST(a AS bigint)") if pg else ("number", "a")
    unlike = _unlike(RECORD, f"(SELECT {number} AS a, '' AS b, '' AS c FROM record WHERE id IN ({given}))", pg=pg)
    return f"SELECT id FROM record WHERE number IN (SELECT {back} FROM ({unlike}) AS wrong)"


def problems(connection: Connection) -> Iterator[str]:
    """Yield every group of rows that is not as it was written, in words."""
    pg = is_postgresql(connection)
    for group in GROUPS:
        keys = " UNION ".join(f"SELECT {_three(columns, pg=pg)} FROM {table.name}" for table, columns in group.of.items())
        which = f"(SELECT a, b, c FROM checksum WHERE kind = '{group.name}' UNION SELECT * FROM ({keys}) AS keys)"
        try:
            for row in connection.exec_driver_sql(_unlike(group, which, pg=pg)):
                key = " ".join(str(part) for part in row if part != "")
                yield f"{group.name} {'number ' if group is RECORD else ''}{key}: it is not as it was written, or its checksum is not"
        except sa.exc.DBAPIError as error:
            yield f"{group.name}: the checksums cannot be compared ({error.orig})"


def definitions(connection: Connection) -> dict[str, str]:
    """Return the definitions of tables, indexes and triggers of an SQLite file, in SQL, by their names."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {str(name): str(sql) for name, sql in rows}


def _unlike(group: Group, keys: str, *, pg: bool) -> str:
    """Return SQL for the keys, among ``keys``, of groups whose checksum is another; what is changed and not renewed yet has none."""
    same = "s.a = k.a AND s.b = k.b AND s.c = k.c"
    return (
        f"SELECT k.a, k.b, k.c FROM {keys} k LEFT JOIN checksum s ON s.kind = '{group.name}' AND {same} "
        f"WHERE s.value {'IS DISTINCT FROM' if pg else 'IS NOT'} {group.source('k', pg=pg)} "
        f"AND NOT EXISTS (SELECT 1 FROM changed s WHERE s.kind = '{group.name}' AND {same})"
    )

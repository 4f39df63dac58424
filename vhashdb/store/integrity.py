"""Whether a records file is as it was made: its tables brought up to date, and everything in it checked."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import FingerprintError
from vhashdb.fingerprints import from_bytes
from vhashdb.store import checksums, migrations, postgresql_schema, schema
from vhashdb.store.dialect import is_postgresql
from vhashdb.store.hits import FileKeys


def version_of(connection: Connection) -> int:
    """Return the version of the tables; 0 if there are none."""
    if is_postgresql(connection):
        return postgresql_schema.version(connection) or 0
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar() or 0)


def migrate(connection: Connection, version: int) -> None:
    """Bring the tables up to date, which are of some version; 0: there are none."""
    if is_postgresql(connection) and not version:
        postgresql_schema.make(connection)
        FileKeys.make(connection)
    else:
        for step in migrations.MIGRATIONS[version:]:
            step(connection)
    checksums.watch(connection)
    if is_postgresql(connection):
        postgresql_schema.write_version(connection, migrations.VERSION)
    else:
        connection.exec_driver_sql(f"PRAGMA user_version = {migrations.VERSION}")


def problems(connection: Connection) -> list[str]:
    """Check the checksums of rows and fingerprints, and a file with SQLite's integrity check; empty if all is well."""
    if is_postgresql(connection):
        return postgresql_schema.problems(connection) + _damaged(connection)
    found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
    found += _damaged(connection)
    here, meant = checksums.definitions(connection), _definitions()
    names = (name for name in sorted(here.keys() | meant.keys()) if here.get(name) != meant.get(name))
    return found + [f"the definition of {name} in the file is not as it was made" for name in names]


def _damaged(connection: Connection) -> list[str]:
    """Name what is not as it was written."""
    found = []
    for number, blob in connection.execute(sa.select(schema.fingerprint.c.record, schema.fingerprint.c.blob)):
        try:
            from_bytes(blob)
        except FingerprintError as error:
            found.append(f"fingerprint of record number {number}: {error}")
    return [*found, *checksums.problems(connection)]


def _definitions() -> dict[str, str]:
    """Return the definitions in a new file."""
    engine = sa.create_engine("sqlite://")
    sa.event.listen(engine, "connect", lambda connection, _: checksums.prepare(connection))
    with engine.begin() as connection:
        migrate(connection, 0)
        return checksums.definitions(connection)

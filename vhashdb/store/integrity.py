"""Whether a records file is as it was made: its tables brought up to date, and everything in it checked."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.errors import FingerprintError
from vhashdb.fingerprints import from_bytes
from vhashdb.store import checksums, migrations, schema


def migrate(connection: Connection, version: int) -> None:
    """Bring the tables of a file up to date, which are of some version; 0: there are none."""
    for step in migrations.MIGRATIONS[version:]:
        step(connection)
    checksums.watch(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {migrations.VERSION}")


def problems(connection: Connection) -> list[str]:
    """Check a file with SQLite's integrity check and the checksums of rows and fingerprints; empty if all is well."""
    found = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
    for number, blob in connection.execute(sa.select(schema.fingerprint.c.record, schema.fingerprint.c.blob)):
        try:
            from_bytes(blob)
        except FingerprintError as error:
            found.append(f"fingerprint of record number {number}: {error}")
    found += checksums.problems(connection)
    here, meant = checksums.definitions(connection), _definitions()
    names = (name for name in sorted(here.keys() | meant.keys()) if here.get(name) != meant.get(name))
    return found + [f"the definition of {name} in the file is not as it was made" for name in names]


def _definitions() -> dict[str, str]:
    """Return the definitions in a new file."""
    engine = sa.create_engine("sqlite://")
    sa.event.listen(engine, "connect", lambda connection, _: checksums.prepare(connection))
    with engine.begin() as connection:
        migrate(connection, 0)
        return checksums.definitions(connection)

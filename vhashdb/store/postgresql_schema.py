"""Tables, functions and triggers of a database on PostgreSQL.

SQLite's files carry the whole history of the tables, step by step. On PostgreSQL a database begins with the tables as they are
now, and takes the steps of `vhashdb.store.migrations` that come after.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.types import NullType

from vhashdb.store import schema

VERSION_TABLE: Final = "vhashdb_schema"
"""Has the version of the tables; without it, a schema is none of a database of vhashdb."""

_FUNCTIONS: Final = (
    # -- those of SQLite that statements use
    # PostgreSQL does not read what Python writes of invalid Unicode or zero characters. What only looks like that goes, too.
    r"""CREATE FUNCTION json_of(document text) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CAST(CASE WHEN strpos(document, '\u') = 0 THEN document ELSE regexp_replace(
      document,
      '\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f][0-9a-f]{2})|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}|\\u0000',
      '\\ufffd', 'gi'
    ) END AS json)""",
    """CREATE FUNCTION json_extract(document text, path text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN json_of(document) #>> string_to_array(substr(path, 3), '.')""",
    """CREATE FUNCTION json_each(document text) RETURNS TABLE (key text, value text) LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
      SELECT o.key, o.value
      FROM json_each_text(CASE json_typeof(json_of(document)) WHEN 'object' THEN json_of(document) ELSE '{}' END) o
      UNION ALL
      SELECT CAST(a.place - 1 AS text), a.value FROM json_array_elements_text(
        CASE json_typeof(json_of(document)) WHEN 'array' THEN json_of(document) ELSE '[]' END
      ) WITH ORDINALITY a (value, place);
    END""",
    """CREATE FUNCTION json_each(document text, path text) RETURNS TABLE (key text, value text) LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC SELECT e.key, e.value FROM json_each(coalesce(json_extract(document, path), '[]')) e; END""",
    """CREATE FUNCTION json_object(a text, b text, c text, d text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CAST(json_build_object(a, b, c, d) AS text)""",
    """CREATE FUNCTION json_text_of(texts text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CAST(array_to_json(texts) AS text)""",
    "CREATE AGGREGATE json_group_array(text) (SFUNC = array_append, STYPE = text[], INITCOND = '{}', FINALFUNC = json_text_of)",
    """CREATE FUNCTION joined(before text, value text, separator text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN before IS NULL THEN value WHEN value IS NULL THEN before ELSE before || separator || value END""",
    "CREATE AGGREGATE group_concat(text, text) (SFUNC = joined, STYPE = text)",
    """CREATE FUNCTION instr(whole text, part text) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN strpos(whole, part)""",
    # -- those of `vhashdb.store.checksums`
    """CREATE FUNCTION checksum_of(written text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CAST(CAST('x' || left(md5(written), 16) AS bit(64)) AS bigint)""",
    """CREATE FUNCTION checksum_sum(VARIADIC sums bigint[]) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC SELECT bit_xor(one) FROM unnest(sums) one; END""",
)

_EDITION_GONE: Final = """
INSERT INTO loosened SELECT one FROM edition_relation WHERE other = OLD.edition
UNION SELECT other FROM edition_relation WHERE one = OLD.edition
UNION SELECT one FROM said_of_editions WHERE other = OLD.edition
UNION SELECT other FROM said_of_editions WHERE one = OLD.edition
ON CONFLICT DO NOTHING;
DELETE FROM edition_relation WHERE one = OLD.edition OR other = OLD.edition;
DELETE FROM said_of_editions WHERE one = OLD.edition OR other = OLD.edition;
DELETE FROM video_edition WHERE edition = OLD.edition;
UPDATE video SET edition = coalesce((SELECT min(m.edition) FROM video_edition m WHERE m.video = video.number), edition)
       WHERE edition = OLD.edition;
DELETE FROM edition WHERE number = OLD.edition;
"""
# Name, table, event, and what is done: the same as the triggers that `vhashdb.store.migrations` makes on SQLite.
_TRIGGERS: Final = (
    ("sounding_added", "fingerprint", "INSERT", r"""
     IF substr(NEW.blob, 5, 1) IN ('\x03', '\x05') THEN INSERT INTO sounding VALUES (NEW.number, NEW.record); END IF;"""),
    ("sounding_deleted", "fingerprint", "DELETE", "DELETE FROM sounding WHERE fingerprint = OLD.number;"),
    ("copy_fingerprint_added", "fingerprint", "INSERT", "INSERT INTO ungrouped VALUES (NEW.record) ON CONFLICT DO NOTHING;"),
    ("copy_fingerprint_gone", "fingerprint", "DELETE", """
     DELETE FROM copy WHERE record = OLD.record;
     IF NOT EXISTS (SELECT 1 FROM fingerprint WHERE record = OLD.record) THEN DELETE FROM ungrouped WHERE record = OLD.record; END IF;"""),
    ("copy_grouped", "copy", "INSERT", "DELETE FROM ungrouped WHERE record = NEW.record;"),
    ("copy_gone", "copy", "DELETE", f"""
     IF EXISTS (SELECT 1 FROM copy WHERE edition = OLD.edition) THEN
       INSERT INTO loosened VALUES (OLD.edition) ON CONFLICT DO NOTHING;
     ELSE {_EDITION_GONE} END IF;"""),
)  # fmt: skip
_APPEND_ONLY: Final = (
    """CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_only_grows()",
    "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()",
)


def make(connection: Connection) -> None:
    """Make everything but the version and the triggers of `vhashdb.store.checksums`, in an empty schema."""
    for statement in _FUNCTIONS:
        connection.exec_driver_sql(statement)
    tables().create_all(connection, checkfirst=False)
    connection.exec_driver_sql("CREATE INDEX record_md5_alone ON record (md5) WHERE md5 IS NOT NULL AND sha256 IS NULL")
    connection.exec_driver_sql(f"CREATE TABLE {VERSION_TABLE} (version integer NOT NULL)")
    connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES (0)")
    for statement in _APPEND_ONLY:
        connection.exec_driver_sql(statement)
    for name, table, event, body in _TRIGGERS:
        trigger(connection, name, table, event, body)


def trigger(connection: Connection, name: str, table: str, events: str, body: str) -> None:
    """Make a trigger that does something after each row that is inserted, updated or deleted."""
    connection.exec_driver_sql(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
    )
    connection.exec_driver_sql(f"CREATE OR REPLACE TRIGGER {name} AFTER {events} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def version(connection: Connection) -> int | None:
    """Return the version of the tables; None if there is no database of vhashdb."""
    if connection.exec_driver_sql(f"SELECT to_regclass('{VERSION_TABLE}')").scalar() is None:
        return None
    return int(connection.exec_driver_sql(f"SELECT version FROM {VERSION_TABLE}").scalar_one())


def write_version(connection: Connection, number: int) -> None:
    """Note that the tables are of a version now."""
    connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version = {number}")


def problems(connection: Connection) -> list[str]:
    """Name triggers that were turned off: what they keep may not be as it should."""
    rows = connection.exec_driver_sql(
        "SELECT tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE NOT tgisinternal AND tgenabled <> 'O' AND c.relnamespace = to_regnamespace(current_schema()) ORDER BY 1"
    )
    return [f"the trigger {name} is turned off" for name in rows.scalars()]


def tables() -> sa.MetaData:
    """Return the tables with text in the order of its bytes and of any length, as SQLite has it."""
    metadata = sa.MetaData()
    for table in schema.metadata.sorted_tables:
        for column in table.to_metadata(metadata).columns:
            if isinstance(column.type, sa.String) or (isinstance(column.type, NullType) and not column.foreign_keys):
                column.type = sa.Text(collation="C")
    return metadata

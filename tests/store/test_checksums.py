"""A bit that flips in the records file is noticed, whichever it is; what is written by any way has a checksum."""

import random
import shutil
import sqlite3

import pytest
import sqlalchemy as sa

import vhashdb
from tests.busy import a_year
from tests.footage import fingerprint_of, random_hashes
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.store import Details, NewRecord, State, Store, checksums, schema

pytestmark = pytest.mark.sqlite

PDQ = AlgorithmId("pdq", 256, 1)


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "records.sqlite", PDQ, actor="tester") as store:
        yield store


def add(store, seed=1, **details):
    return store.add(NewRecord(2.0, f"{seed:064x}", None, Details(**details)), fingerprint_of(random_hashes(seed, 8)))


def content(path):
    """Everything that matters in a file."""
    with Store.open(path) as store, store.transactions.reading() as connection:
        tables = [table for table in schema.metadata.sorted_tables if table not in checksums.WITHOUT]
        return {table.name: sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {table.name}").all())) for table in tables}


def tampered(store, statement):
    """Change rows as no program does that means to: no trigger notes it."""
    connection = sqlite3.connect(store.path, isolation_level=None)
    triggers = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    done = connection.execute(statement).rowcount
    for _, sql in triggers:
        connection.execute(sql)
    connection.close()
    assert done == 1


def rows_wrong(store):
    return [problem for problem in store.problems() if "as it was written" in problem]


def test_every_table_has_checksums_or_says_why_not():
    has = [table for group in checksums.GROUPS for table in group.of]
    assert len(has) == len(set(has))
    assert set(has) | checksums.WITHOUT == set(schema.metadata.tables.values())
    assert not set(has) & checksums.WITHOUT


@pytest.mark.parametrize("table", [table for group in checksums.GROUPS for table in group.of], ids=lambda table: table.name)
def test_every_column_of_every_table_counts(tmp_path, table):
    """Each value is changed, as a flipped bit would, in a row that is there."""
    path = a_year().written(tmp_path / "year.vhdb")
    with Store.open(path / "records.sqlite") as store:
        with store.transactions.writing() as connection:
            _fill(connection, table)
        assert rows_wrong(store) == []
        for column in table.columns:
            with store.transactions.reading() as connection:
                connection.exec_driver_sql("BEGIN")
                _without_triggers(connection)
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                number = isinstance(column.type, sa.Integer | sa.Float | sa.Boolean)
                value = f"coalesce({column.name}, 0) + 1000" if number else f"CAST(coalesce({column.name}, '') || 'x' AS TEXT)"
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
                row = f"rowid = (SELECT max(rowid) FROM {table.name})"
                assert connection.exec_driver_sql(f"UPDATE {table.name} SET {column.name} = {value} WHERE {row}").rowcount == 1
                assert list(checksums.problems(connection)), column
                connection.exec_driver_sql("ROLLBACK")


def _without_triggers(connection):
    for name in connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars().all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


def _fill(connection, table):
    """A row, if there is none."""
    if connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one():
        return
    kinds = ((sa.LargeBinary, b"x"), (sa.Boolean, False), (sa.Integer, 1), (sa.Float, 1.0))
    row = {c.name: next((value for kind, value in kinds if isinstance(c.type, kind)), "x") for c in table.columns}
    names = ", ".join(row)
    values = tuple(int(value) if isinstance(value, bool) else value for value in row.values())
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
    for column in table.columns:
        for key in column.foreign_keys:
            _fill(connection, key.column.table)
            other = connection.execute(sa.select(key.column).limit(1)).scalar()
            values = tuple(other if name == column.name else value for name, value in zip(row, values, strict=True))
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(row))})", values)


@pytest.mark.parametrize("value", ["CAST(reason AS BLOB)", "X''"])
def test_text_that_one_bit_made_bytes_is_noticed(store, value):
    """A row says of each value what kind it is: text and bytes of one length differ by a bit there."""
    add(store, reason="" if value == "X''" else "said by somebody")
    tampered(store, f"UPDATE record SET reason = {value}")
    assert rows_wrong(store)


def test_no_flipped_bit_changes_anything_unnoticed(tmp_path):
    """Of the whole file: what is noticed is an error of the library or a problem that `doctor` names."""
    whole = a_year().written(tmp_path / "year.vhdb") / "records.sqlite"
    with Store.open(whole) as store:
        for seed in range(20):
            add(store, seed, labels=("a", "b"), reason="why")
    before, data = content(whole), whole.read_bytes()
    chance, noticed = random.Random(12), 0
    flipped = tmp_path / "flipped" / "records.sqlite"
    for _ in range(60):
        place, bit = chance.randrange(len(data)), chance.randrange(8)
        shutil.rmtree(flipped.parent, ignore_errors=True)
        flipped.parent.mkdir()
        flipped.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
        try:
            with Store.open(flipped) as store:
                problems = store.problems()
            noticed += bool(problems)
            assert problems or content(flipped) == before, f"byte {place}, bit {bit}"
        except vhashdb.DatabaseError:
            noticed += 1
    assert noticed > 20


def test_a_record_that_is_not_as_it_was_written_is_not_served(tmp_path, reference_prints, query_prints):
    query = query_prints["edited/harbour__insert.mp4"]
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        record = db.add(reference_prints["harbour"], labels=["real"])
        other = db.add(reference_prints["valley"])
        assert db.match(query).matches
        tampered(db.store, "UPDATE label SET label = 'unreal'")
        with pytest.raises(vhashdb.DatabaseDamaged, match=record.id) as caught:
            db.match(query)
        assert "Database.check" in caught.value.hint
        assert [m.record.id for m in db.match(query_prints["edited/valley__mirror.mp4"]).matches] == [other.id]
        assert ["record number 1:" in problem for problem in db.check().left] == [True]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET state = 'retracted' WHERE number = 1",
        "UPDATE record SET max_action = 'block' WHERE number = 1",
        "DELETE FROM label WHERE record = 1",
        "INSERT INTO label VALUES (1, 'new')",
        "UPDATE fingerprint SET record = 2 WHERE record = 1",
        "DELETE FROM hit",
        "UPDATE hit SET state = ''",
        "UPDATE meta SET value = '2' WHERE name = 'spec'",
        "DELETE FROM meta WHERE name = 'created_at'",
        "UPDATE audit SET actor = 'somebody else' WHERE number = 1",
        "DELETE FROM checksum WHERE kind = 'record' AND a = 1",
        "UPDATE checksum SET value = value + 1 WHERE kind = 'record' AND a = 1",
    ],
)
def test_what_no_program_wrote_is_named(store, statement):
    record = add(store, labels=("a",))
    add(store, 2)
    store.mark_not_this(record.id, "e" * 64, "")
    tampered(store, statement)
    assert rows_wrong(store)


def test_every_way_of_writing_keeps_the_checksums_right(store):
    first, second = add(store, 1, labels=("a", "b")), add(store, 2)
    store.relabel(first.id, add=["c"], remove=["a"])
    store.set_state(second.id, State.RETRACTED, reason="x", action="retract")
    store.mark_not_this(first.id, "e" * 64, "")
    store.mark_not_this(first.id, "e" * 64, "again")
    store.audit.log("something")
    assert rows_wrong(store) == []
    with store.transactions.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM changed").scalar() == 0


def test_a_transaction_that_fails_leaves_them_as_they_were(store):
    add(store, 1)
    with pytest.raises(RuntimeError), store.transactions.writing() as connection:
        connection.execute(schema.record.update().values(reason="half"))
        raise RuntimeError
    assert rows_wrong(store) == []


def test_rows_that_another_program_changed_in_sql_are_taken_as_meant(store):
    add(store)
    connection = sqlite3.connect(store.path, isolation_level=None)
    connection.execute("UPDATE record SET reason = 'by hand'")
    connection.close()
    assert rows_wrong(store) == []
    store.audit.log("something")  # from now on it has a checksum
    assert rows_wrong(store) == []
    tampered(store, "UPDATE record SET reason = 'by a bit'")
    assert rows_wrong(store)


def test_a_definition_that_changed_is_named(store):
    connection = sqlite3.connect(store.path, isolation_level=None)
    connection.execute("DROP TRIGGER changed_label_insert")
    connection.close()
    assert store.problems() == ["the definition of changed_label_insert in the file is not as it was made"]


def test_the_checksum_is_the_same_for_ever():
    """What was written by one version of Python is checked by another; a new definition needs a migration, which renews all of them."""
    rows = checksums._Rows()
    rows.step("label", 1, b"violence", None, 0.1, "ü→\ud800")
    assert rows.finalize() == -5528951239847516637

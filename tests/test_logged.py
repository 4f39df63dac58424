"""Nothing is swallowed without a line in the log: failures that are survived, each as it really happens."""

import logging
import sqlite3

import pytest

import vhashdb
from tests.exchange.companies import Company, film
from vhashdb import completion_queries
from vhashdb.fingerprints import COARSE_PROFILE
from vhashdb.hashing.algorithms import get_algorithm
from vhashdb.layout import RECORDS_FILE
from vhashdb.search.query_fingerprinter import cache_key
from vhashdb.store.cache import FILE


@pytest.fixture
def logged(caplog):
    """The messages of this library's log from a level upwards."""
    caplog.set_level(logging.DEBUG, "vhashdb")

    def at(level=logging.WARNING):
        return [record.getMessage() for record in caplog.records if record.levelno >= level and record.name.startswith("vhashdb")]

    return at


def test_a_cache_that_cannot_be_used(tmp_path, logged):
    (tmp_path / FILE).write_bytes(b"something else" * 100)
    with vhashdb.FingerprintCache(tmp_path) as cache:
        assert cache.fingerprint("ab" * 32, "key") is None
    (line,) = logged()
    assert "is not used any more" in line
    assert "is not a cache of fingerprints" in line


def test_a_cached_fingerprint_that_is_damaged(tmp_path, logged):
    key = cache_key(get_algorithm("pdq", 256).id, COARSE_PROFILE, vhashdb.Limits())
    with vhashdb.FingerprintCache(tmp_path) as cache:
        cache.keep_fingerprint("ab" * 32, key, film(1))
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("UPDATE look SET fingerprint = x'00'")
    file.close()
    with vhashdb.FingerprintCache(tmp_path) as cache:
        assert cache.fingerprint("ab" * 32, key) is None
    (line,) = logged()
    assert "is damaged and is made again" in line


def test_an_erasure_that_leaves_its_content_in_the_write_ahead_log(tmp_path, logged):
    with vhashdb.create(tmp_path / "own.vhdb") as db:
        record = db.add(film(1)).id
    with vhashdb.open(tmp_path / "own.vhdb", lock_timeout_s=0.05) as db:
        reader = sqlite3.connect(tmp_path / "own.vhdb" / RECORDS_FILE, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM record").fetchone()
        db.retract(record, reason="appeal", erase=True)
        assert any("stays in its write-ahead log" in line for line in logged())
        reader.close()


def test_the_state_of_a_feed_that_cannot_be_removed(tmp_path, logged):
    acme, here = Company(tmp_path, "acme"), Company(tmp_path, "here")
    acme.begins_to_publish()
    here.trusts(acme)
    state = here.path / "feeds" / "acme-feed"
    state.parent.mkdir(exist_ok=True)
    state.write_bytes(b"a file where a folder was")
    here.exchange.distrust("acme-feed")
    assert logged()[0].startswith(f"{state} could not be removed")
    acme.close()
    here.close()


def test_a_completion_from_what_is_no_database(tmp_path, logged):
    (tmp_path / RECORDS_FILE).write_bytes(b"no database at all" * 100)
    assert completion_queries.labels(tmp_path, "") == []
    assert logged() == []
    assert any("nothing was completed" in line for line in logged(logging.DEBUG))

"""The cache of looks: a second question decodes nothing, and a broken cache never keeps one from being answered."""

import datetime
import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

import vhashdb
from tests.footage import fingerprint_of, random_hashes
from vhashdb import FingerprintCache
from vhashdb.fingerprints import COARSE_PROFILE, QUERY_PROFILE
from vhashdb.hashing.algorithms import get_algorithm
from vhashdb.inputs import FileHashes
from vhashdb.opening import open_file
from vhashdb.search.query_fingerprinter import cache_key
from vhashdb.store.cache import FILE
from vhashdb.store.clock import now_utc

pytestmark = pytest.mark.sqlite


@pytest.fixture
def place(known_db, samples, tmp_path):
    """A folder with a database of the samples, a copy of a known film and an unknown one."""
    known_db.index_writer.maintain()
    known_db.backup(tmp_path / "known.vhdb")  # to copy its files would end this process's locks on them
    shutil.copy(samples / "edited" / "valley__mirror.mp4", tmp_path / "copy.mp4")
    shutil.copy(samples / "unknown" / "train.mp4", tmp_path / "other.mp4")
    return tmp_path


def asked(place, name, cache):
    with vhashdb.open(place / "known.vhdb", cache=cache) as db:
        return db.match(place / name)


@pytest.mark.parametrize("name", ["copy.mp4", "other.mp4"])
def test_the_second_question_decodes_nothing_and_answers_the_same(place, name):
    with FingerprintCache(place / "cache") as cache:
        first = asked(place, name, cache)
    with FingerprintCache(place / "cache") as cache:
        second = asked(place, name, cache)
    assert first.decode_cpu_s > 0 and second.decode_cpu_s == 0
    assert second.fingerprint == first.fingerprint
    assert second.fingerprint.boxes == first.fingerprint.boxes != {}
    assert second.to_json("") == first.to_json("")
    assert [match.to_json("") for match in second.matches] == [match.to_json("") for match in first.matches]


def test_explaining_a_file_that_was_matched_decodes_nothing(place, monkeypatch):
    with FingerprintCache(place / "cache") as cache, vhashdb.open(place / "known.vhdb", cache=cache) as db:
        (match,) = db.match(place / "copy.mp4").matches
        monkeypatch.setattr("vhashdb.search.query_fingerprinter.build", None)  # so that decoding would fail
        assert db.explain(place / "copy.mp4", match.record.id).judgement.score == match.score


def test_a_renamed_file_is_known_by_its_content(place):
    with FingerprintCache(place / "cache") as cache:
        asked(place, "other.mp4", cache)
        (place / "other.mp4").rename(place / "renamed.mp4")
        assert asked(place, "renamed.mp4", cache).decode_cpu_s == 0


def test_a_file_with_other_content_under_the_same_name_is_looked_at(place):
    with FingerprintCache(place / "cache") as cache:
        assert asked(place, "other.mp4", cache).verdict == "no-match"
        shutil.copy(place / "copy.mp4", place / "other.mp4")
        assert asked(place, "other.mp4", cache).verdict == "match"


def test_it_holds_no_name_and_is_for_its_owner_alone(place):
    (place / "other.mp4").rename(place / "person-name.mp4")
    with FingerprintCache(place / "cache") as cache:
        asked(place, "person-name.mp4", cache)
    assert (place / "cache" / FILE).stat().st_mode & 0o077 == 0
    assert all(b"person-name" not in path.read_bytes() for path in (place / "cache").iterdir())


def test_what_decides_about_a_look_is_in_its_cache_key():
    pdq, other = get_algorithm("pdq").id, get_algorithm("phash").id
    limits = vhashdb.Limits()
    recipes = {
        cache_key(pdq, QUERY_PROFILE, limits),
        cache_key(pdq, COARSE_PROFILE, limits),
        cache_key(other, QUERY_PROFILE, limits),
        cache_key(pdq, QUERY_PROFILE, vhashdb.Limits(duration_s=10)),
    }
    assert len(recipes) == 4


def test_a_recipe_is_the_same_in_another_process():
    code = (
        "import vhashdb; from vhashdb.search.query_fingerprinter import cache_key; from vhashdb.fingerprints import COARSE_PROFILE;"
        "from vhashdb.hashing.algorithms import get_algorithm; print(cache_key(get_algorithm('pdq').id, COARSE_PROFILE, vhashdb.Limits()))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout == cache_key(get_algorithm("pdq").id, COARSE_PROFILE, vhashdb.Limits()) + "\n"


def test_another_programs_file_is_left_alone_and_the_question_answered(place):
    (place / "cache").mkdir()
    (place / "cache" / FILE).write_text("somebody's notes")
    with FingerprintCache(place / "cache") as cache:
        assert asked(place, "copy.mp4", cache).verdict == "match"
        assert "not a cache" in cache.problem
    assert (place / "cache" / FILE).read_text() == "somebody's notes"


def test_a_damaged_cache_does_not_keep_a_question_from_being_answered(place):
    with FingerprintCache(place / "cache") as cache:
        asked(place, "copy.mp4", cache)
    file = place / "cache" / FILE
    content = bytearray(file.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    file.write_bytes(content)
    with FingerprintCache(place / "cache") as cache:
        assert asked(place, "copy.mp4", cache).verdict == "match"
        assert cache.problem


def test_a_look_that_was_changed_is_made_again(place):
    with FingerprintCache(place / "cache") as cache:
        asked(place, "copy.mp4", cache)
    with sqlite3.connect(place / "cache" / FILE) as connection:
        connection.execute("UPDATE look SET fingerprint = substr(fingerprint, 1, 100)")
    with FingerprintCache(place / "cache") as cache:
        assert asked(place, "copy.mp4", cache).decode_cpu_s > 0
        assert asked(place, "copy.mp4", cache).decode_cpu_s == 0
        assert cache.problem is None


def test_a_folder_that_cannot_be_made_is_a_problem_and_no_error(tmp_path):
    (tmp_path / "file").touch()
    cache = FingerprintCache(tmp_path / "file" / "cache")
    with open_file(tmp_path / "file") as file:
        cache.keep_hashes(file, FileHashes("0" * 64))
        assert cache.hashes(file) is None and cache.fingerprint("0" * 64, "x") is None
    assert cache.problem


def test_it_stays_below_its_size_and_what_was_used_last_stays(tmp_path):
    prints = [fingerprint_of(random_hashes(seed, 100)) for seed in range(30)]
    with FingerprintCache(tmp_path, max_bytes=40_000) as cache:
        for number, fingerprint in enumerate(prints):
            cache.keep_fingerprint(f"{number:064x}", "r", fingerprint)
    with FingerprintCache(tmp_path, max_bytes=40_000) as cache:
        left = [number for number in range(30) if cache.fingerprint(f"{number:064x}", "r") is not None]
    assert 5 <= len(left) <= 12
    assert left == list(range(30 - len(left), 30))


def test_what_was_not_used_for_long_is_dropped(tmp_path, monkeypatch):
    with FingerprintCache(tmp_path) as cache:
        cache.keep_fingerprint("a" * 64, "old", fingerprint_of(random_hashes(1, 5)))
        cache.keep_fingerprint("a" * 64, "used", fingerprint_of(random_hashes(2, 5)))
    start = now_utc()
    monkeypatch.setattr("vhashdb.store.cache.now_utc", lambda: start + datetime.timedelta(days=20))
    with FingerprintCache(tmp_path) as cache:
        assert cache.fingerprint("a" * 64, "used") is not None
    monkeypatch.setattr("vhashdb.store.cache.now_utc", lambda: start + datetime.timedelta(days=31))
    FingerprintCache(tmp_path).close()
    with FingerprintCache(tmp_path) as cache:
        assert cache.fingerprint("a" * 64, "old") is None and cache.fingerprint("a" * 64, "used") is not None


def test_many_threads_and_two_caches_on_one_folder(tmp_path):
    prints = {f"{number:064x}": fingerprint_of(random_hashes(number, 20)) for number in range(40)}
    with FingerprintCache(tmp_path) as one, FingerprintCache(tmp_path) as other:

        def work(cache, names):
            for name in names:
                cache.keep_fingerprint(name, "r", prints[name])
                cache.fingerprint(name, "r")

        names = list(prints)
        threads = [threading.Thread(target=work, args=(cache, names[start::4])) for start, cache in enumerate((one, other, one, other))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.problem is None and other.problem is None
        assert all(one.fingerprint(name, "r") == prints[name] for name in names)


@pytest.mark.parametrize(
    "text", ["", "[", "[[999, 0, 0, 1, 1]]", "[[0, 0, 0, 1]]x", "{}", "[[0]]x", '[[0, "a", 0, 1, 1]]', "[1]", "[[0, 0, 0, 1, 1, 1]]"]
)
def test_a_fingerprint_of_which_it_is_not_known_where_its_regions_lie_is_made_again(text, place):
    with FingerprintCache(place / "cache") as cache:
        first = asked(place, "copy.mp4", cache)
    with sqlite3.connect(place / "cache" / FILE) as connection:
        connection.execute("UPDATE look SET boxes = ?", (text,))
    connection.close()
    with FingerprintCache(place / "cache") as cache:
        second = asked(place, "copy.mp4", cache)
    if text != "{}":  # nothing is known, and that is no damage
        assert second.decode_cpu_s > 0
    assert second.matches[0].score == first.matches[0].score


def test_a_cache_of_an_earlier_version_is_begun_anew(place):
    with FingerprintCache(place / "cache") as cache:
        asked(place, "copy.mp4", cache)
    with sqlite3.connect(place / "cache" / FILE) as connection:
        connection.execute("ALTER TABLE look DROP COLUMN boxes")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    with FingerprintCache(place / "cache") as cache:
        assert asked(place, "copy.mp4", cache).decode_cpu_s > 0
        assert cache.problem is None
    with FingerprintCache(place / "cache") as cache:
        assert asked(place, "copy.mp4", cache).decode_cpu_s == 0

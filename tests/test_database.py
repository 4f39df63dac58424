"""The database as its users see it: what is added is found, what is withdrawn is not, and nothing is ever lost."""

import io
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import vhashdb
from tests.conftest import ROOT
from tests.examples import LONG
from tests.footage import bits_between, decoded, film, fingerprint_of, flipped, picture, random_hashes, scene
from vhashdb import AddStatus, Verdict
from vhashdb.index.compaction import MEMTABLE_ROWS
from vhashdb.layout import INDEX_FOLDER, RECORDS_FILE


def record_of(result):
    return [match.record.id for match in result.matches]


# -- adding ----------------------------------------------------------------------------------------


def test_an_added_film_is_on_record_with_everything_said_about_it(new_db, samples):
    details = vhashdb.Details(severity="high", origin="court_order", max_action="block", tlp="red", reviewers=2)
    added = new_db.add(samples / "known" / "harbour.mp4", labels=["b-two", "a-one"], reason="seen before", details=details)
    assert added.status is AddStatus.ADDED
    assert added.near == ()
    record = new_db.get(added.id)
    assert record == added.record
    assert record.labels == ("a-one", "b-two")
    assert (record.reason, record.state, record.revision) == ("seen before", vhashdb.State.ACTIVE, 1)
    assert (record.details.severity, record.details.max_action, record.details.tlp) == ("high", "block", "red")
    assert record.duration_s == pytest.approx(10, abs=0.1)
    assert len(new_db) == 1


def test_an_exact_duplicate_is_named_and_not_recorded_twice(new_db, samples, tmp_path):
    first = new_db.add(samples / "known" / "harbour.mp4")
    copy = shutil.copy(samples / "known" / "harbour.mp4", tmp_path / "other name.mp4")
    again = new_db.add(copy, labels=["ignored"])
    assert again.status is AddStatus.DUPLICATE
    assert again.id == first.id
    assert new_db.get(first.id) == first.record
    assert len(new_db) == 1


def test_a_near_duplicate_is_recorded_and_linked(new_db, samples):
    first = new_db.add(samples / "known" / "valley.mp4")
    other = new_db.add(samples / "known" / "harbour.mp4")
    second = new_db.add(samples / "edited" / "valley__clip.mp4")
    assert second.status is AddStatus.NEAR_DUPLICATE
    assert [near.record for near in second.near] == [first.id]
    assert second.near[0].verdict is Verdict.MATCH
    assert new_db.get(second.id).near == (first.id,)
    assert other.near == ()
    assert len(new_db) == 3


def test_a_retracted_file_can_be_recorded_again(new_db, samples):
    first = new_db.add(samples / "known" / "harbour.mp4")
    new_db.retract(first.id, reason="wrong")
    again = new_db.add(samples / "known" / "harbour.mp4")
    assert again.id != first.id
    assert again.near == ()


def test_a_file_that_cannot_be_read_leaves_no_trace(new_db, tmp_path):
    (tmp_path / "text.mp4").write_text("not a film\n" * 100)
    with pytest.raises(vhashdb.MediaError):
        new_db.add(tmp_path / "text.mp4")
    assert list(new_db.records()) == []
    assert new_db.audit() == []


@pytest.mark.parametrize("label", ["Upper", "two words", "", "-x", "x" * 65, "a\nb"])
def test_a_label_of_unknown_syntax_is_refused_and_nothing_recorded(new_db, samples, label):
    with pytest.raises(vhashdb.UsageError):
        new_db.add(samples / "known" / "harbour.mp4", labels=[label])
    assert list(new_db.records()) == []


def test_a_fingerprint_can_be_added_in_place_of_its_film(new_db, samples, reference_prints):
    added = new_db.add(vhashdb.from_bytes(vhashdb.to_bytes(reference_prints["harbour"])))
    assert new_db.fingerprint(added.id) == reference_prints["harbour"]
    assert record_of(new_db.match(samples / "edited" / "harbour__insert.mp4")) == [added.id]


def test_a_fingerprint_of_another_algorithm_is_refused(new_db, samples, tmp_path):
    other = vhashdb.fingerprint(samples / "known" / "harbour.mp4", algorithm="dhash")
    with pytest.raises(vhashdb.AlgorithmMismatch):
        new_db.add(other)
    new_db.add(samples / "known" / "harbour.mp4")
    for ask in (lambda: new_db.match(other), lambda: new_db.explain(other, new_db.records().__next__().id)):
        with pytest.raises(vhashdb.AlgorithmMismatch):
            ask()


@pytest.mark.parametrize("name, bits", [("phash", 256), ("dhash", 64)])
def test_a_database_can_use_another_algorithm(samples, tmp_path, name, bits):
    with vhashdb.create(tmp_path / "other.vhdb", algorithm=name, bits=bits) as db:
        added = db.add(samples / "known" / "harbour.mp4")
        assert record_of(db.match(samples / "known" / "harbour.mp4")) == [added.id]
    with vhashdb.open(tmp_path / "other.vhdb") as db:
        assert (db.algorithm.name, db.algorithm.bits) == (name, bits)


# -- kinds of input --------------------------------------------------------------------------------


def test_a_file_object_is_matched_like_its_file(known_db, samples):
    path = samples / "edited" / "valley__clip.mp4"
    with open(path, "rb") as file:
        from_file = known_db.match(file)
    from_memory = known_db.match(io.BytesIO(path.read_bytes()))
    from_path = known_db.match(path)
    assert record_of(from_file) == record_of(from_memory) == record_of(from_path)
    assert from_file.matches[0].segments == from_path.matches[0].segments


def test_a_file_object_is_matched_at_fast_effort_too(known_db, samples):
    path = samples / "edited" / "valley__clip.mp4"
    with open(path, "rb") as file:
        assert record_of(known_db.match(file, effort="fast")) == record_of(known_db.match(path, effort="fast"))


def test_a_picture_an_array_and_a_file_have_the_same_hashes(samples):
    with Image.open(samples / "still.png") as image:
        rgb = np.asarray(image.convert("RGB"))
        picture_print, array_print = vhashdb.fingerprint(image), vhashdb.fingerprint(rgb)
    file_print = vhashdb.fingerprint(samples / "still.png")
    assert picture_print == array_print == replace(file_print, coverage=picture_print.coverage)  # only a file has a codec
    assert (picture_print.duration_s, len(picture_print.damage)) == (0.04, 0)


@pytest.mark.parametrize("shape", [(120, 160), (120, 160, 3), (120, 160, 4), (1, 1), (1, 500, 3)])
def test_arrays_of_every_picture_shape_are_taken(shape):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert len(vhashdb.fingerprint(array)) > 0


@pytest.mark.parametrize(
    "array", [np.zeros((5, 5)), np.zeros((5, 5, 2), np.uint8), np.zeros(5, np.uint8), np.zeros((2, 5, 5, 3), np.uint8)]
)
def test_arrays_that_are_no_picture_are_refused(array):
    with pytest.raises(vhashdb.UsageError):
        vhashdb.fingerprint(array)


@pytest.mark.parametrize("nonsense", [None, 7, ["a.mp4"], b"a.mp4"])
def test_things_that_are_no_input_are_refused(nonsense):
    with pytest.raises(vhashdb.UsageError):
        vhashdb.fingerprint(nonsense)


@pytest.mark.parametrize("kind", ["text file", "empty array", "truncated picture", "very tall picture"])
def test_bad_pictures_and_files_are_refused_with_an_error_of_the_library(samples, kind):
    data = (samples / "still.png").read_bytes()
    source = {
        "text file": lambda: io.StringIO("text"),
        "empty array": lambda: np.zeros((0, 5, 3), np.uint8),
        "truncated picture": lambda: Image.open(io.BytesIO(data[: len(data) // 2])),
        "very tall picture": lambda: Image.new("L", (2, 66_000)),
    }[kind]()
    with pytest.raises(vhashdb.VhashdbError):
        vhashdb.fingerprint(source)


@pytest.mark.parametrize("ask", ["effort", "views"])
def test_an_unknown_choice_is_a_usage_error(known_db, samples, ask):
    with pytest.raises(vhashdb.UsageError):
        if ask == "effort":
            known_db.match(samples / "still.png", effort="utmost")
        else:
            vhashdb.fingerprint(samples / "still.png", views="utmost")


def test_a_file_object_larger_than_the_limit_is_refused(samples):
    data = (samples / "known" / "harbour.mp4").read_bytes()
    with pytest.raises(vhashdb.LimitExceeded):
        vhashdb.fingerprint(io.BytesIO(data), limits=vhashdb.Limits(upload_bytes=len(data) - 1))
    assert len(vhashdb.fingerprint(io.BytesIO(data), limits=vhashdb.Limits(upload_bytes=len(data)))) > 0


def test_a_still_that_matches_nothing_is_said_to_match_nothing(known_db):
    """Not `insufficient`: it shows plenty."""
    assert known_db.match(Image.fromarray(picture(5, 300, 400))).verdict is Verdict.NO_MATCH


def test_a_still_in_a_file_is_judged_like_the_still_itself(known_db, tmp_path):
    image = Image.fromarray(picture(5, 300, 400))
    image.save(tmp_path / "still.png")
    assert known_db.match(tmp_path / "still.png").verdict is known_db.match(image).verdict


# -- asking ----------------------------------------------------------------------------------------


def test_an_empty_database_gives_no_answer(new_db, samples):
    with pytest.raises(vhashdb.DatabaseEmpty):
        new_db.match(samples / "known" / "harbour.mp4")


def test_a_database_of_retracted_records_gives_no_answer(new_db, samples):
    added = new_db.add(samples / "known" / "harbour.mp4")
    new_db.retract(added.id, reason="wrong")
    with pytest.raises(vhashdb.DatabaseEmpty):
        new_db.match(samples / "known" / "harbour.mp4")


def test_the_very_same_file_matches_by_its_bytes_even_when_black(new_db, samples):
    added = new_db.add(samples / "unknown" / "dark_room.mp4")
    result = new_db.match(samples / "unknown" / "dark_room.mp4")
    assert result.verdict is Verdict.MATCH
    assert (result.matches[0].record.id, result.matches[0].identical, result.matches[0].score) == (added.id, True, 1.0)


def test_a_retracted_record_stops_matching_at_once_in_every_open_database(new_db, samples):
    added = new_db.add(samples / "known" / "harbour.mp4")
    new_db.add(samples / "known" / "valley.mp4")
    query = vhashdb.fingerprint(samples / "edited" / "harbour__insert.mp4", views="query")
    with vhashdb.open(new_db.path) as other:
        assert record_of(other.match(query)) == [added.id]
        new_db.retract(added.id, reason="appeal")
        for db in (new_db, other):
            assert db.match(query).verdict is Verdict.NO_MATCH
            assert db.match(samples / "known" / "harbour.mp4").matches == ()  # nor by the bytes of the file
    assert new_db.get(added.id).state is vhashdb.State.RETRACTED


def test_a_record_added_by_one_is_found_at_once_by_another(new_db, samples):
    new_db.add(samples / "known" / "valley.mp4")
    query = vhashdb.fingerprint(samples / "edited" / "harbour__insert.mp4", views="query")
    with vhashdb.open(new_db.path) as other:
        assert other.match(query).matches == ()
        added = new_db.add(samples / "known" / "harbour.mp4")
        assert record_of(other.match(query)) == [added.id]


def test_a_file_marked_as_not_that_record_does_not_match_it_again(new_db, samples):
    path = samples / "edited" / "harbour__insert.mp4"
    added = new_db.add(samples / "known" / "harbour.mp4")
    assert record_of(new_db.match(path)) == [added.id]
    new_db.unmatch(path, added.id, reason="someone else's harbour")
    assert new_db.match(path).verdict is Verdict.NO_MATCH
    assert record_of(new_db.match(samples / "edited" / "harbour__speed125.mp4")) == [added.id]


def test_matching_from_several_threads_gives_each_the_right_answer(known_db, samples):
    paths = [*sorted((samples / "edited").glob("*.mp4")), *sorted((samples / "unknown").glob("*.mp4"))]
    alone = [record_of(known_db.match(path)) for path in paths]
    with ThreadPoolExecutor(4) as threads:
        together = [record_of(result) for result in threads.map(known_db.match, paths * 2)]
    assert together == alone * 2


def test_adding_from_several_threads_records_each_film_once(new_db, samples):
    paths = sorted((samples / "known").glob("*.mp4"))
    with ThreadPoolExecutor(4) as threads:
        added = list(threads.map(new_db.add, paths * 3))
    assert len({a.id for a in added}) == len(list(new_db.records())) == len(paths)
    assert sum(a.status is AddStatus.DUPLICATE for a in added) == 2 * len(paths)


# -- what may be at the path -----------------------------------------------------------------------


def test_nothing_at_the_path_is_not_found(tmp_path):
    with pytest.raises(vhashdb.DatabaseNotFound):
        vhashdb.open(tmp_path / "none.vhdb")


def test_a_plain_folder_or_file_is_not_a_database(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(vhashdb.NotADatabase):
            vhashdb.open(tmp_path / name)


def test_an_existing_database_or_folder_is_never_overwritten(new_db, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    (tmp_path / "file").write_text("x")
    for path in (new_db.path, tmp_path / "full", tmp_path / "file"):
        with pytest.raises(vhashdb.DatabaseExists):
            vhashdb.create(path)
    assert os.listdir(tmp_path / "full") == ["letter.txt"]


def test_a_wrong_algorithm_leaves_no_folder_behind(tmp_path):
    with pytest.raises(vhashdb.UsageError):
        vhashdb.create(tmp_path / "x.vhdb", algorithm="md5")
    assert not (tmp_path / "x.vhdb").exists()


# -- the index on disk -----------------------------------------------------------------------------


def many(seed=99):
    """A reference fingerprint with so many hashes that the index is kept on disk."""
    return fingerprint_of(random_hashes(seed, MEMTABLE_ROWS))


@pytest.fixture
def films(tmp_path, reference_prints):
    """A database of two films and a very long one; its index is on disk."""
    path = tmp_path / "films.vhdb"
    with vhashdb.create(path) as db:
        ids = [db.add(reference_prints[name]).id for name in ("harbour", "valley")]
        db.add(many())
    assert (path / INDEX_FOLDER / "current.json").is_file()
    return path, ids


def test_a_small_database_has_no_index_on_disk_and_needs_none(tmp_path, reference_prints, query_prints):
    path = tmp_path / "small.vhdb"
    with vhashdb.create(path) as db:
        added = db.add(reference_prints["harbour"])
    assert [entry.name for entry in path.iterdir()] == [RECORDS_FILE]
    with vhashdb.open(path) as db:
        assert record_of(db.match(query_prints["edited/harbour__insert.mp4"])) == [added.id]
        assert db.check() == vhashdb.database.Health((), (), ())


def damage_text(path):
    (path / INDEX_FOLDER / "current.json").write_text("no index\n")


def damage_short(path):
    file = path / INDEX_FOLDER / "00000001" / "hashes.npy"
    file.write_bytes(file.read_bytes()[:-1000])


def damage_byte(path):
    file = path / INDEX_FOLDER / "00000001" / "tables.npy"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))


def damage_empty(path):
    (path / INDEX_FOLDER / "00000001" / "records.npy").write_bytes(b"")


def damage_folder(path):
    shutil.rmtree(path / INDEX_FOLDER / "00000001")


@pytest.mark.parametrize("damage", [damage_text, damage_short, damage_byte, damage_empty, damage_folder])
def test_a_damaged_index_is_made_up_for_and_made_again(films, query_prints, damage):
    path, ids = films
    damage(path)
    query = query_prints["edited/harbour__insert.mp4"]
    with vhashdb.open(path) as db:
        assert record_of(db.match(query)) == [ids[0]]
        assert str(path / INDEX_FOLDER) in db.index_problem
        assert db.check().repaired == ("the index was rebuilt from the records",)
        assert db.check().problems == ()
    with vhashdb.open(path) as db:
        assert db.index_problem is None
        assert db.check().problems == ()
        assert record_of(db.match(query)) == [ids[0]]


def test_check_says_what_opening_found_even_if_it_is_asked_first(films):
    path, _ = films
    damage_byte(path)
    with vhashdb.open(path) as db:
        health = db.check()
    assert any("tables.npy" in problem for problem in health.problems)
    assert health.repaired
    assert health.left == ()


def test_a_lost_index_is_made_again_by_the_next_that_writes(films, reference_prints, query_prints):
    path, ids = films
    shutil.rmtree(path / INDEX_FOLDER)
    with vhashdb.open(path) as db:
        assert record_of(db.match(query_prints["edited/harbour__insert.mp4"])) == [ids[0]]
        assert db.index_problem is None
        db.add(reference_prints["night_city"])
    assert (path / INDEX_FOLDER / "current.json").is_file()


def test_an_index_older_than_the_records_is_brought_up_to_date(films, reference_prints, query_prints, tmp_path):
    path, ids = films
    shutil.copytree(path / INDEX_FOLDER, tmp_path / "old")
    with vhashdb.open(path) as db:
        added = db.add(reference_prints["night_city"]).id
        db.add(many(98))
        db.retract(ids[0], reason="wrong")
    shutil.rmtree(path / INDEX_FOLDER)
    shutil.copytree(tmp_path / "old", path / INDEX_FOLDER)
    with vhashdb.open(path) as db:
        assert db.index_problem is None
        assert record_of(db.match(query_prints["edited/night_city__grey.mp4"])) == [added]
        assert db.match(query_prints["edited/harbour__insert.mp4"]).matches == ()
        assert db.check().problems == ()


@pytest.mark.sqlite
def test_an_index_newer_than_restored_records_is_thrown_away(films, reference_prints, query_prints):
    path, ids = films
    backup = (path / RECORDS_FILE).read_bytes()
    with vhashdb.open(path) as db:
        db.add(reference_prints["night_city"])
        db.add(many(98))
    (path / RECORDS_FILE).write_bytes(backup)
    with vhashdb.open(path) as db:
        assert "newer" in db.index_problem
        assert db.match(query_prints["edited/night_city__grey.mp4"]).matches == ()
        assert record_of(db.match(query_prints["edited/harbour__insert.mp4"])) == [ids[0]]
    with vhashdb.open(path) as db:
        assert db.index_problem is None


def cut_fingerprint(path, number):
    connection = sqlite3.connect(path / RECORDS_FILE)
    connection.execute("UPDATE fingerprint SET blob = substr(blob, 1, 100) WHERE record = ?", (number,))
    connection.commit()
    connection.close()


@pytest.mark.sqlite
def test_check_names_a_damaged_fingerprint(films):
    path, _ = films
    cut_fingerprint(path, 1)
    with vhashdb.open(path) as db:
        assert any("record number 1" in problem for problem in db.check().problems)


@pytest.mark.sqlite
def test_a_damaged_fingerprint_does_not_hide_the_other_records(films, query_prints):
    path, ids = films
    cut_fingerprint(path, 1)
    shutil.rmtree(path / INDEX_FOLDER)
    with vhashdb.open(path) as db:
        assert record_of(db.match(query_prints["edited/valley__clip.mp4"])) == [ids[1]]


@pytest.mark.sqlite
@pytest.mark.parametrize("kept", ["in memory", "on disk"])
def test_what_a_damaged_fingerprint_hides_is_never_called_no_match(films, query_prints, kept):
    path, ids = films
    known, unknown = query_prints["edited/harbour__insert.mp4"], query_prints["unknown/train.mp4"]
    cut_fingerprint(path, 1)
    shutil.rmtree(path / INDEX_FOLDER)
    if kept == "on disk":
        with vhashdb.open(path) as db:
            db.label(ids[1], add=["x"])  # whoever wrote keeps the index, made again of what could be read
        assert (path / INDEX_FOLDER / "current.json").exists()
    for _ in range(2):
        with vhashdb.open(path) as db:
            for asked in (known, unknown):
                result = db.match(asked)
                assert (result.verdict, result.not_compared) == ("insufficient", 1)
                assert "the database is damaged" in result.reason
                assert any("1 record is damaged" in line for line in result.damage)
            assert db.match(unknown, where=vhashdb.Selection(labels=["none-has-it"])).verdict == "no-match"
    with vhashdb.open(path) as db:
        db.retract(ids[0], reason="its fingerprint is lost")
        assert db.match(unknown).verdict == "no-match"


# -- killed in the middle --------------------------------------------------------------------------

KILLS = 10 if LONG else 5


@pytest.fixture(scope="module")
def folder_of_films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for number in range(36):
        film(folder / f"film{number:02}.mp4", scene(number, 40), rate=10)
    return folder


def add_folder(path, folder):
    command = [sys.executable, "-m", "tests.adder", str(path), str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed_at_random(path, folder, chance):
    """Add the folder, and kill the process a moment after it has recorded a few more films; the lines it printed."""
    process = add_folder(path, folder)
    assert process.stdout.readline() == "open\n"
    lines, wanted = [], chance.randrange(3)
    while sum(not line.startswith("duplicate") for line in lines) < wanted:
        lines.append(process.stdout.readline())
    time.sleep(chance.uniform(0.0, 0.15))
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    return lines


@pytest.mark.sqlite
def test_nothing_acknowledged_is_lost_by_kill_9_during_add(folder_of_films, tmp_path):
    """Several times in a row on one database, each at a random moment; then the same command runs to its end."""
    path = tmp_path / "killed.vhdb"
    vhashdb.create(path).close()
    chance, acknowledged = random.Random(2), set()
    for _ in range(KILLS):
        lines = killed_at_random(path, folder_of_films, chance)
        acknowledged |= {line.split()[1] for line in lines if line.endswith(".mp4\n")}
        with vhashdb.open(path) as db:
            on_record = {record.id for record in db.records()}
            assert acknowledged <= on_record
            assert all(len(db.fingerprint(identifier)) for identifier in on_record)
            if not chance.randrange(3):
                assert db.check().problems == ()  # neither record nor index suffers
    assert KILLS // 2 <= len(acknowledged) < 36
    process = add_folder(path, folder_of_films)
    assert process.stdout.read().count(".mp4\n") == 36
    process.stdout.close()
    assert process.wait() == 0
    with vhashdb.open(path) as db:
        assert sorted(record.reason for record in db.records()) == [p.name for p in sorted(folder_of_films.glob("*.mp4"))]
        assert acknowledged <= {record.id for record in db.records()}
        assert db.check().problems == ()


@pytest.mark.sqlite
def test_a_killed_process_leaves_no_lock(new_db, folder_of_films, samples):
    process = add_folder(new_db.path, folder_of_films)
    assert process.stdout.readline() == "open\n"
    process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    started = time.monotonic()
    new_db.add(samples / "known" / "harbour.mp4")
    assert time.monotonic() - started < 5


def test_motionless_hashes_alone_are_no_match(new_db):
    still = fingerprint_of(np.repeat(random_hashes(1, 1), 40, axis=0))
    new_db.add(still)
    assert new_db.match(fingerprint_of(flipped(still.hash, 4))).verdict is Verdict.POSSIBLE


def test_a_frame_near_a_stored_one_is_possible_and_never_a_match(known_db, reference_prints, samples):
    """A picture alone has no motion. Frames that the record keeps no hash of within 12 bits may be missed."""
    near = 0
    for rgb in decoded(samples / "known" / "valley.mp4", every=12):
        result = known_db.match(rgb)
        assert {known_db.names[i] for i in record_of(result)} <= {"valley"}
        assert result.verdict in (Verdict.POSSIBLE, Verdict.NO_MATCH)
        query = vhashdb.fingerprint(rgb)
        if bits_between(reference_prints["valley"].hash, query.hash[0]).min() <= 12:
            near += 1
            assert result.verdict is Verdict.POSSIBLE
    assert near >= 6


def test_the_number_of_questions_is_written_down_now_and_then_and_at_the_end(new_db, reference_prints, query_prints, monkeypatch):
    def counted():
        return [entry.details for entry in new_db.audit() if entry.action == "queries"]

    new_db.add(reference_prints["valley"])
    copy, other = query_prints["edited/valley__mirror.mp4"], query_prints["unknown/train.mp4"]
    new_db.match(copy), new_db.match(other)
    assert counted() == []
    monkeypatch.setattr("vhashdb.store.query_log.NOTED_EVERY_S", 0.0)
    new_db.match(other)
    assert counted() == [{"match": 1, "no-match": 2}]
    monkeypatch.setattr("vhashdb.store.query_log.NOTED_EVERY_S", 1e9)
    new_db.match(copy)
    path = new_db.path
    new_db.close()
    with vhashdb.open(path) as again:
        assert [entry.details for entry in again.audit() if entry.action == "queries"] == [{"match": 1, "no-match": 2}, {"match": 1}]


def test_one_text_is_not_taken_for_several(new_db, samples):
    film = samples / "unknown" / "train.mp4"
    record = new_db.add(film, labels=["violence"]).record
    for wrong in (
        lambda: new_db.add(film, labels="violence"),
        lambda: vhashdb.Details(labels="violence"),
        lambda: vhashdb.Selection("violence"),
        lambda: vhashdb.Selection(sources="local"),
        lambda: vhashdb.Selection(states=vhashdb.State.ACTIVE),
        lambda: new_db.label(record.id, add="violence"),
        lambda: new_db.label(record.id, remove="violence"),
        lambda: list(new_db.records(labels="violence")),
        lambda: list(new_db.records(states=vhashdb.State.ACTIVE)),
    ):
        with pytest.raises(vhashdb.UsageError, match="must be several texts"):
            wrong()
    assert new_db.get(record.id).labels == ("violence",)


def test_a_closed_database_says_that_it_is_closed(tmp_path, samples):
    film = samples / "unknown" / "train.mp4"
    database = vhashdb.create(tmp_path / "x.vhdb")
    identifier = database.add(film).record.id
    database.match(film)
    database.close()
    database.close()
    for ask in (
        lambda: database.match(film),
        lambda: database.add(film),
        lambda: database.get(identifier),
        lambda: database.label(identifier, add=["x"]),
        lambda: database.retract(identifier, reason="x"),
        lambda: database.explain(film, identifier),
        lambda: list(database.records()),
        lambda: len(database),
        lambda: database.audit(),
    ):
        with pytest.raises(vhashdb.UsageError, match="the database is closed"):
            ask()


def test_a_fingerprint_that_somebody_else_stored_under_the_hash_of_a_file_does_not_stand_for_its_pictures(new_db, samples):
    """Whoever knows the SHA-256 of a copy could else publish pictures of something else for it, and hide what it really shows."""
    known = new_db.add(samples / "known" / "valley.mp4")
    copy, other = samples / "edited" / "valley__clip.mp4", samples / "unknown" / "train.mp4"
    decoy = replace(new_db.prepare(other), hashes=new_db.prepare(copy).hashes)
    foreign = new_db.record(decoy, vhashdb.Details(source="mallory-feed"))
    matches = {match.record.id: match for match in new_db.match(copy).matches}
    assert matches.keys() == {known.id, foreign.id}
    assert matches[foreign.id].identical
    assert matches[known.id].segments


def test_the_very_same_file_is_not_decoded_again(new_db, samples, monkeypatch):
    known = new_db.add(samples / "known" / "valley.mp4")
    monkeypatch.setattr("vhashdb.search.query_fingerprinter.build", None)  # so that decoding would fail
    (match,) = new_db.match(samples / "known" / "valley.mp4").matches
    assert (match.record.id, match.identical, match.judgement.query_coverage) == (known.id, True, 1.0)

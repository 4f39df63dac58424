"""The index on disk: every damage is seen, every crash leaves the last good manifest, and one process writes."""

import json
import os
import shutil
import subprocess
import sys
import time
import zlib
from dataclasses import asdict, replace

import numpy as np
import pytest

import vhashdb
from tests.conftest import ROOT
from tests.index.plain import parts
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.index import folder as folders
from vhashdb.index.folder import IndexFolder, Vanished
from vhashdb.index.kinds import FrameHashes, Landmarks
from vhashdb.index.manifest import Manifest, StoredSegment
from vhashdb.index.segment import build

PDQ = FrameHashes(AlgorithmId("pdq", 256, 1))
SMALL = FrameHashes(AlgorithmId("phash", 16, 1))
"""Of the fewest bits, so that its files are small enough to change each byte of them."""


def manifest(folder, number, *stored):
    return Manifest(number, folder.kind.version, 10 * number, stored)


def write(folder, seed, counts=(4, 3)):
    """A segment on disk that no manifest names yet."""
    return folder.write(lambda allocate: build(parts(seed, counts, kind=folder.kind), folder.kind, allocate))[0]


@pytest.fixture(params=[SMALL, Landmarks()], ids=lambda kind: kind.version)
def kind(request):
    """What an index is of."""
    return request.param


@pytest.fixture
def folder(tmp_path, kind):
    """A folder with two segments, one of which has a tombstone."""
    folder = IndexFolder(tmp_path / "index", kind)
    with folder.try_lock() as ours:
        assert ours
        folder.commit(manifest(folder, 1, write(folder, 1), replace(write(folder, 2), tombstones=(2,))))
    return folder


def opened(folder):
    """Everything that the manifest names, checked, as plain values."""
    current = folder.manifest()
    folder.check(current.segments)
    segments = [folder.open(stored) for stored in current.segments]
    return current, [(s.records.tolist(), s.words.tolist(), s.tables.tolist()) for s in segments]


def files(folder):
    return sorted(path for path in folder.path.rglob("*") if path.is_file() and path.name != "lock")


# -- writing and reading ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PDQ, Landmarks()], ids=lambda kind: kind.version)
def test_what_is_written_is_read(tmp_path, kind):
    folder = IndexFolder(tmp_path / "index", kind)
    records = parts(1, [30, 2, 500], kind=kind)
    with folder.try_lock():
        stored, mapped = folder.write(lambda allocate: build(records, kind, allocate))
        folder.commit(manifest(folder, 3, stored))
    assert folder.manifest() == manifest(folder, 3, stored)
    expected = build(records, kind)
    for segment in (mapped, folder.open(stored)):
        for name in ("words", "records", "tables", "begins"):
            assert np.array_equal(getattr(segment, name), getattr(expected, name))
            assert not isinstance(getattr(segment, name).base, type(None))  # a map of the file, no copy
    assert stored.rows == 532
    assert stored.size == sum(path.stat().st_size for path in (folder.path / stored.name).iterdir())


def test_a_folder_that_is_not_there_has_no_manifest(tmp_path):
    folder = IndexFolder(tmp_path / "index", PDQ)
    assert folder.manifest() is None
    assert folder.manifest_id() is None
    assert not folder.path.exists()


def test_a_new_manifest_has_another_id_and_deletes_what_it_does_not_name(folder):
    before, old = folder.manifest_id(), folder.manifest()
    with folder.try_lock():
        fresh = write(folder, 3)
        assert folder.manifest_id() == before  # no manifest names it yet
        folder.commit(manifest(folder, 2, old.segments[0], fresh))
    assert folder.manifest_id() != before
    assert sorted(entry.name for entry in folder.path.iterdir()) == ["00000001", "00000003", "current.json", "lock"]
    with pytest.raises(Vanished):
        folder.open(old.segments[1])
    with pytest.raises(Vanished):
        folder.check(old.segments)


def test_who_has_mapped_a_segment_keeps_it_when_it_is_cleared_away(folder):
    mapped = folder.open(folder.manifest().segments[0])
    before = mapped.words.copy()
    with folder.try_lock():
        folder.commit(manifest(folder, 2))
    assert not (folder.path / "00000001").exists()
    assert np.array_equal(mapped.words, before)


def test_the_files_are_plain_arrays_and_json(folder):
    assert [path.relative_to(folder.path).as_posix() for path in files(folder)][:4] == [
        f"00000001/{name}.npy" for name in sorted(("begins", folder.kind.row_name, "records", "tables"))
    ]
    for path in files(folder):
        if path.suffix == ".npy":
            assert np.load(path, allow_pickle=False).dtype.kind in "iu"
        else:
            assert json.loads(path.read_text())["index"]["format"] == 1


# -- damage ----------------------------------------------------------------------------------------


def test_every_truncation_of_every_file_is_seen(folder):
    for path in files(folder):
        data = path.read_bytes()
        for length in {*range(0, len(data), 11), len(data) - 1}:
            path.write_bytes(data[:length])
            if path.suffix == ".json" and equal_json(path.read_bytes(), data):
                continue  # without its last line break
            with pytest.raises(vhashdb.DatabaseDamaged):
                opened(folder)
        path.write_bytes(data + b"\0")
        if path.suffix == ".npy":
            with pytest.raises(vhashdb.DatabaseDamaged):
                opened(folder)
        path.write_bytes(data)
    opened(folder)


def test_every_changed_byte_of_every_file_is_seen(folder):
    for path in files(folder):
        data = path.read_bytes()
        step = 1 if path.suffix == ".json" else 5
        for position in range(0, len(data), step):
            path.write_bytes(data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :])
            if path.suffix == ".json" and equal_json(path.read_bytes(), data):
                continue
            with pytest.raises(vhashdb.DatabaseDamaged):
                opened(folder)
        path.write_bytes(data)
    opened(folder)


def equal_json(left, right):
    """Whether two texts say the same, as with another space at the end."""
    try:
        return json.loads(left) == json.loads(right)
    except ValueError:
        return False


def test_a_change_that_keeps_the_time_of_modification_is_seen_in_a_small_index(folder):
    path = folder.path / "00000001" / "tables.npy"
    status, data = path.stat(), bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(vhashdb.DatabaseDamaged, match=r"tables\.npy.*checksum"):
        opened(folder)


def test_a_small_index_is_checked_whole_however_many_files_it_has(tmp_path):
    folder = IndexFolder(tmp_path / "index", SMALL)
    with folder.try_lock():
        folder.commit(manifest(folder, 1, *(write(folder, seed) for seed in range(30))))
    path = folder.path / "00000017" / "begins.npy"
    status, data = path.stat(), bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for _ in range(3):
        with pytest.raises(vhashdb.DatabaseDamaged, match=r"begins\.npy.*checksum"):
            folder.check(folder.manifest().segments)


def test_of_a_large_index_so_much_is_checked_at_opening_and_all_when_asked(folder, monkeypatch):
    read, crc32 = [], zlib.crc32
    monkeypatch.setattr(folders.zlib, "crc32", lambda data: read.append(len(data)) or crc32(data))
    segments = folder.manifest().segments
    total = sum(stored.size for stored in segments)
    shares = []
    for _ in range(30):
        read.clear()
        folder.check(segments, budget=total // 2)
        shares.append(sum(read) / total)
    assert max(shares) <= 0.5
    assert len(set(shares)) > 1  # not always the same files
    read.clear()
    folder.check(segments, budget=None)
    assert sum(read) == total
    read.clear()
    os.utime(folder.path / "00000001" / f"{folder.kind.row_name}.npy")
    folder.check(segments, budget=0)
    assert read == [(folder.path / "00000001" / f"{folder.kind.row_name}.npy").stat().st_size]


def test_a_checksum_of_each_block_of_a_large_file(folder, monkeypatch):
    monkeypatch.setattr(folders, "BLOCK", 100)
    with folder.try_lock():
        stored = write(folder, 5)
        folder.commit(manifest(folder, 2, stored))
    assert [len(file.checksums) for file in stored.files.values()] == [-(-file.size // 100) for file in stored.files.values()]
    opened(folder)
    path = folder.path / stored.name / "begins.npy"
    data = path.read_bytes()
    for position in range(0, len(data), 50):
        path.write_bytes(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :])
        with pytest.raises(vhashdb.DatabaseDamaged):
            opened(folder)


def test_unchecked_damage_is_mapped_or_refused_and_nothing_else(folder):
    """Of a large index, opening does not read everything: what it maps may be damaged."""
    (stored, _) = folder.manifest().segments
    refused = 0
    for path in sorted((folder.path / stored.name).iterdir()):
        data = path.read_bytes()
        for position in range(128):
            for value in (0, data[position] ^ 1, ord("9"), ord("("), 0xFF):
                path.write_bytes(data[:position] + bytes([value]) + data[position + 1 :])
                try:
                    folder.open(stored)
                except vhashdb.DatabaseDamaged:
                    refused += 1
        path.write_bytes(data)
    assert refused > 500


@pytest.mark.parametrize("name", ["rows", "records", "tables", "begins"])
@pytest.mark.parametrize("shape", [(5,), (), (2, 2, 2), (0, 0)], ids=str)
def test_another_array_in_the_place_of_one_is_refused(folder, name, shape):
    (stored, _) = folder.manifest().segments
    file = folder.path / stored.name / f"{folder.kind.row_name if name == 'rows' else name}.npy"
    np.save(file, np.zeros(shape, np.uint32))
    with pytest.raises(vhashdb.DatabaseDamaged):
        folder.open(stored)


def test_a_pickle_is_never_read(folder):
    (stored, _) = folder.manifest().segments
    np.save(folder.path / stored.name / "records.npy", np.array([{"a": 1}], object), allow_pickle=True)
    with pytest.raises(vhashdb.DatabaseDamaged):
        folder.open(stored)


def test_a_missing_file_is_damage_and_a_missing_segment_is_gone(folder):
    (stored, other) = folder.manifest().segments
    (folder.path / stored.name / "tables.npy").unlink()
    for look in (folder.open, lambda s: folder.check((s,))):
        with pytest.raises(vhashdb.DatabaseDamaged):
            look(stored)
    shutil.rmtree(folder.path / other.name)
    for look in (folder.open, lambda s: folder.check((s,))):
        with pytest.raises(Vanished):
            look(other)


NO_MANIFEST = (
    b"",
    b"no index", b"[]", b"5", b'"x"', b"{}", b"null", b'{"crc32":0,"index":{}}', b'{"index":5,"crc32":"a"}', b"\xff\xfe", b"[" * 10_000,
)  # fmt: skip


@pytest.mark.parametrize("text", NO_MANIFEST, ids=range(len(NO_MANIFEST)))
def test_a_text_that_is_no_manifest_is_refused(folder, text):
    (folder.path / "current.json").write_bytes(text)
    with pytest.raises(vhashdb.DatabaseDamaged, match=r"current\.json"):
        folder.manifest()


def test_a_folder_in_the_place_of_a_file_is_refused(folder):
    (folder.path / "current.json").unlink()
    (folder.path / "current.json").mkdir()
    with pytest.raises(vhashdb.DatabaseDamaged):
        folder.manifest()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "index").write_text("x")
    folder = IndexFolder(tmp_path / "index", SMALL)
    assert folder.manifest_id() is None
    with pytest.raises(vhashdb.DatabaseDamaged):
        folder.manifest()
    with pytest.raises(FileExistsError), folder.try_lock():
        pass


OTHERS = [FrameHashes(AlgorithmId(*each)) for each in (("dhash", 16, 1), ("phash", 16, 2), ("phash", 64, 1))]


@pytest.mark.parametrize("other", OTHERS, ids=lambda kind: kind.version)
def test_an_index_of_another_algorithm_is_refused(folder, other):
    with pytest.raises(vhashdb.DatabaseDamaged, match="another format or algorithm"):
        IndexFolder(folder.path, other).manifest()


def test_an_index_of_another_format_is_refused(folder):
    body = json.dumps(asdict(manifest(folder, 1)) | {"format": 2}, separators=(",", ":"), sort_keys=True)
    (folder.path / "current.json").write_text(f'{{"crc32":{zlib.crc32(body.encode())},"index":{body}}}')
    with pytest.raises(vhashdb.DatabaseDamaged, match="another format or algorithm"):
        folder.manifest()


# -- crashes ---------------------------------------------------------------------------------------


class Crash(BaseException):
    """The process ends here."""


CALLS = {
    "replace": (folders.os, "replace"),
    "fsync": (folders.os, "fsync"),
    "mkdir": (folders.Path, "mkdir"),
    "fallocate": (folders.os, "posix_fallocate"),
    "rmtree": (folders.shutil, "rmtree"),
    "iterdir": (folders.Path, "iterdir"),
    "memmap": (np.lib.format, "open_memmap"),
}


def crash_at(monkeypatch, call, after, moment):
    """Let a call fail when it was made so many times, before or after it does its work; from then on nothing is cleaned up."""
    place, name = CALLS[call]
    real, rmtree, made = getattr(place, name), folders.shutil.rmtree, []

    def crashing(*arguments, **options):
        made.append(arguments)
        if len(made) == after and moment == "before":
            raise Crash
        result = real(*arguments, **options)
        if len(made) == after:
            raise Crash
        return result

    monkeypatch.setattr(folders.shutil, "rmtree", lambda *a, **o: rmtree(*a, **o) if len(made) < after else None)
    monkeypatch.setattr(place, name, crashing)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", CALLS)
def test_a_crash_at_any_step_leaves_the_last_good_manifest_or_the_new_one(tmp_path, monkeypatch, kind, call, moment):
    crashes = 0
    for after in range(1, 20):
        folder = IndexFolder(tmp_path / f"{after}", kind)
        with folder.try_lock():
            folder.commit(manifest(folder, 1, write(folder, 1), write(folder, 2)))
        old = opened(folder)
        with monkeypatch.context() as patched:
            try:
                with folder.try_lock():
                    crash_at(patched, call, after, moment)
                    fresh = write(folder, 3)
                    folder.commit(manifest(folder, 2, old[0].segments[0], fresh))
                crashed = False
            except Crash:
                crashed = True
        crashes += crashed
        fresh_eyes = IndexFolder(folder.path, folder.kind)
        now = opened(fresh_eyes)
        assert now == old or now[0].number == 2
        assert crashed or now[0].number == 2
        with fresh_eyes.try_lock() as ours:  # whoever writes next goes on, and clears away what was left
            assert ours
            fresh_eyes.commit(manifest(fresh_eyes, 3, write(fresh_eyes, 4), *now[0].segments))
        assert opened(fresh_eyes)[0].number == 3
        named = {stored.name for stored in fresh_eyes.manifest().segments}
        assert {entry.name for entry in folder.path.iterdir()} == {*named, "current.json", "lock"}
        if not crashed:
            break
    assert crashes
    assert not crashed  # every step was tried


def test_a_segment_that_cannot_be_written_is_taken_away_again(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = opened(folder)
    monkeypatch.setattr(folders.os, "posix_fallocate", full)
    with folder.try_lock(), pytest.raises(OSError, match="No space"):
        write(folder, 3)
    assert opened(folder) == before
    assert sorted(entry.name for entry in folder.path.iterdir() if entry.is_dir()) == ["00000001", "00000002"]


# -- several writers -------------------------------------------------------------------------------


def test_one_writes_at_a_time(folder):
    other = IndexFolder(folder.path, folder.kind)
    with folder.try_lock() as ours:
        assert ours
        with folder.try_lock() as again:  # the same thread may
            assert again
        with other.try_lock() as theirs:
            assert not theirs
    with other.try_lock() as theirs:
        assert theirs


def test_an_error_while_writing_gives_the_lock_back(folder):
    with pytest.raises(KeyError), folder.try_lock():
        raise KeyError
    with IndexFolder(folder.path, folder.kind).try_lock() as ours:
        assert ours


HOLDER = """
import sys
from pathlib import Path
from vhashdb.index.folder import IndexFolder
from vhashdb.index.kinds import Landmarks
with IndexFolder(Path(sys.argv[1]), Landmarks()).try_lock() as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


def test_another_process_holds_the_lock_until_it_ends_or_is_killed(folder):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder.path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "True\n"
        with folder.try_lock() as ours:
            assert not ours
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with folder.try_lock() as ours:
            if ours:
                return
    pytest.fail("the lock outlived its process")


def test_a_stored_segment_says_where_it_is_and_how_large(folder):
    first, second = folder.manifest().segments
    assert (first.rows, first.tombstones, second.tombstones) == (7, (), (2,))
    assert isinstance(first, StoredSegment)

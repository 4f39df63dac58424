"""What is imported can be asked: `read_hashes` over everything that is printed, exported or written by others."""

import datetime
import io

import numpy as np
import pytest

import vhashdb
from tests.exchange.formats.samples import MD5, OTHER_PDQ, PDQ, SAMPLES, SHA256
from tests.footage import fingerprint_of
from vhashdb import FormatError
from vhashdb.exchange.formats import FORMATS, FormatLimits, Item, Options, Sender, read_hashes
from vhashdb.fingerprints.text import to_lines
from vhashdb.hashing.algorithms import AlgorithmId

SENDER = Sender("Example Video", datetime.datetime(2026, 11, 20))


def ask(data, **options):
    return read_hashes(io.BytesIO(data.encode() if isinstance(data, str) else data), options=Options(**options))


@pytest.fixture
def film():
    rng = np.random.default_rng(7)
    return fingerprint_of(rng.integers(0, 256, (12, 32), np.uint8))


PRINTED = {"text": to_lines, "json": vhashdb.to_json, "vpdq": vhashdb.to_vpdq, "binary": vhashdb.to_bytes}


@pytest.mark.parametrize("form", PRINTED)
def test_every_form_that_hash_prints_is_read_back(film, form):
    (query,) = ask(PRINTED[form](film))
    assert query.name == ""
    assert np.array_equal(query.frames.hash, film.hash)
    assert np.array_equal(query.frames.start_s, film.start_s)


def test_the_lines_of_another_algorithm_say_so():
    algorithm = AlgorithmId("phash", 64, 1)
    other = fingerprint_of(np.arange(24, dtype=np.uint8).reshape(3, 8), algorithm=algorithm)
    (query,) = ask(to_lines(other))
    assert query.frames.algorithm == algorithm
    assert np.array_equal(query.frames.hash, other.hash)


@pytest.mark.parametrize("form", [f.name for f in FORMATS if f.write])
def test_every_export_can_be_asked(film, form):
    out = io.BytesIO()
    next(f for f in FORMATS if f.name == form).write([Item(1, "a1", frames=film, sha256=SHA256, md5=MD5)], out, SENDER)
    found = ask(out.getvalue())
    assert not [query.problem for query in found if query.problem]
    frames = [query.frames for query in found if query.frames is not None]
    assert all(np.array_equal(each.hash, film.hash) for each in frames)
    assert len(frames) == 1
    if form not in ("vpdq", "vpdq-json", "vpdq-json-old"):
        assert {MD5, SHA256} <= {value for query in found for value in (query.sha256, query.md5)}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_of_an_import_can_be_asked(name):
    assert ask(SAMPLES[name])


def test_names_tell_the_videos_of_a_file_apart():
    found = ask(f"# a.mp4\n0,100,{PDQ},0\n# a.mp4\n0,100,{OTHER_PDQ},0\n# b.mp4\n0,100,{PDQ},0\n")
    assert [query.name for query in found] == ["a.mp4", "a.mp4 (2)", "b.mp4"]
    assert [query.name for query in ask(f"pdq {PDQ}\npdq {PDQ}\n")] == ["line 1", "line 2"]
    assert [query.name for query in ask(f'[{{"id":"x","pdq":"{PDQ}"}},{{"pdq":"{PDQ}"}}]')] == ["x", "item 2"]


def test_bare_hashes_may_be_of_a_picture_or_of_a_file():
    first, second = ask(f"{PDQ}\n{OTHER_PDQ.upper()}\n")
    assert (first.frames.hash[0].tobytes().hex(), first.sha256) == (PDQ, PDQ)
    assert second.sha256 == OTHER_PDQ
    (md5,) = ask(MD5)
    assert (md5.frames, md5.md5) == (None, MD5)


def test_what_cannot_be_asked_says_why_and_stops_nothing_else():
    found = ask(f"pdq {PDQ}\npdq 12\nsha1 {'a' * 40}\nvideo_md5 {MD5}\n")
    assert [bool(query.problem) for query in found] == [False, True, True, False]
    assert "line 2: a pdq hash has 64" in found[1].problem
    assert "no hash that can be compared" in found[2].problem
    with pytest.raises(vhashdb.FingerprintError, match="line 2"):
        found[1].require()


def test_what_was_left_out_of_a_video_is_said_with_the_answer():
    (query,) = ask(f"0,100,{PDQ},0\n1,100,{OTHER_PDQ},1\n2,100,{PDQ},99999999999\n")
    assert len(query.frames) == 2
    assert "line 3" in query.frames.damage[0]


def test_no_file_asks_without_end():
    found = ask(f"md5 {MD5}\n" * 10, limits=FormatLimits(queries=3))
    assert len(found) == 4
    assert "more than 3 videos" in found[-1].problem


@pytest.mark.parametrize("data", ["", "# only a name\n", "[]", "hello\n"])
def test_a_file_without_hashes_is_an_error(data):
    with pytest.raises(FormatError):
        ask(data)

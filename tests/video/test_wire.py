"""What the decoder process may send, and what becomes of everything else: it can lie about pictures, and nothing more."""

import io
import json
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.footage import wire_message
from tests.video import evil
from vhashdb import fingerprinting
from vhashdb.video import DecoderPool, wire
from vhashdb.video.frames import FRAME_DTYPE, VideoInfo

HEADER = struct.calcsize("<BI")
GOOD_INFO = VideoInfo(width=1, height=1, codec="x", duration_s=1.0, frames=1).to_json()


def frames(count, **columns):
    batch = np.zeros(count, FRAME_DTYPE)
    batch["time_s"] = np.arange(count)
    batch["height"] = batch["width"] = 100
    for name, value in columns.items():
        batch[name] = value
    return batch.tobytes()


def receive(data):
    return wire.receive(io.BytesIO(data))


@given(st.binary(max_size=300))
@example(b"")
@example(b"\x02\x02\x00\x00\x00[]")
@example(b"\x02\x02\x00\x00\x00\xff\xff")
@settings(max_examples=examples(400))
def test_random_bytes_are_an_end_or_a_failure(data):
    try:
        kind, body = receive(data)
    except (EOFError, vhashdb.DecoderFailed):
        return
    assert isinstance(body, np.ndarray) if kind is wire.Kind.BATCH else isinstance(body, dict)


@given(st.sampled_from([1, 2, 3]), st.binary(max_size=2000))
@settings(max_examples=examples(300))
def test_random_bodies_are_an_end_or_a_failure(kind, body):
    try:
        got, value = receive(wire_message(kind, body))
    except vhashdb.DecoderFailed:
        return
    assert got == kind
    assert isinstance(value, np.ndarray | dict)


@given(st.dictionaries(st.text(), st.one_of(st.integers(-(2**53), 2**53), st.text(), st.none(), st.lists(st.booleans()))))
def test_an_object_arrives_as_it_was_sent(value):
    pipe = io.BytesIO()
    wire.send(pipe, wire.Kind.DONE, json.dumps(value).encode())
    pipe.seek(0)
    assert wire.receive(pipe) == (wire.Kind.DONE, value)


@given(st.integers(1, wire.MAX_FRAMES))
def test_frames_arrive_as_they_were_sent(count):
    sent = frames(count, quality=7)
    kind, got = receive(wire_message(wire.Kind.BATCH, sent))
    assert kind is wire.Kind.BATCH
    assert got.tobytes() == sent
    assert len(got) == count


@pytest.mark.parametrize("kind, limit", [(1, wire.MAX_FRAMES * FRAME_DTYPE.itemsize), (2, wire.MAX_JSON), (3, wire.MAX_JSON)])
def test_oversized_lengths_are_refused_before_they_are_read(kind, limit):
    for length in (limit + 1, 2**32 - 1):
        pipe = io.BytesIO(struct.pack("<BI", kind, length) + b"x" * 100)
        with pytest.raises(vhashdb.DecoderFailed):
            wire.receive(pipe)
        assert pipe.tell() == HEADER


@pytest.mark.parametrize("kind", [0, 4, 77, 255])
def test_unknown_kinds_are_refused(kind):
    with pytest.raises(vhashdb.DecoderFailed):
        receive(wire_message(kind, b"{}"))


@pytest.mark.parametrize("length", [1, FRAME_DTYPE.itemsize - 1, FRAME_DTYPE.itemsize + 1])
def test_a_batch_that_is_not_whole_frames_is_refused(length):
    with pytest.raises(vhashdb.DecoderFailed):
        receive(wire_message(1, b"\0" * length))


def test_a_message_cut_short_is_the_end():
    whole = wire_message(2, b'{"a": 1}')
    for cut in range(len(whole)):
        with pytest.raises(EOFError):
            receive(whole[:cut])


def test_deeply_nested_json_is_refused():
    with pytest.raises(vhashdb.DecoderFailed):
        receive(wire_message(2, b"[" * 60_000))


# -- a decoder process that was taken over ---------------------------------------------------------

DONE = json.dumps({"info": GOOD_INFO, "cpu_s": 0.0}).encode()


def done(**changes):
    return wire_message(2, json.dumps({"info": {**GOOD_INFO, **changes}, "cpu_s": 0.0}).encode())


@pytest.fixture(scope="module")
def stranger():
    with evil.decoder() as decoder:
        yield decoder


@pytest.fixture
def taken_over(tmp_path, monkeypatch, stranger):
    """Have the process of the file answer with given bytes, and nothing else."""

    def answer_with(data):
        (tmp_path / "film.mp4").write_text(f"answers.write({data!r}); answers.flush()")
        pool = DecoderPool()
        pool._free.append(stranger)
        monkeypatch.setattr(fingerprinting, "_pool", lambda limits: pool)
        return vhashdb.fingerprint(tmp_path / "film.mp4")

    return answer_with


def test_a_well_behaved_stranger_is_believed(taken_over):
    fingerprint = taken_over(wire_message(1, frames(3)) + wire_message(2, DONE))
    assert fingerprint.duration_s == pytest.approx(3, abs=1.1)
    assert len(fingerprint)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\n",
        wire_message(3, b"{}"),
        wire_message(3, b'{"error": "SystemExit", "message": "x", "hint": "y"}'),
        wire_message(3, b'{"error": "DatabaseDamaged", "message": "not yours to say"}'),
        wire_message(3, b'{"error": "__builtins__", "message": null, "hint": [1]}'),
        wire_message(9, b""),
        wire_message(1, b"x"),
        wire_message(2, b"[]"),
    ],
)
def test_a_decoder_process_can_only_cause_a_media_error(taken_over, data):
    with pytest.raises(vhashdb.MediaError):
        taken_over(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(wire_message(2, b"{}"), id="no info"),
        pytest.param(wire_message(2, b'{"info": 5, "cpu_s": 0}'), id="info is a number"),
        pytest.param(done(damage=7), id="damage is a number"),
        pytest.param(done(frames="many"), id="frames is a word"),
        pytest.param(wire_message(2, b'{"info": {"width": Infinity}}'), id="endless width"),
        pytest.param(wire_message(1, b"") + wire_message(2, DONE), id="no frame in a batch"),
        pytest.param(wire_message(1, frames(2, time_s=np.nan)) + wire_message(2, DONE), id="time that is no number"),
        pytest.param(wire_message(1, frames(2, time_s=[5, -5])) + wire_message(2, DONE), id="time before the start"),
        pytest.param(done(duration_s=float("nan")), id="duration that is no number"),
    ],
)
def test_nonsense_from_a_decoder_process_is_a_media_error(taken_over, data):
    with pytest.raises(vhashdb.MediaError):
        taken_over(data)

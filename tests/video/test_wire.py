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
from vhashdb.sound import SAMPLE_RATE
from vhashdb.video import DecoderPool, wire
from vhashdb.video.frames import FRAME_DTYPE, SoundBlock, VideoInfo

HEADER = struct.calcsize("<BI")
BODIES = {wire.Kind.BATCH: np.ndarray, wire.Kind.DONE: dict, wire.Kind.FAILED: dict, wire.Kind.SOUND: SoundBlock}
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
    assert isinstance(body, BODIES[kind])


@given(st.sampled_from([1, 2, 3, 4]), st.binary(max_size=2000))
@settings(max_examples=examples(300))
def test_random_bodies_are_an_end_or_a_failure(kind, body):
    try:
        got, value = receive(wire_message(kind, body))
    except vhashdb.DecoderFailed:
        return
    assert got == kind
    assert isinstance(value, BODIES[kind])


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


@pytest.mark.parametrize(
    "kind, limit",
    [(1, wire.MAX_FRAMES * FRAME_DTYPE.itemsize), (2, wire.MAX_JSON), (3, wire.MAX_JSON), (4, 10 + 2 * wire.MAX_SAMPLES)],
)
def test_oversized_lengths_are_refused_before_they_are_read(kind, limit):
    for length in (limit + 1, 2**32 - 1):
        pipe = io.BytesIO(struct.pack("<BI", kind, length) + b"x" * 100)
        with pytest.raises(vhashdb.DecoderFailed):
            wire.receive(pipe)
        assert pipe.tell() == HEADER


@pytest.mark.parametrize("kind", [0, 5, 77, 255])
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


# -- sound -------------------------------------------------------------------------------------------


def block(start_s=0.0, count=100, track=1):
    return SoundBlock(track, start_s, np.arange(count).astype(np.int16))


@given(st.integers(0, 2**16 - 1), st.floats(0, 4_000_000), st.integers(1, wire.MAX_SAMPLES))
@settings(max_examples=examples(50))
def test_sound_arrives_as_it_was_sent(track, start_s, count):
    pipe = io.BytesIO()
    wire.send_sound(pipe, block(start_s, count, track))
    pipe.seek(0)
    kind, got = wire.receive(pipe)
    assert (kind, got.track, got.start_s) == (wire.Kind.SOUND, track, start_s)
    assert np.array_equal(got.samples, block(count=count).samples)


@pytest.mark.parametrize("start_s", [-1.0, -1e-9, float("nan"), float("inf"), 1e9])
def test_sound_at_a_time_that_cannot_be_is_refused(start_s):
    with pytest.raises(vhashdb.DecoderFailed):
        receive(wire_message(4, struct.pack("<Hd", 1, start_s) + b"\0\0"))


@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 13])
def test_sound_that_is_not_whole_samples_is_refused(length):
    with pytest.raises(vhashdb.DecoderFailed):
        receive(wire_message(4, bytes(length)))


LIMITS = vhashdb.Limits(duration_s=10.0, tracks=2)


@pytest.mark.parametrize(
    "blocks",
    [
        pytest.param([block(5.0), block(1.0)], id="out of order"),
        pytest.param([block(0.0, SAMPLE_RATE), block(0.5)], id="overlapping"),
        pytest.param([block(track=number) for number in range(3)], id="more tracks than the limit"),
        pytest.param([block(4.0 * number, 4 * SAMPLE_RATE) for number in range(3)], id="longer than the limit"),
    ],
)
def test_sound_against_the_rules_is_refused(blocks):
    rules = wire.SoundRules(LIMITS)
    with pytest.raises(vhashdb.DecoderFailed):
        for each in blocks:
            rules.check(each)


def test_sound_that_follows_on_is_within_the_rules():
    rules = wire.SoundRules(LIMITS)
    start = 12_345
    for track in (1, 2):
        for first in range(start, start + 10 * SAMPLE_RATE, 16_000):
            rules.check(block(first / SAMPLE_RATE, 16_000, track))


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


def sound_message(start_s=0.0, count=100):
    return wire_message(4, struct.pack("<Hd", 1, start_s) + bytes(2 * count))


def test_sound_that_was_not_asked_for_is_a_media_error(taken_over):
    with pytest.raises(vhashdb.MediaError):
        taken_over(wire_message(1, frames(3)[:0]) + sound_message() + wire_message(2, DONE))


def test_sound_of_a_decoder_that_breaks_off_is_heard_up_to_there(stranger, tmp_path):
    heard = []
    program = f"answers.write({sound_message(2.0, 8000) + sound_message(1.0)!r}); answers.flush()"
    info = evil.run(stranger, tmp_path, program, heard.append).info
    assert [block.start_s for block in heard] == [2.0]
    assert (info.duration_s, info.coverage.complete, info.coverage.sound_complete) == (3.0, False, False)
    assert "out of order" in info.damage[0]
    assert info.coverage.sounds[0].seen_s == 1.0

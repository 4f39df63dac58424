"""One clock for every container: how long a film is, and when its frames are shown, whatever the file says of that.

What is right follows from how each file was made; `python -m bench.clock` compares with ffprobe where that is installed.
"""

from fractions import Fraction

import av
import numpy as np
import pytest

import vhashdb
from tests.footage import film, scene
from vhashdb.video import Decoder, Mode, Sampling

RATE, SECONDS = 25, 4
HEVC_MOVED = {"x265-params": "log-level=none:bframes=3:keyint=50"}
MOVED = {"bf": "3", "b_strategy": "0", "g": "50"}


@pytest.fixture(scope="module")
def frames():
    return scene(11, RATE * SECONDS)


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as shared:
        yield shared


def read(decoder, path, sampling):
    stream = decoder.read(path, sampling)
    return np.concatenate(list(stream)), stream.info


SAMPLINGS = [Sampling(Mode.FULL), Sampling(Mode.SAMPLED, 8.0), Sampling(Mode.SAMPLED, 3.0, exact=False), Sampling(Mode.KEYFRAMES, 2.0)]

MADE = {
    "frames moved, MP4 with an edit list": ("a.mp4", {"options": MOVED}),
    "frames moved, Matroska": ("a.mkv", {"options": MOVED}),
    "frames moved, MPEG-TS": ("a.ts", {"options": MOVED}),
    "decode times alone: AVI": ("a.avi", {"options": MOVED}),
    "decode times alone: AVI, MPEG-4": ("b.avi", {"codec": "mpeg4", "options": {"bf": "2", "g": "50"}}),
    "no times: raw H.264": ("a.h264", {"options": MOVED, "format": "h264"}),
    "no times: raw H.264, no frames moved": ("b.h264", {"options": {"bf": "0", "g": "50"}, "format": "h264"}),
    "no times: HEVC": ("a.hevc", {"codec": "libx265", "options": HEVC_MOVED, "format": "hevc"}),
    "no times: MPEG-2": ("a.m2v", {"codec": "mpeg2video", "options": {"bf": "2", "g": "50"}, "format": "mpeg2video"}),
    "no times: MPEG-4 stream": ("a.m4v", {"codec": "mpeg4", "options": {"bf": "2", "g": "50"}, "format": "m4v"}),
    "few times: MPEG-PS": ("a.mpg", {"codec": "mpeg2video", "options": {"bf": "2", "g": "50"}}),
    "fields: interlaced MPEG-2 in TS": ("b.ts", {"codec": "mpeg2video", "options": {"flags": "+ilme+ildct", "bf": "2", "g": "50"}}),
    "fields: interlaced H.264": ("c.h264", {"options": {"flags": "+ilme+ildct", "g": "50", "bf": "2"}, "format": "h264"}),
}  # fmt: skip


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=["full", "dense", "sparse", "keyframes"])
@pytest.mark.parametrize("name", MADE)
def test_a_film_is_as_long_as_its_frames(decoder, tmp_path, frames, name, sampling):
    file, made = MADE[name]
    path = film(tmp_path / file, frames, rate=RATE, **made)
    looks, info = read(decoder, path, sampling)
    # A stream without times says of its last keyframe alone when it is: what follows is known by its packets.
    assert info.duration_s == pytest.approx(SECONDS, abs=0.13)
    assert (np.diff(looks["time_s"]) > 0).all()
    assert info.coverage.complete
    if sampling.mode is Mode.FULL:
        assert len(looks) == len(frames)
        assert np.abs(looks["time_s"] - np.arange(len(frames)) / RATE).max() < 0.03


def test_frames_of_a_file_with_decode_times_alone_are_in_their_places(decoder, tmp_path, frames):
    """Each look is of the picture that is shown then."""
    sound = film(tmp_path / "a.mp4", frames, rate=RATE, options=MOVED)
    other = film(tmp_path / "a.avi", frames, rate=RATE, options=MOVED)
    known = vhashdb.fingerprint(sound)
    comparison = vhashdb.compare(vhashdb.fingerprint(other, views="query"), known)
    assert comparison.judgement.verdict == "match"
    (segment,) = comparison.segments
    assert segment.speed == pytest.approx(1, abs=0.01)
    assert segment.query_end_s - segment.query_start_s == pytest.approx(SECONDS, abs=0.3)


def shifted(path, frames, offset_s, format="mpegts"):
    """A film whose times begin at ``offset_s``."""
    with av.open(str(path), "w", format=format, options={"muxpreload": "0", "muxdelay": "0"}) as container:
        stream = container.add_stream("libx264", rate=RATE, options={"bf": "0", "g": "25"})
        stream.codec_context.thread_count = 1
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            for packet in stream.encode(frame):
                move(packet, offset_s)
                container.mux(packet)
        for packet in stream.encode(None):
            move(packet, offset_s)
            container.mux(packet)
    return path


def move(packet, offset_s):
    ticks = round(offset_s / packet.time_base)
    packet.pts += ticks
    packet.dts += ticks


def test_times_that_wrap_around_go_on(decoder, tmp_path, frames):
    """The clock of MPEG-TS has 33 bits, 26.5 hours."""
    path = shifted(tmp_path / "wrapped.ts", frames, 2**33 / 90_000 - 2 - 1.4)
    _, info = read(decoder, path, SAMPLINGS[0])
    assert info.duration_s == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("offset_s", [0.0, 10.0, 5000.0])
def test_times_that_begin_anew_go_on(decoder, tmp_path, frames, offset_s):
    first, second = shifted(tmp_path / "1.ts", frames, offset_s), shifted(tmp_path / "2.ts", frames[::-1], 0.0)
    (tmp_path / "both.ts").write_bytes(first.read_bytes() + second.read_bytes())
    looks, info = read(decoder, tmp_path / "both.ts", SAMPLINGS[0])
    # FFmpeg takes some of these for a clock that wrapped around, a day later: then there is a short gap.
    assert info.duration_s == pytest.approx(2 * SECONDS, abs=0.2 if offset_s < 1000 else 1.2)
    assert (np.diff(looks["time_s"]) > 0).all()


@pytest.mark.parametrize("first_ms", [-800, 0, 7000, 36_000_000])
def test_a_film_may_begin_at_any_time(decoder, tmp_path, frames, first_ms):
    pts = [first_ms + 40 * number for number in range(50)]
    path = film(tmp_path / "late.mkv", frames[:50], pts=pts, rate=RATE)
    _, info = read(decoder, path, SAMPLINGS[0])
    assert info.duration_s == pytest.approx(2.0, abs=0.05)
    assert info.coverage.complete


@pytest.mark.parametrize("gap_s", [50, 3600, 7 * 3600, 11 * 3600])
def test_a_gap_without_any_frame_is_no_video(decoder, tmp_path, frames, gap_s):
    """Times are the file's own, so that a person finds the place; the gap is not unseen, and does not count for the limit on length."""
    pts = [40 * number for number in range(50)] + [2000 + gap_s * 1000 + 40 * number for number in range(50)]
    path = film(tmp_path / "gap.mkv", frames, pts=pts, rate=RATE)
    looks, info = read(decoder, path, SAMPLINGS[0])
    assert info.duration_s == pytest.approx(gap_s + 4.0, abs=0.1)
    assert looks["time_s"][50] == pytest.approx(2 + gap_s, abs=0.05)
    assert info.coverage.complete
    if gap_s > 60:
        assert info.coverage.seen_s == pytest.approx(4.0, abs=0.1)
        assert looks["hole_s"][50] == pytest.approx(gap_s, abs=0.1)
        fingerprint = vhashdb.fingerprint(path, limits=vhashdb.Limits(duration_s=30))
        assert fingerprint.usable_s == pytest.approx(4.0, abs=0.3)
        assert fingerprint.coverage.complete


def test_gaps_beyond_all_bounds_are_left_out_and_that_is_said(decoder, tmp_path, frames):
    pts = [40 * number for number in range(50)] + [40 * 86_400_000 + 40 * number for number in range(50)]
    path = film(tmp_path / "gap.mkv", frames, pts=pts, rate=RATE)
    _, info = read(decoder, path, SAMPLINGS[0])
    assert info.duration_s == pytest.approx(5, abs=0.2)
    assert any("left out of the times" in line for line in info.damage)
    assert info.coverage.complete


@pytest.mark.parametrize("step_s", [2, 10, 45])
def test_very_slow_rates_have_no_gaps(decoder, tmp_path, frames, step_s):
    path = film(tmp_path / "slow.mkv", frames[:8], pts=[step_s * 1000 * number for number in range(8)], rate=RATE)
    looks, info = read(decoder, path, SAMPLINGS[1])
    assert looks["time_s"].tolist() == [step_s * number for number in range(8)]
    assert not looks["hole_s"].any()
    assert info.coverage.complete


def test_two_frames_of_one_time_do_not_move_those_after_them(decoder, tmp_path, frames):
    """Matroska counts milliseconds, so that frames 0.4 ms apart have one time."""
    pts = []
    for number in range(40):
        pts.append(100 * number)
        if number % 10 == 5:
            pts.append(100 * number)
    with av.open(str(tmp_path / "twice.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 100_000)
        for number, (ms, pixels) in enumerate(zip(pts, frames, strict=False)):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = ms * 100 + (20 if number and pts[number - 1] == ms else 0), Fraction(1, 100_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    looks, _ = read(decoder, tmp_path / "twice.mkv", SAMPLINGS[0])
    assert len(looks) == len(pts)
    assert looks["time_s"][-1] == pytest.approx(3.9, abs=0.03)
    assert (np.diff(looks["time_s"]) > 0).all()

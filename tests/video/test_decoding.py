"""Decoding real files in the child process: modes, times, turned pictures, damage and limits."""

import itertools
import os
import shutil
import signal
import socket
import sys
import time

import av.error
import numpy as np
import pytest

import vhashdb
from tests.footage import bits_between, decoded, film, picture, scene, sound, thumbnail_of
from tests.video import evil
from vhashdb.hashing import pdq
from vhashdb.video import Decoder, DecoderPool, Mode, Sampling, source, wire
from vhashdb.video.confinement import KEPT_BYTES
from vhashdb.video.demuxing import av_errors
from vhashdb.video.frames import FRAME_DTYPE, VideoInfo, fill_from_thumbnail, with_estimates

FULL = Sampling(Mode.FULL)


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as shared:
        yield shared


def read(decoder, path, sampling=FULL):
    """All frames of a file, and what the decoder said at the end."""
    stream = decoder.read(path, sampling)
    batches = list(stream)
    return np.concatenate(batches), stream.info


def hashes_of(frames):
    return pdq.bits_of(frames["coefficients"])


def luma(pixels):
    """Studio-range luma plane as an encoder makes it, near enough."""
    return pdq.luma_of_rgb(pixels)


# -- modes and times -------------------------------------------------------------------------------


def test_full_mode_gives_every_frame(decoder, samples):
    path = samples / "known" / "harbour.mp4"
    frames, info = read(decoder, path)
    assert len(frames) == info.frames == sum(1 for _ in decoded(path)) == 240
    assert (info.width, info.height, info.codec, info.rotation, info.damage) == (320, 180, "h264", 0, ())
    assert info.duration_s == pytest.approx(10, abs=0.01)
    assert np.allclose(frames["time_s"], np.arange(240) / 24, atol=0.001)


@pytest.mark.parametrize("name", ["known/harbour.mp4", "known/playground.mp4", "edited/valley__mirror.mp4"])
def test_frames_are_hashed_at_full_size(decoder, samples, name):
    """From the decoder's own luma plane: 1.1 bits from RGB luma on average."""
    frames, _ = read(decoder, samples / name)
    every = 20
    expected = [pdq.hash_luma(luma(rgb)) for rgb in decoded(samples / name, every=every)]
    different = bits_between(hashes_of(frames)[::every], np.stack([h for h, _ in expected]))
    assert different.max() <= 8
    assert different.mean() <= 3
    assert np.abs(frames["quality"][::every].astype(int) - [q for _, q in expected]).max() <= 3


@pytest.mark.parametrize("rate", [1.0, 2.0, 4.0, 8.0, 12.0])
def test_sampled_mode_looks_at_the_rate_asked_for(decoder, samples, rate):
    frames, info = read(decoder, samples / "known" / "harbour.mp4", Sampling(Mode.SAMPLED, rate))
    gaps = np.diff(frames["time_s"])
    assert len(frames) == pytest.approx(10 * rate, abs=1)
    assert gaps.min() > 0.5 / rate
    assert gaps.max() <= 1.5 / rate + 1 / 24
    assert info.duration_s == pytest.approx(10, abs=0.1)
    assert frames["time_s"][0] == 0


def test_keyframe_mode_gives_the_keyframes_alone(decoder, samples):
    path = samples / "known" / "harbour.mp4"
    with av.open(str(path)) as container:
        keys = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.is_keyframe and p.size]
    frames, info = read(decoder, path, Sampling(Mode.KEYFRAMES, 30.0))
    assert np.allclose(frames["time_s"], np.array(keys) - keys[0], atol=0.15)
    assert frames["keyframe"].all()
    assert info.duration_s == pytest.approx(10, abs=0.01)  # the header's word: the rest was not looked at


def test_keyframe_mode_looks_no_more_often_than_asked(decoder, tmp_path):
    path = film(tmp_path / "all.mp4", scene(1, 60), rate=30, options={"g": "1"})
    frames, _ = read(decoder, path, Sampling(Mode.KEYFRAMES, 2.0))
    assert np.allclose(frames["time_s"], [0, 0.5, 1.0, 1.5], atol=0.05)


def test_times_are_presentation_times_of_a_variable_frame_rate(decoder, tmp_path):
    pts = [0, 40, 80, 500, 540, 2000, 2040, 2900]
    path = film(tmp_path / "vfr.mkv", scene(2, len(pts)), pts=pts, rate=25)
    frames, info = read(decoder, path)
    assert np.allclose(frames["time_s"] * 1000, pts, atol=1.5)
    assert info.duration_s == pytest.approx(2.94, abs=0.4)
    sampled, _ = read(decoder, path, Sampling(Mode.SAMPLED, 4.0))
    assert set(np.round(sampled["time_s"] * 1000)) <= {float(p) for p in pts}


def test_times_count_from_the_first_frame(decoder, tmp_path):
    path = film(tmp_path / "late.mkv", scene(2, 10), pts=[7000 + 100 * i for i in range(10)], rate=10)
    frames, info = read(decoder, path)
    assert np.allclose(frames["time_s"], np.arange(10) / 10, atol=0.002)
    assert info.duration_s == pytest.approx(1.0, abs=0.01)
    assert info.damage == ()


def test_time_never_runs_backwards(decoder, corpus):
    for name in ("timestamp_jump_4920s.ts", "vfr_screen.ts", "start_time_10s_hevc.mp4"):
        frames, _ = read(decoder, corpus / "odd" / name)
        assert (np.diff(frames["time_s"]) > 0).all(), name


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_rotation_metadata_is_respected(decoder, tmp_path, rotation):
    pixels = picture(3, 120, 160)
    path = film(tmp_path / "turned.mp4", [pixels] * 4, rotation=rotation, options={"crf": "10"})
    with av.open(str(path)) as container:
        said = next(container.decode(video=0)).rotation
    assert said % 360 == rotation % 360
    frames, info = read(decoder, path)
    # PyAV: degrees counterclockwise by which the picture must be turned to be seen as it was meant.
    upright = np.ascontiguousarray(np.rot90(pixels, round(said / 90)))
    assert (info.height, info.width) == upright.shape[:2]
    assert bits_between(hashes_of(frames)[0], pdq.hash_luma(luma(upright))[0]) <= 10
    grey = np.asarray(luma(upright), np.uint8)
    assert np.abs(frames["thumbnail"][0].astype(int) - thumbnail_of(grey)).mean() < 12


@pytest.mark.parametrize(
    "name, codec, pix_fmt",
    [
        ("ten_bit.mkv", "libx265", "yuv420p10le"),
        ("planar444.mkv", "libx264", "yuv444p"),
        ("yuv422.mkv", "libx264", "yuv422p"),
        ("grey.mkv", "ffv1", "gray"),
        ("rgb.mkv", "ffv1", "bgr0"),
        ("full_range.avi", "mjpeg", "yuvj420p"),
        ("vp9.webm", "libvpx-vp9", "yuv420p"),
        ("mpeg4.avi", "mpeg4", "yuv420p"),
    ],
)
def test_every_pixel_format_gives_the_same_hashes(decoder, tmp_path, name, codec, pix_fmt):
    """Ten bits, grey, RGB, full range, other codecs: one picture, one hash."""
    frames = scene(4, 6, 128, 192)
    path = film(
        tmp_path / name, frames, codec=codec, pix_fmt=pix_fmt, options={"x265-params": "log-level=none"} if codec == "libx265" else {}
    )
    got, info = read(decoder, path)
    assert len(got) == len(frames)
    expected = np.stack([pdq.hash_luma(luma(f))[0] for f in frames])
    assert bits_between(hashes_of(got), expected).max() <= 24
    assert bits_between(hashes_of(got), expected).mean() <= 12
    assert info.damage == ()


def test_a_file_without_a_duration_is_timed_by_its_frames(decoder, tmp_path):
    class Pipe:
        """What cannot be rewound, so that no duration can be filled in at the end."""

        def __init__(self, file):
            self.write = file.write

    with open(tmp_path / "endless.mkv", "wb") as file:
        film(Pipe(file), scene(5, 20), rate=10, format="matroska")
    with av.open(str(tmp_path / "endless.mkv")) as container:
        assert container.duration is None
    for sampling in (FULL, Sampling(Mode.KEYFRAMES, 2.0)):
        _, info = read(decoder, tmp_path / "endless.mkv", sampling)
        assert info.damage == ()
    frames, info = read(decoder, tmp_path / "endless.mkv")
    assert len(frames) == 20
    assert info.duration_s == pytest.approx(2.0, abs=0.01)


def test_a_still_picture_is_a_film_of_one_frame(decoder, samples):
    frames, info = read(decoder, samples / "still.png")
    assert (len(frames), info.frames) == (1, 1)


@pytest.mark.parametrize("name", ["100%.mp4", "a b%03d.mp4", "new\nline.mp4", "ümläut.mp4", "file:x.mp4", "-i.mp4"])
def test_any_file_name_is_only_a_name(decoder, samples, tmp_path, name):
    shutil.copy(samples / "edited" / "valley__clip.mp4", tmp_path / name)
    frames, _ = read(decoder, tmp_path / name, Sampling(Mode.KEYFRAMES, 1.0))
    assert len(frames) > 0


def test_a_file_name_that_is_not_utf8_is_read(samples, tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe.mp4"
    shutil.copy(samples / "edited" / "valley__clip.mp4", name)
    assert len(vhashdb.fingerprint(os.fsdecode(name))) > 0


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_truncated_file_gives_its_readable_part_and_says_so(decoder, tmp_path, share):
    whole = film(tmp_path / "whole.mkv", scene(6, 60), rate=10, options={"g": "10"})
    all_frames, _ = read(decoder, whole)
    data = whole.read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: int(len(data) * share)])
    frames, info = read(decoder, cut)
    assert 0 < len(frames) < len(all_frames)
    assert bits_between(hashes_of(frames)[:-2], hashes_of(all_frames)[: len(frames) - 2]).max() == 0
    assert any("header says" in line for line in info.damage)
    assert vhashdb.fingerprint(cut).damage


def test_a_truncated_mp4_with_its_index_in_front_gives_its_readable_part(decoder, tmp_path):
    whole = film(tmp_path / "whole.mp4", scene(6, 60), rate=10, options={"g": "10", "movflags": "faststart"})
    with av.open(str(tmp_path / "front.mp4"), "w", options={"movflags": "faststart"}) as out, av.open(str(whole)) as source:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    data = (tmp_path / "front.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 2 // 3])
    frames, info = read(decoder, tmp_path / "cut.mp4")
    assert 10 < len(frames) < 60
    assert info.damage


def test_bytes_changed_in_the_middle_do_not_end_the_reading(decoder, tmp_path):
    whole = film(tmp_path / "whole.mkv", scene(6, 60), rate=10, options={"g": "10"})
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = np.random.default_rng(1).bytes(200)
    (tmp_path / "scratched.mkv").write_bytes(data)
    frames, _ = read(decoder, tmp_path / "scratched.mkv")
    assert len(frames) >= 30


@pytest.fixture
def not_films(tmp_path):
    (tmp_path / "text.mp4").write_text("Dear all,\n\nthis is no film.\n" * 50)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(1).bytes(50_000))
    (tmp_path / "folder.mp4").mkdir()
    sound(tmp_path / "sound.m4a")
    return tmp_path


@pytest.mark.parametrize(
    "name, error",
    [
        ("text.mp4", (vhashdb.NotMedia, vhashdb.UnreadableMedia)),
        ("empty.mp4", (vhashdb.NotMedia, vhashdb.UnreadableMedia)),
        ("noise.mp4", (vhashdb.NotMedia, vhashdb.UnreadableMedia)),
        ("sound.m4a", vhashdb.NotMedia),
        ("folder.mp4", vhashdb.MediaNotFound),
        ("missing.mp4", vhashdb.MediaNotFound),
    ],
)
def test_what_is_no_film_has_an_error_of_its_own(not_films, name, error):
    with pytest.raises(error) as caught:
        vhashdb.fingerprint(not_films / name, sound=False)
    assert name in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["folder.mp4", "missing.mp4"])
def test_the_decoder_itself_says_what_cannot_be_opened(decoder, not_films, name):
    with pytest.raises(vhashdb.MediaNotFound):
        list(decoder.read(not_films / name, FULL))


def test_a_bad_file_does_not_spoil_the_next(not_films, samples):
    with Decoder() as decoder:
        for name in ("text.mp4", "sound.m4a", "empty.mp4"):
            with pytest.raises(vhashdb.MediaError):
                list(decoder.read(not_films / name, FULL))
            frames, info = read(decoder, samples / "edited" / "valley__clip.mp4", Sampling(Mode.SAMPLED, 2.0))
            assert len(frames) == pytest.approx(8, abs=1)
            assert info.damage == ()


# -- hostile files ---------------------------------------------------------------------------------


@pytest.fixture
def secret(samples, tmp_path):
    return shutil.copy(samples / "known" / "harbour.mp4", tmp_path / "secret.mp4")


@pytest.mark.parametrize(
    "name, text",
    [
        ("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n{secret}\n#EXT-X-ENDLIST\n"),
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\nsecret.mp4\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile secret.mp4\n"),
        ("concat.ffconcat", "ffconcat version 1.0\nfile '{secret}'\n"),
        ("dash.mpd", '<?xml version="1.0"?><MPD><Period><BaseURL>{secret}</BaseURL></Period></MPD>'),
        ("session.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n"),
    ],
)
def test_a_playlist_cannot_make_the_decoder_open_another_file(secret, tmp_path, name, text):
    (tmp_path / name).write_text(text.format(secret=secret))
    with pytest.raises(vhashdb.MediaError):
        vhashdb.fingerprint(tmp_path / name)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/a.mp4", "concat:{secret}", "subfile,,start,0,end,0,,:{secret}", "crypto:{secret}"])
def test_a_name_is_never_an_address(secret, address):
    with pytest.raises(vhashdb.MediaNotFound):
        vhashdb.fingerprint(address.format(secret=secret))
    with Decoder() as decoder, pytest.raises(vhashdb.MediaError):
        list(decoder.read(address.format(secret=secret), FULL))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_the_process_that_reads_a_file_is_limited(long_film):
    before = set(children())
    with Decoder(vhashdb.Limits(memory_bytes=1 << 30)) as decoder:
        for _ in decoder.read(long_film, FULL):
            (waiting,) = set(children()) - before
            (pid,) = children(waiting)
            with open(f"/proc/{pid}/limits") as file:
                limits = {line[:25].strip(): line[26:].split()[:2] for line in file}
            outputs = {os.readlink(f"/proc/{pid}/fd/{n}") for n in (0, 1, 2)}
            break
    assert limits["Max file size"] == limits["Max core file size"] == ["0", "0"]
    assert limits["Max open files"] in (["0", "0"], ["4", "4"])  # the three that lead nowhere, and the next file if there may be one
    assert limits["Max address space"] in ([str(1 << 30)] * 2, [str((1 << 30) + KEPT_BYTES)] * 2)
    assert outputs == {"/dev/null"}


def children(of=None):
    """Ids of the decoder processes that this process, or another, started and that are alive."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                with open(f"/proc/{entry}/cmdline", errors="replace") as file:
                    command = file.read()
            except OSError:
                continue
            if int(parent) == (of or os.getpid()) and state != "Z" and "vhashdb.video.child" in command:
                found.append(int(entry))
    return found


# -- limits ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_film(tmp_path_factory):
    """Ninety seconds that take a while to decode in full."""
    return film(
        tmp_path_factory.mktemp("long") / "long.mp4", scene(8, 300, 360, 480, speed=2) * 3, rate=10, options={"preset": "ultrafast"}
    )


def test_a_film_longer_than_the_limit_is_read_up_to_it(long_film):
    fingerprint = vhashdb.fingerprint(long_film, limits=vhashdb.Limits(duration_s=5.0))
    assert fingerprint.duration_s == pytest.approx(5.0, abs=0.3)
    assert fingerprint.end_s.max() <= 5.3
    assert any("limit on length" in line for line in fingerprint.damage)


def test_more_frames_than_the_limit_are_not_looked_at(long_film):
    fingerprint = vhashdb.fingerprint(long_film, limits=vhashdb.Limits(frames=50))
    assert fingerprint.duration_s < 7
    assert any("limit on length" in line for line in fingerprint.damage)


def test_more_pixels_than_the_limit_are_refused(samples):
    with pytest.raises(vhashdb.LimitExceeded):
        vhashdb.fingerprint(samples / "known" / "harbour.mp4", limits=vhashdb.Limits(pixels=320 * 180 - 1))
    assert len(vhashdb.fingerprint(samples / "known" / "harbour.mp4", limits=vhashdb.Limits(pixels=320 * 180)))


def test_more_streams_than_the_limit_are_refused(samples):
    with pytest.raises(vhashdb.LimitExceeded):
        vhashdb.fingerprint(samples / "known" / "harbour.mp4", limits=vhashdb.Limits(streams=0))


def test_too_little_memory_ends_in_an_error_of_the_library(samples):
    with pytest.raises(vhashdb.MediaError):
        vhashdb.fingerprint(samples / "known" / "harbour.mp4", limits=vhashdb.Limits(memory_bytes=60 << 20))


@pytest.mark.parametrize("limits", [vhashdb.Limits(time_s=1.0), vhashdb.Limits(silence_s=1.0)], ids=["in all", "silent"])
def test_a_file_that_takes_too_long_is_given_up_in_time(tmp_path, limits):
    with evil.decoder(limits) as decoder, pytest.raises(vhashdb.LimitExceeded):
        evil.run(decoder, tmp_path, "time.sleep(1000)")


@pytest.mark.parametrize("open_it", [vhashdb.fingerprint, lambda path: list(Decoder().read(path, FULL))], ids=["library", "decoder"])
def test_what_is_no_regular_file_is_not_waited_for(tmp_path, open_it):
    os.mkfifo(tmp_path / "never.mp4")
    (tmp_path / "zero.mp4").symlink_to("/dev/zero")
    (tmp_path / "terminal.mp4").symlink_to("/dev/tty")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket.mp4"))
        for name in ("never.mp4", "zero.mp4", "terminal.mp4", "socket.mp4"):
            with pytest.raises(vhashdb.MediaError):
                open_it(tmp_path / name)


def test_a_file_that_takes_too_long_halfway_gives_what_was_read(long_film, samples):
    with Decoder(vhashdb.Limits(time_s=5.0)) as decoder:
        decoder.confinement()  # so that it has started
        stream = decoder.read(long_film, FULL)
        frames = []
        for batch in stream:
            frames.append(batch)
            time.sleep(0.15)  # the reader holds the decoder up
        assert 0 < sum(map(len, frames)) < 900
        assert any("not finished after 5 s" in line for line in stream.info.damage)
        assert len(read(decoder, samples / "still.png")[0]) == 1


# -- a decoder that dies ---------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["of the file", "that waits"])
def test_a_decoder_killed_halfway_leaves_a_partial_result_and_works_again(long_film, samples, which):
    before = set(children())
    with Decoder() as decoder:
        stream = decoder.read(long_film, FULL)
        count = 0
        for batch in stream:
            if not count:
                (pid,) = set(children()) - before
                os.kill(pid if which == "that waits" else children(pid)[0], signal.SIGKILL)
            count += len(batch)
        assert 0 < count < 900
        assert stream.info.frames == count
        assert any("died" in line for line in stream.info.damage)
        frames, info = read(decoder, samples / "edited" / "valley__clip.mp4")
        assert len(frames) == 96
        assert info.damage == ()


def test_a_decoder_killed_before_the_first_picture_is_an_error_of_its_own(samples, monkeypatch):
    send, killed = wire.send_request, []

    def sent_and_killed(control, *request):
        send(control, *request)
        if not killed:
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    before = set(children())
    with Decoder() as decoder:
        decoder.warm()
        (pid,) = set(children()) - before
        os.kill(pid, signal.SIGSTOP)  # so that it does not answer before it is killed
        monkeypatch.setattr(wire, "send_request", sent_and_killed)
        with pytest.raises(vhashdb.DecoderFailed):
            next(iter(decoder.read(samples / "still.png", FULL)))
        assert killed
        assert len(read(decoder, samples / "still.png")[0]) == 1


def test_an_abandoned_pass_does_not_leak_into_the_next(long_film, samples):
    with Decoder() as decoder:
        for batch in decoder.read(long_film, FULL):
            assert len(batch)
            break
        frames, _ = read(decoder, samples / "edited" / "valley__clip.mp4")
        assert len(frames) == 96


LIMITS = vhashdb.Limits(time_s=899.0)
"""Of no other pool in this process."""


def test_a_closed_pool_leaves_one_process_for_the_next_and_the_end_of_the_program_none(samples):
    before = set(children())
    pool = DecoderPool(LIMITS)
    pool.warm(2)
    for _ in range(3000):
        if len(started := set(children()) - before) == 2:  # their command is not to be seen at once
            break
        time.sleep(0.01)
    with pool.decoder() as first, pool.decoder() as second:
        read(first, samples / "still.png")
        read(second, samples / "still.png")
    assert set(children()) - before == started
    with pool.decoder() as decoder:
        read(decoder, samples / "still.png")
    assert len(set(children()) - before) == 2
    pool.close()
    kept = set(children()) - before
    assert len(kept) == 1
    again = DecoderPool(LIMITS)
    with again.decoder() as decoder:
        read(decoder, samples / "still.png")
        assert set(children()) - before == kept
        again.close()
        assert set(children()) == before, "a process that is in use is not kept"
    DecoderPool.close_kept()


def test_one_process_serves_many_files(samples):
    with Decoder() as decoder:
        before = set(children())
        read(decoder, samples / "still.png")
        started = set(children()) - before
        read(decoder, samples / "known" / "harbour.mp4", Sampling(Mode.KEYFRAMES))
        assert set(children()) - before == started
        assert len(started) == 1


# -- errors of PyAV --------------------------------------------------------------------------------

PYAV_ERRORS = sorted(
    {e for e in vars(av.error).values() if isinstance(e, type) and issubclass(e, BaseException) and e.__module__.startswith("av")},
    key=lambda e: e.__name__,
)


def test_there_are_errors_to_map():
    assert len(PYAV_ERRORS) > 20
    assert av.error.InvalidDataError in PYAV_ERRORS


@pytest.mark.parametrize("kind", PYAV_ERRORS, ids=lambda e: e.__name__)
def test_every_error_of_pyav_becomes_one_of_ours(kind):
    arguments = (1, "went wrong") if issubclass(kind, av.error.FFmpegError) else ("went wrong",)
    with pytest.raises(vhashdb.MediaError) as caught, av_errors("a.mp4"):
        raise kind(*arguments)
    assert "a.mp4" in str(caught.value)
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize("kind", [MemoryError, OSError, ValueError, OverflowError, ZeroDivisionError, RuntimeError])
def test_builtin_errors_within_decoding_become_ours(kind):
    with pytest.raises(vhashdb.MediaError), av_errors("a.mp4"):
        raise kind("went wrong")


def test_a_file_that_is_open_and_malformed_is_not_said_to_be_forbidden():
    """Some readers of containers say so, of a field with a value that is not allowed."""
    source.give("a.wma", 0, 0)
    try:
        with pytest.raises(vhashdb.UnreadableMedia), av_errors("a.wma"):
            raise av.error.PermissionError(1, "Operation not permitted")
    finally:
        source.forget("a.wma")


def test_an_error_of_ours_passes_unchanged():
    with pytest.raises(vhashdb.LimitExceeded, match="as it was"), av_errors("a.mp4"):
        raise vhashdb.LimitExceeded("as it was")


def test_video_info_survives_the_wire():
    info = VideoInfo(width=1, height=2, codec="h264", rotation=90, duration_s=1.5, frames=3, damage=("a", "b"))
    assert VideoInfo.from_json(info.to_json()) == info


def test_batches_come_in_order_of_time(decoder, long_film):
    stream = decoder.read(long_film, Sampling(Mode.SAMPLED, 4.0))
    times = list(itertools.chain.from_iterable(batch["time_s"].tolist() for batch in stream))
    assert times == sorted(times)
    assert len(times) == pytest.approx(360, abs=2)


# -- PDQ from the thumbnail ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["harbour", "valley", "night_city", "playground"])
def test_pdq_from_the_thumbnail_moves_few_bits_and_keeps_the_quality(decoder, samples, name):
    path = samples / "known" / f"{name}.mp4"
    exact, near = (read(decoder, path, Sampling(Mode.SAMPLED, 4.0, exact=exact))[0] for exact in (True, False))
    assert np.array_equal(exact["time_s"], near["time_s"])
    # Not equal: block edges of some frames are not smoothed where PDQ is estimated.
    assert np.abs(exact["thumbnail"].astype(int) - near["thumbnail"]).mean() <= 0.25
    moved = bits_between(hashes_of(exact), hashes_of(near))
    assert 0 < np.mean(moved) <= 8  # not 0: the choice crosses the process boundary
    quality = np.abs(exact["quality"].astype(int) - near["quality"])
    assert np.mean(quality) <= 3
    assert quality.max() <= 12


def test_the_thumbnail_hashes_a_film_turned_by_its_metadata_as_it_is_shown(decoder, tmp_path):
    path = film(tmp_path / "turned.mp4", scene(3, 8, 120, 200), rotation=90)
    exact, near = (read(decoder, path, Sampling(Mode.SAMPLED, 4.0, exact=exact))[0] for exact in (True, False))
    assert (near["height"][0], near["width"][0]) == (200, 120) == (exact["height"][0], exact["width"][0])
    assert np.mean(bits_between(hashes_of(exact), hashes_of(near))) <= 12


def test_a_picture_too_small_for_pdq_has_no_quality_from_its_thumbnail_either():
    for size in ((4, 400), (400, 4), (1, 1)):
        batch = np.zeros(1, FRAME_DTYPE)
        fill_from_thumbnail(batch[0], np.random.default_rng(1).integers(0, 256, (128, 128), dtype=np.uint8), *size)
        assert with_estimates(batch)["quality"] == 0


def test_what_the_decoder_made_up_has_no_quality_from_its_thumbnail_either():
    batch = np.zeros(2, FRAME_DTYPE)
    for record in batch:
        fill_from_thumbnail(record, np.random.default_rng(1).integers(0, 256, (128, 128), dtype=np.uint8), 480, 640)
    batch["quality"][0] = 0
    assert (with_estimates(batch)["quality"] > 0).tolist() == [False, True]

"""Sound is decoded beside the pictures, on their timeline; every odd sound has an outcome that says what was heard."""

import io
import struct

import av
import numpy as np
import pytest

import vhashdb
from tests.footage import bursts, film, motion_photo, picture, scene, sounding, tracks
from vhashdb.sound import SAMPLE_RATE
from vhashdb.video import Decoder, Mode, Sampling

RATE = 10
FRAMES = scene(21, 40)
AT = [0.5, 1.5, 3.0]
BURSTS = bursts(4, AT)
WAVE = {"samples": BURSTS, "codec": "pcm_s16le"}
SAMPLING = Sampling(Mode.SAMPLED, 3.0, exact=False)


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as shared:
        yield shared


class Heard:
    """What was heard of one file."""

    def __init__(self, decoder, path, sampling=SAMPLING):
        self.blocks = []
        stream = decoder.read(path, sampling, self.blocks.append)
        self.frames = sum(map(len, stream))
        self.info = stream.info
        self.tracks = stream.info.coverage.sounds

    def samples(self, number=None):
        """All samples of one track where they lie on the timeline, from 0."""
        number = self.blocks[0].track if number is None else number
        blocks = [block for block in self.blocks if block.track == number]
        line = np.zeros(round(blocks[-1].end_s * SAMPLE_RATE), np.int16)
        for block in blocks:
            first = round(block.start_s * SAMPLE_RATE)
            assert not line[first : first + len(block.samples)].any()
            line[first : first + len(block.samples)] = block.samples
        return line

    def at(self, number=None):
        """When each burst begins."""
        loud = np.flatnonzero(np.abs(self.samples(number).astype(int)) > 6000)
        begins = np.flatnonzero(np.diff(loud, prepend=-SAMPLE_RATE) > SAMPLE_RATE // 10)
        return (loud[begins] / SAMPLE_RATE).tolist()


def near(times):
    return pytest.approx(times, abs=0.03)  # what an encoder puts before the first sample is 1024 samples


# -- beside pictures -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", "aac"),
        ("a.mov", "pcm_s16le"),
        ("a.mkv", "libopus"),
        ("b.mkv", "flac"),
        ("a.ts", "mp2"),
        ("a.flv", "aac"),
        ("a.3gp", "aac"),
    ],
)
def test_sound_lies_where_it_does_beside_the_pictures(decoder, tmp_path, name, codec):
    rate = 48000 if codec == "libopus" else 44100
    heard = Heard(decoder, sounding(tmp_path / name, {"samples": bursts(4, AT, rate), "rate": rate, "codec": codec}, frames=FRAMES))
    assert heard.at() == near(AT)
    assert heard.frames == 12
    assert heard.info.damage == ()
    (track,) = heard.tracks
    assert (track.number, track.channels, track.unseen) == (1, 1, "")
    assert track.codec == codec.removeprefix("lib")
    assert track.duration_s == track.seen_s == pytest.approx(4, abs=0.05)
    assert heard.info.coverage.complete
    assert heard.info.coverage.sound_complete


def test_pictures_are_the_same_whether_sound_is_wanted_or_not(decoder, tmp_path):
    path = sounding(tmp_path / "a.mp4", {"samples": BURSTS}, frames=FRAMES)
    for mode in Mode:
        sampling = Sampling(mode, 8.0)
        alone = decoder.read(path, sampling)
        pictures = np.concatenate(list(alone))
        together = decoder.read(path, sampling, lambda block: None)
        assert np.array_equal(np.concatenate(list(together)), pictures)
        assert alone.info.coverage.sounds == ()
        assert together.info.coverage.tracks == alone.info.coverage.tracks


def test_keyframes_are_read_with_all_of_the_sound(decoder, tmp_path):
    path = sounding(tmp_path / "a.mp4", {"samples": BURSTS}, frames=FRAMES)
    assert Heard(decoder, path, Sampling(Mode.KEYFRAMES, 2.0)).at() == near(AT)


def test_samples_are_those_of_the_plain_resampler(decoder, tmp_path):
    """But for its filter, which is half as long here."""
    noise = np.random.default_rng(5).normal(0, 0.1, (2, 44100)).astype(np.float32)
    smooth = np.apply_along_axis(lambda row: np.convolve(row, np.ones(40) / 8, "same"), 1, noise)
    heard = Heard(decoder, sounding(tmp_path / "a.wav", {"samples": smooth, "codec": "pcm_s16le"})).samples()
    plain = av.AudioResampler("s16", "mono", SAMPLE_RATE)
    with av.open(str(tmp_path / "a.wav")) as container:
        frames = [out for frame in [*container.decode(audio=0), None] for out in plain.resample(frame)]
    expected = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    assert len(heard) == pytest.approx(len(expected), abs=2)
    differ = heard[: len(expected)].astype(float) - expected[: len(heard)]
    assert np.sqrt((differ**2).mean()) < 0.02 * np.sqrt((expected.astype(float) ** 2).mean())


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_that_begins_later_keeps_its_place(decoder, tmp_path, name):
    heard = Heard(decoder, sounding(tmp_path / name, {"samples": BURSTS, "start_s": 5.0}, frames=FRAMES))
    assert heard.at() == near([5 + time_s for time_s in AT])
    assert heard.tracks[0].start_s == near(5.0)
    assert heard.info.damage == ()
    assert heard.info.duration_s == pytest.approx(4, abs=0.01)  # of the pictures


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_sound_before_the_first_picture_is_left_out_and_that_is_said(decoder, tmp_path, name):
    early = bursts(9, [0.5, 5.5, 8.0])
    heard = Heard(decoder, sounding(tmp_path / name, {"samples": early}, frames=FRAMES, start_s=5.0))
    assert heard.at() == near([0.5, 3.0])
    assert heard.tracks[0].start_s == 0
    assert heard.info.damage == ("sound: 5.0 s before the first picture are left out",)
    assert heard.info.coverage.complete


def test_sound_that_lies_before_the_first_picture_altogether(decoder, tmp_path):
    heard = Heard(decoder, sounding(tmp_path / "a.mkv", {"samples": BURSTS}, frames=FRAMES, start_s=6.0))
    assert heard.blocks == []
    assert "all of it" in heard.tracks[0].unseen
    assert heard.info.coverage.complete
    assert not heard.info.coverage.sound_complete


def test_sound_whose_times_have_nothing_to_do_with_the_pictures_begins_with_them(decoder, tmp_path):
    """As where one counter wrapped and the other did not."""
    for name, sound_s, pictures_s in (("late.mkv", 80_000.0, 0.0), ("early.mkv", 0.0, 80_000.0)):
        heard = Heard(decoder, sounding(tmp_path / name, {"samples": BURSTS, "start_s": sound_s}, frames=FRAMES, start_s=pictures_s))
        assert heard.at() == near(AT)
        assert any("nothing to do with those of the pictures" in words for words in heard.info.damage)


def test_sound_longer_than_the_pictures_is_heard_to_its_end(decoder, tmp_path):
    heard = Heard(decoder, sounding(tmp_path / "a.mp4", {"samples": bursts(12, [0.5, 11.0])}, frames=FRAMES))
    assert heard.at() == near([0.5, 11.0])
    assert heard.tracks[0].duration_s == pytest.approx(12, abs=0.05)
    assert heard.info.duration_s == pytest.approx(4, abs=0.01)


def test_a_picture_and_a_minute_of_sound(decoder, tmp_path):
    """The picture comes out of the decoder after all of the sound."""
    heard = Heard(decoder, sounding(tmp_path / "a.mkv", {"samples": bursts(90, [1.0, 89.0])}, frames=FRAMES[:1]))
    assert heard.frames == 1
    assert heard.at() == near([1.0, 89.0])


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_gap_between_packets_is_silence(decoder, tmp_path, name):
    def spoil(stream, number, packet):
        return None if stream == 1 and 60 <= number < 100 else packet

    heard = Heard(decoder, sounding(tmp_path / name, {"samples": BURSTS}, frames=FRAMES, spoil=spoil))
    assert heard.at() == near([0.5, 3.0])
    assert heard.tracks[0].seen_s == pytest.approx(4 - 40 * 1024 / 44100, abs=0.05)


def test_two_languages_are_two_tracks(decoder, tmp_path):
    spoken = {"samples": BURSTS, "language": "eng"}, {"samples": bursts(4, [2.0]), "language": "cze"}
    heard = Heard(decoder, sounding(tmp_path / "a.mkv", *spoken, frames=FRAMES))
    assert (heard.at(1), heard.at(2)) == (near(AT), near([2.0]))
    assert [(track.number, track.language) for track in heard.tracks] == [(1, "eng"), (2, "cze")]


def test_sound_tracks_beyond_the_limit_are_said(tmp_path):
    path = sounding(tmp_path / "a.mkv", *[{"samples": BURSTS}] * 3, frames=FRAMES)
    with Decoder(vhashdb.Limits(tracks=2)) as decoder:
        heard = Heard(decoder, path)
    assert len(heard.tracks) == 2
    assert any("only 2 of 3 sound tracks" in words for words in heard.info.damage)


def test_the_limit_on_length_counts_for_sound_too(tmp_path):
    path = sounding(tmp_path / "a.mp4", {"samples": bursts(12, [0.5, 11.0])}, frames=FRAMES[:20])
    with Decoder(vhashdb.Limits(duration_s=5.0)) as decoder:
        heard = Heard(decoder, path)
    assert heard.tracks[0].seen_s == 5.0
    assert heard.tracks[0].duration_s == pytest.approx(12, abs=0.05)
    assert "limit on length" in heard.tracks[0].unseen
    assert heard.info.coverage.complete


@pytest.mark.parametrize("rate", [8000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_any_rate_and_number_of_channels(decoder, tmp_path, rate, channels):
    samples = {"samples": bursts(2, [0.5, 1.5], rate, channels), "rate": rate, "codec": "pcm_s16le"}
    heard = Heard(decoder, sounding(tmp_path / "a.mkv", samples, frames=FRAMES[:20]))
    assert heard.at() == pytest.approx([0.5, 1.5], abs=0.002)
    assert heard.tracks[0].channels == channels


def test_channels_without_a_place_are_mixed_alike(decoder, tmp_path):
    """A layout that says no more than the number of channels, as WAV files of measuring devices have it."""
    sounding(tmp_path / "a.wav", {"samples": bursts(2, [0.5], 44100, 6), "codec": "pcm_s16le"})
    data = bytearray((tmp_path / "a.wav").read_bytes())
    mask = data.index(struct.pack("<I", 0x3F), 36, 60)
    data[mask : mask + 4] = bytes(4)
    (tmp_path / "b.wav").write_bytes(data)
    assert Heard(decoder, tmp_path / "b.wav").at() == near([0.5])


def test_silence_is_sound(decoder, tmp_path):
    heard = Heard(decoder, sounding(tmp_path / "a.mp4", {"samples": np.zeros((2, 4 * 44100), np.float32)}, frames=FRAMES))
    assert not heard.samples().any()
    assert heard.info.coverage.sound_complete


def test_no_sound_at_all(decoder, tmp_path):
    heard = Heard(decoder, film(tmp_path / "a.mp4", FRAMES, rate=RATE))
    assert (heard.blocks, heard.tracks, heard.info.damage) == ([], (), ())
    assert not heard.info.coverage.sound_complete


# -- what cannot be decoded ------------------------------------------------------------------------


def noise(first, end, stream=1):
    """Spoil packets of one stream: nothing of them can be decoded."""
    random = np.random.default_rng(1)

    def spoil(number, count, packet):
        if number != stream or not first <= count < end:
            return packet
        other = av.Packet(random.bytes(packet.size))
        other.stream, other.pts, other.dts = packet.stream, packet.pts, packet.dts
        other.time_base, other.duration = packet.time_base, packet.duration
        return other

    return spoil


def test_a_few_broken_packets_are_noted(decoder, tmp_path):
    heard = Heard(decoder, sounding(tmp_path / "a.mp4", {"samples": BURSTS}, frames=FRAMES, spoil=noise(40, 60)))
    assert heard.at()[-1] == near(3.0)
    assert heard.tracks[0].unseen == ""
    assert any("could not be decoded" in words for words in heard.info.damage)
    assert heard.tracks[0].seen_s < heard.tracks[0].duration_s


def test_many_broken_packets_count(decoder, tmp_path):
    heard = Heard(decoder, sounding(tmp_path / "a.mp4", {"samples": bursts(8, AT)}, frames=FRAMES, spoil=noise(150, 250)))
    assert "could not be decoded" in heard.tracks[0].unseen
    assert heard.info.coverage.complete  # of the pictures, on which an answer rests
    assert not heard.info.coverage.sound_complete


def test_encrypted_sound_is_said_and_the_pictures_count(decoder, tmp_path):
    heard = Heard(decoder, sounding(tmp_path / "a.mp4", {"samples": BURSTS}, frames=FRAMES, spoil=noise(0, 10**6)))
    assert (heard.blocks, heard.frames) == ([], 12)
    assert heard.tracks[0].unseen.startswith("nothing of it could be decoded")
    assert heard.info.coverage.complete


def test_sound_without_a_decoder_is_said_and_the_pictures_count(decoder, tmp_path):
    data = sounding(tmp_path / "a.mp4", {"samples": BURSTS}, frames=FRAMES).read_bytes()
    (tmp_path / "b.mp4").write_bytes(data.replace(b"mp4a", b"zzqa").replace(b"esds", b"zzqs"))
    heard = Heard(decoder, tmp_path / "b.mp4")
    assert (heard.blocks, heard.frames) == ([], 12)
    assert heard.tracks[0].unseen == "its codec is not known"
    assert heard.info.damage == ("sound: its codec is not known",)


def test_sound_of_a_file_that_is_cut_off(decoder, tmp_path):
    data = sounding(tmp_path / "a.mkv", {"samples": bursts(30, [1.0, 29.0])}, frames=scene(22, 300)).read_bytes()
    (tmp_path / "b.mkv").write_bytes(data[: len(data) // 2])
    heard = Heard(decoder, tmp_path / "b.mkv")
    assert heard.at() == near([1.0])
    assert heard.tracks[0].unseen
    assert not heard.info.coverage.complete


def test_another_form_in_the_middle(decoder, tmp_path):
    """Mono at 44.1 kHz, then stereo at 48 kHz, as where one programme ends and another begins."""
    parts = [{"samples": BURSTS}, {"samples": bursts(3, [1.0], 48000, 2), "rate": 48000}]
    (tmp_path / "a.aac").write_bytes(b"".join(sounding(io.BytesIO(), part, format="adts").getvalue() for part in parts))
    heard = Heard(decoder, tmp_path / "a.aac")
    assert heard.at() == pytest.approx([*AT, 5.0], abs=0.2)
    assert heard.info.duration_s == pytest.approx(7, abs=0.4)  # FFmpeg times all of such a stream by the rate that it begins with


@pytest.mark.parametrize("codec", ["libmp3lame", "ac3"])
def test_more_channels_in_the_middle(decoder, tmp_path, codec):
    """At the same rate."""
    container = {"libmp3lame": "mp3", "ac3": "ac3"}[codec]
    parts = [{"samples": bursts(4, AT, 44100, channels), "codec": codec} for channels in (1, 2)]
    (tmp_path / "a").write_bytes(b"".join(sounding(io.BytesIO(), part, format=container).getvalue() for part in parts))
    assert Heard(decoder, tmp_path / "a").at() == pytest.approx([*AT, *(4 + time_s for time_s in AT)], abs=0.15)


# -- without pictures ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp3", "libmp3lame"),
        ("a.ogg", "libopus"),
        ("a.opus", "libopus"),
        ("a.wav", "pcm_s16le"),
        ("a.m4a", "aac"),
        ("a.flac", "flac"),
        ("a.aac", "aac"),
        ("a.mka", "ac3"),
        ("a.aiff", "pcm_s16be"),
        ("a.au", "pcm_s16be"),
        ("a.caf", "alac"),
        ("a.wv", "wavpack"),
        ("a.tta", "tta"),
        ("a.wma", "wmav2"),
    ],
)
def test_a_file_with_sound_alone(decoder, tmp_path, name, codec):
    rate, channels = (48000 if codec == "libopus" else 44100), (2 if codec == "wmav2" else 1)
    heard = Heard(decoder, sounding(tmp_path / name, {"samples": bursts(4, AT, rate, channels), "rate": rate, "codec": codec}))
    assert heard.at() == pytest.approx(AT, abs=0.05)
    assert (heard.frames, heard.info.coverage.tracks) == (0, ())
    assert heard.info.duration_s == pytest.approx(4, abs=0.1)
    assert heard.info.coverage.complete
    assert heard.info.damage == ()
    with pytest.raises(vhashdb.NotMedia, match="no video track") as caught:
        list(decoder.read(tmp_path / name, SAMPLING))
    assert "sound" in caught.value.hint


def test_the_timeline_of_sound_alone_begins_with_it(decoder, tmp_path):
    assert Heard(decoder, sounding(tmp_path / "a.mka", {"samples": BURSTS, "start_s": 20.0})).at() == near(AT)


def test_a_millisecond_of_sound_is_too_little(decoder, tmp_path):
    with pytest.raises(vhashdb.NotMedia, match="neither pictures nor sound"):
        Heard(decoder, sounding(tmp_path / "a.wav", {**WAVE, "samples": bursts(0.001, [0])}))
    heard = Heard(decoder, sounding(tmp_path / "a.mkv", {**WAVE, "samples": bursts(0.001, [0])}, frames=FRAMES))
    assert (heard.blocks, heard.frames, heard.info.coverage.complete) == ([], 12, True)


def test_encrypted_sound_alone_is_an_error_that_says_so(decoder, tmp_path):
    with pytest.raises(vhashdb.NotMedia, match="nothing of it could be decoded"):
        Heard(decoder, sounding(tmp_path / "a.m4a", {"samples": BURSTS}, spoil=noise(0, 10**6, stream=0)))


def test_sound_alone_of_which_some_is_lost_is_not_complete(decoder, tmp_path):
    heard = Heard(decoder, sounding(tmp_path / "a.m4a", {"samples": bursts(8, AT)}, spoil=noise(150, 250, stream=0)))
    assert heard.tracks[0].unseen
    assert not heard.info.coverage.complete


def test_pictures_that_cannot_be_decoded_do_not_hide_the_sound(decoder, tmp_path):
    data = sounding(tmp_path / "a.mp4", {"samples": BURSTS}, frames=FRAMES).read_bytes()
    (tmp_path / "b.mp4").write_bytes(data.replace(b"avc1", b"zzq1").replace(b"avcC", b"zzqC"))
    heard = Heard(decoder, tmp_path / "b.mp4")
    assert (heard.frames, heard.at()) == (0, near(AT))
    assert not heard.info.coverage.complete
    assert heard.info.duration_s == pytest.approx(4, abs=0.05)
    with pytest.raises(vhashdb.UnreadableMedia, match="its codec is not known"):
        list(decoder.read(tmp_path / "b.mp4", SAMPLING))


def cover_beside_sound(path):
    """A piece of music with a cover, as programs that collect music write it."""
    with av.open(str(path), "w") as container:
        music = container.add_stream("libmp3lame", rate=44100, layout="mono")
        cover = container.add_stream("png")
        cover.width = cover.height = 64
        cover.pix_fmt, cover.disposition = "rgb24", av.stream.Disposition.attached_pic
        for packet in cover.encode(av.VideoFrame.from_ndarray(picture(3, 64, 64), format="rgb24")) + cover.encode(None):
            container.mux(packet)
        frame = av.AudioFrame.from_ndarray((BURSTS * 32767).astype(np.int16), format="s16p", layout="mono")
        frame.sample_rate = 44100
        for part in av.AudioResampler("s16p", "mono", 44100, frame_size=1152).resample(frame):
            container.mux(music.encode(part))
        container.mux(music.encode(None))
    return path


def test_a_cover_is_a_picture_for_queries_and_skipped_for_references(decoder, tmp_path):
    path = cover_beside_sound(tmp_path / "a.mp3")
    query = Heard(decoder, path, Sampling(Mode.SAMPLED, 3.0, covers=True))
    reference = Heard(decoder, path, SAMPLING)
    assert (query.frames, reference.frames) == (1, 0)
    assert query.at() == reference.at() == pytest.approx(AT, abs=0.08)
    assert reference.info.coverage.tracks[0].unseen
    assert reference.info.coverage.complete
    assert sum(map(len, decoder.read(path, SAMPLING))) == 1  # where sound is not wanted it is all there is


# -- several tracks of pictures --------------------------------------------------------------------


def test_sound_belongs_to_the_main_track_of_pictures(decoder, tmp_path):
    both = tmp_path / "both.mkv"
    tracks(tmp_path / "two.mkv", (FRAMES, RATE, "mpeg4"), (scene(5, 30), RATE, "mpeg4"))
    sounding(tmp_path / "sound.mka", {**WAVE, "samples": bursts(9, [0.5, 8.0])})
    with av.open(str(tmp_path / "two.mkv")) as pictures, av.open(str(tmp_path / "sound.mka")) as heard, av.open(str(both), "w") as out:
        places = {stream: out.add_stream_from_template(stream) for stream in (*pictures.streams, *heard.streams)}
        packets = [packet for packet in (*pictures.demux(), *heard.demux()) if packet.size]
        for packet in sorted(packets, key=lambda packet: float(packet.pts * packet.time_base)):
            packet.stream = places[packet.stream]
            out.mux(packet)
    found = Heard(decoder, both)
    assert found.at() == pytest.approx([0.5, 8.0], abs=0.01)
    first, second = found.info.coverage.tracks
    assert first.start_s == 0
    assert second.start_s == pytest.approx(10, abs=0.1)  # behind the end of the sound, and a second


def test_sound_of_a_film_behind_a_photograph_begins_with_the_film(decoder, tmp_path):
    sounding(tmp_path / "a.mp4", {"samples": BURSTS}, frames=FRAMES)
    heard = Heard(decoder, motion_photo(tmp_path / "a.jpg", picture(25, 480, 640), tmp_path / "a.mp4"))
    _, behind = heard.info.coverage.tracks
    assert behind.start_s > 1
    assert heard.at() == near([behind.start_s + time_s for time_s in AT])
    assert heard.tracks[0].start_s == near(behind.start_s)
    assert heard.tracks[0].number == 2

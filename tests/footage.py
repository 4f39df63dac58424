"""Pictures and films made on the spot, and other small tools."""

import struct
from fractions import Fraction

import av
import numpy as np
from PIL import Image

from tests.tunes import notes, play
from vhashdb.fingerprints.model import Fingerprint
from vhashdb.hashing.algorithms import AlgorithmId


def bits_between(left, right):
    """Hamming distance of two packed hashes, or of two arrays of them, row by row."""
    return np.bitwise_count(np.asarray(left, np.uint8) ^ np.asarray(right, np.uint8)).sum(axis=-1, dtype=int)


def picture(seed, height, width, points=12):
    """A colour picture of soft shapes: random points, enlarged; the same for a seed on every machine."""
    coarse = np.random.default_rng(seed).integers(0, 256, (points, points, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


def thumbnail_of(luma):
    """A frame's thumbnail: area averages at 128 × 128 points."""
    return np.asarray(Image.fromarray(luma).resize((128, 128), Image.Resampling.BOX))


def scene(seed, count, height=120, width=160, speed=3):
    """``count`` frames of a camera that pans over a large picture."""
    large = picture(seed, 2 * height, width + speed * count, points=24)
    return [np.ascontiguousarray(large[i % height : i % height + height, speed * i : speed * i + width]) for i in range(count)]


def _repeatable(stream):
    """Encode so that the same frames always give the same bytes.

    With several threads x264 makes others now and then, the more so on a busy machine; with its macroblock tree, even in one.
    """
    stream.codec_context.thread_count = 1
    if stream.codec_context.name == "libx264":
        stream.codec_context.options = {"mbtree": "0", **stream.codec_context.options}


def film(path, frames, *, rate=10, pts=None, codec="libx264", pix_fmt="yuv420p", rotation=None, options=None, format=None):
    """Encode RGB frames to ``path`` (or a writable object). ``pts`` are in milliseconds; without it they follow ``rate``."""
    target = str(path) if not hasattr(path, "write") else path
    with av.open(target, "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        _repeatable(stream)
        height, width = frames[0].shape[:2]
        stream.width, stream.height, stream.pix_fmt = width, height, pix_fmt
        if pts is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24" if pixels.ndim == 3 else "gray")
            if pts is not None:
                frame.pts, frame.time_base = pts[number], Fraction(1, 1000)
            else:  # an encoder that is left to guess takes what happens to be in memory
                frame.pts, frame.time_base = number, 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        for packet in stream.encode(None):
            if len(frames) == 1:  # x265 leaves the decoding time of a single frame to chance
                packet.dts = packet.pts
            container.mux(packet)
    return path


def sound(path, seconds=1):
    """A file with sound and no picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        for _ in range(seconds * 44100 // 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 44100
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def bursts(seconds, at, rate=44100, channels=1):
    """Sound that is silent but for a short tone at each of some times: ``(channels, n)`` float32."""
    time_s = np.arange(round(seconds * rate)) / rate
    samples = np.zeros(len(time_s), np.float32)
    for start_s in at:
        during = (time_s >= start_s) & (time_s < start_s + 0.05)
        samples[during] = 0.7 * np.sin(2 * np.pi * 700 * time_s[during])
    return np.tile(samples, (channels, 1))


def sounding(path, *sounds, frames=(), rate=10, start_s=0.0, format=None, options=None, spoil=None):
    """A file with sound, and pictures if there are ``frames``.

    Each sound is a dictionary: ``samples`` ``(channels, n)`` float32, and if need be ``rate``, ``codec``, ``layout``, ``language``,
    ``start_s``. ``start_s`` of the file is when the pictures begin. ``spoil(stream number, number of the packet, packet)`` returns the
    packet, another one, or None to leave it out.
    """
    target = str(path) if not hasattr(path, "write") else path
    with av.open(target, "w", format=format, options=options or {}) as container:
        packets = []
        if len(frames):
            stream = container.add_stream("libx264", rate=rate)
            _repeatable(stream)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            for number, pixels in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
                frame.pts, frame.time_base = number + round(start_s * rate), Fraction(1, rate)
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for sound in sounds:
            packets += _encoded(container, **sound)
        packets.sort(key=lambda packet: float(packet.dts * packet.time_base))
        counts = {}
        for packet in packets:
            number = counts[packet.stream.index] = counts.get(packet.stream.index, -1) + 1
            packet = spoil(packet.stream.index, number, packet) if spoil else packet
            if packet is not None:
                container.mux(packet)
    return path


def listening(folder):
    """Files of one known video, by name: copies with all of it, another sound, other pictures, its sound alone, its pictures alone.

    ``another.wav`` has nothing of it: its sound is the one of ``replaced.mp4``.
    """
    own, other = (play(notes(seed, 30.0), seconds=12.0, rate=44100)[None] / np.float32(32768) for seed in (1, 2))
    pictures = scene(1, 120)
    brighter = [np.minimum(pixels, 246) + np.uint8(9) for pixels in pictures]
    return {
        "known.mp4": sounding(folder / "known.mp4", {"samples": own}, frames=pictures),
        "copy.mp4": sounding(folder / "copy.mp4", {"samples": own[:, 2 * 44100 :]}, frames=brighter[20:]),
        "replaced.mp4": sounding(folder / "replaced.mp4", {"samples": other}, frames=brighter),
        "elsewhere.mp4": sounding(folder / "elsewhere.mp4", {"samples": own}, frames=scene(9, 120)),
        "alone.wav": sounding(folder / "alone.wav", {"samples": own, "codec": "pcm_s16le"}),
        "alone.mp3": sounding(folder / "alone.mp3", {"samples": own, "codec": "libmp3lame"}),
        "another.wav": sounding(folder / "another.wav", {"samples": other, "codec": "pcm_s16le"}),
        "silent.mp4": film(folder / "silent.mp4", brighter),
    }


def _encoded(container, samples, rate=44100, codec="aac", layout=None, language=None, start_s=0.0):
    channels = len(samples)
    stream = container.add_stream(codec, rate=rate, layout=layout or {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[channels])
    if codec == "wmav2":
        stream.bit_rate = 64_000  # it has no other way of choosing
    if language:
        stream.metadata["language"] = language
    packed = np.ascontiguousarray((samples * 32767).astype(np.int16).T.reshape(1, -1))
    whole = av.AudioFrame.from_ndarray(packed, format="s16", layout=stream.layout.name)
    whole.sample_rate, whole.time_base, whole.pts = rate, Fraction(1, rate), None
    fitted = av.AudioResampler(stream.format, stream.layout, rate, frame_size=stream.codec_context.frame_size or 1024)
    packets, at = [], round(start_s * rate)
    for frame in (*fitted.resample(whole), *fitted.resample(None)):
        if frame is None:
            continue
        frame.pts, frame.time_base = at, Fraction(1, rate)
        at += frame.samples
        packets += stream.encode(frame)
    return packets + stream.encode(None)


def decoded(path, every=1, limit=None):
    """RGB frames of a video, as PyAV gives them."""
    taken = 0
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % every == 0:
                yield frame.to_ndarray(format="rgb24")
                taken += 1
                if taken == limit:
                    return


def random_hashes(seed, count, size=32):
    """Hashes of pictures that have nothing to do with each other."""
    return np.random.default_rng(seed).integers(0, 256, (count, size), dtype=np.uint8)


def flipped(hashes, count, seed=0):
    """The same hashes with ``count`` random bits of each turned over."""
    rng = np.random.default_rng(seed)
    bits = np.unpackbits(hashes, axis=1)
    for row in bits:
        row[rng.choice(len(row), count, replace=False)] ^= 1
    return np.packbits(bits, axis=1)


def fingerprint_of(hashes, *, step_s=0.25, start_s=0.0, quality=100, view=0, algorithm=None, damage=()):
    """A fingerprint of given hashes, each shown for ``step_s``."""
    count = len(hashes)
    starts = np.round(start_s + np.arange(count) * step_s, 3)
    return Fingerprint(
        algorithm=algorithm or AlgorithmId("pdq", 256, 1),
        start_s=starts,
        end_s=np.round(starts + step_s, 3),
        hash=np.array(hashes, np.uint8),
        quality=np.full(count, quality, np.uint8),
        view=np.full(count, view, np.uint16),
        duration_s=float(np.round(start_s + count * step_s, 3)),
        width=320,
        height=180,
        damage=tuple(damage),
    )


def wire_message(kind, body):
    """What the decoder process would send."""
    return struct.pack("<BI", kind, len(body)) + body


def tracks(path, *parts, options=None):
    """A file with several tracks of pictures; each part is ``(frames, rate)`` or ``(frames, rate, codec)``, in the order of the streams."""
    with av.open(str(path), "w", options=options or {}) as container:
        streams = []
        for frames, rate, *codec in parts:
            stream = container.add_stream(codec[0] if codec else "libx264", rate=rate)
            _repeatable(stream)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuvj420p" if codec == ["mjpeg"] else "yuv420p"
            streams.append(stream)
        for stream, (frames, *_) in zip(streams, parts, strict=True):
            for pixels in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
            container.mux(stream.encode(None))
    return path


def motion_photo(path, pixels, film_path):
    """A photograph with a film behind it, as phones write them."""
    Image.fromarray(pixels).save(path, "JPEG", quality=92)
    with open(path, "ab") as file:
        file.write(film_path.read_bytes())
    return path


def _box(kind, *body):
    data = b"".join(body)
    return struct.pack(">I4s", len(data) + 8, kind) + data


def _full_box(kind, version, flags, *body):
    return _box(kind, struct.pack(">I", version << 24 | flags), *body)


def tiled_heic(path, pixels, tile):
    """A HEIC whose picture is put together of square tiles, as phones write them; its sides are multiples of ``tile``."""
    rows, columns = pixels.shape[0] // tile, pixels.shape[1] // tile
    packets = []
    for row in range(rows):
        for column in range(columns):
            part = path.with_suffix(".part.mp4")
            piece = pixels[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
            film(part, [piece], codec="libx265", options={"x265-params": "log-level=none", "crf": "12"})
            with av.open(str(part)) as container:
                stream = container.streams.video[0]
                settings = bytes(stream.codec_context.extradata)
                packets.append(bytes(next(container.demux(stream))))
            part.unlink()
    count = len(packets)
    grid = struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, pixels.shape[1], pixels.shape[0])
    items = [_full_box(b"infe", 2, 0, struct.pack(">HH4s", number + 1, 0, b"hvc1"), b"\0") for number in range(count)]
    items.append(_full_box(b"infe", 2, 0, struct.pack(">HH4s", count + 1, 0, b"grid"), b"\0"))
    properties = _box(
        b"ipco",
        _box(b"hvcC", settings),
        _full_box(b"ispe", 0, 0, struct.pack(">II", tile, tile)),
        _full_box(b"ispe", 0, 0, struct.pack(">II", pixels.shape[1], pixels.shape[0])),
    )
    uses = b"".join(struct.pack(">HBBB", number + 1, 2, 0x81, 2) for number in range(count)) + struct.pack(">HBB", count + 1, 1, 3)
    referred = b"".join(struct.pack(">H", number + 1) for number in range(count))

    def meta(first):
        places, at = [], first
        for number, packet in enumerate(packets):
            places.append(struct.pack(">HHHHII", number + 1, 0, 0, 1, at, len(packet)))
            at += len(packet)
        places.append(struct.pack(">HHHHII", count + 1, 1, 0, 1, 0, len(grid)))
        return _full_box(
            b"meta", 0, 0,
            _full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"pict"), b"\0"),
            _full_box(b"pitm", 0, 0, struct.pack(">H", count + 1)),
            _full_box(b"iloc", 1, 0, struct.pack(">BBH", 0x44, 0, count + 1), *places),
            _full_box(b"iinf", 0, 0, struct.pack(">H", count + 1), *items),
            _full_box(b"iref", 0, 0, _box(b"dimg", struct.pack(">HH", count + 1, count), referred)),
            _box(b"iprp", properties, _full_box(b"ipma", 0, 0, struct.pack(">I", count + 1), uses)),
            _box(b"idat", grid),
        )  # fmt: skip

    head = _box(b"ftyp", b"heic\0\0\0\0mif1heic")
    path.write_bytes(head + meta(len(head) + len(meta(0)) + 8) + _box(b"mdat", *packets))
    return path

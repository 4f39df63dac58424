"""Tell whether a file holds moving or still pictures, by its first bytes and, where they say nothing, by its name.

Whoever uploads a file chooses its name, so a name never excludes a file; it only includes those whose first bytes are unknown,
such as raw streams without a header.
"""

from __future__ import annotations

import os
import re
from pathlib import PurePath
from typing import Final

from vhashdb.errors import MediaError
from vhashdb.opening import is_reserved, open_file

__all__ = ["HEAD", "begins_as_media", "hides_video", "is_text", "skip_reason"]

HEAD: Final = 4096
"""Bytes that are read of a file. Engineering bound: one page."""

MEDIA_SUFFIXES: Final = frozenset(
    f".{name}"
    for name in (
        "264 265 266 26l 3g2 3gp 3gp2 3gpp amv apng asf av1 avc avi avif avifs bik bmp cavs dib divx drc dv f4v flc fli flv gif "
        "gxf h261 h263 h264 h265 h266 heic heics heif heifs hevc hif insv ivf j2c j2k jfif jp2 jpe jpeg jpg jxl lrv m1v m2t m2ts "
        "m2v m4v mj2 mjpeg mjpg mkv mng mov mp4 mp4v mpe mpeg mpg mpg4 mpo mpv mts mxf nsv nut obu ogg ogm ogv png psd qt rm rmvb "
        "roq smk tif tiff trp ts vc1 vob vvc webm webp wmv wtv xvid y4m yuv "
    ).split()
)
"""Suffixes of files that are decoded whatever they begin with."""
SOUND_SUFFIXES: Final = frozenset(
    f".{name}"
    for name in (
        "3ga aac ac3 aif aifc aiff amr ape au caf dts eac3 ec3 flac m4a m4b m4r mka mp1 mp2 mp3 mpa oga opus ra snd spx tta w64 "
        "wav weba wma wv"
    ).split()
)
"""The same of files that have only sound, where that is looked at."""

NOT_MEDIA: Final = "not media"
SOUND: Final = "sound only"
EMPTY: Final = "empty"
FORK: Final = "AppleDouble"

_BOXES: Final = frozenset({*b"ftyp styp moov moof mdat free skip wide pnot udta uuid sidx emsg prft".split(), b"jP  ", b"JXL "})
"""Types that the first box may have in ISO base media, QuickTime and the JPEG formats built alike, after a length."""
_STARTS: Final = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"FLV\x01",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    b".RMF",
    b"\x06\x0e\x2b\x34",  # MXF
    b"nut/multimedia container\0",
    b"DKIF",  # IVF
    b"YUV4MPEG2 ",
    b"\xb7\xd8\x00\x20\x37\x49\xda\x11",  # WTV
    b"NSVf",
    b"NSVs",
    b"\x00\x00\x00\x00\x01\xbc",  # GXF
    b"BBCD",  # Dirac
    b"SMK2",
    b"SMK4",
    b"BIK",
    b"KB2",
    b"\x84\x10\xff\xff\xff\xff",  # RoQ
    b"\x12\x00\x0a",  # AV1 in OBUs
    b"FWS",
    b"CWS",
    b"ZWS",
    b"DHAV",
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"\x8aMNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"II*\0",
    b"MM\0*",
    b"II+\0",
    b"MM\0+",
    b"\xff\x0a",  # JPEG XL
    b"\xff\x4f\xff\x51",  # JPEG 2000
    b"8BPS\0\x01",
)
_RIFF: Final = (b"AVI", b"WEBP", b"CDXA", b"AMV ", b"4XMV")
_BMP: Final = re.compile(rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0{3}", re.DOTALL)
_PNM: Final = re.compile(rb"P[1-7]\s+(?:#[^\n]*\n|\d+\s)")
_FLIC: Final = re.compile(rb".{4}[\x11\x12\x44]\xaf", re.DOTALL)
_DV: Final = re.compile(rb"\x1f\x07\x00[\x3f\xbf]")
_ANNEX_B: Final = re.compile(rb"\0{2,}\x01(?:[\x01-\x7f\xb0\xb3\xb5]|\x00\0\0\x01|[\xb6-\xff])")
# Video that is found behind anything: a pack or a sequence of MPEG.
_MPEG: Final = re.compile(rb"\0\0\x01(?:\xba(?:[\x44-\x7f]|[\x21-\x2f])|\xb3[^\0])")
_TS_PACKETS: Final = (188, 192, 204)
"""Bytes of a packet in the variants of MPEG transport streams. Given by their standards."""
_TS_COUNT: Final = 5
"""Packets in a row that make a transport stream. Engineering bound: five bytes agree by chance at one place in 10¹²."""
_TEXT: Final = re.compile(rb"[\t\n\r\f\x1b\x20-\x7e\x80-\xff]*")
_SOUNDS: Final = (
    b"ID3", b"fLaC", b"FORM", b".snd", b"OggS", b"#!AMR", b"wvpk", b"MAC ", b"TTA1", b".ra\xfd", b"caff",
    b"riff\x2e\x91\xcf\x11", b"\x0b\x77", b"\x7f\xfe\x80\x01",
)  # fmt: skip
_UNREAD_SOUNDS: Final = (b"MThd", b"ADIF")
"""Beginnings of what is sound and cannot be decoded: notes, and a form of AAC that nothing writes."""
_MPEG_SOUND: Final = re.compile(rb"\xff[\xe2-\xfd]")
_OGG_SOUND: Final = re.compile(rb"\x01vorbis|OpusHead|Speex   |\x7fFLAC")
_OGG_PICTURES: Final = re.compile(rb"\x80theora|BBCD|OVP80|\x01video|fishead")
_APPLE_DOUBLE: Final = b"\x00\x05\x16\x07"


def skip_reason(path: str | os.PathLike[str], *, sound: bool = False) -> str:
    """Say why a file in a folder is skipped, in words; empty if it is media, may be, or cannot be opened.

    A file that cannot be opened is an error of its own for whoever decodes it. ``sound``: whether files with sound alone are media.
    """
    if is_reserved(path):  # a database that is open
        return NOT_MEDIA
    try:
        with open_file(path) as file:
            return skip_reason_of(file.head(HEAD), file.path, file.size, sound=sound)
    except MediaError:
        return ""


def skip_reason_of(head: bytes, name: PurePath, size: int, *, sound: bool = False) -> str:
    """Say why a file is skipped that begins with these bytes, has this name and so many bytes; empty if it is not.

    ``sound``: whether files with sound alone are media; this is the one place that decides it for all folders.
    """
    if _is_fork(head, name):
        return FORK
    suffix = name.suffix.lower()
    if suffix in MEDIA_SUFFIXES or begins_as_media(head) or (sound and suffix in SOUND_SUFFIXES):
        return ""
    if not size:
        return EMPTY
    if _begins_as_sound(head):
        return "" if sound else SOUND
    return SOUND if head.startswith(_UNREAD_SOUNDS) else NOT_MEDIA


def begins_as_media(head: bytes) -> bool:
    """Say whether a file that begins with these bytes holds pictures."""
    if head.startswith(_STARTS) or (head[:4] == b"RIFF" and head[8:12].startswith(_RIFF)):
        return True
    if head[4:8] in _BOXES and not _TEXT.fullmatch(head[:4]):
        return True
    if head[:4] == b"OggS":
        return not _OGG_SOUND.search(head) or bool(_OGG_PICTURES.search(head))
    if any(pattern.match(head) for pattern in (_BMP, _PNM, _FLIC, _DV, _ANNEX_B)):
        return True
    return not is_text(head) and (bool(_MPEG.search(head)) or _is_transport_stream(head))


def is_text(head: bytes) -> bool:
    """Say whether the bytes may be text in ASCII or an extension of it."""
    return bool(_TEXT.fullmatch(head))


def hides_video(data: bytes) -> bool:
    """Say whether video is hidden in compressed data: start codes of pictures, which chance puts there once in 16 MiB."""
    by_chance = 4 + (len(data) >> 20)
    return data.count(b"\0\0\x01") > by_chance or data.count(b"\xff\xd8\xff") > by_chance or _has_packets(data)


def _begins_as_sound(head: bytes) -> bool:
    wave = head[:4] == b"RIFF" and head[8:12] == b"WAVE"
    return wave or head.startswith(_SOUNDS) or bool(_MPEG_SOUND.match(head))


def _is_transport_stream(head: bytes) -> bool:
    """Say whether packets follow that each begin with the same byte, the first of them anywhere."""
    for length in _TS_PACKETS:
        for first in range(min(length, len(head))):
            packets = head[first::length]
            if len(packets) >= _TS_COUNT and packets[:_TS_COUNT] == b"G" * _TS_COUNT:
                return True
    return False


def _has_packets(data: bytes) -> bool:
    """Say whether there are such packets anywhere in the data."""
    return any(re.search(rb"(?s)(?:G.{%d}){%d}" % (length - 1, _TS_COUNT + 3), data) is not None for length in _TS_PACKETS)


def _is_fork(head: bytes, name: PurePath) -> bool:
    """Say whether it is an AppleDouble file, in which macOS keeps properties of another file on foreign disks."""
    return head.startswith(_APPLE_DOUBLE) and name.name.startswith("._") and not _MPEG.search(head) and not _is_transport_stream(head)

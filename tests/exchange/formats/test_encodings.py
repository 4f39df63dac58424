"""Text in other encodings than UTF-8, with other line ends, and files that are no text: read, or named with the way out."""

import gzip
import io
import zipfile

import pytest

from tests.exchange.formats.reader import entries, items, refused
from tests.exchange.formats.samples import DATASET, JSON_LINES, MD5, OTHER_PDQ, PDQ, SAMPLES, SIGNAL_LINE, VPDQ_TEXT
from vhashdb import FormatError, UsageError

BOMS = {
    "utf-8": b"\xef\xbb\xbf",
    "utf-16-le": b"\xff\xfe",
    "utf-16-be": b"\xfe\xff",
    "utf-32-le": b"\xff\xfe\0\0",
    "utf-32-be": b"\0\0\xfe\xff",
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("encoding", BOMS)
def test_each_format_is_read_in_each_encoding_that_shows_itself(name, encoding):
    text = SAMPLES[name].replace('encoding="UTF-8"', f'encoding="{encoding[:6].upper()}"') if name == "ncmec" else SAMPLES[name]
    expected = entries(SAMPLES[name])
    assert entries(BOMS[encoding] + text.encode(encoding)) == expected
    assert entries(text.encode(encoding)) == expected


@pytest.mark.parametrize("end", ["\r\n", "\r", "\x85", "\u2028"])
@pytest.mark.parametrize("data", [SIGNAL_LINE + f"md5 {MD5}\n", VPDQ_TEXT * 2, DATASET], ids=["signals", "vpdq", "dataset"])
def test_lines_end_as_they_like(data, end):
    assert entries(data.replace("\n", end)) == entries(data)
    assert entries(data.replace("\n", end).encode("utf-16")) == entries(data)


def test_a_separator_within_a_text_in_json_ends_no_line():
    (item,) = items(JSON_LINES.strip().replace("perpetrator-produced", "one\u2028two"))
    assert item.details.reason == "one two"


def test_mixed_line_ends_and_nul_bytes_between_hashes():
    assert [i.number for i in items(f"pdq {PDQ}\rpdq {OTHER_PDQ}\n\0md5 {MD5}\0\n")] == [1, 2, 3]


def test_what_is_not_utf8_is_said_to_be_so_and_read_when_its_encoding_is_named():
    data = f"sha256,reason\n{'a' * 64},\xdcbel\n".encode("latin-1")
    assert "what encoding it has" in refused(data)[2]
    (item,) = items(data, encoding="windows-1252")
    assert item.details.reason == "Übel"
    with pytest.raises(UsageError, match="no encoding"):
        entries(data, encoding="rot13")


def test_a_file_all_of_which_is_in_another_encoding():
    with pytest.raises(FormatError, match="not UTF-8") as caught:
        entries("Ünïcödé\n".encode("cp850"))
    assert "what encoding it has" in caught.value.hint


def zipped():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", SIGNAL_LINE)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("raw", "said"),
    [(zipped(), "ZIP"), (gzip.compress(SIGNAL_LINE.encode()), "gzip"), (b"PAR1" + bytes(100), "Parquet"), (b"%PDF-1.7\n", "PDF")],
    ids=["zip", "gzip", "parquet", "pdf"],
)
def test_what_is_packed_or_no_text_is_named(raw, said):
    with pytest.raises(FormatError, match=said):
        entries(raw)


@pytest.mark.parametrize("raw", [b"\0\x01\x02\xff" * 40, b"\x89PNG\r\n\x1a\n" + bytes(range(256)), b"p\0d\0q\0" * 3 + b"\xff"])
def test_no_message_shows_bytes_or_names_of_python(raw):
    with pytest.raises(FormatError) as caught:
        entries(raw)
    assert caught.value.message.isprintable()
    assert "\\x" not in caught.value.message

"""The manifest in bytes: an index that was written before opens after, and every field is read back."""

import pytest

from vhashdb.index.manifest import Manifest, StoredFile, StoredSegment, decode, encode

FILES = {"hashes.npy": StoredFile(288, 17, (1, 2))}
MANIFEST = Manifest(7, "pdq-256/1", 41, (StoredSegment("00000003", 5, FILES, (9, 4)),), (6,))
BYTES = (
    b'{"crc32":2796095137,"index":{"algorithm":"pdq-256/1","change":41,"damaged":[6],"format":1,"number":7,"segments":'
    b'[{"files":{"hashes.npy":{"checksums":[1,2],"modified_ns":17,"size":288}},"name":"00000003","removed":[9,4],"rows":5}]}}\n'
)


def test_the_names_on_disk_stay():
    assert encode(MANIFEST) == BYTES
    assert decode(BYTES) == MANIFEST


def test_a_manifest_from_before_damaged_records_were_noted_is_read():
    old = b'{"crc32":4047437253,"index":{"algorithm":"pdq-256/1","change":3,"format":1,"number":2,"segments":[]}}\n'
    assert decode(old) == Manifest(2, "pdq-256/1", 3)


def test_another_checksum_is_an_error():
    with pytest.raises(ValueError, match="checksum"):
        decode(BYTES.replace(b'"change":41', b'"change":42'))

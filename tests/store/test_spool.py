"""Packed fingerprints wait outside the database until they become a part of records."""

import pytest

from vhashdb.errors import DatabaseError
from vhashdb.store.spool import Spool


def test_what_was_put_is_where_it_was_put_and_leaves_nothing(tmp_path):
    spool = Spool(tmp_path / "feeds")
    first = spool.put([b"one", None, b"another"])
    second = spool.put([b"a third"])
    assert first[1] is None
    assert [spool.get(place) for place in (second[0], first[2], first[0])] == [b"a third", b"another", b"one"]
    assert list((tmp_path / "feeds").iterdir()) == []  # also of a process that is killed
    spool.close()


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "feeds").write_bytes(b"")
    with pytest.raises(DatabaseError, match="cannot be written"):
        Spool(tmp_path / "feeds").put([b"one"])

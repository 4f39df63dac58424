"""Squares between databases: a publisher says whether they leave, and each database whether it keeps them."""

import base64
import dataclasses
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import vhashdb
from tests.fingerprints.strategies import ALGORITHMS, fingerprints
from vhashdb.errors import FingerprintError
from vhashdb.exchange.importing import Attribution
from vhashdb.exchange.signals import fingerprint_of, frames_signal, squares_signal, with_squares_of
from vhashdb.fingerprints import Fingerprint, is_square, without_squares
from vhashdb.fingerprints.model import bare_with_squares
from vhashdb.hashing.views import SQUARES, View, stored_box

from .companies import Company, pictures


class SquareCompany(Company):
    """A member whose database stores squares."""

    def __init__(self, place, name):
        super().__init__(place, name)
        self.db.close()
        self.path = place / f"{name}-squares.vhdb"
        self.db = vhashdb.create(self.path, squares=True)


def gridded(seed=1, count=24, width=1920, height=1080):
    """The fingerprint of a film that nobody else has, with four of its squares."""
    views = np.array([0, *(View(region).code for region in SQUARES[:4])], np.uint16)
    start = np.tile(np.arange(count) / 4, len(views))
    return Fingerprint(
        ALGORITHMS[0], start, start + 0.25, pictures(seed, count * len(views)), np.full(len(start), 100, np.uint8),
        np.repeat(views, count), count / 4, width, height,
    )  # fmt: skip


@pytest.fixture
def acme(tmp_path):
    company = SquareCompany(tmp_path, "acme")
    company.begins_to_publish()
    yield company
    company.close()


def followed(company, acme):
    company.trusts(acme)
    company.syncs()
    (record,) = company.db.records(source="acme-feed")
    return company.db.fingerprint(record.id)


def publish(company, **options):
    return company.feed.publisher.publish(company.exchange.pending_events(company.feed.publisher.entries(), **options))


# -- one signal ------------------------------------------------------------------------------------


@given(fingerprints(sound=st.none()))
def test_squares_survive_the_journey_and_nothing_but_their_shape_goes_along(fingerprint):
    frames, squares = frames_signal(fingerprint), squares_signal(fingerprint)
    if squares is None:
        assert not is_square(fingerprint).any() or not fingerprint.width or not fingerprint.height
        return
    if frames is None:
        assert is_square(fingerprint).all()
        return
    arrived = with_squares_of(squares, fingerprint_of(frames, round(fingerprint.duration_s * 1000)))
    assert arrived == bare_with_squares(fingerprint)
    assert arrived.width * fingerprint.height == arrived.height * fingerprint.width
    for region in SQUARES:
        there = stored_box(region, arrived.height, arrived.width)
        assert dataclasses.astuple(there) == pytest.approx(dataclasses.astuple(stored_box(region, fingerprint.height, fingerprint.width)))


def test_squares_of_unknown_shape_do_not_leave():
    assert squares_signal(gridded(width=0, height=0)) is None
    assert squares_signal(without_squares(gridded())) is None


@pytest.mark.parametrize(
    "change",
    [
        {"data": "AAAA"},
        {"data": "AAAAAAAAAAA="},  # a shape of no width
        {"alg": "pdq"},
        {"bits": 64},
        {"spec": 9},
    ],
    ids=str,
)
def test_what_is_no_signal_of_squares_is_refused(change):
    plain = without_squares(gridded())
    with pytest.raises(FingerprintError):
        with_squares_of(dataclasses.replace(squares_signal(gridded()), **change), plain)


def test_a_signal_of_squares_cannot_bring_other_views():
    """The rows of the whole picture after a shape: what is examined of a record is what is in the signal of its pictures."""
    plain, squares = without_squares(gridded()), squares_signal(gridded())
    shape = base64.b64decode(squares.data)[:8]
    forged = base64.b64encode(shape + base64.b64decode(frames_signal(plain).data)).decode()
    with pytest.raises(FingerprintError, match="other views"):
        with_squares_of(dataclasses.replace(squares, data=forged), plain)


# -- feeds -----------------------------------------------------------------------------------------


def test_squares_stay_at_home_unless_the_publisher_says_otherwise(acme):
    acme.db.add(gridded())
    (put,) = acme.exchange.pending_events(acme.feed.publisher.entries())
    assert [signal.alg for signal in put.signals] == ["pdq"]
    (put,) = acme.exchange.pending_events(acme.feed.publisher.entries(), squares=True)
    assert [signal.alg for signal in put.signals] == ["pdq", "pdq-squares"]
    # What a member reads that does not know the second signal: a fingerprint as ever, in views as ever.
    assert fingerprint_of(put.signals[0], put.duration_ms) == dataclasses.replace(without_squares(gridded()), width=0, height=0)


def test_a_database_with_squares_takes_them_from_a_feed(acme, tmp_path):
    acme.db.add(gridded())
    publish(acme, squares=True)
    bold = SquareCompany(tmp_path, "bold")
    arrived = followed(bold, acme)
    assert arrived == dataclasses.replace(gridded(), width=16, height=9)
    assert bold.db.match(gridded()).verdict == "match"
    bold.close()


def test_a_database_without_squares_passes_over_them(acme, tmp_path):
    acme.db.add(gridded())
    publish(acme, squares=True)
    bold = Company(tmp_path, "bold")
    assert followed(bold, acme) == dataclasses.replace(without_squares(gridded()), width=0, height=0)
    assert bold.db.match(gridded()).verdict == "match"
    bold.close()


def test_a_database_with_squares_lacks_them_for_records_of_a_feed_without(tmp_path):
    plain, bold = Company(tmp_path, "acme"), SquareCompany(tmp_path, "bold")
    plain.begins_to_publish()
    plain.db.add(gridded())  # as somebody may who has such a fingerprint
    publish(plain, squares=True)
    assert not is_square(followed(bold, plain)).any()
    assert bold.db.match(gridded()).verdict == "match"
    plain.close(), bold.close()


def test_a_feed_that_was_published_with_squares_is_not_published_again_without(acme):
    acme.db.add(gridded())
    publish(acme, squares=True)
    assert list(acme.exchange.pending_events(acme.feed.publisher.entries())) == []


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["binary", "text", "json"])
def test_a_database_with_squares_takes_them_from_a_fingerprint_that_says_its_size(tmp_path, form):
    data = {"binary": vhashdb.to_bytes, "json": vhashdb.to_json, "text": None}
    from vhashdb.fingerprints import to_lines

    made = (data[form] or to_lines)(gridded())
    raw = made if isinstance(made, bytes) else made.encode()
    for squares in (True, False):
        with vhashdb.create(tmp_path / f"{squares}.vhdb", squares=squares) as db:
            list(db.exchange.import_from(io.BytesIO(raw), Attribution("acme")).run())
            (record,) = db.records()
            stored = db.fingerprint(record.id)
            assert is_square(stored).any() == (squares and form != "text")  # lines say no size
            assert without_squares(stored).hash.tobytes() == without_squares(gridded()).hash.tobytes()
            assert (stored.width, stored.height) == ((16, 9) if squares and form != "text" else (0, 0))


def test_squares_are_in_no_file_that_is_exported(acme):
    from vhashdb.exchange.formats import Sender, format_named

    acme.db.add(gridded())
    (item,) = acme.exchange.export_to(format_named("jsonl"), Sender("Example Video")).items()
    assert item.frames == dataclasses.replace(without_squares(gridded()), width=0, height=0)

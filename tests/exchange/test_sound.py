"""Sound between members: it leaves unless the publisher keeps it at home, and whoever does not know it passes over it."""

import base64
import dataclasses
import io
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.fingerprints.strategies import ALGORITHMS, random_sound, sounds
from vhashdb.errors import FingerprintError
from vhashdb.exchange import pending_events
from vhashdb.exchange.events import Signal
from vhashdb.exchange.formats import FormatLimits, Sender, format_named
from vhashdb.exchange.importing import Attribution
from vhashdb.exchange.signals import LANDMARKS, fingerprint_of, sound_of, sound_signal
from vhashdb.fingerprints import Fingerprint
from vhashdb.hashing.algorithms import Pdq
from vhashdb.sound import SoundFingerprint
from vhashdb.store import Details

from .companies import Company, film

SOUND = random_sound(1, 240, 6.0)


def with_sound(seed=1):
    return dataclasses.replace(film(seed), sound=SOUND)


def sound_alone(sound=SOUND):
    return dataclasses.replace(Fingerprint.empty(Pdq.id, sound.duration_s), sound=sound)


@pytest.fixture
def acme(tmp_path):
    company = Company(tmp_path, "acme")
    company.begins_to_publish()
    yield company
    company.close()


@pytest.fixture
def bold(tmp_path, acme):
    company = Company(tmp_path, "bold")
    company.trusts(acme)
    yield company
    company.close()


def pending(company, **options):
    return company.exchange.pending_events(company.feed.publisher.entries(), **options)


def followed(company, **where):
    company.syncs()
    return {record.id: company.db.fingerprint(record.id) for record in company.db.records(source="acme-feed", **where)}


# -- one signal ------------------------------------------------------------------------------------


@given(sounds())
@settings(max_examples=examples(100))
def test_sound_survives_the_journey(sound):
    signal = sound_signal(sound_alone(sound))
    if not len(sound):
        assert signal is None
        return
    assert (signal.alg, signal.bits, signal.spec) == (LANDMARKS, 64, sound.spec)
    if sound.spec == 1:
        assert sound_of(signal) == sound
    else:
        with pytest.raises(FingerprintError, match="known here"):
            sound_of(signal)


def test_the_signal_is_the_documented_one():
    sound = SoundFingerprint(np.array([0x010203_04_05_000006, 0x111213_14_15_000106], np.uint64), 1.5)
    raw = base64.b64decode(sound_signal(sound_alone(sound)).data)
    assert raw[:4] == struct.pack("<I", 1500)
    assert raw[4:] == bytes.fromhex("0600 0001 0000 0515 0414 0313 0212 0111")


@pytest.mark.parametrize(
    "change",
    [
        {"data": "AAAA"},
        {"data": "AAAAAA=="},  # a duration and no landmark
        {"data": "AAAAAAAA"},  # half a landmark
        {"data": base64.b64encode(struct.pack("<I", 1) + b"\xff" * 16).decode()},  # later than a frame can be
        {"data": base64.b64encode(struct.pack("<I", 1) + bytes(16)).decode()},  # one twice
        {"data": base64.b64encode(b"\xff" * 4 + bytes(8)).decode()},  # 49 days
        {"data": "===="},
        {"alg": "pdq"},
        {"bits": 256},
        {"spec": 9},
    ],
    ids=str,
)
def test_what_is_no_signal_of_sound_is_refused(change):
    with pytest.raises(FingerprintError):
        sound_of(dataclasses.replace(sound_signal(with_sound()), **change))


@given(st.binary(min_size=1, max_size=60))
@settings(max_examples=examples(100))
def test_any_bytes_are_sound_or_refused(raw):
    try:
        sound = sound_of(Signal(LANDMARKS, base64.b64encode(raw).decode(), 64))
    except FingerprintError:
        return
    assert sound_of(sound_signal(sound_alone(sound))) == sound


# -- feeds -----------------------------------------------------------------------------------------


def test_sound_is_published_unless_it_is_kept_at_home(acme):
    acme.db.add(with_sound())
    (put,) = pending(acme)
    assert [signal.alg for signal in put.signals] == ["pdq", "landmarks"]
    # What a member reads that does not know the second signal: a fingerprint as ever.
    assert fingerprint_of(put.signals[0], put.duration_ms) == dataclasses.replace(film(1), width=0, height=0)
    (put,) = pending(acme, sound=False)
    assert [signal.alg for signal in put.signals] == ["pdq"]


def test_a_follower_keeps_the_sound(acme, bold):
    acme.db.add(with_sound())
    acme.publishes()
    (arrived,) = followed(bold).values()
    assert arrived == dataclasses.replace(with_sound(), width=0, height=0)
    assert bold.db.match(film(1)).verdict == "match"


def test_a_database_that_keeps_no_sound_passes_over_that_of_feeds_and_files(acme, tmp_path):
    acme.db.add(with_sound())
    acme.publishes()
    silent = Company(tmp_path, "silent", sound=False)
    silent.trusts(acme)
    (arrived,) = followed(silent).values()
    raw = vhashdb.to_bytes(with_sound(2))
    (done,) = (entry for entry in silent.exchange.import_from(io.BytesIO(raw), Attribution("acme")).run() if hasattr(entry, "status"))
    assert arrived.sound is None and silent.db.fingerprint(done.record).sound is None
    silent.close()


def test_a_follower_of_a_feed_without_sound_has_none(acme, bold):
    acme.db.add(with_sound())
    acme.feed.publisher.publish(pending(acme, sound=False))
    (arrived,) = followed(bold).values()
    assert arrived.sound is None
    assert list(pending(acme)) == []  # until the record changes


def test_a_record_of_sound_alone_is_published_followed_corrected_and_erased(acme, bold):
    record = acme.db.add(sound_alone(), labels=["tvec"], details=Details(review_method="human", reviewers=1))
    acme.publishes()
    ((identifier, arrived),) = followed(bold).items()
    assert arrived == sound_alone()
    acme.db.label(record.id, add=["music"])
    acme.publishes()
    assert followed(bold) == {identifier: sound_alone()}
    assert bold.db.get(identifier).labels == ("music", "tvec")
    acme.feed.publisher.compact(keep_events=0)
    assert followed(bold) == {identifier: sound_alone()}
    landmarks = sound_signal(sound_alone()).data.encode()
    assert any(landmarks in line for _, line, _ in acme.feed.publisher.entries())
    acme.db.retract(record.id, reason="error", erase=True)
    acme.publishes()
    bold.syncs()
    assert not any(landmarks in line for _, line, _ in acme.feed.publisher.entries())
    with pytest.raises(vhashdb.RecordNotFound):
        bold.db.fingerprint(identifier)


def test_a_new_follower_gets_sound_from_a_snapshot(acme, bold):
    acme.db.add(with_sound())
    acme.publishes()
    acme.feed.publisher.compact(keep_events=0)
    (arrived,) = followed(bold).values()
    assert arrived.sound == SOUND


def test_landmarks_of_an_unknown_spec_are_passed_over(acme, bold):
    acme.db.add(dataclasses.replace(with_sound(), sound=random_sound(1, 50, spec=7)))
    acme.db.add(sound_alone(random_sound(2, 50, spec=7)))
    acme.publishes()
    bold.syncs()
    there = {record.duration_s: record.id for record in bold.db.records(source="acme-feed")}
    assert bold.db.fingerprint(there[film(1).duration_s]).sound is None
    with pytest.raises(vhashdb.RecordNotFound, match="has no fingerprint"):  # nothing that can be compared here
        bold.db.fingerprint(there[60.0])


def test_sound_beside_pictures_of_another_algorithm_is_taken(acme, bold):
    identifier = acme.adds(1)
    (landmarks,) = (sound_signal(with_sound()),)
    other = acme.put(identifier, signals=(Signal("phash", "AAAA", 64), landmarks), rev=5)
    acme.feed.publisher.publish([other])
    (arrived,) = followed(bold).values()
    assert arrived == dataclasses.replace(Fingerprint.empty(Pdq.id, other.duration_ms / 1000), sound=SOUND)


def test_an_event_whose_sound_is_none_is_passed_over(acme, bold):
    identifier = acme.adds(1)
    event = acme.put(identifier)
    acme.feed.publisher.publish([dataclasses.replace(event, signals=(*event.signals, Signal(LANDMARKS, "AAAA", 64)))])
    assert followed(bold) == {}


def test_too_much_sound_waits_for_a_person(acme, bold):
    acme.db.add(sound_alone(random_sound(1, 5000, 6.0)))
    acme.publishes()
    bold.syncs()
    (record,) = bold.db.records(source="acme-feed")
    assert record.state == "held"


def test_sound_that_no_event_has_room_for_stays_at_home(acme, monkeypatch):
    monkeypatch.setattr(pending_events, "_SIGNALS_CHARS", 3000)
    both, alone = acme.db.add(with_sound()), acme.db.add(sound_alone(random_sound(2, 300)))
    events = pending(acme)
    assert [[signal.alg for signal in event.signals] for event in events] == [["pdq"]]
    assert sorted(events.without_sound) == sorted([both.id, alone.id])


def test_an_allow_list_carries_sound(acme, bold):
    acme.moderation.opinions.allow(sound_alone(), None, reason="a jingle")
    (event,) = pending(acme)
    assert [signal.alg for signal in event.signals] == ["landmarks"]
    acme.publishes()
    bold.syncs()
    bold.adds(4)
    (entry,) = bold.moderation.opinions.allowed()
    assert entry.fingerprint == sound_alone()
    assert bold.db.match(film(3)).verdict == "no-match"


# -- files -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("fingerprint", [with_sound(), sound_alone()], ids=["both", "alone"])
@pytest.mark.parametrize("form", ["binary", "json", "csv", "jsonl", "misp", "stix"])
def test_sound_survives_files_that_carry_whole_fingerprints(acme, tmp_path, form, fingerprint):
    acme.db.add(fingerprint)
    if form in ("binary", "json"):
        made = (vhashdb.to_bytes if form == "binary" else vhashdb.to_json)(fingerprint)
        raw = made if isinstance(made, bytes) else made.encode()
    else:
        out = io.BytesIO()
        format_named(form).write(acme.exchange.export_to(format_named(form), Sender("Example Video")).items(), out, Sender("Example Video"))
        raw = out.getvalue()
    with vhashdb.create(tmp_path / "other.vhdb") as db:
        list(db.exchange.import_from(io.BytesIO(raw), Attribution("acme")).run())
        (record,) = db.records()
        assert db.fingerprint(record.id).sound == SOUND
        assert len(db.fingerprint(record.id)) == len(fingerprint)
        (again,) = db.exchange.import_from(io.BytesIO(raw), Attribution("acme")).run()
        assert again.status == "known"


@pytest.mark.parametrize("form", ["vpdq", "vpdq-json", "vpdq-json-old", "signals", "dataset"])
def test_other_files_leave_the_sound_out(acme, form):
    acme.db.add(with_sound())
    alone = acme.db.add(sound_alone())
    export = acme.exchange.export_to(format_named(form), Sender("Example Video"))
    out = io.BytesIO()
    format_named(form).write(export.items(), out, Sender("Example Video"))
    assert (export.written, export.without_sound) == (1, 1)
    assert sum(export.stayed.values()) == 1
    assert alone.id not in out.getvalue().decode()


def test_an_export_may_leave_the_sound_out(acme):
    acme.db.add(with_sound())
    (item,) = acme.exchange.export_to(format_named("jsonl"), Sender("Example Video"), sound=False).items()
    assert item.frames == dataclasses.replace(film(1), width=0, height=0)


def test_sound_in_parquet(acme, tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    from vhashdb.exchange.formats import write_parquet

    records = [acme.db.add(each).id for each in (with_sound(), film(2), sound_alone())]
    write_parquet(acme.exchange.export_to(None, Sender("Example Video")).items(), tmp_path / "tables")
    table = pq.read_table(tmp_path / "tables" / "landmarks.parquet").to_pydict()
    assert table["record"] == [records[0]] * len(SOUND) + [records[2]] * len(SOUND)
    assert table["key"][: len(SOUND)] == SOUND.key.tolist()
    assert table["frame"][: len(SOUND)] == SOUND.frame.tolist()
    assert table["start_ms"][0] == SOUND.frame[0] * 32
    frames = pq.read_table(tmp_path / "tables" / "frames.parquet").to_pydict()
    assert set(frames["record"]) == set(records[:2])


def test_sound_with_hashes_of_another_algorithm_is_imported(tmp_path):
    with vhashdb.create(tmp_path / "other.vhdb", algorithm="pdq") as db:
        raw = vhashdb.to_bytes(dataclasses.replace(Fingerprint.empty(ALGORITHMS[2], 6.0), sound=SOUND))
        (done,) = (entry for entry in db.exchange.import_from(io.BytesIO(raw), Attribution("acme")).run() if hasattr(entry, "status"))
        assert "left out" in done.notes[0]
        assert "found by its sound alone" in done.shortcomings[0]
        assert db.fingerprint(done.record) == sound_alone()


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        (random_sound(1, 9000, 6.0), "landmarks for"),
        (SoundFingerprint(np.array([(1 << 24) - 1], np.uint64), 1.0), "claims to last"),
        (random_sound(1, 10, 200_000.0), "claims to last"),
    ],
    ids=["dense", "late", "long"],
)
def test_a_file_with_more_sound_than_there_can_be_is_refused(acme, sound, why):
    raw = vhashdb.to_bytes(dataclasses.replace(film(1), sound=sound))
    (done,) = acme.exchange.import_from(io.BytesIO(raw), Attribution("bold")).run()
    assert done.status == "refused"
    assert why in done.reason


def test_what_an_item_says_includes_its_sound(acme):
    """An id made of what it consists of is as before without sound, and another one with it."""
    (plain,) = format_items(vhashdb.to_bytes(film(1)))
    (heard,) = format_items(vhashdb.to_bytes(with_sound()))
    assert plain.digest != heard.digest


def format_items(raw):
    from vhashdb.exchange.formats import opened

    form, source = opened(io.BytesIO(raw))
    return list(form.entries(source))


def test_bad_entries_and_sound_are_taken_for_the_sound():
    data = json.loads(vhashdb.to_json(with_sound()))
    data["entries"][0]["hash"] = "no"
    (item,) = format_items(json.dumps(data).encode())
    assert item.frames.sound == SOUND
    assert len(item.frames) == len(film(1)) - 1


def test_caps_of_a_file_count_landmarks():
    from vhashdb.exchange.formats.signals import Signals

    with pytest.raises(ValueError, match="more than 10 landmarks"):
        Signals(FormatLimits(landmarks=10)).fingerprint(with_sound())

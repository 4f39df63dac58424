"""What leaves a database, and what never does."""

import io
import json

import pytest

import vhashdb
from tests.exchange.formats.reader import items
from tests.exchange.formats.samples import PDQ, SHA256
from tests.footage import fingerprint_of, random_hashes
from vhashdb import Details, State
from vhashdb.exchange.formats import Sender, format_named
from vhashdb.exchange.importing import Attribution
from vhashdb.fingerprints.model import bare
from vhashdb.store import NewRecord

SENDER = Sender("Example Video")


def add(db, seed=1, **details):
    new = NewRecord(2.0, f"{seed:064x}", f"{seed:032x}", Details(**details))
    return db.store.add(new, fingerprint_of(random_hashes(seed, 8)))


def exported(db, name="jsonl", **how):
    """What is written in a format, read again, and the export."""
    chosen = {key: how.pop(key) for key in ("ids", "labels") if key in how}
    export, out = db.exchange.export_to(format_named(name), SENDER, **how), io.BytesIO()
    format_named(name).write(export.items(**chosen), out, SENDER)
    return items(out.getvalue()) if out.getvalue() else [], export


def test_only_what_originates_here_and_may_be_passed_on_leaves(new_db):
    own = add(new_db)
    add(new_db, 2, reshare=False)
    add(new_db, 3, tlp="red")
    list(new_db.exchange.import_from(io.BytesIO(f"sha256 {SHA256}\n".encode()), Attribution("acme")).run())
    found, export = exported(new_db)
    assert [item.external_id for item in found] == [own.id]
    assert export.written == 1
    assert export.stayed == {"it came from acme": 1, "it is not to be passed on": 1, "it is TLP:RED, for its recipients only": 1}
    assert export.mistakes == []


def test_a_copy_of_ones_own_has_everything(new_db):
    add(new_db)
    add(new_db, 2, reshare=False)
    list(new_db.exchange.import_from(io.BytesIO(f"sha1 {'ab' * 20}\npdq {PDQ}\n".encode()), Attribution("acme")).run())
    found, _ = exported(new_db, imported=True)
    assert len(found) == 4
    assert [(o.algorithm, o.value) for o in found[2].others] == [("sha1", "ab" * 20)]
    assert found[2].owner == "acme"


@pytest.mark.parametrize("name", ["jsonl", "csv", "misp", "stix"])
def test_what_is_written_is_what_was_recorded(new_db, name):
    own = add(new_db, labels=("a", "b"), severity="high", reason="perpetrator-produced", tlp="green", review_method="human", reviewers=2)
    (item,), _ = exported(new_db, name)
    assert (item.external_id, item.sha256, item.md5, item.owner) == (own.id, own.sha256, own.md5, "Example Video")
    assert item.details == own.details
    assert item.frames == bare(new_db.fingerprint(own.id))


def test_notes_about_damage_and_sizes_stay_at_home(new_db):
    new_db.add(fingerprint_of(random_hashes(1, 8), damage=["/home/jane/holiday.mp4 ends early"]))
    (item,), _ = exported(new_db)
    assert (item.frames.damage, item.frames.width, item.frames.height) == ((), 0, 0)


@pytest.mark.parametrize(
    "words",
    [
        {"reason": "see https://example.org/x"},
        {"reason": "reported by jane@example.org"},
        {"policy": "ask @jane_roe"},
        {"law": "holiday.mp4"},
        {"reason": "from 192.0.2.17"},
    ],
)
def test_links_addresses_accounts_and_file_names_do_not_leave(new_db, words):
    record, good = add(new_db, **words), add(new_db, 2)
    found, export = exported(new_db)
    assert [item.external_id for item in found] == [good.id]
    (mistake,) = export.mistakes
    assert mistake.record.id == record.id
    assert "none of these may leave" in mistake.reason


def test_a_retracted_record_leaves_as_a_withdrawal_that_says_nothing_else(new_db):
    record = add(new_db, labels=("secret",), reason="why")
    new_db.retract(record.id, reason="a mistake")
    (item,), _ = exported(new_db)
    assert (item.external_id, bool(item.withdrawn), item.has_signals, item.details.labels) == (record.id, True, False, ())
    found, export = exported(new_db, "dataset")
    assert found == []
    assert export.stayed == {"the format cannot say it: a withdrawal cannot be said in it": 1}


def test_what_waits_for_a_person_stays(new_db):
    record = add(new_db)
    new_db.store.set_state(record.id, State.HELD, reason="?", action="hold")
    found, export = exported(new_db)
    assert (found, export.stayed) == ([], {"it waits for a person": 1})


def test_a_retraction_travels_and_stops_the_match(new_db, tmp_path, samples):
    """From one member to another through a file: recorded, found, withdrawn, not found."""
    film, clip = samples / "known" / "valley.mp4", samples / "edited" / "valley__clip.mp4"
    record = new_db.add(film, labels=["x"])
    with vhashdb.create(tmp_path / "other.vhdb") as other:

        def sync():
            out, export = io.BytesIO(), new_db.exchange.export_to(format_named("stix"), SENDER)
            format_named("stix").write(export.items(), out, SENDER)
            return [o.status.value for o in other.exchange.import_from(io.BytesIO(out.getvalue())).run()]

        assert sync() == ["added"]
        assert other.match(clip).verdict is vhashdb.Verdict.MATCH
        assert other.match(film).matches[0].identical
        new_db.retract(record.id, reason="appeal")
        assert sync() == ["withdrawn"]
        other.add(fingerprint_of(random_hashes(1, 8)))
        assert other.match(clip).verdict is vhashdb.Verdict.NO_MATCH
        assert other.match(film).verdict is vhashdb.Verdict.NO_MATCH


def test_records_are_chosen_by_id_and_label(new_db):
    first, second = add(new_db, 1, labels=("a",)), add(new_db, 2, labels=("a", "b"))
    assert [i.external_id for i in exported(new_db, labels=["a", "b"])[0]] == [second.id]
    assert [i.external_id for i in exported(new_db, ids=[first.id[:8]])[0]] == [first.id]
    with pytest.raises(vhashdb.RecordNotFound):
        exported(new_db, ids=["ffff"])


def test_opinions_of_people_here_leave_under_the_organisations_name(new_db):
    record = add(new_db)
    new_db.moderation.opinions.give(record, "false_positive", basis="saw_content", reason="news footage")
    (item,), _ = exported(new_db)
    assert [(o.by, o.verdict, o.reason) for o in item.opinions] == [("Example Video", "false_positive", "news footage")]
    assert item.disputed


def test_no_file_name_or_path_is_in_an_export(new_db, samples):
    new_db.add(samples / "known" / "valley.mp4")
    for name in ("jsonl", "csv", "misp", "stix", "dataset", "signals"):
        out, export = io.BytesIO(), new_db.exchange.export_to(format_named(name), SENDER)
        format_named(name).write(export.items(), out, SENDER)
        assert b"valley" not in out.getvalue()


def test_misp_carries_the_markings(new_db):
    add(new_db, tlp="green")
    out, export = io.BytesIO(), new_db.exchange.export_to(format_named("misp"), SENDER)
    format_named("misp").write(export.items(), out, SENDER)
    record, file = json.loads(out.getvalue())["Event"]["Object"]
    assert record["Attribute"][0]["Tag"] == [{"name": "tlp:green"}]
    assert {a["type"] for a in file["Attribute"]} == {"sha256", "md5"}
    assert record["ObjectReference"][0]["referenced_uuid"] == file["uuid"]

"""What an import changes: nothing twice, nothing of others' sources, nothing that was decided here."""

import io
import json

import numpy as np
import pytest

import vhashdb
from tests.exchange.formats.samples import CSV, DATASET, MD5, MISP, NCMEC, OTHER_PDQ, PDQ, SHA256, SIGNAL_LINE, STIX, STOPNCII, TCAP, UPDATE
from tests.footage import fingerprint_of, random_hashes
from vhashdb import State
from vhashdb.exchange.formats import FormatLimits, Item, Options, Remark
from vhashdb.exchange.formats.table import write as write_table
from vhashdb.exchange.importing import Attribution, Status, read_label_map
from vhashdb.store.imports import Imports

from .companies import pictures


def take(db, data, source="", **how):
    """What came of each item of a file."""
    raw = data.encode() if isinstance(data, str) else data
    said = Attribution(source, **{name: how.pop(name) for name in ("labels", "reason", "label_map") if name in how})
    remarks = how.pop("remarks", [])
    found = list(db.exchange.import_from(io.BytesIO(raw), said, **how).run())
    remarks += [remark.text for remark in found if isinstance(remark, Remark)]
    return [outcome for outcome in found if not isinstance(outcome, Remark)]


def statuses(found):
    return [outcome.status for outcome in found]


def line(**values):
    return json.dumps({"id": "7", "sha256": SHA256} | values) + "\n"


# -- what is taken ---------------------------------------------------------------------------------


def test_a_record_says_where_it_came_from_and_is_never_passed_on(new_db):
    (outcome,) = take(new_db, line(labels=["x"], reason="why", tlp="red", max_action="block", reshare=True, source="local"), "acme")
    record = new_db.get(outcome.record)
    assert outcome.status is Status.ADDED
    assert (record.details.source, record.details.reshare, record.details.max_action) == ("acme", False, "review")
    assert (record.sha256, record.labels, record.reason, record.details.tlp) == (SHA256, ("x",), "why", "red")
    assert [e.action for e in new_db.audit(record=record.id)] == ["import"]


@pytest.mark.parametrize(
    ("data", "source"),
    [
        (SIGNAL_LINE, "signals"),
        (DATASET, "threatexchange"),
        (UPDATE, "threatexchange"),
        (NCMEC, "ncmec"),
        (STOPNCII, "stopncii"),
        (MISP, "misp:example-cert"),
        (STIX, "stix:example-org"),
        (CSV, "csv"),
    ],
)
def test_the_source_is_the_format_and_the_organisation_it_names(new_db, data, source):
    assert take(new_db, data)[0].source == source


@pytest.mark.parametrize("source", ["local", "Acme", "a b", "../x", "x" * 70])
def test_a_source_is_a_word_and_never_local(source):
    with pytest.raises(vhashdb.UsageError, match="cannot be a source"):
        Attribution(source)


def table(*labels):
    return "id,sha256,labels\n" + "".join(f'{n},{n:064x},"{label}"\n' for n, label in enumerate(labels))


def test_a_label_of_several_words_in_a_table_stays_one_and_is_said_once(new_db):
    remarks = []
    found = take(new_db, table("Terrorism and Violence", "Terrorism and Violence;nudity", "gore | spam-like, x", "!!!"), remarks=remarks)
    assert [new_db.get(outcome.record).labels for outcome in found] == [
        ("terrorism-and-violence",),
        ("nudity", "terrorism-and-violence"),
        ("gore", "spam-like", "x"),
        (),
    ]
    assert not any(outcome.notes for outcome in found)
    assert [remark for remark in remarks if "label" in remark] == [
        "2 items: the label 'Terrorism and Violence' became terrorism-and-violence",
        "1 item: the label '!!!' was left out",
    ]


def test_labels_are_called_here_as_a_map_says(new_db):
    label_map = read_label_map("# theirs=ours\nTerrorism and Violence = tvec\n\nspam=\n")
    remarks = []
    found = take(new_db, table("Terrorism And  Violence", "spam;gore"), label_map=label_map, remarks=remarks)
    assert [new_db.get(outcome.record).labels for outcome in found] == [("tvec",), ("gore",)]
    assert [remark for remark in remarks if "label" in remark] == [
        "1 item: the label 'Terrorism And Violence' became tvec",
        "1 item: the label 'spam' was left out",
    ]
    again = take(new_db, table("Terrorism and Violence", "spam;gore"))
    assert statuses(again) == [Status.UPDATED, Status.UPDATED]


@pytest.mark.parametrize("text", ["no sign", "=ours", "a=b\n!=b", "theirs=No Label"])
def test_a_label_map_that_is_none_is_refused_with_its_line(text):
    with pytest.raises(vhashdb.UsageError, match=f"line {text.count(chr(10)) + 1} of the label map") as caught:
        read_label_map(text)
    assert caught.value.hint


def test_labels_that_were_exported_to_a_table_come_back(new_db, tmp_path):
    (outcome,) = take(new_db, table("one;two-words;three"))
    item = Item(1, external_id="7", sha256=SHA256, details=new_db.get(outcome.record).details)
    out = io.BytesIO()
    write_table([item], out)
    (again,) = take(new_db, out.getvalue(), "acme")
    assert new_db.get(again.record).labels == ("one", "three", "two-words")


def test_labels_and_a_reason_for_all(new_db):
    (outcome,) = take(new_db, line(labels=["x"], reason="theirs"), labels=("y",), reason="ours")
    record = new_db.get(outcome.record)
    assert (record.labels, record.reason) == (("x", "y"), "ours")


def test_a_record_without_frame_hashes_is_one(new_db):
    (outcome,) = take(new_db, line())
    assert len(new_db.fingerprint(outcome.record)) == 0
    assert new_db.check().problems == ()


def test_words_within_a_fingerprint_are_not_kept(new_db):
    frames = fingerprint_of(np.stack(balanced(8)), damage=["/home/jane/holiday.mp4 ends early"])
    (outcome,) = take(new_db, vhashdb.to_json(frames) + "\n")
    kept = new_db.fingerprint(outcome.record)
    assert (kept.damage, kept.width, kept.height, len(kept)) == ((), 0, 0, 8)


def test_hashes_that_are_kept_for_others(new_db):
    taken = take(new_db, NCMEC)
    assert Imports(new_db.store).others(taken[0].record) == (("sha1", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),)


def test_an_item_without_a_hash_is_refused_by_its_line(new_db):
    found = take(new_db, line() + '{"id":"8"}\n' + "nonsense\n")
    assert [(o.number, o.status) for o in found] == [(1, Status.ADDED), (2, Status.REFUSED), (3, Status.REFUSED)]
    assert found[1].reason == "it has no hash that is kept"


def test_frame_hashes_of_another_algorithm_are_left_out(tmp_path):
    with vhashdb.create(tmp_path / "p.vhdb", algorithm="phash", bits=64) as db:
        alone, with_file = take(db, json.dumps({"pdq": PDQ}) + "\n" + line(pdq=PDQ))
        assert (alone.status, with_file.status) == (Status.REFUSED, Status.ADDED)
        assert "pdq-256/1 frame hashes were left out" in with_file.notes[0]
        assert db.fingerprint(with_file.record).algorithm == db.algorithm


# -- twice -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [SIGNAL_LINE, DATASET, UPDATE, NCMEC, STOPNCII, TCAP, MISP, STIX, CSV], ids=lambda d: d[:12])
def test_the_same_file_again_adds_nothing(new_db, data):
    first = take(new_db, data)
    records, change = [r.id for r in new_db.records()], new_db.store.changes.last()
    again = take(new_db, data)
    assert set(statuses(again)) <= {Status.KNOWN, Status.REFUSED}
    assert [r.id for r in new_db.records()] == records
    assert new_db.store.changes.last() == change
    assert len(again) == len(first)


def test_twice_in_one_file_is_once(new_db):
    assert statuses(take(new_db, line() * 3)) == [Status.ADDED, Status.KNOWN, Status.KNOWN]
    assert len(new_db) == 1


def test_two_sources_of_one_hash_are_two_records(new_db):
    take(new_db, line(), "acme")
    take(new_db, line(), "other")
    assert [r.details.source for r in new_db.records()] == ["acme", "other"]


def test_something_new_about_a_record_changes_it(new_db):
    (first,) = take(new_db, line(labels=["a"]))
    (second,) = take(new_db, line(labels=["b"], reason="new", pdq=PDQ))
    record = new_db.get(first.record)
    assert (second.status, second.record) == (Status.UPDATED, first.record)
    assert (record.labels, record.reason, record.revision) == (("b",), "new", 2)
    assert len(new_db.fingerprint(record.id)) == 1
    assert len(new_db.index) == 1


def test_labels_given_here_survive_the_same_file(new_db):
    (outcome,) = take(new_db, line(labels=["a"]))
    new_db.label(outcome.record, add=["ours"])
    take(new_db, line(labels=["a"]))
    assert new_db.get(outcome.record).labels == ("a", "ours")


# -- withdrawals -----------------------------------------------------------------------------------


def test_a_withdrawal_retracts_the_record_of_the_same_source_and_id(new_db):
    (added,) = take(new_db, UPDATE)
    (gone,) = take(new_db, json.dumps(json.loads(UPDATE) | {"should_delete": True}))
    assert (gone.status, gone.record) == (Status.WITHDRAWN, added.record)
    assert new_db.get(added.record).state is State.RETRACTED
    assert len(new_db.index) == 0
    assert new_db.audit(record=added.record)[-1].details["reason"] == "deleted where it came from"
    assert statuses(take(new_db, json.dumps(json.loads(UPDATE) | {"should_delete": True}))) == [Status.KNOWN]


def test_a_source_cannot_withdraw_what_another_published(new_db):
    (added,) = take(new_db, line(), "acme")
    own = new_db.add(fingerprint_of(random_hashes(1, 8)))
    for data in (line(withdrawn="x", erase=True), json.dumps({"id": own.id, "withdrawn": "x", "erase": True}) + "\n"):
        assert statuses(take(new_db, data, "other")) == [Status.KNOWN]
    assert [new_db.get(i).state for i in (added.record, own.id)] == [State.ACTIVE, State.ACTIVE]


def test_a_withdrawal_of_something_else_changes_nothing(new_db):
    take(new_db, line())
    assert statuses(take(new_db, json.dumps({"id": "8", "withdrawn": "x"}) + "\n")) == [Status.KNOWN]
    assert new_db.store.counts()[State.ACTIVE] == 1


def test_stopncii_withdrawn_is_forgotten(new_db):
    active = take(new_db, STOPNCII)[0]
    (gone, _) = take(new_db, STOPNCII.replace('"Active"', '"Withdrawn"'))
    record = new_db.get(active.record)
    assert (gone.status, record.state, record.md5, record.labels, record.reason) == (Status.WITHDRAWN, State.RETRACTED, None, (), "")
    new_db.close()
    assert all(MD5.encode() not in path.read_bytes() for path in new_db.path.iterdir())


def test_what_people_here_retracted_stays_retracted(new_db):
    (outcome,) = take(new_db, line(labels=["a"]))
    new_db.retract(outcome.record, reason="a mistake")
    (again,) = take(new_db, line(labels=["b"]))
    assert (again.status, again.reason) == (Status.KNOWN, "it was retracted here")
    assert new_db.get(outcome.record).state is State.RETRACTED


def test_what_its_source_withdrew_and_published_again_waits_for_a_person(new_db):
    (outcome,) = take(new_db, line())
    take(new_db, line(withdrawn="x"))
    (again,) = take(new_db, line())
    assert (again.status, again.reason, again.record) == (Status.HELD, "its source withdrew it before", outcome.record)
    assert new_db.get(outcome.record).state is State.HELD


# -- what waits, and what is no record -------------------------------------------------------------


def held_hash(bits):
    return np.packbits(np.arange(256) < bits).tobytes().hex()


@pytest.mark.parametrize("bits", [0, 60, 200, 256])
def test_a_hash_that_no_picture_has_is_held(new_db, bits):
    (outcome,) = take(new_db, f"pdq {held_hash(bits)}\n")
    assert outcome.status is Status.HELD
    assert "half of their bits" in outcome.reason
    assert new_db.get(outcome.record).state is State.HELD
    (case,) = new_db.moderation.reviews.queue()
    assert (case.record, case.why) == (outcome.record, outcome.reason)


def test_poor_pictures_are_held(new_db):
    rows = "".join(f"{n},30,{v.tobytes().hex()},{n}.0\n" for n, v in enumerate(balanced(6)))
    (outcome,) = take(new_db, rows)
    assert outcome.status is Status.HELD
    assert "quality under 50" in outcome.reason


def balanced(count):
    """Hashes with half of their bits set, as those of pictures have."""
    rng = np.random.default_rng(count)
    return [np.packbits(rng.permutation(np.arange(256) < 128)) for _ in range(count)]


def test_what_is_held_goes_on_waiting_when_its_source_says_something_new(new_db):
    (first,) = take(new_db, line(pdq=held_hash(0)))
    (second,) = take(new_db, line(pdq=PDQ))
    assert (second.status, second.reason) == (Status.UPDATED, "it still waits for a person")
    assert new_db.get(first.record).state is State.HELD


def test_what_its_source_has_not_confirmed_is_held(new_db):
    (outcome,) = take(new_db, DATASET.replace("POSITIVE_CLASS", "INVESTIGATION_SEED"))
    assert (outcome.status, outcome.reason) == (Status.HELD, "its source has not confirmed it")


def test_what_its_source_disputes_is_disputed(new_db):
    (outcome,) = take(new_db, DATASET.replace("POSITIVE_CLASS", "DISPUTED"))
    assert new_db.get(outcome.record).state is State.DISPUTED


def test_what_an_organisation_disagrees_on_is_disputed(new_db):
    agreed, disputed = (line(opinions=[{"by": "a", "verdict": verdict}]) for verdict in ("agree", "false_positive"))
    (outcome,) = take(new_db, agreed)
    assert new_db.get(outcome.record).state is State.ACTIVE
    (again,) = take(new_db, disputed)
    assert (again.status, again.reason) == (Status.UPDATED, "organisations disagree on it")
    assert new_db.get(outcome.record).state is State.DISPUTED
    (video, _) = take(new_db, NCMEC)
    assert new_db.get(video.record).state is State.DISPUTED


def test_what_is_listed_as_harmless_is_no_record(new_db):
    (outcome,) = take(new_db, DATASET.replace("POSITIVE_CLASS", "NEGATIVE_CLASS"))
    assert (outcome.status, outcome.record) == (Status.OPINION, None)
    assert [o.verdict for o in outcome.opinions] == ["false_positive"]
    assert len(new_db) == 0


def test_a_record_that_its_source_later_calls_harmless_is_withdrawn(new_db):
    (outcome,) = take(new_db, DATASET)
    assert statuses(take(new_db, DATASET.replace("POSITIVE_CLASS", "NEGATIVE_CLASS"))) == [Status.WITHDRAWN]
    assert new_db.get(outcome.record).state is State.RETRACTED


def said_of(db, identifier):
    return {(o.author, o.verdict, o.reason) for o in db.moderation.opinions.about(db.get(identifier))}


def test_opinions_are_kept_under_names_that_no_feed_has(new_db):
    video, _ = take(new_db, NCMEC)
    assert said_of(new_db, video.record) == {
        ("ncmec/Third Member", "agree", ""),
        ("ncmec/Other Member", "false_positive", "Example Reason"),
    }
    assert new_db.moderation.opinions.ours() == []


def test_opinions_count_in_what_a_match_may_lead_to(new_db, samples):
    from vhashdb.inputs import sha256_of

    film = samples / "known" / "valley.mp4"
    opinions = [{"by": "a", "verdict": "agree"}, {"by": "b", "verdict": "false_positive"}, {"by": "b", "verdict": "agree"}]
    take(new_db, line(sha256=sha256_of(film), opinions=opinions))
    (match,) = new_db.match(film).matches
    assert (match.action_cap.action.value, match.action_cap.dispute) == ("review", 1)


def test_new_opinions_replace_the_older_ones_of_their_source_alone(new_db):
    (outcome,) = take(new_db, line(opinions=[{"by": "a", "verdict": "agree"}]))
    new_db.moderation.opinions.give(new_db.get(outcome.record), "seen", basis="saw_content", reason="")
    take(new_db, line(opinions=[{"by": "b", "verdict": "outdated"}]))
    assert said_of(new_db, outcome.record) == {("local", "seen", ""), ("jsonl/b", "outdated", "")}


# -- a dry run, and endings ------------------------------------------------------------------------


@pytest.mark.parametrize("data", [SIGNAL_LINE, DATASET, UPDATE, NCMEC, STOPNCII, TCAP, MISP, STIX, CSV, line() * 2 + line(withdrawn="x")])
def test_a_dry_run_says_the_same_and_changes_nothing(new_db, data):
    pretended = take(new_db, data, dry_run=True)
    assert list(new_db.records()) == []
    assert not [entry for entry in new_db.audit() if entry.action != "queries"]
    done = take(new_db, data)
    assert [(o.number, o.status, o.reason, o.notes) for o in pretended] == [(o.number, o.status, o.reason, o.notes) for o in done]


def test_what_came_before_a_limit_is_kept(new_db):
    data = "".join(line(id=str(n)) for n in range(2000))
    raw = data.encode()
    with pytest.raises(vhashdb.LimitExceeded):
        take(new_db, raw, options=Options(FormatLimits(file_bytes=len(raw) - 10)))
    kept = len(new_db)
    assert 0 < kept < 2000
    assert statuses(take(new_db, raw)).count(Status.KNOWN) == kept


def test_an_interrupted_import_goes_on_where_it_was(new_db):
    data = "".join(line(id=str(n)) for n in range(600))
    told = []
    for outcome in new_db.exchange.import_from(io.BytesIO(data.encode())).run():
        told.append(outcome.record)
        if len(told) == 300:
            break
    stored = {r.id for r in new_db.records()}
    assert set(told) <= stored
    assert len(stored) < 600
    assert len(take(new_db, data)) == 600
    assert len(new_db) == 600


def test_the_index_is_saved_and_right(tmp_path):
    with vhashdb.create(tmp_path / "a.vhdb") as db:
        take(db, f"pdq {PDQ}\npdq {OTHER_PDQ}\n")
    with vhashdb.open(tmp_path / "a.vhdb") as db:
        assert db.index_problem is None
        assert len(db.index) == 2
        assert db.check().problems == ()


# -- found -----------------------------------------------------------------------------------------


def test_an_imported_md5_finds_the_file(new_db, samples):
    from vhashdb.inputs import hash_file

    film = samples / "known" / "valley.mp4"
    take(new_db, f"md5 {hash_file(film).md5}\n")
    result = new_db.match(film)
    assert result.verdict is vhashdb.Verdict.MATCH
    assert "MD5" in result.reason
    assert new_db.match(samples / "known" / "harbour.mp4").verdict is vhashdb.Verdict.NO_MATCH


def test_an_imported_sha256_finds_the_file(new_db, samples):
    from vhashdb.inputs import hash_file

    film = samples / "known" / "valley.mp4"
    take(new_db, f"sha256 {hash_file(film).sha256}\n")
    assert new_db.match(film).verdict is vhashdb.Verdict.MATCH


def test_frame_hashes_that_vpdq_made_find_the_video_and_its_copies(new_db, corpus):
    texts = sorted((corpus / "reference" / "vpdq").glob("*.txt"))
    records = {path.stem: take(new_db, path.read_bytes())[0].record for path in texts}
    assert len(records) == 9
    for stem, record in records.items():
        result = new_db.match(corpus / "reference" / f"{stem}.mp4")
        # In the test pattern little changes, and from the whole picture alone that is not enough for a match.
        assert result.verdict is (vhashdb.Verdict.POSSIBLE if stem == "test-padded-dimensions" else vhashdb.Verdict.MATCH), stem
        assert record in [match.record.id for match in result.matches], stem


def test_imported_frames_are_no_denser_than_our_own(new_db, corpus):
    path = corpus / "reference" / "vpdq" / "chair-19-sd-bar.txt"
    (outcome,) = take(new_db, path.read_bytes())
    kept = new_db.fingerprint(outcome.record)
    assert len(kept) <= 8 * kept.duration_s + 1 < len(path.read_text().split())
    own = vhashdb.fingerprint(corpus / "reference" / "chair-19-sd-bar.mp4")
    assert len(kept) <= 1.2 * len(own.only(own.view == 0))


def test_new_hashes_of_a_known_video_are_found_and_the_old_ones_are_not(new_db):
    frames = [pictures(seed, 12) for seed in (1, 2)]
    for each in frames:
        (outcome,) = take(new_db, line(sha256=None, fingerprint=json.loads(vhashdb.to_json(fingerprint_of(each)))), "acme")
        assert outcome.status in ("added", "updated")
        assert [m.record.id for m in new_db.match(fingerprint_of(each)).matches] == [outcome.record]
    assert new_db.match(fingerprint_of(frames[0])).matches == ()

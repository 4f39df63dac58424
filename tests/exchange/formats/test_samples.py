"""Each sample of the design is recognised by its beginning, and becomes what it says."""

import datetime
import json

import numpy as np
import pytest

import vhashdb
from tests.exchange.formats.reader import entries, items, refused, remarks
from tests.exchange.formats.samples import (
    CSV,
    DATASET,
    MD5,
    MISP,
    NCMEC,
    OTHER_PDQ,
    PDQ,
    SAMPLES,
    SHA1,
    SHA256,
    SIGNAL_LINE,
    STIX,
    STOPNCII,
    TCAP,
    UPDATE,
    VPDQ_JSON,
    VPDQ_OLD_JSON,
    VPDQ_TEXT,
)
from tests.footage import fingerprint_of, random_hashes
from vhashdb import FormatError, UsageError
from vhashdb.exchange.formats import FORMATS, ItemOpinion, OtherHash
from vhashdb.exchange.formats.reading import HEAD_BYTES


def hashes(item):
    return [value.tobytes().hex() for value in item.frames.hash]


@pytest.mark.parametrize("name", SAMPLES)
def test_each_sample_is_recognised(name):
    assert entries(SAMPLES[name])[0] == name


@pytest.mark.parametrize("name", SAMPLES)
def test_white_space_and_a_byte_order_mark_do_not_matter(name):
    assert entries(b"\xef\xbb\xbf" + SAMPLES[name].encode()) == entries(SAMPLES[name])
    if name not in ("csv", "dataset", "signals", "jsonl", "vpdq", "text"):  # where lines are counted
        assert entries("\n  " + SAMPLES[name]) == entries(SAMPLES[name])


def test_every_format_that_is_read_has_a_sample():
    assert {f.name for f in FORMATS if f.read} == {*SAMPLES, "binary"}


@pytest.mark.parametrize("data", ["", "  \n", "hello\nworld\n", "{}", "[]", "{", "a,b\n1,2\n", "\x00\x01\x02", "<html>", PDQ + "\n"])
def test_what_is_of_no_format_is_said_to_be_so(data):
    with pytest.raises(FormatError):
        entries(data)


def test_an_unknown_format_is_a_mistake_of_the_caller():
    with pytest.raises(UsageError, match="'yaml' is not a format"):
        entries("x", "yaml")


# -- ThreatExchange --------------------------------------------------------------------------------


def test_a_signal_line():
    (item,) = items(SIGNAL_LINE)
    assert hashes(item) == [PDQ]
    assert item.number == 1


@pytest.mark.parametrize(("kind", "value", "field"), [("md5", MD5, "md5"), ("video_md5", MD5, "md5"), ("sha256", SHA256, "sha256")])
def test_a_signal_line_of_an_exact_hash(kind, value, field):
    (item,) = items(f"{kind} {value.upper()}\n")
    assert getattr(item, field) == value


def test_a_value_alone_is_read_when_its_type_is_given():
    found = items(f"{PDQ}\n\n{OTHER_PDQ}\n", signal_type="pdq")
    assert [(item.number, hashes(item)) for item in found] == [(1, [PDQ]), (3, [OTHER_PDQ])]


def test_signal_lines_that_are_no_hash_are_refused_by_number():
    data = f"pdq {PDQ}\npdq 1234\nurl http://example.org/x\n{PDQ}\nvideo_md5 {MD5}\n"
    found = refused(data)
    assert set(found) == {2, 3, 4}
    assert "64 hexadecimal digits" in found[2]
    assert "'url' is no kind of hash" in found[3]
    assert "say which kind it is" in found[4]


def test_a_dataset_row():
    (item,) = items(DATASET)
    assert hashes(item) == [PDQ]
    assert item.details.labels == ("tvec", "violent_extremism")
    assert item.owner == "Example Group"
    assert item.opinions == (ItemOpinion("Example Group", "agree"),)
    assert item.number == 2


@pytest.mark.parametrize(
    ("category", "verdicts", "what"),
    [
        ("POSITIVE_CLASS", ["agree"], {}),
        ("NEGATIVE_CLASS", ["false_positive"], {"harmless": True}),
        ("INVESTIGATION_SEED", ["seen"], {"doubt": "its source has not confirmed it"}),
        ("DISPUTED", [], {"disputed": True}),
    ],
)
def test_categories_of_a_dataset(category, verdicts, what):
    (item,) = items(DATASET.replace("POSITIVE_CLASS", category))
    assert [opinion.verdict for opinion in item.opinions] == verdicts
    said = {"harmless": False, "disputed": False, "doubt": ""} | what
    assert {name: getattr(item, name) for name in said} == said


def test_malformed_dataset_rows_are_refused_by_number():
    data = DATASET + f"pdq,{PDQ},x,MAYBE,\npdq,{PDQ}\nvideo_md5,{MD5},x,POSITIVE_CLASS,\n"
    assert set(refused(data)) == {3, 4}
    assert len(entries(data)[1]) == 4


def test_an_update():
    (item,) = items(UPDATE)
    assert hashes(item) == [PDQ]
    assert item.external_id == "4169895076385542"
    assert item.owner == "3117666"
    assert item.details.labels == ("tvec",)
    assert item.opinions == (ItemOpinion("3117666", "agree"), ItemOpinion("123", "agree"), ItemOpinion("456", "agree"))


def updated(**changes):
    return json.dumps(json.loads(UPDATE) | changes)


@pytest.mark.parametrize(
    "changes", [{"should_delete": True}, {"descriptors": {"data": []}}, {"descriptors": None}, {"should_delete": False, "descriptors": {}}]
)
def test_both_ways_of_deleting_an_update_are_withdrawals(changes):
    (item,) = items(updated(**changes))
    assert item.withdrawn
    assert item.external_id == "4169895076385542"
    assert not item.has_signals


def test_an_update_without_descriptors_is_a_withdrawal():
    value = json.loads(UPDATE)
    del value["descriptors"]
    assert items(json.dumps(value))[0].withdrawn


def test_withdrawals_that_have_nothing_but_an_id():
    (update,) = items('{"indicator":null,"id":"7","should_delete":true}')
    (result,) = items('{"checkpoint":"1","results":[{"id":7,"deleted":true}]}')
    assert (update.external_id, result.external_id) == ("7", "7")
    assert update.withdrawn
    assert result.withdrawn


def test_long_hashes_that_begin_alike_are_not_taken_for_one():
    def known_by(frames):
        rows = json.dumps([f"{PDQ},100,{n}.0" for n in range(frames)])
        return items(json.dumps({"indicator": rows, "type": "HASH_VPDQ", "descriptors": {"data": [{"id": "1"}]}}))[0].external_id

    assert known_by(20) != known_by(21)
    assert known_by(20) == known_by(20)


def test_updates_in_a_list_and_in_a_page_of_the_api():
    assert items(f"[{UPDATE},{UPDATE}]")[1].number == 2
    assert items(f'{{"data":[{UPDATE}],"paging":{{"next":"x"}}}}') == items(UPDATE)


def test_an_update_whose_owner_is_missing_is_taken():
    (item,) = items(updated(descriptors={"data": [{"id": "1", "status": "MALICIOUS", "tags": []}]}))
    assert item.owner == ""
    assert item.opinions == (ItemOpinion("", "agree"),)


def test_updates_that_owners_call_harmless_or_disagree_on():
    def descriptors(*statuses):
        return {"data": [{"owner": {"id": str(n)}, "status": status} for n, status in enumerate(statuses)]}

    harmless, disputed = (
        items(updated(descriptors=descriptors("NON_MALICIOUS"))),
        items(updated(descriptors=descriptors("MALICIOUS", "NON_MALICIOUS"))),
    )
    assert (harmless[0].harmless, harmless[0].disputed) == (True, False)
    assert (disputed[0].harmless, disputed[0].disputed) == (False, True)


@pytest.mark.parametrize(
    ("reaction", "verdict"),
    [
        ("HELPFUL", "agree"),
        ("SAW_THIS_TOO", "seen"),
        ("DISAGREE_WITH_TAGS", "disagree_label"),
        ("NON_MALICIOUS", "false_positive"),
        ("OUTDATED", "outdated"),
        ("INGESTED", None),
    ],
)
def test_reactions(reaction, verdict):
    descriptor = {"id": "1", "owner": {"id": "9"}, "status": "UNKNOWN", "reactions": [{"key": reaction, "value": "7"}]}
    (item,) = items(updated(descriptors={"data": [descriptor]}))
    assert item.opinions == ((ItemOpinion("7", verdict),) if verdict else ())


def test_an_update_of_an_address_is_refused():
    assert "no kind of hash" in refused(updated(type="URI", indicator="http://example.org"))[1]


# -- vPDQ ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [VPDQ_TEXT, VPDQ_OLD_JSON, f'["{OTHER_PDQ},100,0.000"]'])
def test_the_forms_of_vpdq_say_the_same(data):
    (item,) = items(data)
    assert hashes(item) == [OTHER_PDQ]
    assert (item.frames.quality[0], item.frames.start_s[0]) == (100, 0.0)


def test_seconds_with_three_significant_digits_are_read():
    (item,) = items(VPDQ_JSON)
    assert item.frames.start_s.tolist() == [0.0, 1230.0]
    assert item.frames.quality.tolist() == [100, 93]


def test_a_bad_frame_is_refused_by_number_and_the_others_are_taken():
    data = VPDQ_TEXT + f"1,101,{PDQ},0.1\n2,100,{PDQ},0.2\n3,100,xyz,0.3\n4,100,{PDQ},nan\n5,100,{PDQ}\n"
    assert set(refused(data)) == {2, 4, 5, 6}
    item = entries(data)[1][-1]
    assert item.frames.start_s.tolist() == [0.0, 0.2]


def test_published_vpdq_files_are_read(corpus):
    for path in sorted((corpus / "reference" / "vpdq").glob("*.txt")):
        (item,) = items(path.read_bytes())
        assert len(item.frames) == len(path.read_text().split())
        assert np.all(np.diff(item.frames.start_s) > 0)


# -- NCMEC, StopNCII, TCAP -------------------------------------------------------------------------


def test_ncmec():
    video, deleted = items(NCMEC)
    assert (video.external_id, video.owner, video.md5) == ("42/video1", "Example Member", MD5)
    assert video.others == (OtherHash("sha1", SHA1),)
    assert video.details.labels == ("ncmec:a2",)
    assert video.opinions == (ItemOpinion("Third Member", "agree"), ItemOpinion("Other Member", "false_positive", "Example Reason"))
    assert video.notes == ("tmk-pdqf is only linked to, and not in the file",)
    assert (deleted.external_id, bool(deleted.withdrawn), deleted.has_signals) == ("42/video4", True, False)


def test_ncmec_on_one_line_with_a_prefix():
    data = NCMEC.replace("<queryResult xmlns=", "<h:queryResult xmlns:h=").replace("</queryResult", "</h:queryResult")
    for tag in ("videos", "video", "deletedVideo", "member", "id", "fingerprints", "md5"):
        data = data.replace(f"<{tag}>", f"<h:{tag}>").replace(f"<{tag} ", f"<h:{tag} ").replace(f"</{tag}>", f"</h:{tag}>")
    video, _ = items("".join(line.strip() for line in data.splitlines()))
    assert (video.external_id, video.md5) == ("42/video1", MD5)


def test_stopncii():
    active, withdrawn = items(STOPNCII)
    assert (active.md5, active.details.labels, active.owner) == (MD5, ("nude",), "StopNCII")
    assert active.opinions == (ItemOpinion("Example Video", "agree"),)
    assert (withdrawn.external_id, withdrawn.erase, withdrawn.has_signals) == (f"imagepdq:{PDQ}", True, False)
    assert withdrawn.withdrawn == "withdrawn where it came from"
    assert "cc592711" not in repr(active)


@pytest.mark.parametrize("status", ["Withdrawn", "Deleted"])
def test_stopncii_withdrawn_and_deleted_retract_and_erase(status):
    active, gone = (items(STOPNCII.replace('"hashStatus":"Active"', f'"hashStatus":"{s}"'))[0] for s in ("Active", status))
    assert (gone.key, gone.erase) == (active.key, True)
    assert gone.withdrawn


def test_tcap():
    assert refused(TCAP) == {1: "md5 has 32 hexadecimal digits, not '123abc'"}
    taken, deleted = [e for e in entries(TCAP)[1] if not hasattr(e, "reason")]
    assert (taken.external_id, taken.md5, taken.details.labels) == ("2820", MD5, ("ideology:far-right",))
    assert (deleted.external_id, bool(deleted.withdrawn)) == ("2821", True)


def test_an_empty_page_of_tcap_is_one():
    assert entries('{"count":0,"next":null,"checkpoint":"1,2","results":[]}') == ("tcap", [])


# -- MISP and STIX ---------------------------------------------------------------------------------


def test_misp():
    file, deleted, attribute = items(MISP)
    assert (file.sha256, file.md5, hashes(file)) == (SHA256, MD5, [PDQ])
    assert file.external_id == "c99506a6-1255-4b71-afa5-7b8ba48c3b1b"
    assert (file.owner, file.details.tlp, file.details.labels) == ("Example CERT", "green", ("terrorist-content",))
    assert file.opinions == (ItemOpinion("Seer", "seen"), ItemOpinion("Doubter", "false_positive"))
    assert deleted.withdrawn
    assert attribute.md5 == MD5


def test_misp_deletions_of_objects_and_attributes_are_withdrawals():
    event = json.loads(MISP)
    file, _ = event["Event"]["Object"]
    loose, _ = event["Event"]["Attribute"]
    for o in (file, loose, *file["Attribute"]):
        o["deleted"] = True
    found = {item.external_id: item for item in items(json.dumps(event))}
    assert found[file["uuid"]].withdrawn
    assert found[loose["uuid"]].withdrawn
    file["Attribute"] = []
    assert {item.external_id for item in items(json.dumps(event)) if item.withdrawn} == set(found)


def test_a_misp_attribute_that_is_deleted_is_left_out_of_its_object():
    event = json.loads(MISP)
    event["Event"]["Object"][0]["Attribute"][2]["deleted"] = True
    item = items(json.dumps(event))[0]
    assert (item.sha256, item.md5, item.withdrawn) == (SHA256, None, "")


def test_misp_file_names_addresses_and_people_are_left_behind():
    kept = repr(items(MISP))
    for word in ("holiday", "x.mp4", "192.0.2.1", "who@example.org"):
        assert word not in kept


def test_a_response_and_a_list_of_misp_events():
    assert items(f'{{"response":[{MISP}]}}') == items(MISP)
    assert items(f"[{MISP}]") == items(MISP)


def test_stix():
    indicator, revoked = items(STIX)
    assert (indicator.sha256, indicator.md5, indicator.owner) == (SHA256, MD5, "Example Org")
    assert indicator.external_id == "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
    assert (indicator.details.labels, indicator.details.reason) == (("graphic-violence",), "perpetrator-produced")
    assert (indicator.details.tlp, indicator.details.expires) == ("green", datetime.date(2030, 5, 6))
    assert indicator.opinions == (ItemOpinion("Example Org", "false_positive", "news"), ItemOpinion("", "agree"))
    assert revoked.withdrawn == "revoked where it came from"


def test_stix_persons_are_left_behind():
    assert "Jane" not in repr(items(STIX))


def test_an_indicator_of_several_files_is_several_items():
    data = STIX.replace(f"OR file:hashes.MD5 = '{MD5}'", f"OR file:hashes.'SHA-256' = '{'ab' * 32}'")
    first, second, _ = items(data)
    assert (first.sha256, second.sha256) == (SHA256, "ab" * 32)
    assert first.external_id != second.external_id


# -- ours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["jsonl", "csv"])
def test_our_own_fields(name):
    (item,) = items(SAMPLES[name])
    assert (item.external_id, item.sha256, item.details.labels) == ("7", SHA256, ("graphic-violence",))
    assert (item.details.severity, item.details.reason) == ("high", "perpetrator-produced")


def test_headers_are_mapped():
    data = f"Digest;Kind;Uploader\n{SHA256};Graphic Violence;jane\n"
    (item,) = items(data, mapping={"Digest": "sha256", "Kind": "labels"})
    assert (item.sha256, item.details.labels, item.renamed) == (SHA256, ("graphic-violence",), (("Graphic Violence", "graphic-violence"),))
    assert remarks(data, mapping={"Digest": "sha256", "Kind": "labels"}) == ["columns that are no field were left out: Uploader"]
    (line,) = items(f'{{"Digest":"{SHA256}","Uploader":"jane"}}', mapping={"Digest": "sha256"})
    assert line.sha256 == SHA256
    assert "jane" not in repr((item, line))


def test_a_fingerprint_as_hash_prints_it_is_an_item():
    frames = vhashdb.from_vpdq(VPDQ_TEXT)
    assert items(vhashdb.to_json(frames) + "\n")[0].frames == frames


def test_a_line_longer_than_the_head_is_recognised():
    frames = fingerprint_of(random_hashes(1, 4000))
    line = json.dumps({"id": "7", "vpdq": [f"{v.tobytes().hex()},100,{n}.0" for n, v in enumerate(frames.hash)]})
    assert len(line) > 4 * HEAD_BYTES
    assert len(items(line)[0].frames) == 4000
    signal = "vpdq " + json.dumps(json.loads(line)["vpdq"], separators=(",", ":"))
    assert len(items(signal)[0].frames) == 4000


def test_rows_of_frames_become_one_item_a_video():
    data = f"id,seconds,quality,pdq\na,0,100,{PDQ}\na,0.5,90,{OTHER_PDQ}\nb,0,80,{PDQ}\nb,x,80,{PDQ}\n"
    first, refusal, second = entries(data)[1]
    assert (first.external_id, hashes(first), first.frames.quality.tolist()) == ("a", [PDQ, OTHER_PDQ], [100, 90])
    assert (second.external_id, len(second.frames), second.number) == ("b", 1, 4)
    assert refusal.number == 5


def test_a_row_over_several_lines_is_counted_by_its_first():
    data = f'sha256,reason\n{SHA256},"one\n\nthree"\nnothing,\n\n{SHA256},\n'
    assert [e.number for e in entries(data)[1]] == [2, 5, 7]
    assert set(refused(data)) == {5}


def test_a_table_whose_headers_say_nothing_is_refused_with_the_way_out():
    with pytest.raises(FormatError) as error:
        entries("a,b\n1,2\n", "csv")
    assert "which header is which field" in error.value.hint


def test_two_columns_of_one_field_are_refused():
    with pytest.raises(FormatError, match="two columns of the table are labels"):
        entries(CSV.replace("severity", "tags"), "csv")

"""Files that want to cost more than they may, or to be taken for something else."""

import base64
import dataclasses
import hashlib
import io
import json
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.exchange.formats.reader import entries, items, refused
from tests.exchange.formats.samples import MD5, MISP, NCMEC, PDQ, SAMPLES, SHA256, STIX, STOPNCII, TCAP, UPDATE
from vhashdb import FormatError, LimitExceeded
from vhashdb.exchange.formats import READ, FormatLimits, Item, Options, Refusal, opened
from vhashdb.exchange.formats.words import label_of, organisation

SMALL = FormatLimits(line_bytes=1000, item_bytes=1000, document_bytes=2000)
LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def test_every_cap_is_on_by_default():
    assert all(value > 0 for value in dataclasses.asdict(FormatLimits()).values())


# -- size ------------------------------------------------------------------------------------------


def test_gigantic_line():
    data = f"md5 {MD5}\nmd5 {'a' * 5000}\nmd5 {MD5}\n"
    assert refused(data, limits=SMALL) == {2: "the line has more than 1000 bytes"}
    assert [e.number for e in entries(data, limits=SMALL)[1] if isinstance(e, Item)] == [1, 3]


def test_gigantic_line_without_an_end_takes_no_memory():
    class Endless(io.RawIOBase):
        left = 200 << 20

        def read(self, size=-1):
            size = min(size, self.left)
            self.left -= size
            return b"a" * size

    _, source = opened(Endless(), Options(FormatLimits(line_bytes=1 << 20)), "jsonl")
    tracemalloc.start()
    found = list(source.lines())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(e) for e in found] == [Refusal]
    assert peak < 16 << 20


def test_endless_file():
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            return (f"md5 {MD5}\n".encode() * (size // 37 + 1))[:size]

    form, source = opened(Endless(), Options(FormatLimits(file_bytes=1_000_000)))
    with pytest.raises(LimitExceeded, match="more than 1000000 bytes"):
        for _ in form.read(source):
            pass


@pytest.mark.parametrize("name", ["tcap", "stopncii", "threat-updates", "ncmec", "vpdq-json-old"])
def test_gigantic_item_ends_the_reading_and_keeps_what_came_before(name):
    filler = "x" * 300_000
    data = {
        "tcap": TCAP.replace('"id":2821', f'"id":2821,"more":"{filler}"'),
        "stopncii": STOPNCII.replace('"hashStatus":"Withdrawn"', f'"hashStatus":"Withdrawn","more":"{filler}"'),
        "threat-updates": f'[{UPDATE},{{"more":"{filler}"}}]',
        "ncmec": NCMEC.replace("<deletedVideo>", f"<deletedVideo><more>{filler}</more>"),
        "vpdq-json-old": f'{{"0":{{"hash":"{PDQ}","quality":100,"timestamp":0}},"1":{{"hash":"{filler}"}}}}',
    }[name]
    found = entries(data, name, limits=SMALL)[1]
    assert any(isinstance(e, Item) for e in found)
    assert any("one item of the file has more than 1000 bytes" in e.reason for e in found if isinstance(e, Refusal))


@pytest.mark.parametrize("name", ["misp", "stix"])
def test_gigantic_document(name):
    data = SAMPLES[name].replace('"2026-01-02"', json.dumps("x" * 3000)).replace('"news"', json.dumps("x" * 3000))
    with pytest.raises(LimitExceeded, match="the document has more than 2000 bytes"):
        entries(data, name, limits=SMALL)


def peak(raw, count):
    """Most bytes in use while a document of so many items is read."""
    form, source = opened(io.BytesIO(raw.encode()))
    tracemalloc.start()
    assert sum(1 for _ in form.read(source)) == count
    used = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return used


def page(count):
    result = f'{{"hash_digest":"{MD5}","algorithm":"MD5","deleted":false,"id":1}}'
    return f'{{"checkpoint":"1","results":[{",".join([result] * count)}]}}'


def ncmec_page(count):
    video = f"<video><member id='1'>M</member><id>v</id><fingerprints><md5>{MD5}</md5></fingerprints></video>"
    return f"<queryResult><videos>{video * count}</videos></queryResult>"


@pytest.mark.parametrize(("document", "count"), [(page, 10_000), (ncmec_page, 5_000)])
def test_a_large_page_is_read_item_by_item(document, count):
    """Ten times the items take about the same memory."""
    assert peak(document(count), count) < peak(document(count // 10), count // 10) + (1 << 20)


def test_too_many_items():
    found = entries(f"md5 {MD5}\n" * 10, limits=FormatLimits(items=3))[1]
    assert [type(e) for e in found] == [Item, Item, Item, Refusal]
    assert "more than 3 items" in found[-1].reason


def test_too_many_frames():
    rows = "".join(f"{n},100,{PDQ},{n}.0\n" for n in range(5))
    found = entries(rows, limits=FormatLimits(frames=3))[1]
    assert len(found[-1].frames) == 3
    assert "more than 3 frames" in found[0].reason


def test_too_many_columns_labels_opinions_and_hashes():
    wide = f"sha256,reason\n{SHA256}{',x' * 300}\n{SHA256},\n"
    assert refused(wide) == {2: "the row has more than 256 columns"}
    few = FormatLimits(labels=2, opinions=1, others=1)
    line = {
        "sha256": SHA256,
        "labels": ["a", "b", "c"],
        "hashes": ["sha1:" + "a" * 40, "sha1:" + "b" * 40],
        "opinions": [{"by": "a", "verdict": "agree"}, {"by": "b", "verdict": "agree"}],
    }
    (item,) = items(json.dumps(line), limits=few)
    assert (item.details.labels, len(item.opinions), len(item.others)) == (("a", "b"), 1, 1)
    assert len(item.notes) == 3


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting(opening):
    line = f'{{"sha256":"{SHA256}","x":{opening * 50_000}'
    assert set(refused(f'{{"sha256":"{SHA256}"}}\n{line}\n')) == {2}
    closing = {"[": "]", '{"a":': "}"}[opening]
    deep = opening * 100 + "1" + closing * 100
    assert "nests" in refused(f'{{"sha256":"{SHA256}"}}\n{{"sha256":"{SHA256}","x":{deep}}}\n')[2]
    with pytest.raises(FormatError):
        entries(f'{{"Event": {opening * 100_000}', "misp")


def test_decompression_bomb():
    """A million equal entries are 43 MB, and 42 kB when packed."""
    count = 1_000_000
    header = {"algorithm": "pdq", "bits": 256, "spec": 1, "entries": count, "duration_ms": 1, "width": 0, "height": 0, "damage": []}
    text = json.dumps(header).encode()
    body = zlib.compress(struct.pack("<H", len(text)) + text + bytes(43 * count), 9)
    packed = b"VHFP" + struct.pack("<BI", 2, len(body)) + body
    packed += hashlib.blake2b(packed, digest_size=16).digest()
    assert len(vhashdb.from_bytes(packed)) == count
    line = json.dumps({"fingerprint": base64.b64encode(packed).decode()})
    tracemalloc.start()
    assert "unpacks to" in refused(line)[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


# -- XML -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [LAUGHS, OUTSIDE, "<!DOCTYPE x>", '<!DOCTYPE x SYSTEM "http://example.org/x.dtd">'])
def test_dtds_and_entities_are_never_read(attack):
    data = NCMEC.replace("<queryResult", attack + "<queryResult").replace(MD5, "&e;" if "&" in attack else MD5)
    found = entries(data)[1]
    assert len(found) == 1
    assert "DTD or an entity" in found[0].reason


def test_broken_xml_keeps_what_came_before():
    found = entries(NCMEC[: NCMEC.index("</deletedVideo>")])[1]
    assert [type(e) for e in found] == [Item, Refusal]


# -- what is not what it should be -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["tcap", "stopncii", "vpdq-json"])
def test_broken_json_keeps_what_came_before(name):
    data = SAMPLES[name]
    found = entries(data[: len(data) - 20], name)[1]
    assert any(isinstance(e, Item) for e in found)
    assert any("breaks off" in e.reason for e in found if isinstance(e, Refusal))


@pytest.mark.parametrize("name", ["misp", "stix"])
def test_broken_documents_are_refused_as_a_whole(name):
    with pytest.raises(FormatError, match="cannot be read"):
        entries(SAMPLES[name][:-10], name)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(number):
    line = f'{{"sha256":"{SHA256}","duration_s":{number}}}'
    assert set(refused(f'{{"sha256":"{SHA256}"}}\n{line}')) == {2}


def test_lines_that_are_not_utf8_or_hold_nul():
    data = f"md5 {MD5}\n".encode() + b"md5 \xff\xfe\n" + b"md5 \x00\n" + f"md5 {MD5}\n".encode()
    assert set(refused(data)) == {2, 3}


def test_an_open_quote_is_refused_and_nothing_is_taken_for_a_value():
    found = refused(f'sha256,reason\n"{SHA256},x\n{SHA256},y\n')
    assert list(found) == [2]


def test_names_and_paths_stay_words():
    for name in ("../../etc/passwd", "/etc/passwd", "C:\\x", "a\x00b", "..", "%2e%2e", "nul\n"):
        assert "/" not in label_of(name)[:1]
        assert ".." not in label_of(name)
        assert "\n" not in organisation(name, FormatLimits())


def test_an_e_mail_address_is_no_organisation():
    assert organisation("Jane <jane@example.org>", FormatLimits()) == ""
    (item,) = items(json.dumps({"sha256": SHA256, "owner": "jane@example.org"}))
    assert item.owner == ""


def test_long_ids_and_reasons():
    line = {"sha256": SHA256, "id": "x" * 300}
    assert "longer than 256" in refused(json.dumps({"sha256": SHA256}) + "\n" + json.dumps(line))[2]
    (item,) = items(json.dumps({"sha256": SHA256, "reason": "y" * 500}))
    assert len(item.details.reason) == 280
    assert item.notes == ("the reason was cut at 280 characters",)


@pytest.mark.parametrize("name", READ)
@given(data=st.binary(max_size=300))
@settings(max_examples=examples(60))
def test_any_bytes_are_read_or_refused(name, data):
    try:
        for entry in entries(data, name)[1]:
            assert isinstance(entry, Item | Refusal) or entry.text
    except (FormatError, LimitExceeded):
        return


@st.composite
def damaged(draw):
    """A sample with something cut out, doubled or turned over."""
    name = draw(st.sampled_from(sorted(SAMPLES)))
    raw = bytearray(SAMPLES[name].encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                del raw[at : at + draw(st.integers(1, 30))]
            case 1:
                raw[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                raw[at:at] = draw(st.binary(max_size=8))
            case _:
                raw[at:at] = draw(st.sampled_from([b"null", b"[]", b"{}", b'"', b",", b"\n", b"1e400", b"true", b"<", b"&x;"]))
        if not raw:
            break
    return name, bytes(raw)


@given(damaged())
@example(("misp", b'{"Event":{"Object":[1,null,{"Attribute":{"a":1}}],"Attribute":"x","Tag":[1]}}'))
@example(("stix", b'{"type":"bundle","objects":[1,{"type":"indicator"},{"type":"indicator","labels":{"a":1},"extensions":[]}]}'))
@example(("threat-updates", b'[{"indicator":1,"type":[],"descriptors":{"data":[1]}},1,null,"x",[]]'))
@example(("tcap", b'{"results":[{"hash_digest":1},[],null,1]}'))
@example(("stopncii", b'{"hashRecords":[{"signalType":1,"hashValue":null,"hashStatus":[],"CSPFeedbacks":{"a":1}},0]}'))
@settings(max_examples=examples(600))
def test_damaged_samples_are_read_or_refused(case):
    name, raw = case
    for given_name in (name, ""):
        try:
            entries(raw, given_name)
        except (FormatError, LimitExceeded):
            continue


def test_samples_do_not_hide_what_they_are():
    """A page that also looks like another format is taken for what its structure says."""
    assert entries(MISP.replace("Known videos", "hashRecords"))[0] == "misp"
    assert entries(STIX.replace("perpetrator-produced", '\\"Event\\"'))[0] == "stix"

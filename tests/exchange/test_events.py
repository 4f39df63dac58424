"""An event is one line of bytes and back, and the schema is closed."""

import contextlib
import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.errors import EventInvalid, FeedMalformed
from vhashdb.exchange import events as e
from vhashdb.exchange import lint

from .strategies import written

RID = "0123456789abcdef0123456789abcdef"
NOW = datetime.datetime(2026, 11, 25, 16, 0, tzinfo=datetime.UTC)
SIGNAL = e.Signal("md5", "0" * 32, bits=128)
PUT = e.Put(RID, 1, (SIGNAL,), at=NOW)


@given(st.integers(1, e.MAX_SEQ), written)
def test_every_event_survives_its_line(seq, event):
    line = e.encode(seq, event)
    assert e.decode(line) == (seq, event)
    assert b"\n" not in line
    assert e.encode(*e.decode(line)) == line


def test_the_line_is_the_documented_one():
    line = e.encode(7, e.Retract(RID, 2, "appeal", at=NOW))
    assert line == b'{"at":"2026-11-25T16:00:00Z","erase":false,"op":"retract","reason":"appeal","rev":2,"rid":"%s","seq":7}' % RID.encode()
    assert e.encode(3, e.Redacted(RID, "ab" * 32)) == b'{"redacted":"%s","rid":"%s","seq":3}' % (b"ab" * 32, RID.encode())


@given(st.binary(max_size=60))
def test_any_bytes_are_an_event_or_a_named_error(line):
    try:
        seq, _ = e.decode(line)
    except FeedMalformed:
        return
    assert seq >= 1


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"op":"note"}',
        b'{"seq":0,"op":"note"}',
        b'{"seq":true}',
        b'{"seq":1.0}',
        b'{"seq":"1"}',
        b'{"seq":1,"seq":2,"op":"note"}',
        b'{"seq":NaN}',
        b"\xff",
        b'{"seq":9007199254740992}',
        b"[" * 100_000,
        b'{"seq":%s}' % (b"9" * 5000),
    ],
)
def test_a_line_without_a_place_in_history_is_refused(line):
    with pytest.raises(FeedMalformed):
        e.decode(line)


def test_an_operation_of_the_future_keeps_its_place():
    assert e.decode(b'{"seq":4,"op":"bless","at":"?"}') == (4, e.Unknown("bless"))


def test_a_field_of_the_future_is_ignored():
    value = json.loads(e.encode(1, PUT)) | {"shiny": {"a": 1}}
    value["reason"]["tone"] = "grave"
    assert e.decode(json.dumps(value).encode()) == (1, PUT)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rid", "x"),
        ("rid", RID.upper()),
        ("rid", 1),
        ("rev", 0),
        ("rev", True),
        ("rev", "1"),
        ("rev", 1.5),
        ("signals", []),
        ("signals", {}),
        ("signals", [{"alg": "md5", "data": "zz"}]),
        ("signals", [{"alg": "x y", "data": "00"}]),
        ("signals", [{"alg": "x", "data": "http://a"}]),
        ("signals", [{"alg": "md5"}]),
        ("labels", ["No Label"]),
        ("labels", "ab"),
        ("severity", "fatal"),
        ("reason", "text"),
        ("reason", {"text": "x" * 281}),
        ("basis", {"origin": "rumour"}),
        ("basis", {"jurisdiction": "Europe"}),
        ("review", {"at": "yesterday"}),
        ("review", {"saw_content": 1}),
        ("handling", {"max_action": "delete"}),
        ("handling", {"exceptions": ["fun"]}),
        ("share", {"tlp": "pink"}),
        ("first_seen", "2026-11-25"),
        ("expires", "2026-13-01"),
        ("expires", None),
        ("at", "2026-11-25"),
        ("at", None),
        ("duration_ms", -1),
    ],
)
def test_what_breaks_the_schema_is_skipped_and_says_why(field, value):
    seq, event = e.decode(json.dumps(json.loads(e.encode(9, PUT)) | {field: value}).encode())
    assert seq == 9
    assert isinstance(event, e.Malformed)
    assert event.op == "put"
    assert event.why


@pytest.mark.parametrize("missing", ["rid", "rev", "signals", "at"])
def test_what_is_missing_is_skipped_and_named(missing):
    value = json.loads(e.encode(9, PUT))
    del value[missing]
    assert missing.replace("at", "time") in e.decode(json.dumps(value).encode())[1].why


def test_a_line_without_an_operation_is_skipped():
    assert e.decode(b'{"seq":1}') == (1, e.Malformed("", "no operation"))
    assert isinstance(e.decode(b'{"seq":1,"rid":"x","redacted":"y"}')[1], e.Malformed)


@pytest.mark.parametrize("depth", range(800, 1000, 8))
def test_what_is_nested_deeply_under_an_unknown_name_is_passed_over_or_refused(depth):
    event = e.Put(RID, 1, (SIGNAL,), at=NOW)
    line = e.encode(1, event).replace(b'"basis":{', b'"basis":{"future":' + b"[" * depth + b"]" * depth + b",", 1)
    with contextlib.suppress(FeedMalformed):
        assert e.decode(line) == (1, event)


@pytest.mark.parametrize(("one", "other"), [(b"0", b"false"), (b"1", b"true"), (b"1", b"1.0"), (b'"0"', b"0")])
def test_what_was_read_before_is_not_mistaken_for_what_only_equals_it(one, other):
    line = e.encode(1, e.Put(RID, 1, (SIGNAL,), at=NOW))
    first, second = (e.decode(line.replace(b'"reviewers":0', b'"reviewers":' + number)) for number in (one, other))
    assert isinstance(second[1], e.Malformed) or isinstance(first[1], e.Malformed)
    assert e.decode(line.replace(b'"reviewers":0', b'"reviewers":' + one)) == first


def test_an_event_without_a_time_is_not_written():
    with pytest.raises(EventInvalid, match="no time"):
        e.encode(1, e.Note("x"))
    with pytest.raises(EventInvalid):
        e.encode(0, e.Note("x", at=NOW))
    with pytest.raises(EventInvalid, match="Unicode"):
        e.encode(1, e.Note("\ud800", at=NOW))


TELEPHONES = (
    """
+49 30 1234567 | +49 (0)30 123-4567 | +1 (555) 123-4567 | +15551234567 | 0049 30 1234567 | 030 1234567 | 030/1234567 | (030) 1234567
0171-1234567 | 01711234567 | 020 7946 0958 | (020) 7946 0958 | 07700 900123 | 01 23 45 67 89 | 01.23.45.67.89 | 06 1234 5678 | 555-123-4567
(555) 123-4567 | 555.123.4567 | 555 123 4567 | 98765 43210
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("see https://a.b/c", "URL"),
        ("ftp://x", "URL"),
        ("www.site", "URL"),
        ("magnet:?xt=1", "URL"),
        ("mail bob@corp.example", "e-mail"),
        ("posted by @somebody", "account"),
        ("from 192.0.2.7", "IP"),
        ("at 2001:db8:0:1::5", "IP"),
        ("fe80::1", "IP"),
        ("clip01.MP4", "file"),
        ("in /home/bob/x", "file"),
        (r"C:\x", "file"),
        ("on videos.example", "host"),
        ("on forum.onion", "host"),
        ("call +49 30 1234567", "telephone"),
        ("call 030 1234567", "telephone"),
        ("see t.me/somebody", "URL"),
        ("xmpp:bob", "URL"),
        ("bob@corp, he says", "e-mail"),
        ("bob (at) corp", "e-mail"),
        ("von \uff20somebody", "account"),
        ("it is somebody#1234", "account"),
        ("VID-20190315-WA0001", "file"),
        ("as img_2034", "file"),
        *((f"ring {number} now", "telephone") for number in TELEPHONES),
        ("phone: 5551234", "telephone"),
        ("a\nb", "not text"),
        ("a\u202eb", "not text"),
    ],
)
def test_links_addresses_accounts_numbers_and_file_names_are_not_published(text, what):
    put = e.Put(RID, 1, (SIGNAL,), reason=e.Reason(text=text), at=NOW)
    with pytest.raises(EventInvalid, match="reason contains"):
        lint.check(put)
    assert any(what in found for found in lint.findings(text))
    for other in (
        e.Note(text),
        e.Opinion(e.Subject("a", RID, 1), "agree", reason=text),
        e.Allow(RID, (SIGNAL,), reason=e.Reason(text=text)),
    ):
        with pytest.raises(EventInvalid):
            lint.check(other)
    for basis in (e.Basis(policy=text), e.Basis(law=text)):
        with pytest.raises(EventInvalid):
            lint.check(e.Put(RID, 1, (SIGNAL,), basis=basis))


def test_a_label_is_no_address_either():
    with pytest.raises(EventInvalid, match="label contains a host name"):
        lint.check(e.Put(RID, 1, (SIGNAL,), labels=("videos.example/x",), at=NOW))
    lint.check(e.Put(RID, 1, (SIGNAL,), labels=("tvec:graphic-violence", "a/b.c"), at=NOW))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "perpetrator-produced, live-streamed",
        "Art. 5, Regulation (EU) 2021/784",
        "§ 131 StGB",
        "policy 3.2, section 4.1",
        "attack of 15 March 2019",
        "12 minutes; 68 of 69 s alike: mirrored",
        "e.g. a re-edit, i.e. with music",
        "U.S. law",
        "severity 9/10 and/or worse",
        "18 U.S.C. § 2339B",
        "shown at 10:31:02",
        "case 2022-004",
        "映像は加害者が撮影",
        "50 % more",
        "24/7 after 9/11",
        "on 05/11/2019 at 10:31",
        "05.11.2019 10.31",
        "05-11-2019, 04/2022 and 04-2022",
        "2019-03-15T10:31:02Z",
        "15.03.2019 to 16.03.2019",
        "00:12 to 01:45, then 01:23:45.678",
        "1920 × 1080 at 60 fps, 1080p@60",
        "1920x1080, 12.5 MB, 4 GB",
        "1 200 000 views, 1,200,000 of them in 2019",
        "Directive 2011/36/EU and Resolution 1373 (2001)",
        "§§ 86, 86a StGB",
        "shown at 0.25 and 0.5 of its speed",
        "group no. 007, cell 12 of 2019",
        "photo 12/2019; mobile 3 of 4",
        "he said so (at length)",
        "rule #1234",
        "by John Smith of Acme",  # a name has no form of its own; every page that speaks of the lint says so
    ],
)
def test_ordinary_sentences_pass(text):
    assert lint.findings(text) == ()


def test_the_schema_has_no_place_for_a_person():
    """Every text field of the schema is a code, a hash, or one of the free texts that are linted."""
    assert set(json.loads(e.encode(1, PUT))) | {"first_seen", "review_by", "expires"} == {
        "seq", "op", "at", "rid", "rev", "signals", "duration_ms", "labels", "severity", "reason", "basis", "review", "handling", "share",
        "first_seen", "review_by", "expires", "test",
    }  # fmt: skip

"""What an import makes of files of which a part is bad, of records that can hardly be found, and of hostile files."""

import io
import json
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.exchange.formats.samples import MD5, PDQ, SAMPLES, SHA256
from tests.footage import fingerprint_of
from vhashdb.exchange.formats import FormatLimits, Options, Remark
from vhashdb.exchange.importing import Attribution, ImportOutcome, Status


def balanced(count):
    """Hashes with half of their bits set, as those of pictures have."""
    bits = np.tile(np.repeat(np.array([0, 1], np.uint8), 128), (count, 1))
    return list(np.packbits(np.random.default_rng(5).permuted(bits, axis=1), axis=1))


def take(db, data, source="", **how):
    """What came of each item of a file."""
    raw = data.encode() if isinstance(data, str) else data
    return [
        outcome for outcome in db.exchange.import_from(io.BytesIO(raw), Attribution(source), **how).run() if not isinstance(outcome, Remark)
    ]


def line(**values):
    return json.dumps({"id": "7", "sha256": SHA256} | values) + "\n"


# -- what is left of a video, and what cannot be found ------------------------------------------------


def remarks(database, data, **said):
    return [e.text for e in database.exchange.import_from(io.BytesIO(data.encode()), Attribution(**said)).run() if isinstance(e, Remark)]


HASHES = balanced(64)


def rows(count, seconds=lambda n: n, bad=()):
    return "".join(f"{n},100,{'x' if n in bad else HASHES[n].tobytes().hex()},{seconds(n)}\n" for n in range(count))


def test_one_bad_line_of_many_is_refused_and_the_video_is_taken(new_db):
    found = take(new_db, rows(40, lambda n: 99999999999 if n == 39 else n / 4))
    assert [(o.number, o.status) for o in found] == [(40, Status.REFUSED), (1, Status.ADDED)]
    assert "no time of a video" in found[0].reason
    assert "1 of 40 frames were left out" in found[1].notes[0]
    assert new_db.get(found[1].record).duration_s == 9.75


def test_a_video_of_which_most_cannot_be_read_is_held(new_db):
    held = take(new_db, rows(20, bad=range(11)))[-1]
    assert (held.status, held.reason) == (Status.HELD, "11 of its 20 frames cannot be read")
    assert take(new_db, rows(20, bad=range(10)), source="other")[-1].status is Status.ADDED


def test_more_hashes_than_a_video_can_have_are_refused(new_db):
    limits = Options(FormatLimits(hashes_free=10, hashes_per_s=8))
    # In one view they are subsampled, so only what several views claim can be too many.
    many = fingerprint_of(HASHES, step_s=0.01)
    both = replace(many, view=np.repeat(np.array([0, 8], np.uint16), 32))
    (outcome,) = new_db.exchange.import_from(io.BytesIO(vhashdb.to_json(both).encode()), options=limits).run()
    assert outcome.status is Status.REFUSED
    assert "64 hashes for 0.6 s" in outcome.reason
    assert len(new_db) == 0
    ours = vhashdb.to_json(fingerprint_of(HASHES))
    assert take(new_db, ours)[0].status is not Status.REFUSED


def test_a_length_that_no_video_has_is_refused(new_db):
    long = replace(fingerprint_of(balanced(8)), duration_s=3_000_000.0)
    (outcome,) = take(new_db, vhashdb.to_json(long))
    assert outcome.status is Status.REFUSED
    assert "claims to last" in outcome.reason


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (lambda: line(), "only the very same file"),
        (lambda: '{"photodna":"abc"}\n', "nothing is found by it"),
        (lambda: json.dumps({"pdq": PDQ, "quality": 3}), "nothing can be found by it"),
        (lambda: json.dumps({"pdq": [h.tobytes().hex() for h in balanced(3)]}), "without times"),
        (lambda: line(pdq=PDQ, expires="2001-01-01"), "never matches"),
    ],
    ids=["no frames", "kept for others", "poor", "no times", "expired"],
)
def test_what_can_hardly_be_found_is_said_when_it_is_taken(new_db, data, said):
    found = list(new_db.exchange.import_from(io.BytesIO(data().encode())).run())
    assert said in found[0].shortcomings[-1]
    assert found[-1].text.startswith("1 record: ")
    assert said in found[-1].text
    assert not [e for e in new_db.exchange.import_from(io.BytesIO(data().encode())).run() if isinstance(e, Remark)]


def test_nothing_is_remarked_of_a_record_that_can_be_found(new_db):
    assert remarks(new_db, rows(8)) == []
    assert remarks(new_db, f"pdq {PDQ}\n") == []


# -- hostile files ----------------------------------------------------------------------------------

MUTATIONS = (
    *(b"null", b"[]", b"{}", b'"', b",", b"\n", b"\r", b"1e400", b"NaN", b"true", b"<", b"&x;"),
    *(b"\\ud800", b"\0", b"\xff", b"-1", b"9" * 30, b"9" * 5000),
)


OF_PYTHON = ("Error", "object has no", "object is not", "NoneType", "codec", "could not convert", "invalid literal", "not iterable")


@st.composite
def mutated(draw):
    """A sample of any format with something cut out, doubled, turned over or put in."""
    name = draw(st.sampled_from(sorted(SAMPLES)))
    raw = bytearray(SAMPLES[name].encode())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        match draw(st.integers(0, 3)):
            case 0:
                del raw[at : at + draw(st.integers(1, 30))]
            case 1 if raw:
                raw[at] ^= 1 << draw(st.integers(0, 7))
            case 2:
                raw[at:at] = raw[max(0, at - draw(st.integers(1, 60))) : at]
            case _:
                raw[at:at] = draw(st.sampled_from(MUTATIONS))
    return bytes(raw)


@given(mutated())
@example(b'{"sha256":"' + SHA256.encode() + b'","reviewers":' + b"9" * 400 + b"}\n")
@example(b'{"sha256":"' + SHA256.encode() + b'","sha256":1,"reason":"\\ud800","owner":"\\udfff","id":"\\ud800"}\n')
@example(b'{"pdq":"' + PDQ.encode() + b'","labels":["\\ud800"],"reason_code":"\\ud800 x","hashes":["photodna:\\ud800"]}\n')
@example(b'{"md5":"' + MD5.encode() + b'","opinions":[{"by":"\\ud800","verdict":"agree","reason":"\\ud800"}]}\n')
@example(b'{"md5":"' + MD5.encode() + b'","x":' + b"9" * 5000 + b"}\n")
@settings(max_examples=examples(250), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mutated_files_are_imported_or_refused_and_leave_the_database_whole(new_db, raw):
    try:
        found = [*new_db.exchange.import_from(io.BytesIO(raw)).run(), *new_db.exchange.import_from(io.BytesIO(raw), dry_run=True).run()]
    except (vhashdb.FormatError, vhashdb.LimitExceeded) as error:
        assert error.message.isprintable()
        return
    for outcome in found:
        if isinstance(outcome, ImportOutcome):
            assert not [word for word in OF_PYTHON if word in outcome.reason]
            if outcome.record:
                frames = new_db.fingerprint(outcome.record)
                assert vhashdb.from_bytes(vhashdb.to_bytes(frames)) == frames
                json.dumps(outcome.to_json("", "line")).encode()
    for query in read_or_none(raw):
        assert query.problem or query.frames is not None or query.exact


def read_or_none(raw):
    try:
        return vhashdb.read_hashes(io.BytesIO(raw))
    except (vhashdb.FormatError, vhashdb.LimitExceeded):
        return []


def test_a_line_without_end_needs_no_memory(new_db):
    """64 MB without a line break, of which no more than a line may have is ever held."""

    class Endless(io.RawIOBase):
        left = 64 << 20

        def readable(self):
            return True

        def read(self, size=-1):
            part = min(size, self.left)
            self.left -= part
            return b"a" * part

    limits = FormatLimits(line_bytes=1 << 20)
    tracemalloc.start()
    (outcome,) = new_db.exchange.import_from(Endless(), form="signals", options=Options(limits)).run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert outcome.status is Status.REFUSED
    assert peak < 8 << 20


def test_values_without_end_are_not_read(new_db):
    data = '{"md5":"' + MD5 + '","x":[' + "[]," * 100 + "1]}\n"
    (outcome,) = new_db.exchange.import_from(io.BytesIO(data.encode()), form="jsonl", options=Options(FormatLimits(values=50))).run()
    assert "more than 50 values" in outcome.reason


def test_deep_xml(new_db):
    deep = "<queryResult>" + "<a>" * 100_000 + "</a>" * 100_000 + "</queryResult>"
    assert list(new_db.exchange.import_from(io.BytesIO(deep.encode())).run()) == []

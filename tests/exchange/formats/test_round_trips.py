"""What is written is read again: the same items, as far as the format can say them."""

import base64
import csv
import dataclasses
import datetime
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.exchange.formats.reader import items
from tests.exchange.formats.samples import DATASET, OTHER_PDQ, PDQ, SAMPLES, SIGNAL_LINE, VPDQ_OLD_JSON, VPDQ_TEXT
from tests.fingerprints.strategies import ALGORITHMS, fingerprints
from vhashdb.codes import VERDICTS
from vhashdb.exchange.formats import Item, ItemOpinion, OtherHash, Sender, format_named
from vhashdb.exchange.formats.parquet import FRAMES_FILE, RECORDS_FILE, write_parquet
from vhashdb.fingerprints.text import from_frames
from vhashdb.store import Details
from vhashdb.store.records import ORIGINS, REVIEW_METHODS, SEVERITIES, TLP

AT = datetime.datetime(2026, 11, 20, 12, 0, 0)
PDQ_ID = ALGORITHMS[0]
WHOLE_FORMATS = ("csv", "jsonl", "misp", "stix")
SIGNED = {"misp", "stix"}


def written(found, name, organisation="Example Video"):
    out = io.BytesIO()
    format_named(name).write(found, out, Sender(organisation, AT))
    return out.getvalue()


def hexadecimal(digits):
    return st.binary(min_size=digits // 2, max_size=digits // 2).map(bytes.hex)


texts = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" =+-@'\""), max_size=40).map(lambda t: " ".join(t.split()))
names = texts.filter(lambda t: "@" not in t)
labels = st.lists(st.from_regex(r"[a-z0-9]{1,8}(-[a-z0-9]{1,8})?", fullmatch=True), max_size=4).map(lambda found: tuple(sorted(set(found))))
days = st.none() | st.dates(datetime.date(2000, 1, 1), datetime.date(2100, 1, 1))
opinions = st.builds(ItemOpinion, names, st.sampled_from(VERDICTS), texts)
others = st.one_of(
    hexadecimal(40).map(lambda v: OtherHash("sha1", v)), hexadecimal(288).map(lambda v: OtherHash("photodna", v)),
    hexadecimal(64).map(lambda v: OtherHash("pdq_ocr", v)),
)  # fmt: skip
details = st.builds(
    Details,
    labels=labels,
    severity=st.sampled_from(SEVERITIES),
    reason=texts,
    reason_code=st.sampled_from(["", "perpetrator-produced"]),
    origin=st.sampled_from(ORIGINS),
    policy=texts,
    law=texts,
    review_method=st.sampled_from(REVIEW_METHODS),
    reviewers=st.integers(0, 9),
    tlp=st.sampled_from(TLP),
    first_seen=days,
    review_by=days,
    expires=days,
)


@st.composite
def found_items(draw, algorithms=tuple(ALGORITHMS)):
    """Items as an export makes them."""
    frames = draw(st.none() | fingerprints(algorithms, max_entries=6).filter(len))
    return Item(
        number=0,
        external_id=draw(hexadecimal(32)),
        frames=frames,
        sha256=draw(st.none() | hexadecimal(64)),
        md5=draw(st.none() | hexadecimal(32)),
        others=tuple({o.algorithm: o for o in draw(st.lists(others, max_size=3))}.values()),
        duration_s=frames.duration_s if frames is not None else draw(st.integers(0, 10**6)) / 1000,
        details=draw(details),
        owner=draw(names),
        opinions=tuple(dict.fromkeys(draw(st.lists(opinions, max_size=3)))),
        withdrawn=draw(st.sampled_from(["", "", "appeal upheld"])),
        erase=draw(st.booleans()),
        disputed=draw(st.booleans()),
        harmless=draw(st.booleans()),
        doubt=draw(st.sampled_from(["", "=cmd"])),
    )


def comparable(item):
    """Without where it stood, when, and the order of hashes nobody compares."""
    rest = tuple(sorted(item.others, key=lambda o: o.algorithm))
    return dataclasses.replace(item, number=0, at=None, others=rest)


@pytest.mark.parametrize("name", WHOLE_FORMATS)
@given(found=st.lists(found_items(), max_size=3, unique_by=lambda item: item.external_id))
@settings(max_examples=examples(60))
def test_formats_that_say_everything_give_back_what_they_were_given(name, found):
    again = items(written(found, name)) if found else []
    expected = list(map(comparable, found))
    if name == "misp":  # an empty owner is the event's organisation
        expected = [dataclasses.replace(e, owner=e.owner or "Example Video") for e in expected]
    if name == "stix":  # an author has a name there, and an empty owner is the bundle's
        expected = [
            dataclasses.replace(
                e,
                owner=e.owner or "Example Video",
                opinions=tuple(dict.fromkeys(dataclasses.replace(o, by=o.by or "unnamed") for o in e.opinions)),
            )
            for e in expected
        ]
    assert list(map(comparable, again)) == expected


def whole(frames):
    """The upright whole picture, which is all that vPDQ and ThreatExchange can say of a video."""
    return None if frames is None or frames.algorithm != PDQ_ID else frames.only(frames.view == 0)


@given(found=st.lists(found_items(), max_size=4))
@settings(max_examples=examples(80))
def test_signal_lines_and_dataset_rows_give_back_each_signal(found):
    for name in ("signals", "dataset"):
        form = format_named(name)
        carried = [item for item in found if not form.carried(item)]
        expected = []
        for item in carried:
            frames = whole(item.frames)
            expected += [v.tobytes().hex() for v in frames.hash] if frames is not None else []
            expected += [value for value in (item.md5, item.sha256) if value] + [o.value for o in item.others]
        raw = written(carried, name)
        again = items(raw, name)
        got = []
        for item in again:
            got += [v.tobytes().hex() for v in item.frames.hash] if item.frames is not None else []
            got += [value for value in (item.md5, item.sha256) if value] + [o.value for o in item.others]
        assert sorted(got) == sorted(expected)
        if name == "dataset" and carried:
            assert {i.details.labels for i in again} == {i.details.labels for i in carried if whole_signals(i)}


def whole_signals(item):
    return not format_named("dataset").carried(item)


@pytest.mark.parametrize("name", ["vpdq", "vpdq-json", "vpdq-json-old"])
@given(frames=fingerprints((PDQ_ID,)))
@settings(max_examples=examples(60))
def test_vpdq_gives_back_the_frames_of_the_whole_picture(name, frames):
    item, expected = Item(1, frames=frames), whole(frames)
    if format_named(name).carried(item):
        assert not len(expected)
        return
    (again,) = items(written([item], name))
    for column in ("start_s", "quality", "hash"):
        assert np.array_equal(getattr(again.frames, column), getattr(expected, column))


@pytest.mark.parametrize("seconds", [0.0, 1234.567, 99999.999])
def test_vpdq_json_is_never_written_with_three_significant_digits(seconds):
    frames = from_frames([seconds], [99], [bytes(32)])
    (row,) = json.loads(written([Item(1, frames=frames)], "vpdq-json"))
    assert row.split(",")[1:] == ["99", f"{seconds:.3f}"]


@pytest.mark.parametrize(
    ("name", "sample"), [("signals", SIGNAL_LINE), ("vpdq", VPDQ_TEXT), ("vpdq-json-old", VPDQ_OLD_JSON), ("dataset", DATASET)]
)
def test_samples_come_back_to_the_letter(name, sample):
    raw = written(items(sample), name).decode()
    if name == "vpdq-json-old":
        assert json.loads(raw) == json.loads(sample)
    else:
        assert raw.splitlines() == sample.splitlines()


@pytest.mark.parametrize("name", ["jsonl", "csv"])
def test_our_samples_come_back_in_full(name):
    assert items(written(items(SAMPLES[name]), name)) == items(SAMPLES[name])


@pytest.mark.parametrize("sample", ["misp", "stix", "ncmec", "stopncii"])
@pytest.mark.parametrize("name", WHOLE_FORMATS)
def test_what_came_in_one_format_goes_out_in_another(sample, name):
    found = [item for item in items(SAMPLES[sample]) if not item.withdrawn]
    again = items(written(found, name))
    for before, after in zip(found, again, strict=True):
        assert (after.sha256, after.md5, after.others, after.details) == (before.sha256, before.md5, before.others, before.details)
        assert [o.verdict for o in after.opinions] == [o.verdict for o in before.opinions]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "'", "''", "\t=1", "plain", "a=b"])
def test_no_cell_is_a_formula_and_each_comes_back(cell):
    text = cell.strip()
    item = Item(1, external_id=text or "x", owner=text.replace("@", "="), sha256="ab" * 32, details=Details(reason=text))
    raw = written([item], "csv").decode()
    for row in csv.reader(io.StringIO(raw)):
        assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row)
    (again,) = items(raw)
    assert (again.external_id, again.owner, again.details.reason) == (item.external_id, item.owner, item.details.reason)


def test_a_withdrawal_says_nothing_but_the_id():
    gone = Item(1, external_id="ab" * 16, withdrawn="withdrawn by its publisher")
    for name in WHOLE_FORMATS:
        raw = written([gone], name)
        (again,) = items(raw)
        assert (again.external_id, again.withdrawn, again.has_signals) == (gone.external_id, gone.withdrawn, False)


def test_misp_marks_a_withdrawal_as_deleted_and_stix_as_revoked():
    gone = Item(1, external_id="ab" * 16, withdrawn="appeal")
    (record,) = json.loads(written([gone], "misp"))["Event"]["Object"]
    assert record["deleted"] is True
    (indicator,) = [o for o in json.loads(written([gone], "stix"))["objects"] if o["type"] == "indicator"]
    assert indicator["revoked"] is True


def test_an_export_is_the_same_each_time():
    item = Item(1, external_id="ab" * 16, sha256="cd" * 32, opinions=(ItemOpinion("Other", "agree"),))
    for name in WHOLE_FORMATS:
        assert written([item], name) == written([item], name)
    first, second = (json.loads(written([item], "stix", organisation))["objects"] for organisation in ("One", "Two"))
    assert {o["id"] for o in first if o["type"] == "indicator"} == {o["id"] for o in second if o["type"] == "indicator"}


def test_stix_objects_have_what_the_standard_requires():
    item = Item(
        1, external_id="ab" * 16, sha256="cd" * 32, details=Details(labels=("x",)), opinions=(ItemOpinion("Other", "outdated"),), at=AT
    )
    bundle = json.loads(written([item], "stix"))
    required = {
        "identity": {"name"},
        "extension-definition": {"name", "schema", "version", "extension_types", "created_by_ref"},
        "indicator": {"pattern", "pattern_type", "valid_from"},
        "relationship": {"relationship_type", "source_ref", "target_ref"},
        "opinion": {"opinion", "object_refs"},
        "file": {"hashes"},
    }
    assert {o["type"] for o in bundle["objects"]} == set(required)
    ids = [o["id"] for o in bundle["objects"]]
    assert len(set(ids)) == len(ids)
    for o in bundle["objects"]:
        assert required[o["type"]] <= set(o)
        assert o["spec_version"] == "2.1"
        assert o["id"].startswith(f"{o['type']}--")
        if o["type"] != "file":
            assert o["created"] <= o["modified"]
        references = [o[name] for name in ("created_by_ref", "source_ref", "target_ref") if name in o] + o.get("object_refs", [])
        assert set(references) <= set(ids)


def test_parquet_has_records_and_frames(tmp_path):
    pq = pytest.importorskip("pyarrow.parquet")
    frames = vhashdb.from_vpdq(f"0,100,{PDQ},0.000\n1,90,{OTHER_PDQ},0.500\n")
    found = [
        Item(1, external_id="a", frames=frames, sha256="cd" * 32, duration_s=1.0, details=Details(labels=("x", "y"), severity="high")),
        Item(2, external_id="b", md5="ef" * 16, opinions=(ItemOpinion("Other", "agree"),)),
    ]
    write_parquet(found * 400, tmp_path / "out")
    records, rows = (pq.read_table(tmp_path / "out" / name).to_pylist() for name in (RECORDS_FILE, FRAMES_FILE))
    assert (len(records), len(rows)) == (800, 800)
    assert (records[0]["id"], records[0]["labels"], records[0]["severity"], records[0]["sha256"]) == ("a", ["x", "y"], "high", "cd" * 32)
    assert json.loads(records[1]["opinions"]) == [{"by": "Other", "verdict": "agree", "reason": ""}]
    assert rows[1] == {
        "record": "a",
        "algorithm": "pdq-256/1",
        "start_ms": 500,
        "end_ms": 1000,
        "view": 0,
        "quality": 90,
        "hash": bytes.fromhex(OTHER_PDQ),
    }


def test_parquet_without_pyarrow_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import vhashdb; from pathlib import Path; from vhashdb.exchange.formats.parquet import write_parquet\n"
        "try: write_parquet([], Path('x'))\nexcept vhashdb.UsageError as error: print(error.hint)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == 'pip install "vhashdb[parquet]"'


def test_fingerprints_travel_in_base64():
    frames = vhashdb.from_vpdq(VPDQ_TEXT)
    line = json.loads(written([Item(1, frames=frames)], "jsonl"))
    assert vhashdb.from_bytes(base64.b64decode(line["fingerprint"])) == frames

"""`export`."""

import json
import os
from dataclasses import replace

import pytest

import vhashdb
from tests.exchange.companies import film
from tests.fingerprints.strategies import random_sound

from .driver import run


@pytest.mark.parametrize("form", ["csv", "jsonl", "misp", "stix"])
def test_what_one_member_exports_another_finds(own, clean, samples, form):
    assert run("export", "--db", own, "--format", form, "--organisation", "Example Video", "-o", "out").code == 0
    assert run("init", "other.vhdb").code == 0
    assert run("import", "--db", "other.vhdb", "out").code == 0
    done = run("match", "--db", "other.vhdb", "--json", samples / "edited" / "valley__clip.mp4")
    assert done.code == 10
    assert done.of_type("match")[0]["labels"] == ["graphic-violence"]
    assert run("export", "--db", "other.vhdb", "--format", form).err.startswith("0 records written")


def test_standard_output_holds_nothing_but_the_file(own):
    done = run("export", "--db", own, "--format", "jsonl")
    assert len(done.json) == 4
    assert done.err == "4 records written\n"
    assert run("export", "--db", own, "--format", "jsonl", "-q").err == ""


def test_vpdq_is_one_file_a_record_named_after_it(own, ids, clean):
    done = run("export", "--db", own, "--format", "vpdq", "-o", "folder")
    assert done.code == 0
    assert sorted(os.listdir("folder")) == sorted(f"{i}.txt" for i in ids.values())
    one = run("export", "--db", own, "--format", "vpdq", ids["valley"])
    assert one.out == (clean / "folder" / f"{ids['valley']}.txt").read_text()


@pytest.mark.parametrize("form", ["vpdq", "parquet"])
def test_several_files_need_a_folder(own, clean, form):
    done = run("export", "--db", own, "--format", form)
    assert done.code == 2
    assert "name a folder with -o" in done.err
    (clean / "file").touch()
    assert run("export", "--db", own, "--format", form, "-o", "file").code == 2


def test_parquet(own, ids, clean):
    pq = pytest.importorskip("pyarrow.parquet")
    assert run("export", "--db", own, "--format", "parquet", "-o", "tables").code == 0
    assert set(pq.read_table(clean / "tables" / "records.parquet")["id"].to_pylist()) == set(ids.values())
    assert set(pq.read_table(clean / "tables" / "frames.parquet")["record"].to_pylist()) == set(ids.values())


def test_sound_is_written_where_there_is_a_place_for_it(clean):
    with vhashdb.create("heard.vhdb") as db:
        db.add(replace(film(1), sound=random_sound(1, 240, 6.0)))
    assert run("export", "--db", "heard.vhdb", "--format", "csv", "-o", "out.csv").err == "1 record written\n"
    assert run("match", "--db", "heard.vhdb", "out.csv").code == 10
    assert run("init", "other.vhdb").code == 0
    assert run("import", "--db", "other.vhdb", "out.csv").code == 0
    with vhashdb.open("other.vhdb") as db:
        assert [db.fingerprint(record.id).sound is None for record in db.records()] == [False]
    with_less = run("export", "--db", "heard.vhdb", "--format", "csv", "--no-sound", "-o", "less")
    assert with_less.err == "1 record written\n"
    assert (clean / "less").stat().st_size < (clean / "out.csv").stat().st_size
    assert "1 record written without sound" in run("export", "--db", "heard.vhdb", "--format", "vpdq", "-o", "folder").err


def test_a_reason_that_names_somebody_stays_and_is_said(own, samples):
    run("add", "--db", own, "--reason", "see https://example.org/x", samples / "unknown" / "train.mp4")
    done = run("export", "--db", own, "--format", "jsonl")
    assert done.code == 3
    assert len(done.json) == 4
    assert "was not written: its reason contains a URL" in done.err


def test_retracted_records_are_written_as_withdrawals(own, ids):
    run("retract", "--db", own, ids["valley"], "--reason", "x")
    lines = {line["id"]: line for line in run("export", "--db", own, "--format", "jsonl").json}
    assert lines[ids["valley"]]["withdrawn"]
    assert "sha256" not in lines[ids["valley"]]
    assert "1 record not written: the format cannot say it" in run("export", "--db", own, "--format", "signals").err


def test_an_export_is_in_the_audit_log(own, ids):
    run("export", "--db", own, "--format", "csv", "--label", "graphic-violence")
    import vhashdb

    with vhashdb.open(own) as db:
        entry = db.audit()[-1]
    assert (entry.action, entry.details["format"], entry.details["records"]) == ("export", "csv", 4)


def test_an_unknown_id_or_format(own):
    assert run("export", "--db", own, "--format", "jsonl", "ffffffff").code == 2
    assert run("export", "--db", own, "--format", "yaml").code == 2
    assert run("export", "--db", own).code == 2


def test_a_failed_export_leaves_the_older_file(own, clean):
    (clean / "out").write_text("older")
    assert run("export", "--db", own, "--format", "jsonl", "-o", "out", "ffffffff").code == 2
    assert (clean / "out").read_text() == "older"
    assert os.listdir(clean) == ["out"]


def test_stix_of_an_empty_database_is_a_bundle_still(clean):
    run("init", "e.vhdb")
    assert json.loads(run("export", "--db", "e.vhdb", "--format", "stix").out)["type"] == "bundle"

"""`import`."""

import json

import pytest

from tests.exchange.formats.samples import DATASET, MD5, NCMEC, OTHER_PDQ, PDQ, SAMPLES, SHA256, STIX, TCAP, VPDQ_TEXT

from .driver import run, start


@pytest.fixture
def empty(clean):
    assert run("init", "own.vhdb").code == 0
    return clean / "own.vhdb"


def put(path, text):
    path.write_text(text)
    return path


def test_a_file_is_taken_and_counted(empty, clean):
    done = run("import", "--db", empty, put(clean / "page.xml", NCMEC))
    assert done.code == 0
    assert done.lines[-2] == "page.xml  ncmec: 1 added, 1 known, 2 opinions".replace("page.xml", str(clean / "page.xml"))
    assert done.lines[-1].endswith("1 record · exit 0")
    assert run("list", "--db", empty, "--source", "ncmec", "--json").json[0]["md5"] == MD5


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_is_taken(empty, clean, name):
    done = run("import", "--db", empty, put(clean / "sample", SAMPLES[name]))
    assert done.code == (3 if name == "tcap" else 0), done
    assert f"  {name}: " in done.out
    assert run("info", "--db", empty).code == 0


def test_what_is_refused_has_its_line_and_what_is_held_its_reason(empty, clean):
    data = f"pdq {PDQ}\npdq 12\npdq {'0' * 64}\n"
    done = run("import", "--db", empty, put(clean / "a.txt", data))
    assert done.code == 3
    assert "  line 2  REFUSED  a pdq hash has 64 hexadecimal digits, not '12'" in done.out
    assert "  line 3  HELD  rec " in done.out
    assert "  line 1  " not in done.out
    assert "  line 1  ADDED  rec " in run("import", "-v", "--source", "x", "--db", empty, clean / "a.txt").out


def test_json_lines(empty, clean):
    done = run("import", "--json", "--db", empty, put(clean / "tcap.json", TCAP))
    assert done.code == 3
    refused, added, known = done.of_type("item")
    assert (refused["item"], refused["status"], refused["reason"]) == (1, "refused", "md5 has 32 hexadecimal digits, not '123abc'")
    assert (added["status"], added["source"], added["external_id"], len(added["record"])) == ("added", "tcap", "2820", 32)
    assert known["status"] == "known"
    (summary,) = done.of_type("summary")
    assert (summary["added"], summary["refused"], summary["records"], summary["exit_code"]) == (1, 1, 1, 3)


def test_a_dry_run_changes_nothing(empty, clean):
    done = run("import", "--dry-run", "--db", empty, put(clean / "d.csv", DATASET))
    assert done.code == 0
    assert "1 added" in done.out
    assert "nothing was changed, as asked" in done.out
    assert run("list", "--db", empty, "--json").json == []


def test_standard_input_and_several_files(empty, clean):
    done = run("import", "--db", empty, "-", put(clean / "s.json", STIX), stdin=VPDQ_TEXT.encode())
    assert done.code == 0
    assert done.lines[0] == "-  vpdq: 1 added"
    assert "2 files: 2 added" in done.lines[-1]


def test_headers_are_mapped(empty, clean):
    path = put(clean / "list.csv", f"Digest,Kind\n{SHA256},graphic-violence\n")
    unmapped = run("import", "--db", empty, path)
    assert unmapped.code == 3
    assert "NOT IMPORTED" in unmapped.out
    assert run("import", "--db", empty, "--map", "Digest=sha256", "--map", "Kind=labels", "--source", "acme", path).code == 0
    (record,) = run("list", "--db", empty, "--json").json
    assert (record["sha256"], record["labels"], record["source"], record["reshare"]) == (SHA256, ["graphic-violence"], "acme", False)


def test_labels_of_several_words_are_mapped_by_a_file(empty, clean):
    path = put(clean / "list.csv", f"sha256,labels\n{SHA256},Terrorism and Violence\n")
    names = put(clean / "labels.txt", "Terrorism and Violence=tvec\n")
    done = run("import", "--db", empty, "--label-map", names, path)
    assert (done.code, "the label 'Terrorism and Violence' became tvec" in done.err) == (0, True)
    assert run("list", "--db", empty, "--json").json[0]["labels"] == ["tvec"]
    assert "line 1 of the label map" in run("import", "--db", empty, "--label-map", put(clean / "no.txt", "nonsense"), path).err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--map", "x"], "HEADER=FIELD"),
        (["--map", "x=nothing"], "HEADER=FIELD"),
        (["--source", "local"], "cannot be a source"),
        (["--format", "yaml"], "yaml"),
        (["--label", "No Label"], "is not a label"),
    ],
)
def test_what_is_wrong_with_the_command_is_said_before_anything_is_read(empty, clean, options, said):
    done = run("import", "--db", empty, *options, put(clean / "d.csv", DATASET))
    assert done.code == 2
    assert said in done.err


def test_values_alone_need_a_type(empty, clean):
    path = put(clean / "hashes.txt", f"{PDQ}\n{OTHER_PDQ}\n")
    assert run("import", "--db", empty, path).code == 3
    assert run("import", "--db", empty, "--signal-type", "pdq", path).code == 0
    assert len(run("list", "--db", empty, "--json").json) == 2


def test_one_bad_file_does_not_stop_the_others(empty, clean, samples):
    film = samples / "known" / "valley.mp4"
    done = run("import", "--db", empty, clean / "missing", film, put(clean / "empty", ""), put(clean / "d.csv", DATASET))
    assert done.code == 3
    assert done.out.count("NOT IMPORTED") == 3
    assert "no known format" in done.out
    assert "  dataset: 1 added" in done.out


def test_without_a_database(clean):
    assert run("import", "--db", "none.vhdb", put(clean / "d.csv", DATASET)).code == 4


def test_killed_at_any_instant_what_was_printed_is_there(empty, clean):
    path = put(clean / "many.jsonl", "".join(json.dumps({"id": str(n), "sha256": f"{n:064x}"}) + "\n" for n in range(20_000)))
    with start("import", "--json", "--db", str(empty), str(path)) as process:
        printed = [json.loads(process.stdout.readline())["record"] for _ in range(700)]
        process.kill()
    stored = {line["record"] for line in run("list", "--db", empty, "--json").json}
    assert set(printed) <= stored
    assert len(stored) < 20_000


def test_words_from_a_file_cannot_move_the_cursor(empty, clean):
    done = run("import", "--db", empty, put(clean / "x.txt", f"pdq {PDQ}\nevil\x1b[2Jx abc\n"))
    assert done.code == 3
    assert "\x1b" not in done.out

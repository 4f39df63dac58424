"""Whole jobs, by the command line: whatever is killed, each file is dealt with once, and nothing is left behind."""

import json
import signal

import pyarrow.parquet as pq
import pytest

from tests.cluster.jobs_run import Commands, disturbed, left_in, many
from tests.postgres import running


@pytest.fixture(scope="module")
def server():
    with running(durable=True) as server:
        yield server


@pytest.fixture
def commands(server, tmp_path):
    commands = Commands(server.url(), tmp_path / "of commands")
    commands.run("init")
    yield commands
    commands.close()


def films(samples):
    return sorted((samples / "known").glob("*.mp4")) + sorted((samples / "unknown").glob("*.mp4"))


def test_a_job_adds_what_is_new_and_says_what_it_could_not(commands, samples, tmp_path):
    folder = many(films(samples), tmp_path / "films", 5)
    (folder / "notes.txt").write_text("no film")
    (folder / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(200))
    (folder / "sub").mkdir()
    (folder / "sub" / "same.mp4").write_bytes((folder / "0000.mp4").read_bytes())
    arguments = ("add", "--workers", 2, "--label", "sample", "--reason", "seen", f"file://{folder}")
    said = commands.run(*arguments, code=3)
    assert "7 files: 5 added, 1 duplicate, 1 failed" in said
    assert "broken.mp4  FAILED" in said
    (listed,) = commands.lines("jobs list")
    identifier = listed["id"]
    job, failed = commands.lines("jobs show", identifier)
    assert job["outcomes"] == {"added": 5, "duplicate": 1} and job["state"] == "finished"
    assert failed["path"] == f"file://{folder}/broken.mp4" and failed["reason"]
    assert len(commands.rows("SELECT 1 FROM record")) == 5
    assert commands.rows("SELECT DISTINCT reason, label FROM record JOIN label ON label.record = number") == [("seen", "sample")]
    assert commands.rows("SELECT * FROM ungrouped") == []
    many(films(samples), tmp_path / "other", 6)
    (tmp_path / "other" / "0005.mp4").rename(folder / "0005.mp4")
    (folder / "broken.mp4").unlink()
    assert "8 files: 6 added, 1 duplicate, 1 failed" in commands.run(*arguments, code=3)  # the same job: what is new is added
    commands.lines("jobs retry", identifier[:4])
    commands.run(*arguments, code=3)
    assert "no such file" in commands.run("jobs", "show", identifier).lower()
    (other,) = commands.lines("add", (folder / "0000.mp4").as_uri())
    assert other["outcomes"] == {"duplicate": 1}
    commands.lines("jobs cancel", other["id"])
    commands.lines("jobs forget", other["id"])
    commands.lines("jobs forget", identifier)
    assert commands.rows("SELECT * FROM job_item") == []
    assert left_in(commands.temporary) == []


def test_answers_are_those_of_match_one_for_each_file(commands, samples, tmp_path):
    commands.run("add", samples / "known")
    folder = tmp_path / "asked"
    many(sorted((samples / "edited").glob("*.mp4"))[:2] + sorted((samples / "unknown").glob("*.mp4"))[:1], folder, 3)
    (folder / "notes.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(200))
    asked = [f"file://{path}" for path in sorted(folder.iterdir())]
    output = tmp_path / "answers.jsonl"
    commands.run("match", "--workers", 2, "--effort", "fast", "--output", output, folder.as_uri(), code=10)
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert [line["path"] for line in lines if line["type"] == "file"] == asked
    plain = [json.loads(line) for line in commands.run("match", "--json", "--effort", "fast", folder, code=10).splitlines()]
    triage = {"triage", "path", "reason"}

    def told(lines, kind):
        return [{name: value for name, value in line.items() if name not in triage} for line in lines if line["type"] == kind]

    assert told(lines, "match") == told(plain, "match") != []
    assert [line["verdict"] for line in told(lines, "file")] == [line["verdict"] for line in told(plain, "file")]
    commands.lines("match", "--effort", "fast", "--output", tmp_path / "answers.parquet", folder.as_uri(), code=10)
    rows = pq.read_table(tmp_path / "answers.parquet").to_pylist()
    assert [row["path"] for row in rows] == asked
    assert [row["matches"] for row in rows] == [line["matches"] for line in told(lines, "file")]
    assert json.loads(rows[0]["lines"].splitlines()[1])["record"] == rows[0]["records"][0]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix) == ["answers.jsonl", "answers.parquet"]


@pytest.mark.parametrize("kills", [{"workers": 4}, {"drivers": 3}, {"restarts": 3}, {"workers": 2, "drivers": 2, "restarts": 2}], ids=str)
def test_whatever_is_killed_each_file_is_recorded_once(commands, server, samples, tmp_path, kills):
    folder, count = many(films(samples), tmp_path / "films", 40), 40
    arguments = ("add", "--workers", 2, "--label", "sample", f"file://{folder}")
    code, said, done = disturbed(commands, server, arguments, count, **kills)
    assert code == 0, said
    assert sum(done.values()) == sum(kills.values()), done
    assert f"{count} files: {count} added" in said
    assert commands.rows("SELECT count(*), count(DISTINCT sha256) FROM record") == [(count, count)]
    assert commands.rows("SELECT count(*) FROM audit WHERE action = 'add'") == [(count,)]
    assert len(commands.rows("SELECT DISTINCT result FROM job_item WHERE state = 'done'")) == count
    assert commands.rows("SELECT * FROM ungrouped") == []
    assert left_in(commands.temporary) == []
    commands.run("doctor")


def test_killed_while_asking_each_file_has_one_answer(commands, server, samples, tmp_path):
    commands.run("add", samples / "known")
    folder = many(sorted((samples / "edited").glob("*.mp4")), tmp_path / "asked", 18)
    output = tmp_path / "answers.jsonl"
    arguments = ("match", "--workers", 2, "--effort", "fast", "--output", output, f"file://{folder}")
    code, said, done = disturbed(commands, server, arguments, 18, workers=1, drivers=1, restarts=1)
    assert code == 10 and sum(done.values()) == 3, said
    answered = [line["path"] for line in map(json.loads, output.read_text().splitlines()) if line["type"] == "file"]
    assert answered == [f"file://{path}" for path in sorted(folder.iterdir())]
    assert left_in(commands.temporary) == []


def test_ctrl_c_ends_it_soon_and_the_files_wait_for_the_next_time(commands, samples, tmp_path):
    folder = many(films(samples), tmp_path / "films", 20)
    arguments = ("add", "--workers", 2, "--label", "sample", folder.as_uri())
    process = commands.start(*arguments)
    assert commands.wait_for(3, process)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode == 130 and "run the same command again" in said
    assert commands.rows("SELECT * FROM job_item WHERE due > localtimestamp") == []
    assert "20 files: 20 added" in commands.run(*arguments)
    assert commands.rows("SELECT max(attempts) FROM job_item")[0][0] <= 2
    assert left_in(commands.temporary) == []


def test_where_no_worker_can_work_it_is_said_why(commands, samples, monkeypatch):
    said = commands.run("add", "gs://bucket/folder", code=2)
    assert "gcsfs" in said and "not both installed" in said

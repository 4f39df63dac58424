"""Jobs in a Ray cluster, of files in an object store: the same promises when its workers are killed."""

import json

import pytest

from tests.cluster.jobs_run import Commands, disturbed, left_in
from tests.postgres import running


@pytest.fixture(scope="module")
def server():
    with running(durable=True) as server:
        yield server


@pytest.fixture
def commands(server, ray_with_bucket, bucket, tmp_path):
    address, environment, _ = ray_with_bucket
    commands = Commands(server.url(), tmp_path / "of commands", **environment)
    commands.run("init")
    commands.cluster = "--cluster", address
    yield commands
    commands.close()


@pytest.mark.filterwarnings("ignore")
def test_files_of_a_bucket_are_added_once_whatever_is_killed(commands, server, ray_with_bucket, bucket, samples):
    client, name = bucket
    films = sorted((samples / "known").glob("*.mp4")) + sorted((samples / "unknown").glob("*.mp4"))
    for number in range(30):
        body = films[number % len(films)].read_bytes() + b"\0\0\0\x10free%08d" % number
        client.put_object(Bucket=name, Key=f"in/{number:04}.mp4", Body=body)
    client.put_object(Bucket=name, Key="in/notes.txt", Body=b"no film")
    arguments = ("add", *commands.cluster, "--label", "sample", f"s3://{name}/in/")
    code, said, done = disturbed(commands, server, arguments, 31, workers=2, drivers=1, restarts=1)
    assert code == 0, said
    assert done == {"worker": 2, "driver": 1, "server": 1}
    assert "31 files: 30 added, 1 passed over" in said
    assert commands.rows("SELECT count(*), count(DISTINCT sha256) FROM record") == [(30, 30)]
    assert commands.rows("SELECT count(*) FROM audit WHERE action = 'add'") == [(30,)]
    assert left_in(commands.temporary) == left_in(ray_with_bucket[2]) == []


@pytest.mark.filterwarnings("ignore")
def test_files_of_a_bucket_are_asked_about(commands, bucket, samples, tmp_path):
    client, name = bucket
    commands.run("add", samples / "known")
    for film in sorted((samples / "edited").glob("*.mp4"))[:3]:
        client.put_object(Bucket=name, Key=film.name, Body=film.read_bytes())
    output = tmp_path / "answers.jsonl"
    commands.run("match", *commands.cluster, "--workers", 1, "--effort", "fast", "--output", output, f"s3://{name}", code=10)
    files = [line for line in map(json.loads, output.read_text().splitlines()) if line["type"] == "file"]
    assert [(line["path"].rpartition("/")[0], line["verdict"]) for line in files] == [(f"s3://{name}", "match")] * 3


def test_where_there_is_no_cluster_it_is_said(commands, samples):
    said = commands.run("add", "--cluster", "127.0.0.1:1", samples / "known", code=2)
    assert "no cluster of Ray at 127.0.0.1:1" in said

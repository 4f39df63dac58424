"""Questions about hashes are answered in processes of their own, which may die."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import vhashdb
from vhashdb.fingerprints import to_json

EDITED = "edited/harbour__insert.mp4"


def children_of_children():
    """Processes whose parent is this one, and that answer lookups."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            command = (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == os.getpid() and b"spawn_main" in command:
            found.append(int(status.parent.name))
    return found


def test_a_process_that_is_killed_takes_no_question_with_it(service, samples):
    body = {"hashes": to_json(vhashdb.fingerprint(samples / EDITED, views="query"))}
    with service.client("ask") as client:
        before = client.post("/v1/questions/hashes", json=body).json()
        processes = children_of_children()
        assert processes
        for process in processes:
            os.kill(process, signal.SIGKILL)
        after = client.post("/v1/questions/hashes", json=body)
    assert after.status_code == 200
    assert after.json()["matches"] == before["matches"] != []


def test_what_is_asked_there_is_in_the_audit_log_of_whoever_asked(service, samples):
    body = {"hashes": to_json(vhashdb.fingerprint(samples / "edited/valley__mirror.mp4", views="query"))}
    with service.client("ask") as client:
        record = client.post("/v1/questions/hashes", json=body).json()["matches"][0]["record"]
    with vhashdb.open(service.folder) as db:
        assert [line.actor for line in db.audit(record=record) if line.action == "match"] == ["ask"]


def test_each_of_many_is_answered_what_it_asked(service, query_prints):
    asked = [to_json(query_prints[name]) for name in (EDITED, "edited/valley__mirror.mp4")] + ["no hashes"]
    with service.client("ask") as client, ThreadPoolExecutor(6) as threads:
        bodies = [{"hashes": asked[number % 3], "name": f"file {number}"} for number in range(12)]
        answers = list(threads.map(lambda body: client.post("/v1/questions/hashes", json=body), bodies))
    assert [answer.status_code for answer in answers] == [200, 200, 422] * 4
    answers = [(number, answer.json()) for number, answer in enumerate(answers) if number % 3 < 2]
    assert [answer["file"]["path"] for _, answer in answers] == [f"file {number}" for number, _ in answers]
    assert len({(number % 3, answer["matches"][0]["record"]) for number, answer in answers}) == 2

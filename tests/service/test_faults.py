"""What goes wrong around a service: nothing that was acknowledged is lost, no answer is wrong, and nothing is left behind."""

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
from urllib.parse import urlsplit

import pytest

import vhashdb
from tests.examples import LONG, long
from tests.exchange.companies import Company, film
from tests.service.program import descendants, program
from tests.service.serving import ALL, eventually
from tests.video.test_decoding import children
from vhashdb.fingerprints import to_json
from vhashdb.index import compaction
from vhashdb.service import asking
from vhashdb.store import Questions
from vhashdb.video import DecoderPool

LATER = {"Prefer": "respond-async"}


@pytest.fixture
def upload(samples):
    return (samples / "edited/harbour__insert.mp4").read_bytes()


@pytest.fixture
def hashes(query_prints):
    return {"hashes": to_json(query_prints["edited/harbour__insert.mp4"])}


def answered(client, place):
    return eventually(lambda: client.get(place).json(), lambda said: said["state"] == "answered")["answer"]


def files_in(folder):
    return sorted(file.name for file in (folder / "uploads").iterdir())


def test_a_killed_service_answers_what_it_acknowledged(known_folder, tmp_path, upload, hashes):
    folder = shutil.copytree(known_folder, tmp_path / "db.vhdb")
    taken, decided, rounds = [], [], 2 if LONG else 1
    with contextlib.ExitStack() as stack:
        beside = stack.enter_context(vhashdb.open(folder))
        records = [record.id for record in beside.records()]
        for round_ in range(rounds):
            with program(folder, "--workers", "2") as running, running.client() as client:
                for _ in range(3):
                    said = client.post("/v1/questions", content=upload, headers=LATER)
                    taken.append(said.headers["Location"])
                kept = client.post("/v1/questions", params={"review": True}, content=upload, headers=LATER).headers["Location"]
                taken.append(kept)
                client.post("/v1/questions/hashes", json=hashes).raise_for_status()  # so that everything that it starts is there
                answered(client, taken[4 * round_])  # others are being answered, or wait
                beside.label(records[round_], add=[f"decided-{round_}"])
                decided.append((records[round_], f"decided-{round_}"))
                running.kill()
            (folder / "uploads" / f"half-{round_}.upload").write_bytes(b"as an upload that was under way")
    with program(folder) as again, again.client() as client:
        for place in taken:
            assert answered(client, place)["file"]["verdict"] == "match"
        listed = client.get("/v1/questions", params={"limit": 1000}).json()["items"]
        assert sorted(f"/v1/questions/{one['id']}" for one in listed) == sorted(taken)
        needed = eventually(again.uploads, lambda files: len(files) == rounds)
    with vhashdb.open(folder) as db:
        assert set(needed) == Questions(db.store).files()
        for record, label in decided:
            assert label in db.get(record).labels
        assert db.check().left == ()


def test_killed_decoders_give_no_wrong_answer(serve_copy, upload):
    DecoderPool.close_kept()
    before = set(children())
    with serve_copy(workers=2) as service, service.client(*ALL) as client:
        places = [client.post("/v1/questions", content=upload, headers=LATER).headers["Location"] for _ in range(6)]
        for _ in range(3):
            mine = eventually(lambda: [*(set(children()) - before)], bool)
            for one in mine:
                for each in (*children(one), one):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)
        answers = [answered(client, place) for place in places]
        last = client.post("/v1/questions", content=upload).json()
        assert files_in(service.folder) == []
    for answer in answers:
        assert (answer["file"]["verdict"], answer["complete"]) in [("match", True), ("unreadable", False)], answer
    assert last["file"]["verdict"] == "match"


@pytest.mark.skipif(os.getuid() != 0, reason="mounting takes root")
def test_a_full_disk(known_folder, tmp_path, upload, hashes):
    place = tmp_path / "small"
    place.mkdir()
    script = 'mount -t tmpfs -o size=12m tmpfs "$1" && cp -r "$2" "$1/db.vhdb" || exit 99; shift 2; exec "$@"'
    before = ["unshare", "-m", "sh", "-c", script, "sh", place, known_folder]
    if subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    with program(place / "db.vhdb", before=before, log_at=tmp_path) as running, running.client() as client:
        inside = f"/proc/{running.process.pid}/root{place}"
        with open(f"{inside}/filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(1 << 12))
        refused = [client.post("/v1/questions", content=upload), client.post("/v1/questions", content=upload, headers=LATER)]
        found = client.post("/v1/questions/hashes", json=hashes).json()
        left = os.listdir(f"{inside}/db.vhdb/uploads")
        os.unlink(f"{inside}/filler")
        taken = client.post("/v1/questions", content=upload, headers=LATER)
        assert answered(client, taken.headers["Location"])["file"]["verdict"] == "match"
    for each in refused:
        assert (each.status_code, each.headers["Content-Type"]) == (507, "application/problem+json")
        assert int(each.headers["Retry-After"]) > 0
    assert found["file"]["verdict"] == "match"
    assert left == []


def test_a_locked_database_is_said_to_be_and_loses_nothing(serve_copy, upload, hashes, monkeypatch):
    monkeypatch.setattr(asking, "_AFTER_FAILURE_S", 0.05)
    monkeypatch.setattr(asking, "_LOOK_AGAIN_S", 0.1)
    with serve_copy(lock_timeout_s=0.1, workers=1) as service, service.client(*ALL) as client:
        before = [client.post("/v1/questions", content=upload, headers=LATER).headers["Location"] for _ in range(2)]
        with contextlib.closing(sqlite3.connect(service.folder / "records.sqlite", isolation_level=None, timeout=60)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = [client.post("/v1/questions", content=upload, headers=LATER) for _ in range(3)]
            refused.append(client.post("/v1/questions", params={"review": True}, content=upload))
            found = client.post("/v1/questions/hashes", json=hashes).json()
            metrics = client.get("/metrics").text
            other.execute("ROLLBACK")
        for each in refused:
            assert each.status_code == 503, each.text
            assert int(each.headers["Retry-After"]) > 0
        assert found["file"]["verdict"] == "match"
        assert "vhashdb_database_up 1.0" in metrics
        for place in before:
            assert answered(client, place)["file"]["verdict"] == "match"
        assert len(client.get("/v1/questions").json()["items"]) == 2
        eventually(lambda: files_in(service.folder), lambda files: not files)


def test_feeds_are_synced_and_the_index_merged_meanwhile(serve_copy, hashes, tmp_path, monkeypatch):
    monkeypatch.setattr(compaction, "MEMTABLE_ROWS", 60)
    monkeypatch.setattr(compaction, "MAX_LAG", 5)
    publisher = Company(tmp_path, "publisher")
    publisher.begins_to_publish()
    with serve_copy() as service, service.client(*ALL) as client, contextlib.closing(publisher):
        with vhashdb.open(service.folder) as other:
            other.exchange.trust(str(publisher.feed.folder), publisher.feed.first_root, member="publisher", level="block")
        manifests, failed = set(), []

        def neighbour():
            try:
                with vhashdb.open(service.folder) as other:
                    for number in range(5):
                        publisher.adds(100 + number)
                        publisher.publishes()
                        assert [done.error for done in other.exchange.sync()] == [None]
                        other.add(film(200 + number))
                        other.index_writer.maintain()
                        other.index_writer.wait()
                        manifests.add(other.index_reader.state().manifest)
            except Exception as error:
                failed.append(error)

        beside = threading.Thread(target=neighbour)
        beside.start()
        answers = []
        while beside.is_alive() or not answers:
            answers.append(client.post("/v1/questions/hashes", json=hashes).json())
        beside.join()
        assert failed == []
        assert {(answer["file"]["verdict"], answer["complete"]) for answer in answers} == {("match", True)}
        assert len(manifests) > 2
        for seed in (104, 204):
            own = client.post("/v1/questions/hashes", json={"hashes": to_json(film(seed))}).json()
            assert own["file"]["verdict"] == "match"
        assert 'vhashdb_feed_age_seconds{feed="publisher-feed"}' in client.get("/metrics").text


@pytest.mark.parametrize("headers", [{}, LATER])
def test_a_client_that_goes_away_leaves_nothing(service, upload, headers):
    place = urlsplit(service.address)
    lines = {"Host": place.netloc, "Content-Length": str(len(upload)), "X-API-KEY": service.keys[("ask",)], **headers}
    head = "POST /v1/questions HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
    with socket.create_connection((place.hostname, place.port)) as gone:
        gone.sendall(head.encode() + upload[: len(upload) // 2])
        eventually(lambda: files_in(service.folder), bool)
    eventually(lambda: files_in(service.folder), lambda files: not files)
    with service.client("ask") as client:
        assert client.get("/v1/questions").json()["items"] == []


@long
@pytest.mark.skipif(os.getuid() != 0 or shutil.which("setpriv") is None, reason="mounting takes root")
def test_a_machine_that_allows_little(known_folder, tmp_path, upload, hashes):
    """As in a container, or a unit that is hardened: a root that is only read, no capability, no new privileges."""
    place = tmp_path / "own"
    place.mkdir()
    script = (
        'mount -t tmpfs -o size=64m tmpfs "$1" && cp -r "$2" "$1/db.vhdb" && mount -o remount,bind,ro / || exit 99; shift 2;'
        'exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"'
    )
    before = ["unshare", "-m", "sh", "-c", script, "sh", place, known_folder]
    if subprocess.run([*before, "true"], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    with program(place / "db.vhdb", before=before, log_at=tmp_path) as running, running.client() as client:
        inside = f"/proc/{running.process.pid}/root"
        with pytest.raises(OSError, match="Read-only"), open(f"{inside}/{os.path.abspath(__file__)}.written", "w"):
            pass
        with open(f"/proc/{running.process.pid}/status") as status:
            assert "CapEff:\t0000000000000000" in status.read()
        assert client.post("/v1/questions", content=upload).json()["file"]["verdict"] == "match"
        assert client.post("/v1/questions/hashes", json=hashes).json()["file"]["verdict"] == "match"
        decoders = [one for one in descendants(running.process.pid) if b"vhashdb.video.child" in command_of(one)]
        confined = [one for one in decoders if "Seccomp:\t2" in status_of(one)]
        assert confined
        running.process.terminate()
        assert running.process.wait(60) == 0


def command_of(process):
    with open(f"/proc/{process}/cmdline", "rb") as file:
        return file.read()


def status_of(process):
    with open(f"/proc/{process}/status") as file:
        return file.read()

"""A service begins, is busy, ends, and what it was asked outlives it."""

import datetime
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import vhashdb
from tests.service.serving import served, service_with_keys
from vhashdb.service import Listening, ServiceSettings, serve
from vhashdb.store import ApiKeys, Questions, QuestionState
from vhashdb.store.questions import MAX_ATTEMPTS

EDITED = "edited/harbour__insert.mp4"


@pytest.fixture
def folder(known_folder, tmp_path):
    copied = tmp_path / "db.vhdb"
    shutil.copytree(known_folder, copied)
    return copied


@pytest.fixture
def film(samples):
    return (samples / EDITED).read_bytes()


def until(condition):
    for _ in range(1200):
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def written_down(folder, film, *, attempts=0, review=True):
    """A question that an earlier process took, and that process's file."""
    (folder / "uploads").mkdir(exist_ok=True)
    (folder / "uploads" / "earlier.upload").write_bytes(film)
    with vhashdb.open(folder) as db:
        questions = Questions(db.store)
        options = {"effort": "fast", "sound": False, "labels": [], "severities": [], "sources": [], "states": []}
        made = questions.add(by="ask", name="earlier.mp4", options=options, review=review, file="earlier.upload", size=len(film))
        for _ in range(attempts):
            questions.begin()
            questions.again()
        questions.begin()  # and then it was killed
    return made.id


def answered(client, identifier):
    def answer():
        said = client.get(f"/v1/questions/{identifier}").json()
        return said if said["state"] == "answered" else None

    return until(answer)


def test_what_was_begun_is_begun_again_and_what_nobody_needs_is_gone(folder, film):
    identifier = written_down(folder, film)
    (folder / "uploads" / "half.upload").write_bytes(b"half an upload")
    with service_with_keys(folder) as running, running.client("ask") as client:
        said = answered(client, identifier)
        assert said["answer"]["file"]["verdict"] == "match"
        assert [path.name for path in (folder / "uploads").iterdir()] == ["earlier.upload"]


def test_a_file_that_ends_the_process_each_time_is_given_up_and_waits_for_people(folder, film):
    identifier = written_down(folder, film, attempts=MAX_ATTEMPTS)
    with service_with_keys(folder) as running, running.client("ask") as client:
        said = answered(client, identifier)
    assert (said["answer"]["file"]["verdict"], said["answer"]["complete"], said["kept"]) == ("unreadable", False, True)
    assert "attempts" in said["answer"]["error"]["message"]


def test_what_was_decided_is_deleted_once_nobody_can_take_it_back(folder, film):
    with service_with_keys(folder, undo_s=0.0, kept_s=0.0) as running, running.client("ask") as client:
        said = client.post("/v1/questions", params={"review": True}, content=film).json()
        with vhashdb.open(folder) as db:
            questions = Questions(db.store)
            assert questions.get(said["id"]).file
            record = db.get(said["matches"][0]["record"])
            db.moderation.assessments.confirm(record, said["file"]["sha256"], basis="saw_match")
    time.sleep(1.1)  # times in the database are whole seconds
    with served(ServiceSettings(folder, undo_s=0.0, kept_s=0.0, lookup_processes=0)):
        until(lambda: not list((folder / "uploads").iterdir()))
        with vhashdb.open(folder) as db:
            until(lambda: not Questions(db.store).all())


def test_more_than_can_wait_is_turned_away_and_told_when_to_come_again(folder, film):
    with service_with_keys(folder, most_waiting=0) as running, running.client("ask") as client:
        later = client.post("/v1/questions", content=film, headers={"Prefer": "respond-async"})
    assert (later.status_code, later.headers["Retry-After"]) == (503, "10")
    assert list((folder / "uploads").iterdir()) == []


def test_one_service_serves_one_database(folder):
    with service_with_keys(folder):
        second = subprocess.run(
            [sys.executable, "-m", "vhashdb", "serve", "--db", folder, "--port", "0", "--no-keys"], capture_output=True, text=True
        )
    assert second.returncode == 4, second.stderr
    assert "another process serves this database" in second.stderr


def test_without_keys_nobody_else_is_let_in(folder):
    with pytest.raises(vhashdb.UsageError, match="everybody who reaches"):
        serve(ServiceSettings(folder, require_key=False), Listening("0.0.0.0"))


def certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


def test_the_command_speaks_tls_and_ends_well(folder, tmp_path, film):
    cert, key = certificate(tmp_path)
    with vhashdb.open(folder) as db:
        _, secret = ApiKeys(db.store).add("program", ["ask"])
    command = [
        sys.executable,
        "-m",
        "vhashdb",
        "serve",
        "--db",
        folder,
        "--port",
        "0",
        "--tls-certificate",
        cert,
        "--tls-key",
        key,
        "--log",
        "json",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        told = until(lambda: line if (line := process.stderr.readline()).startswith("serving ") else None)
        address = told.split(" at ")[1].split(";")[0].replace("127.0.0.1", "localhost")
        until(lambda: "startup complete" in process.stderr.readline())
        trusted = ssl.create_default_context(cafile=cert)
        with httpx.Client(base_url=address, verify=trusted, headers={"X-API-KEY": secret}, timeout=60, trust_env=False) as client:
            said = client.post("/v1/questions", content=film)
            taken = client.post("/v1/questions", content=film, headers={"Prefer": "respond-async"}).json()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
    assert process.returncode == 0, log
    assert said.json()["file"]["verdict"] == "match"
    assert "max-age" in said.headers["Strict-Transport-Security"]
    assert '"by": "program"' in log
    assert taken["id"] not in log
    with vhashdb.open(folder) as db:
        assert Questions(db.store).get(taken["id"]).state in (QuestionState.WAITING, QuestionState.ANSWERED)
    assert not [name for name in os.listdir(folder / "uploads") if name not in {q.file for q in kept(folder)}]


def kept(folder):
    with vhashdb.open(folder) as db:
        return Questions(db.store).all()

"""What somebody who had not seen the service could do to it, each thing once."""

import concurrent.futures
import shutil

import pytest

import vhashdb
from tests.service.serving import ALL, service_with_keys
from vhashdb.service import Listening, ServiceSettings, serve
from vhashdb.store import Replies

HARBOUR, TRAIN = "known/harbour.mp4", "unknown/train.mp4"


def blocks(data, size=1 << 16):
    yield from (data[start : start + size] for start in range(0, len(data), size))


@pytest.mark.parametrize("path", ["/c/banks", "/v1/questions/hashes", "/v1/keys", "/v1/review/decisions", "/v1/review/decisions/x/undo"])
def test_nobody_has_a_large_body_read_into_memory(service, path):
    def endless():
        for _ in range(1600):
            yield b" " * (1 << 16)

    with service.client() as client:
        refused = client.post(path, content=endless(), headers={"Content-Type": "application/json"})
    assert refused.status_code in (401, 413)
    with service.client("ask") as client:
        refused = client.post(path, content=endless(), headers={"Content-Type": "application/json", "Idempotency-Key": path})
    assert refused.status_code in (401, 403, 413)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_key_of_idempotency_is_of_one_upload(service, samples, chunked):
    unknown = (samples / TRAIN).read_bytes()
    known = (samples / HARBOUR).read_bytes()
    unknown = unknown.ljust(len(known), b"\0")[: max(len(unknown), len(known))]
    known = known.ljust(len(unknown), b"\0")

    def ask(data):
        headers = {"Idempotency-Key": f"upload-{chunked}", "Content-Type": "video/mp4"}
        return client.post("/v1/questions", content=blocks(data) if chunked else data, headers=headers)

    with service.client("ask") as client:
        first, other, again = ask(unknown), ask(known), ask(unknown)
    assert first.json()["file"]["verdict"] == "no-match"
    assert other.status_code == 400
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (first.json(), "true")


def test_a_request_that_a_killed_process_was_answering_can_be_made_again(known_folder, tmp_path, samples):
    folder = tmp_path / "db.vhdb"
    shutil.copytree(known_folder, folder)
    with vhashdb.open(folder) as db:
        assert Replies(db.store).begin("ask", "lost") is None
    with service_with_keys(folder) as running, running.client("ask") as client:
        assert client.post("/v1/questions", content=(samples / TRAIN).read_bytes(), headers={"Idempotency-Key": "lost"}).status_code == 200


def test_a_form_with_two_files_or_without_its_end_is_refused(service, samples):
    film = (samples / TRAIN).read_bytes()
    with service.client("ask") as client:
        two = client.post("/v1/questions", files=[("file", ("a.mp4", film)), ("file", ("b.mp4", (samples / HARBOUR).read_bytes()))])
        whole = client.build_request("POST", "/v1/questions", files={"file": ("a.mp4", film)})
        kind = whole.headers["Content-Type"]
        cut = client.post("/v1/questions", content=whole.read()[:-50_000], headers={"Content-Type": kind})
    assert (two.status_code, cut.status_code) == (400, 400)


def test_two_people_decide_a_case_once(known_folder, tmp_path, samples):
    folder = tmp_path / "db.vhdb"
    shutil.copytree(known_folder, folder)
    with (
        service_with_keys(folder) as running,
        running.client("decide") as ann,
        running.client(**{"X-API-KEY": running.keys["second person"]}) as bob,
    ):
        for _ in range(3):
            with running.client("ask") as client:
                film = (samples / "edited/harbour__insert.mp4").read_bytes()
                client.post("/v1/questions", params={"review": True}, content=film)
            (case,) = ann.get("/v1/review/queue").json()["items"]
            chosen = [{"id": case["id"], "version": case["version"]}]

            def decide(who, act, chosen=chosen):
                return who.post("/v1/review/decisions", json={"cases": chosen, "act": act, "reason": "another video"})

            with concurrent.futures.ThreadPoolExecutor(2) as threads:
                both = [each.result() for each in [threads.submit(decide, ann, "yes"), threads.submit(decide, bob, "no")]]
            assert sorted(answer.status_code for answer in both)[0] == 201
            assert sorted(answer.status_code for answer in both)[1] in (404, 412)
            done = next(answer for answer in both if answer.status_code == 201)
            who = ann if done is both[0] else bob
            assert who.post(f"/v1/review/decisions/{done.json()['id']}/undo").status_code == 200


def test_a_quota_holds_for_uploads_that_say_nothing_of_their_size(known_folder, tmp_path):
    folder = tmp_path / "db.vhdb"
    shutil.copytree(known_folder, folder)
    with service_with_keys(folder, quota_bytes=4 << 20) as running, running.client("ask") as client:
        assert client.post("/v1/questions", content=blocks(b"x" * (40 << 20))).status_code == 507
        assert list((folder / "uploads").iterdir()) == []


def test_a_cursor_that_is_gone_is_said_to_be(service):
    with service.client("ask") as client:
        assert client.get("/v1/questions", params={"cursor": "0" * 32}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("POST", "/login", {"content": b"&a=" * 20_000, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
        ("GET", f"/c/bank/X/content/{'9' * 5000}", {}),
        ("GET", f"/c/bank/X/content/{'9' * 900}", {}),
        ("POST", "/v1/keys", {"json": {"name": "late", "scopes": ["ask"], "expires_at": "9999-12-31T23:59:59-23:00"}}),
        ("POST", "/v1/webhooks", {"json": {"name": "a", "url": "http://[::1"}}),
        ("POST", "/v1/webhooks", {"json": {"name": "a", "url": "https://example.org:999999/"}}),
    ],
)
def test_odd_requests_are_refused_and_no_fault_of_the_service(service, method, path, sent):
    with service.client(*ALL) as client:
        assert 400 <= client.request(method, path, **sent).status_code < 500


def test_who_may_only_ask_does_not_read_everything(service):
    with vhashdb.open(service.folder) as db:
        record = next(iter(db.records()))
    with service.client("ask") as client, service.client("record") as other:
        assert client.get(f"/v1/records/{record.id}").status_code == 200
        assert client.get(f"/v1/records/{record.id[:4]}").status_code == 404
        assert client.get("/c/bank/SAMPLE/content/1", params={"include_signals": "true"}).status_code == 403
        assert other.get("/c/bank/SAMPLE/content/1", params={"include_signals": "true"}).status_code == 200


def test_a_certificate_that_is_none_is_said_to_be(known_folder, tmp_path):
    (tmp_path / "cert.pem").write_text("nothing")
    with pytest.raises(vhashdb.UsageError, match="no certificate"):
        serve(ServiceSettings(known_folder), Listening(port=0, certificate=tmp_path / "cert.pem", key=tmp_path / "cert.pem"))


def test_a_database_that_may_only_be_read_is_not_served(known_folder, tmp_path, monkeypatch):
    folder = tmp_path / "db.vhdb"
    shutil.copytree(known_folder, folder)
    monkeypatch.setattr("vhashdb.store.records_file.may_write", lambda _: False)  # as root may write everywhere
    with pytest.raises(vhashdb.DatabaseError):
        serve(ServiceSettings(folder), Listening(port=0))

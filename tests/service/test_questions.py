import json
import time

import pytest

import vhashdb
from tests.service.serving import ALL
from vhashdb.fingerprints import to_json
from vhashdb.matching.verdict import Verdict
from vhashdb.search.results import Result
from vhashdb.service.answers import is_complete

EDITED = "edited/harbour__insert.mp4"


@pytest.fixture
def film(samples):
    return (samples / EDITED).read_bytes()


def answer_to(client, samples, name=EDITED, **query):
    return client.post("/v1/questions", params=query, content=(samples / name).read_bytes(), headers={"Content-Type": "video/mp4"})


def test_an_upload_is_answered_as_by_the_library(service, samples):
    with service.client("ask") as client, vhashdb.open(service.folder) as db:
        said = answer_to(client, samples, name="edited/harbour__insert.mp4", sound=False).json()
        expected = db.match(samples / EDITED, sound=False)
    assert said["complete"]
    assert said["file"] | {"path": ""} == expected.to_json("")
    assert [match | {"path": ""} for match in said["matches"]] == json.loads(json.dumps([match.to_json("") for match in expected.matches]))


def test_a_form_is_an_upload_too_and_names_its_file(service, samples):
    with service.client("ask") as client:
        said = client.post(
            "/v1/questions", data={"other": "x"}, files={"file": ("../../etc/up load.mp4", (samples / EDITED).read_bytes())}
        ).json()
    assert said["file"]["verdict"] == "match"
    assert said["file"]["path"] == "up load.mp4"


def test_a_name_is_one_line_whatever_is_sent(service, samples):
    with service.client("ask") as client:
        said = answer_to(client, samples, name="edited/harbour__insert.mp4").json()
        other = client.post("/v1/questions", params={"name": "a/b\nc\u202e.mp4"}, content=b"\0" * 1000).json()
    assert said["file"]["path"] == ""
    assert other["file"]["path"] == "b\\x0ac\\u202e.mp4"


def test_nothing_of_an_upload_stays_unless_people_have_to_look(service, samples):
    with service.client(*ALL) as client:
        answer_to(client, samples)
        answer_to(client, samples, name="unknown/" + next((samples / "unknown").glob("*.mp4")).name, review=True)
        assert list((service.folder / "uploads").iterdir()) == []
        said = answer_to(client, samples, review=True).json()
        kept = client.get(f"/v1/questions/{said['id']}").json()
        assert kept["kept"]
        assert len(list((service.folder / "uploads").iterdir())) == 1
        assert client.delete(f"/v1/questions/{said['id']}").status_code == 409


def test_an_answer_can_be_fetched_later(service, samples):
    with service.client("ask") as client, service.client("decide") as other:
        taken = client.post("/v1/questions", content=(samples / EDITED).read_bytes(), headers={"Prefer": "respond-async"})
        assert taken.status_code == 202
        said = _when_answered(client, taken.headers["Location"])
        assert said["answer"]["file"]["verdict"] == "match"
        assert not said["kept"]
        assert other.get(taken.headers["Location"]).status_code == 200
        assert client.delete(taken.headers["Location"]).status_code == 204
        assert client.get(taken.headers["Location"]).status_code == 404


def test_hashes_are_answered(service, samples):
    hashes = to_json(vhashdb.fingerprint(samples / EDITED, views="query"))
    with service.client("ask") as client:
        said = client.post("/v1/questions/hashes", json={"hashes": hashes, "name": "mine"}).json()
    assert (said["file"]["verdict"], said["file"]["path"]) == ("match", "mine")


def test_what_is_no_video_is_unreadable_and_never_no_match(service):
    with service.client("ask") as client:
        said = client.post("/v1/questions", params={"name": "a.mp4"}, content=b"\0" * 1000).json()
    assert said["file"]["verdict"] == "unreadable"
    assert not said["complete"]
    assert "uploads" not in json.dumps(said)
    assert said["error"]["error"] == "UnreadableMedia"


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "relative", "/\0", ""])
def test_files_of_the_machine_cannot_be_asked_about_unless_allowed(service, path):
    with service.client("ask") as client:
        refused = client.post("/v1/questions/path", json={"path": path})
    assert refused.status_code in (403, 422)
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_a_request_can_be_sent_again(service, film):
    headers = {"Prefer": "respond-async", "Idempotency-Key": "a"}
    with service.client("ask") as client:
        first, again = (client.post("/v1/questions", content=film, headers=headers) for _ in range(2))
        other = client.post("/v1/questions", params={"effort": "fast"}, content=b"x", headers={"Idempotency-Key": "a"})
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 400


def test_an_answer_that_did_not_change_is_not_sent_again(service):
    with service.client("ask") as client:
        first = client.get("/v1/questions")
        again = client.get("/v1/questions", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def _when_answered(client, location):
    for _ in range(600):
        said = client.get(location).json()
        if said["state"] == "answered":
            return said
        time.sleep(0.1)
    raise AssertionError("no answer")


def test_an_incomplete_answer_is_never_no_match():
    """Pictures that were all looked at decide, although some of the sound was not compared."""
    assert is_complete(Result(Verdict.NO_MATCH, "", not_compared=1))
    assert not is_complete(Result(Verdict.INSUFFICIENT, "", not_compared=1))
    assert not is_complete(Result(Verdict.MATCH, "", not_compared=1))


def test_how_far_a_file_was_decoded_is_said_meanwhile(known_folder, samples):
    seen = []
    with vhashdb.open(known_folder) as db:
        result = db.match(samples / EDITED, effort="thorough", progress=seen.append)
    assert seen == sorted(seen)
    assert 0.9 * result.duration_s < seen[-1] <= result.duration_s

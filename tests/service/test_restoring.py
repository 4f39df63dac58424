import shutil
import threading

import httpx
import pytest

import vhashdb
from tests.examples import long
from tests.exchange.companies import film
from tests.service.serving import ALL, eventually, served
from vhashdb.service import ServiceSettings
from vhashdb.service.options import AskOptions
from vhashdb.store import Questions

LATER = {"Prefer": "respond-async"}


@pytest.fixture
def upload(samples):
    return (samples / "edited/harbour__insert.mp4").read_bytes()


def files_in(folder):
    return {file.name for file in (folder / "uploads").iterdir()}


def named_in(folder):
    with vhashdb.open(folder) as db:
        return Questions(db.store).files()


@long
def test_a_backup_made_under_load_is_served(serve_copy, upload, tmp_path):
    copy = tmp_path / "copy.vhdb"
    with serve_copy(workers=1) as service, service.client(*ALL) as client, vhashdb.open(service.folder) as other:
        case = client.post("/v1/questions", params={"review": True}, content=upload, headers=LATER).headers["Location"]
        eventually(lambda: client.get(case).json()["state"], lambda state: state == "answered")
        asked = [client.post("/v1/questions", content=upload, headers=LATER).headers["Location"] for _ in range(3)]
        writing = threading.Thread(target=lambda: [other.add(film(number)) for number in range(5)])
        writing.start()
        with vhashdb.open(service.folder) as backing:
            backing.backup(copy, uploads=True)
        writing.join()
    with vhashdb.open(copy) as db:
        assert db.check().left == ()
    with (
        served(ServiceSettings(copy)) as address,
        httpx.Client(base_url=address, headers={"X-API-KEY": service.keys[ALL]}, timeout=120, trust_env=False) as client,
    ):
        said = client.get(case).json()
        assert (said["kept"], said["answer"]["file"]["verdict"]) == (True, "match")
        for place in asked:
            answer = eventually(lambda at=place: client.get(at).json()["answer"], bool)
            assert (answer["file"]["verdict"], answer["complete"]) == ("match", True)
        eventually(lambda: files_in(copy), lambda files: len(files) == 1)
    assert files_in(copy) == named_in(copy)


@pytest.mark.parametrize("uploads", [True, False])
def test_a_question_that_waited_is_answered_or_said_to_be_without_its_file(known_folder, tmp_path, upload, uploads):
    folder, copy = shutil.copytree(known_folder, tmp_path / "db.vhdb"), tmp_path / "copy.vhdb"
    (folder / "uploads").mkdir()
    (folder / "uploads" / "a.upload").write_bytes(upload)
    with vhashdb.open(folder) as db:
        how = {"by": "a", "name": "a.mp4", "options": AskOptions().to_json(), "review": False, "size": len(upload)}
        questions = [Questions(db.store).add(file=name, **how) for name in ("a.upload", "gone since.upload")]
        db.backup(copy, uploads=uploads)
    assert named_in(copy) == ({"a.upload"} if uploads else set())
    assert (copy / "uploads").exists() is uploads
    with (
        served(ServiceSettings(copy, require_key=False)) as address,
        httpx.Client(base_url=address, timeout=120, trust_env=False) as client,
    ):
        for question, verdict in zip(questions, ("match" if uploads else "unreadable", "unreadable"), strict=True):
            answer = eventually(lambda at=question.id: client.get(f"/v1/questions/{at}").json()["answer"], bool)
            assert (answer["file"]["verdict"], answer["complete"]) == (verdict, verdict == "match")
            assert verdict == "match" or "not in the backup" in answer["error"]["message"]
        eventually(lambda: files_in(copy), lambda files: not files)

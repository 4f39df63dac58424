"""Several fronts, which are processes, of one database on a real PostgreSQL: together they are one service. See `make test-cluster`."""

import contextlib
import itertools
import platform
import threading
from collections import Counter

import pytest

import vhashdb
from tests.service.program import Program
from tests.service.receiver import receiver
from tests.service.serving import eventually
from vhashdb.fingerprints import to_json
from vhashdb.store import ApiKeys, Questions, QuestionState, Replies, RequestUnderWay, Scope, Webhooks
from vhashdb.store.fronts import Fronts

LATER = {"Prefer": "respond-async"}
_names = itertools.count(1)


@pytest.fixture
def upload(samples):
    return (samples / "edited/harbour__insert.mp4").read_bytes()


@pytest.fixture
def hashes(query_prints):
    return {"hashes": to_json(query_prints["edited/harbour__insert.mp4"])}


class Site:
    """A database on PostgreSQL that has the films of the repository, keys, and fronts as they are started."""

    def __init__(self, url, here, stack):
        self.url, self.here, self.stack = url, here, stack
        self.keys = {}

    def front(self, *options, machine="one", keys=True):
        """Starts a front; those of one machine share a folder."""
        log = self.here / f"front-{next(_names)}.log"
        environment = {"VHASHDB_INDEX": str(self.here / machine)}
        running = Program(self.url, "--workers", "1", *options, log=log, environment=environment, keys=keys)
        self.stack.callback(running.kill)
        return running

    def client(self, front, who):
        return self.stack.enter_context(front.client(self.keys[who]))


@pytest.fixture
def site(postgres, reference_prints, tmp_path):
    url = postgres.url()
    with vhashdb.create(url, local=tmp_path / "one") as db:
        for name, fingerprint in reference_prints.items():
            db.add(fingerprint, labels=["sample"], reason=f"known as {name}")
        keys = ApiKeys(db.store)
        with contextlib.ExitStack() as stack:
            made = Site(url, tmp_path, stack)
            for who in ("pipeline", "moderator", "another", "operator"):
                made.keys[who] = keys.add(who, list(Scope))[1]
            made.db = db
            yield made


def answered(client, place):
    return eventually(lambda: client.get(place).json(), lambda said: said["state"] == "answered")["answer"]


def test_two_fronts_are_one_service(site, upload, hashes):
    one, other = site.front(), site.front()
    at_one, at_other = (site.client(front, "pipeline") for front in (one, other))

    # keys and sessions
    operator = site.client(one, "operator")
    secret = operator.post("/v1/keys", json={"name": "new", "scopes": ["ask"]}).json()["secret"]
    with other.client(secret) as client:
        assert client.post("/v1/questions/hashes", json=hashes).json()["file"]["verdict"] == "match"
        operator.delete("/v1/keys/new")
        assert client.post("/v1/questions/hashes", json=hashes).status_code == 401
    with one.client() as here, other.client() as there:
        cookies = here.post("/login", data={"key": site.keys["moderator"]}).cookies
        there.cookies = cookies
        assert there.get("/queue").status_code == 200
        there.cookies.clear()
        assert there.get("/queue").status_code != 200

    # what one records the other knows at once
    record = at_one.get("/v1/records", params={"limit": 1}).json()["items"][0]
    assert at_other.post(f"/v1/records/{record['record']}/labels", json={"add": ["from-there"]}).status_code == 200
    assert "from-there" in at_one.get(f"/v1/records/{record['record']}").json()["labels"]

    # one key of idempotency is one question
    answers = []

    def ask(client):
        answers.append(client.post("/v1/questions", content=upload, headers=LATER | {"Idempotency-Key": "k"}))

    threads = [threading.Thread(target=ask, args=(client,)) for client in (at_one, at_other) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    again = [client.post("/v1/questions", content=upload, headers=LATER | {"Idempotency-Key": "k"}) for client in (at_one, at_other)]
    assert [answer.headers.get("Idempotent-Replayed") for answer in again] == ["true", "true"]
    (question,) = at_other.get("/v1/questions").json()["items"]
    assert {answer.json()["id"] for answer in again} == {question["id"]}

    # a question asked of one is read from the other, and its upload is seen there
    kept = at_one.post("/v1/questions", params={"review": True}, content=upload, headers=LATER).headers["Location"]
    assert answered(at_other, kept)["file"]["verdict"] == "match"
    assert at_other.get(f"{kept}/media").content == upload

    # people: who is at it, what is decided, and taking it back
    first, second = site.client(one, "moderator"), site.client(other, "another")
    (entry,) = [each for each in first.get("/v1/review/queue").json()["items"] if kept.rpartition("/")[2] in each["uploads"]]
    assert first.post("/v1/review/claims", json={"cases": [entry["id"]]}).status_code == 200
    (seen,) = [each for each in second.get("/v1/review/queue").json()["items"] if each["id"] == entry["id"]]
    assert seen["claimed"] == "others"
    decision = {"cases": [{"id": entry["id"], "version": seen["version"]}], "act": "yes, seen"}
    refused = second.post("/v1/review/decisions", json=decision)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:vhashdb:error:AlreadyClaimed")
    moderator_there = site.client(other, "moderator")
    decided = moderator_there.post("/v1/review/decisions", json=decision)
    assert decided.status_code == 201, decided.text
    assert entry["id"] not in {each["id"] for each in first.get("/v1/review/queue").json()["items"]}
    assert [each["id"] for each in first.get("/v1/review/decisions").json()["items"]] == [decided.json()["id"]]
    assert first.post(f"/v1/review/decisions/{decided.json()['id']}/undo").status_code == 200
    assert entry["id"] in {each["id"] for each in second.get("/v1/review/queue").json()["items"]}


def test_a_webhook_is_told_by_one_front_whatever_others_are_started(site, upload):
    with receiver(answers=[(503, {})]) as (address, received):
        Webhooks(site.db.store).add("told", f"{address}/hook")
        one = site.front("--webhook-host", "127.0.0.1")
        client = site.client(one, "pipeline")
        client.post("/v1/questions", params={"webhook": "told"}, content=upload, headers=LATER)
        eventually(lambda: len(received), lambda heard: heard == 1)
        site.front("--webhook-host", "127.0.0.1", machine="two")  # begins with what is to be told, if that is its to tell
        eventually(lambda: len(received), lambda heard: heard == 2)
        eventually(lambda: client.get("/v1/questions").json()["items"], lambda items: items[0]["state"] == "answered")
        assert len(received) == 2


def test_an_upload_that_another_machine_has_is_said_to_be_there(site, upload):
    one, far = site.front(), site.front(machine="two")
    here, there = site.client(one, "moderator"), site.client(far, "moderator")
    kept = here.post("/v1/questions", params={"review": True}, content=upload, headers=LATER).headers["Location"]
    answered(here, kept)
    refused = there.get(f"{kept}/media")
    assert refused.status_code == 404
    assert f"the file lies on {platform.node()}, with another front" in refused.json()["detail"]
    with far.client() as browser:
        browser.post("/login", data={"key": site.keys["moderator"]})
        (entry,) = there.get("/v1/review/queue").json()["items"]
        shown = browser.get(f"/cases/{entry['id']}").text
        assert f"The upload lies on {platform.node()}" in shown
        assert "<video" not in shown
    with one.client() as browser:
        browser.post("/login", data={"key": site.keys["moderator"]})
        assert "<video" in browser.get(f"/cases/{entry['id']}").text


def test_a_front_that_is_killed_is_succeeded_and_nothing_is_lost_or_told_twice(site, upload, hashes):
    with receiver() as (address, received):
        Webhooks(site.db.store).add("told", f"{address}/hook")
        one, other = site.front("--webhook-host", "127.0.0.1"), site.front("--webhook-host", "127.0.0.1")
        at_one, at_other = site.client(one, "pipeline"), site.client(other, "pipeline")
        taken = [
            at_one.post("/v1/questions", params={"webhook": "told"}, content=upload, headers=LATER).headers["Location"] for _ in range(3)
        ]
        one.kill()
        assert at_other.post("/v1/questions/hashes", json=hashes).json()["file"]["verdict"] == "match"
        for place in taken:
            assert answered(at_other, place)["file"]["verdict"] == "match"
        eventually(lambda: Counter(headers["webhook-id"] for _, headers, _ in received), lambda heard: len(heard) == len(taken))
        heard = Counter(headers["webhook-id"] for _, headers, _ in received)
        assert sum(heard.values()) <= len(taken) + 1  # the one that was being told when it was killed
        uploads = site.here / "one" / site.db.store.identity / "uploads"
        eventually(lambda: list(uploads.glob("*/*.upload")), lambda left: not left)


def test_what_a_front_of_another_machine_began_is_free_once_it_is_gone(site):
    """The tables by themselves, as no test should wait for a machine to be taken for gone."""
    store = site.db.store
    a, b, fronts = Questions(store, "a"), Questions(store, "b"), Fronts(store)
    for name in ("a", "b"):
        fronts.beat(name, f"host-{name}")
    waits = a.add(by="x", name="", options={}, review=False, file="a/1.upload", size=1)
    told = a.add(by="x", name="", options={}, review=False, file="", size=0, webhook="told", answer={})
    assert b.begin() is None
    begun = a.begin()
    assert begun is not None and begun.id == waits.id
    with pytest.raises(RequestUnderWay):
        Replies(store, "a").begin("x", "k")
        Replies(store, "b").begin("x", "k")
    assert [one.silent_s < 20 for one in fronts.all().values()] == [True, True]
    fronts.leave("a", 30.0)
    assert [one.silent_s > 30 for one in fronts.all().values()] == [True, False]
    # Its file is on its disk, so what it is about stays with it; webhooks and requests are others' now.
    assert b.take_over({"a"}, files=False) == 1
    assert [one.id for one in b.untold()] == [told.id] and a.untold() == []
    Replies(store, "b").forget_begun({"a"})
    assert Replies(store, "b").begin("x", "k") is None
    assert b.take_over({"a"}) == 1
    assert a.answered(waits.id, {}, keeps_file=False) is None  # it was not gone after all, and comes too late
    again = b.begin()
    assert again is not None and (again.id, again.attempts) == (waits.id, 2)
    assert b.get(waits.id).state is QuestionState.RUNNING

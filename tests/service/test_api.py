"""The routes beside questions: what they answer is what the library says, and who may ask. Each answer is held against the description."""

import hashlib

import pytest

import vhashdb
from tests.service.serving import ALL
from vhashdb.fingerprints import to_json

EDITED = "edited/harbour__insert.mp4"


@pytest.fixture
def everything(service):
    with service.client(*ALL) as client:
        yield client


def known(client):
    return client.get("/v1/records").json()["items"]


# -- records -------------------------------------------------------------------------------------------


def test_a_record_is_added_found_changed_and_withdrawn(service, everything, samples):
    film = next((samples / "unknown").glob("*.mp4"))
    said = {"label": ["tvec", "graphic-violence"], "severity": "high", "reason": "seen", "name": "one.mp4", "review_by": "2030-01-02"}
    before = everything.get("/v1/changes", params={"limit": 1000}).json()["last"]
    made = everything.post("/v1/records", params=said, content=film.read_bytes())
    assert (made.status_code, made.json()["status"], made.json()["path"]) == (201, "added", "one.mp4")
    again = everything.post("/v1/records", params=said, files={"file": ("two.mp4", film.read_bytes())})
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    assert list((service.folder / "uploads").iterdir()) == []

    shown = everything.get(made.headers["Location"])
    expected = {"labels": ["graphic-violence", "tvec"], "severity": "high", "review_by": "2030-01-02"}
    assert {name: shown.json()[name] for name in expected} == expected
    assert shown.json()["audit"][0]["actor"] == "+".join(ALL)
    tag = {"If-Match": shown.headers["ETag"]}
    changed = everything.post(f"{made.headers['Location']}/labels", json={"add": ["news"], "remove": ["tvec"]}, headers=tag)
    assert changed.json()["labels"] == ["graphic-violence", "news"]
    late = everything.post(f"{made.headers['Location']}/labels", json={"add": ["late"]}, headers=tag)
    assert (late.status_code, late.json()["type"]) == (412, "urn:vhashdb:error:RecordChanged")
    assert everything.post(f"{made.headers['Location']}/retract", json={"reason": "no"}, headers=tag).status_code == 412
    assert everything.post(f"{made.headers['Location']}/labels", json={"add": ["x"]}, headers={"If-Match": "2"}).status_code == 400
    gone = everything.post(
        f"{made.headers['Location']}/retract", json={"reason": "by mistake"}, headers={"If-Match": changed.headers["ETag"]}
    )
    assert gone.json()["state"] == "retracted"
    again = everything.post(f"{made.headers['Location']}/retract", json={"reason": "again"})
    assert (again.status_code, again.json()["revision"]) == (200, gone.json()["revision"])
    assert everything.post(f"{made.headers['Location']}/retract", json={"reason": "again"}, headers=tag).status_code == 412
    assert everything.post(f"{made.headers['Location']}/labels", json={}).status_code == 400
    since = everything.get("/v1/changes", params={"since": before}).json()
    assert [(one["record"]["record"], one["record"]["state"]) for one in since["items"]] == [(made.json()["record"], "retracted")]


def test_a_record_is_added_by_hashes(everything, samples):
    film = sorted((samples / "unknown").glob("*.mp4"))[1]
    hashes = to_json(vhashdb.fingerprint(film))
    made = everything.post("/v1/records/hashes", json={"hashes": hashes, "label": ["tvec"], "name": "mine"})
    assert (made.status_code, made.json()["labels"], made.json()["path"]) == (201, ["tvec"], "mine")
    assert everything.get(made.headers["Location"]).json()["hashes"] > 0
    assert everything.post("/v1/records/hashes", json={"hashes": "no hashes"}).status_code == 422
    assert everything.post("/v1/records/hashes", json={"hashes": hashes, "severity": "awful"}).status_code == 400


def test_pages_of_records_are_all_records(service, everything):
    with vhashdb.open(service.folder) as db:
        expected = [record.id for record in db.records()]
    seen, cursor = [], ""
    while cursor is not None:
        page = everything.get("/v1/records", params={"limit": 2, "cursor": cursor}).json()
        assert len(page["items"]) <= 2
        seen, cursor = seen + [record["record"] for record in page["items"]], page["next"]
    assert seen == expected
    assert everything.get("/v1/records", params={"label": "sample", "severity": "extreme"}).json()["items"] == []
    assert everything.get("/v1/records", params={"cursor": "0" * 32}).status_code == 404


def test_whoever_follows_the_changes_misses_none(service, everything):
    with vhashdb.open(service.folder) as db:
        expected = {record.id: record.revision for record in db.records()}
    followed, since, more = {}, 0, True
    while more:
        page = everything.get("/v1/changes", params={"since": since, "limit": 2}).json()
        followed |= {one["record"]["record"]: one["record"]["revision"] for one in page["items"]}
        since, more = page["last"], page["more"]
    assert followed == expected
    one = next(iter(expected))
    everything.post(f"/v1/records/{one}/labels", json={"add": ["changed"]})
    page = everything.get("/v1/changes", params={"since": since}).json()
    assert [(item["record"]["record"], item["record"]["revision"]) for item in page["items"]] == [(one, expected[one] + 1)]


def test_a_file_is_marked_as_not_a_record(everything, samples):
    data = (samples / EDITED).read_bytes()
    (found,) = everything.post("/v1/questions", content=data, params={"sound": False}).json()["matches"]
    mark = {"sha256": hashlib.sha256(data).hexdigest(), "reason": "a title"}
    marked = everything.post(f"/v1/records/{found['record']}/unmatch", json=mark)
    assert (marked.status_code, marked.json()["record"]) == (200, found["record"])
    assert everything.post("/v1/questions", content=data, params={"sound": False}).json()["matches"] == []


def test_opinions_are_given_and_read(everything):
    record = known(everything)[-1]["record"]
    given = everything.post(f"/v1/records/{record}/opinions", json={"verdict": "false_positive", "reason": "a trailer"})
    assert (given.status_code, given.json()["state"]) == (201, "disputed")
    (said,) = everything.get(f"/v1/records/{record}/opinions").json()["items"]
    assert (said["verdict"], said["author"]) == ("false_positive", "local")
    assert everything.post(f"/v1/records/{record}/opinions", json={"verdict": "nonsense"}).status_code == 400


# -- videos --------------------------------------------------------------------------------------------


def test_videos_are_merged_and_split(everything):
    first, second = everything.get("/v1/videos", params={"limit": 2}).json()["items"]
    merged = everything.post(f"/v1/videos/{first['video']}/merge", json={"others": [second["video"]], "reason": "the same"}).json()
    assert merged["video"] == first["video"]
    assert everything.get(f"/v1/videos/{second['video']}").json() == merged
    away = [record["record"] for record in second["records"]]
    apart = everything.post(f"/v1/videos/{first['video']}/split", json={"records": away}).json()["items"]
    assert sorted(len(video["records"]) for video in apart) == sorted([len(first["records"]), len(away)])
    assert everything.get("/v1/videos", params={"cursor": "x"}).status_code == 400


# -- review --------------------------------------------------------------------------------------------


def test_an_upload_is_reviewed(service, samples):
    with service.client(*ALL) as asks, service.client("decide") as first, service.client(name="second person") as second:
        film = (samples / "edited/valley__clip.mp4").read_bytes()
        asked = asks.post("/v1/questions", content=film, params={"review": True, "name": "up.mp4"}).json()
        queue = first.get("/v1/review/queue", params={"kind": "video"}).json()
        (entry,) = [one for one in queue["items"] if asked["id"] in one["uploads"]]
        assert queue["counts"]["verdict"]["match"] >= 1
        assert first.get("/v1/review/queue", params={"kind": "video", "severity": "low"}).json()["total"] == 0
        case = first.get(f"/v1/review/cases/{entry['id']}").json()
        assert case["uploads"][0]["matches"][0]["segments"]
        assert [action["act"] for action in case["actions"]] == ["yes", "yes, seen", "no", "pass on"]

        claimed = first.post("/v1/review/claims", json={"cases": [entry["id"]]}).json()["items"]
        assert claimed[0]["claimed_by"] == "decide"
        decision = {"cases": [{"id": entry["id"], "version": entry["version"]}], "act": "yes", "reason": "the same video"}
        assert second.post("/v1/review/decisions", json=decision).status_code == 409
        assert second.delete("/v1/review/claims", params={"case": entry["id"]}).status_code == 204  # is not theirs
        assert second.post("/v1/review/claims", json={"cases": [entry["id"]]}).status_code == 409
        old = decision | {"cases": [{"id": entry["id"], "version": "old"}]}
        assert first.post("/v1/review/decisions", json=old).status_code == 412
        made = [first.post("/v1/review/decisions", json=decision, headers={"Idempotency-Key": "once"}) for _ in range(2)]
        assert [one.status_code for one in made] == [201, 201]
        assert made[0].json() == made[1].json()
        assert first.get(f"/v1/review/cases/{entry['id']}").status_code == 404

        undo = f"/v1/review/decisions/{made[0].json()['id']}/undo"
        assert [one["id"] for one in first.get("/v1/review/decisions").json()["items"]] == [made[0].json()["id"]]
        assert second.post(undo).status_code == 403
        assert first.post(undo).json()["act"] == "yes"
        assert first.post(undo).status_code == 404
        assert first.get(f"/v1/review/cases/{entry['id']}").status_code == 200


# -- operation -----------------------------------------------------------------------------------------


def test_figures_and_states(service, everything):
    assert everything.get("/v1/info").json()["records"] == len(known(everything)) - everything.get("/v1/info").json()["states"]["retracted"]
    assert str(service.folder.parent) not in everything.get("/v1/info").text
    figures = everything.get("/v1/statistics", params={"from": "2026-01-01", "by": "month"}).json()
    assert figures["stats"]["by"] == "month"
    assert "records_by_state" in {figure["figure"] for figure in figures["figures"]}
    assert everything.get("/v1/statistics", params={"from": "0001-01-01"}).status_code == 400
    assert everything.get("/v1/feeds").json()["items"] == []
    assert everything.get("/v1/version").json()["version"] == vhashdb.__version__


def test_a_secret_is_shown_once_and_kept_nowhere(service):
    with service.client("administer") as client:
        made = client.post("/v1/keys", json={"name": "app", "scopes": ["ask"]}, headers={"Idempotency-Key": "k"})
        hook = client.post("/v1/webhooks", json={"name": "app", "url": "https://app.example/told"}, headers={"Idempotency-Key": "w"})
        secrets = [made.json()["secret"], hook.json()["secret"]]
        listed = client.get("/v1/keys").text + client.get("/v1/webhooks").text
        assert client.post("/v1/keys", json={"name": "app", "scopes": ["ask"]}).status_code == 400
        with service.client(secret=secrets[0]) as app:
            assert app.get("/v1/version").status_code == 200
            assert client.delete("/v1/keys/app").json()["revoked_at"]
            assert app.get("/v1/version").status_code == 401
        assert client.delete("/v1/webhooks/app").status_code == 204
        assert client.get("/v1/webhooks").json()["items"] == []
    assert not any(secret in listed for secret in secrets)
    stored = b"".join(file.read_bytes() for file in service.folder.glob("records*"))
    assert secrets[0].encode() not in stored
    with vhashdb.open(service.folder) as db, db.store.transactions.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM reply WHERE key IN ('k', 'w')").scalar() == 0


def endless(block=b" " * (1 << 16)):
    """A body that is longer than anything that may be sent, and of which nobody says so before."""
    yield b"{"
    for _ in range((8 << 20) // len(block)):
        yield block


@pytest.mark.parametrize("path", ["/v1/keys", "/v1/webhooks", "/v1/review/decisions"])
def test_a_body_is_read_only_of_those_who_may_ask_and_only_so_much(service, path):
    with service.client() as nobody, service.client(*ALL) as client:
        assert nobody.post(path, content=b"{" * 100).status_code == 401  # nothing was read that could be wrong
        for body in (b" " * (5 << 20), endless()):
            assert client.post(path, content=body, headers={"Content-Type": "application/json"}).status_code == 413


def test_a_request_is_counted_once(service):
    with service.client("administer") as admin:
        made = admin.post("/v1/keys", json={"name": "hasty", "scopes": ["record"], "rate_per_minute": 2})
        with service.client(secret=made.json()["secret"]) as client:
            first = [client.post("/v1/records/0/labels", json={}, headers={"Idempotency-Key": str(n)}).status_code for n in range(3)]
    assert first == [400, 400, 429]


MATRIX = {
    "/v1/records": {"record", "decide"},
    "/v1/records/0": {"ask", "record", "decide"},
    "/v1/changes": {"record"},
    "/v1/videos": {"record", "decide"},
    "/v1/review/queue": {"decide"},
    "/v1/review/decisions": {"decide"},
    "/v1/statistics": {"decide", "administer"},
    "/v1/info": {"decide", "administer"},
    "/v1/feeds": {"decide", "administer"},
    "/v1/keys": {"administer"},
    "/v1/webhooks": {"administer"},
    "/v1/version": {"ask", "record", "decide", "administer"},
}


def test_each_scope_opens_what_it_should(service):
    opened = {path: set() for path in MATRIX}
    for scope in ALL:
        with service.client(scope) as client:
            for path in MATRIX:
                if client.get(path).status_code != 403:
                    opened[path].add(scope.value)
    with service.client() as nobody:
        assert {nobody.get(path).status_code for path in MATRIX} == {401}
    assert opened == MATRIX

"""HMA's clients, and Coop, as they ask: their requests, over HTTP."""

import datetime
import hashlib
import json

import pytest
from PIL import Image

import vhashdb
from tests.service.serving import ALL
from vhashdb.errors import FingerprintError
from vhashdb.service.hma.handles import KEPT_S, LONGEST_SIGNAL, MOST_OF_ONE, Handles
from vhashdb.store import Scope

EDITED = "edited/harbour__insert.mp4"
SAMPLE = "SAMPLE"  # what the label of the films of the fixture is called


def form(samples, name=EDITED, part="video", **more):
    return {"files": {part: ("a.mp4", (samples / name).read_bytes()), **more}}


def unknown(samples):
    return f"unknown/{min((samples / 'unknown').glob('*.mp4')).name}"


def numbers(said):
    return [each["bank_content_id"] for each in said]


@pytest.fixture(scope="module")
def signals(service, samples):
    """The signals of an edited film, whole."""
    with service.client("ask") as client:
        said = client.post("/h/hash", params={"handles": False}, **form(samples))
    assert said.status_code == 200, said.text
    return said.json()


# -- /h --------------------------------------------------------------------------------------------


def test_a_file_has_the_signals_of_its_content_type(service, samples, signals):
    content = (samples / EDITED).read_bytes()
    assert set(signals) == {"vhashdb", "video_md5", "video_sha256"}
    assert signals["video_md5"] == hashlib.md5(content).hexdigest()
    assert signals["video_sha256"] == hashlib.sha256(content).hexdigest()
    still = (samples / "still.png").read_bytes()
    with service.client("ask") as client:
        picture = client.post("/h/hash", files={"photo": ("a.png", still)}).json()
        video = client.post("/h/hash", params={"types": "video_md5, video_vpdq", "handles": False}, **form(samples)).json()
    assert picture == {"pdq": str(vhashdb.hash_image(Image.open(samples / "still.png")))}
    assert set(video) == {"video_md5", "video_vpdq"}
    assert len(json.loads(video["video_vpdq"])[0].split(",")) == 3


@pytest.mark.parametrize("path", ["/h/hash", "/m/lookup"])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a.mp4", "http://169.254.169.254/", "file:///etc/passwd", "https://example.org/a.mp4"])
def test_no_address_is_fetched_unless_the_operator_names_its_host(service, path, url):
    with service.client("ask") as client:
        refused = client.get(path, params={"url": url, "content_type": "video"})
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("Invalid or unsafe URL provided")


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"content": b"x"}, "Missing multipart/form-data file upload"),
        ({"files": {"file": ("a.mp4", b"x")}}, "the form has no file"),
        ({"files": [("video", ("a.mp4", b"x")), ("video", ("b.mp4", b"x"))]}, "Only one file allowed per request"),
        ({"files": {"video": ("a.mp4", b"x")}, "params": {"types": "pdq"}}, "signal type 'pdq' doesn't exist or is disabled"),
        ({"files": {"video": ("a.mp4", b"x")}, "params": {"types": ","}}, "empty signal type selection"),
    ],
)
@pytest.mark.parametrize("path", ["/h/hash", "/m/lookup"])
def test_a_form_that_hma_refuses_is_refused(service, request_, message, path):
    with service.client("ask") as client:
        refused = client.post(path, **request_)
    assert (refused.status_code, refused.json()["message"]) == (400, message)
    assert list((service.folder / "uploads").iterdir()) == []


# -- /m --------------------------------------------------------------------------------------------


def test_a_signal_and_a_file_are_in_the_bank_of_their_label(service, samples, signals):
    body = {"signal": signals["vhashdb"], "signal_type": "vhashdb"}
    with service.client("ask") as client:
        by_signal = client.post("/m/lookup", json=body).json()
        by_file = client.post("/m/lookup", **form(samples)).json()
        raw = client.post("/m/raw_lookup", json=body).json()
        far = client.post("/m/raw_lookup", json=body, params={"include_distance": True}).json()
    (match,) = by_signal[SAMPLE]
    assert set(by_signal) == {SAMPLE}
    assert match["distance"].startswith("match/")
    assert numbers(by_file["vhashdb"][SAMPLE]) == raw["matches"] == [match["bank_content_id"]]
    assert by_file["video_md5"] == by_file["video_sha256"] == {}
    assert far["matches"] == [match]


def test_a_signal_that_matches_nothing_is_in_no_bank(service, samples):
    with service.client("ask") as client:
        hashes = client.post("/h/hash", **form(samples, unknown(samples))).json()
        for name, signal in hashes.items():
            query = {"signal": signal, "signal_type": name}
            assert client.get("/m/lookup", params=query).json() == {}
            assert client.get("/m/raw_lookup", params=query).json() == {"matches": []}
        assert client.post("/m/lookup", **form(samples, unknown(samples))).json() == {name: {} for name in hashes}


def test_hashes_of_files_and_of_pictures_are_looked_up(service, samples, signals):
    with vhashdb.open(service.folder) as db:
        record = next(iter(db.records()))
        number, picture = db.store.number(record.id), db.fingerprint(record.id)
    whole = picture.only(picture.view == 0)
    middle = len(whole) // 2
    rows = [f"{whole.hash[i].tobytes().hex()},{whole.quality[i]},{whole.start_s[i]:.3f}" for i in range(len(whole))]
    queries = {
        "video_md5": (record.md5, "0"),
        "video_sha256": (record.sha256.upper(), "0"),
        "pdq": (whole.hash[middle].tobytes().hex(), "0"),
        "video_vpdq": (json.dumps(rows), None),
        "vhashdb_vpdq": (json.dumps(rows), None),
        "vpdq": (json.dumps(rows), None),
    }
    with service.client("ask") as client:
        for name, (signal, distance) in queries.items():
            found = client.post("/m/lookup", json={"signal": signal, "signal_type": name}).json()
            assert number in numbers(found[SAMPLE]), name
            assert distance in (None, found[SAMPLE][0]["distance"])
        still = client.post("/m/lookup", files={"photo": ("a.png", (samples / "still.png").read_bytes())}).json()
    assert still.keys() == {"pdq"}
    assert 0 < int(still["pdq"][SAMPLE][0]["distance"]) <= 31


def test_a_long_signal_gets_through_an_address_by_its_handle(service, samples, signals):
    assert len(signals["vhashdb"]) > LONGEST_SIGNAL
    with service.client("ask") as client, service.client(*ALL) as other:
        handle = client.post("/h/hash", **form(samples)).json()["vhashdb"]
        query = {"signal": handle, "signal_type": "vhashdb"}
        assert len(handle) < 64
        assert client.get("/m/lookup", params=query).json().keys() == {SAMPLE}
        strange = other.get("/m/lookup", params=query)
    assert strange.status_code == 400
    assert "handle" in strange.json()["message"]


@pytest.mark.parametrize("name", ["pdq", "vhashdb", "vhashdb_vpdq", "video_md5", "video_sha256", "video_vpdq", "vpdq"])
def test_what_is_no_signal_is_an_error_and_never_no_match(service, name):
    with service.client("ask") as client:
        for signal in ("", "x", "vh1.", "[]", "0" * 63, "vhh.unknown"):
            refused = client.get("/m/lookup", params={"signal": signal, "signal_type": name})
            assert refused.status_code == 400
            assert refused.json()["message"].startswith("invalid signal: ")


def test_what_cannot_be_looked_at_is_an_error_and_never_no_match(service, samples):
    cut = (samples / unknown(samples)).read_bytes()
    cut = cut[: len(cut) // 2]
    with service.client("ask") as client:
        for content in (b"\0" * 1000, cut):
            for path in ("/h/hash", "/m/lookup"):
                refused = client.post(path, files={"video": ("a.mp4", content)})
                assert refused.status_code == 422, (path, refused.text)
                assert "uploads" not in refused.text
        exact = client.post("/m/lookup", params={"types": "video_md5"}, files={"video": ("a.mp4", cut)})
    assert exact.json() == {"video_md5": {}}


def test_parameters_that_are_missing_are_the_errors_of_hma(service):
    with service.client("ask") as client:
        assert client.get("/m/lookup").json()["message"] == "Either url or both signal and signal_type are required"
        assert client.get("/m/raw_lookup", params={"signal": "x"}).status_code == 422
        unknown_type = client.get("/m/raw_lookup", params={"signal": "x", "signal_type": "x"})
        assert (unknown_type.status_code, unknown_type.json()["message"]) == (400, "No such SignalType 'x'")
        strange = client.post("/m/compare", content=r'{"\ud800\n": ["", ""]}')
        assert (strange.status_code, strange.json()["message"]) == (400, "No such SignalType '\\ud800\n'")
        assert client.post("/m/compare", content=b"[" * 100_000).json()["message"] == "the body is no JSON"
        assert client.post("/m/compare", json=[]).json()["message"] == "Request input was not a dict"
        assert client.post("/m/compare", json={"pdq": "x"}).json()["message"] == "Comparison hashes for pdq was not a list"
        assert client.post("/m/compare", json={"pdq": ["x"]}).json()["message"] == "Comparison hash list length must be exactly 2"


def test_two_signals_are_compared(service, samples, signals):
    with service.client("ask") as client:
        other = client.post("/h/hash", **form(samples, "known/harbour.mp4"), params={"handles": False}).json()
        picture = "f" * 64
        said = client.post(
            "/m/compare",
            json={
                "vhashdb": [signals["vhashdb"], other["vhashdb"]],
                "pdq": [picture, "0" + picture[1:]],
                "video_md5": [signals["video_md5"], other["video_md5"]],
            },
        ).json()
    assert said["pdq"] == [True, {"distance": 4}]
    assert said["video_md5"] == [False, {}]
    matches, similarity = said["vhashdb"]
    assert matches
    assert similarity["verdict"] == "match"
    assert similarity["distance"] == pytest.approx(1 - similarity["score"])
    assert similarity["segments"][0].keys() == {"query_start_s", "query_end_s", "reference_start_s", "reference_end_s", "speed"}


def test_the_index_tells_its_size(service, samples):
    films = len(list((samples / "known").glob("*.mp4")))
    with service.client("ask") as client:
        said = client.get("/m/index/status").json()
        one = client.get("/m/index/status", params={"signal_type": "pdq"}).json()
    assert said["vhashdb"]["size"] >= films
    with vhashdb.open(service.folder) as db:
        newest = max(record.added_at for record in db.records() if record.state != "retracted")
    assert said["video_md5"]["built_to"] == int(newest.replace(tzinfo=datetime.UTC).timestamp())
    assert one == {"pdq": said["pdq"]}


# -- /c --------------------------------------------------------------------------------------------


def test_a_bank_is_made_renamed_and_removed(service):
    with service.client("administer") as client:
        assert {"name": SAMPLE, "matching_enabled_ratio": 1.0} in client.get("/c/banks").json()
        made = client.post("/c/banks", json={"name": "A__B_", "enabled_ratio": "0.5"})
        assert (made.status_code, made.json()) == (201, {"name": "A__B_", "matching_enabled_ratio": 0.5})
        assert client.post("/c/banks", json={"name": "A__B_"}).status_code == 403
        assert client.post("/c/banks", json={"name": SAMPLE}).json()["message"] == "Bank already exists"
        assert client.post("/c/banks", json={"name": "a"}).json()["message"] == "Bank names must be UPPER_WITH_UNDERSCORE"
        assert client.post("/c/banks", json={}).status_code == 422
        assert client.put("/c/bank/A__B_", json={"name": SAMPLE}).status_code == 403
        assert client.put("/c/bank/A__B_", json={"name": "C", "enabled": False}).json() == {"name": "C", "matching_enabled_ratio": 0.0}
        assert client.get("/c/bank/A__B_").json()["message"] == "bank 'A__B_' not found"
        assert client.put("/c/bank/A__B_", json={"name": "D"}).status_code == 404
        assert client.delete(f"/c/bank/{SAMPLE}").status_code == 403
        assert client.delete("/c/bank/C").json() == {"message": "Done"}
        assert client.delete("/c/bank/C").json() == {"message": "Done"}
        assert client.get("/c/bank/C").status_code == 404


def test_content_is_found_at_once_and_taken_away(service, samples):
    film = form(samples, unknown(samples))
    with service.client(*ALL) as client:
        client.post("/c/banks", json={"name": "MINE"})
        made = client.post("/c/bank/MINE/content", **film)
        assert made.status_code == 200
        number, signals = made.json()["id"], made.json()["signals"]
        assert client.post("/m/lookup", **film).json()["vhashdb"].keys() == {"MINE"}
        assert client.get("/m/lookup", params={"signal": signals["video_md5"], "signal_type": "video_md5"}).json().keys() == {"MINE"}
        assert client.post("/c/bank/MINE/content", **film).json()["id"] == number
        content = client.get(f"/c/bank/MINE/content/{number}", params={"include_signals": "true"}).json()
        assert content["id"] == number
        assert content["bank"]["name"] == "MINE"
        assert content["signals"] == signals
        assert client.put(f"/c/bank/MINE/content/{number}", json={"disable_until_ts": 0}).status_code == 501
        # In a second bank it stays when it is taken out of the first.
        assert client.post(f"/c/bank/{SAMPLE}/content", **film).json()["id"] == number
        assert client.post("/m/lookup", **film).json()["vhashdb"].keys() == {"MINE", SAMPLE}
        assert client.delete(f"/c/bank/MINE/content/{number}").json() == {"deleted": 1}
        assert client.delete(f"/c/bank/MINE/content/{number}").json() == {"deleted": 0}
        assert client.post("/m/lookup", **film).json()["vhashdb"].keys() == {SAMPLE}
        assert client.delete(f"/c/bank/{SAMPLE}/content/{number}").json() == {"deleted": 1}
        assert client.post("/m/lookup", **film).json()["vhashdb"] == {}
        assert client.get(f"/c/bank/{SAMPLE}/content/{number}").status_code == 404
        client.delete("/c/bank/MINE")
        for number in (0, 10**30):
            assert client.get(f"/c/bank/{SAMPLE}/content/{number}").status_code == 404
            assert client.delete(f"/c/bank/{SAMPLE}/content/{number}").json() == {"deleted": 0}
    with vhashdb.open(service.folder) as db:
        actions = {(line.action, line.actor) for line in db.audit()}
    assert {("bank-added", "+".join(ALL)), ("retract", "+".join(ALL)), ("bank-removed", "+".join(ALL))} <= actions


def test_a_bank_counts_in_its_share_of_the_lookups(service, samples):
    film = form(samples, unknown(samples))
    with service.client(*ALL) as client:
        client.post("/c/banks", json={"name": "HALF", "enabled_ratio": 0.5})
        client.post("/c/bank/HALF/content", **film)
        query = {"signal": hashlib.md5(film["files"]["video"][1]).hexdigest(), "signal_type": "video_md5"}
        found = {seed: client.get("/m/lookup", params=query | {"seed": seed}).json() for seed in "abcdefgh"}
        again = {seed: client.get("/m/lookup", params=query | {"seed": seed}).json() for seed in "abcdefgh"}
        client.put("/c/bank/HALF", json={"enabled_ratio": 0})
        never = client.post("/m/lookup", **film).json()["vhashdb"]
        every = client.post("/m/lookup", params={"bypass_coinflip": "true"}, **film).json()["vhashdb"]
        raw = client.get("/m/raw_lookup", params=query).json()["matches"]
        others = client.get("/m/raw_lookup", params=query | {"banks": SAMPLE}).json()["matches"]
        client.delete("/c/bank/HALF")
        gone = client.get("/m/raw_lookup", params=query).json()["matches"]
    assert found == again
    assert {frozenset(each) for each in found.values()} == {frozenset(), frozenset({"HALF"})}
    assert (never, set(every), len(raw), others, gone) == ({}, {"HALF"}, 1, [], [])


def test_signals_become_content(service, samples):
    with service.client(*ALL) as client:
        hashes = client.post("/h/hash", **form(samples, unknown(samples))).json()
        client.post("/c/banks", json={"name": "SIGNALS"})
        made = client.post("/c/bank/SIGNALS/signal", json=hashes)
        assert made.json()["signals"] == hashes
        found = client.get("/m/lookup", params={"signal": hashes["video_sha256"], "signal_type": "video_sha256"}).json()
        assert numbers(found["SIGNALS"]) == [made.json()["id"]]
        assert client.post("/m/lookup", **form(samples, unknown(samples))).json()["vhashdb"].keys() == {"SIGNALS"}
        for body, message in (
            ({}, "No signals given"),
            ({"x": "y"}, "No such signal type x"),
            ({"pdq": "y"}, "Invalid pdq signal: "),
            ({"video_md5": "0" * 32}, "a record needs a signal of pictures"),
        ):
            refused = client.post("/c/bank/SIGNALS/signal", json=body)
            assert refused.status_code == 400
            assert refused.json()["message"].startswith(message)
        assert client.post("/c/bank/NONE/signal", json=hashes).status_code == 404
        client.delete("/c/bank/SIGNALS")


# -- Coop ------------------------------------------------------------------------------------------


def test_coop_keeps_its_banks_here(service, samples):
    """As its HmaService asks, in this order."""
    name = "COOP_ORG1_KNOWN__VIDEOS_"
    text = {"content_id": "item-1", "content_uri": "https://example.org/1", "metadata": json.dumps({"a": "b"})}
    with service.client(*ALL) as client:
        assert client.post("/c/banks", json={"name": name, "enabled_ratio": "1"}).status_code == 201
        assert client.get(f"/c/bank/{name}").json() == {"name": name, "matching_enabled_ratio": 1.0}
        added = client.post(f"/c/bank/{name}/content", data=text, **form(samples, unknown(samples)))
        assert added.status_code == 200
        assert {"id", "signals"} <= added.json().keys()
        hashes = client.post("/h/hash", **form(samples, unknown(samples))).json()
        for signal_type, signal in hashes.items():
            looked_up = client.get("/m/lookup", params={"signal_type": signal_type, "signal": signal})
            assert looked_up.json()[name]
        for method in ("GET", "DELETE"):
            assert client.request(method, f"/c/exchange/{name}").status_code == 404
        renamed = "COOP_ORG1_OTHER"
        assert client.put(f"/c/bank/{name}", json={"name": renamed}).json()["name"] == renamed
        assert client.get("/m/lookup", params={"signal_type": "video_md5", "signal": hashes["video_md5"]}).json().keys() == {renamed}
        assert client.delete(f"/c/bank/{renamed}/content/{added.json()['id']}").json() == {"deleted": 1}
        assert client.delete(f"/c/bank/{renamed}").status_code == 200
        assert client.get(f"/c/bank/{renamed}").status_code == 404


# -- access ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/h/hash", Scope.ASK),
        ("GET", "/m/lookup", Scope.ASK),
        ("POST", "/m/raw_lookup", Scope.ASK),
        ("POST", "/m/compare", Scope.ASK),
        ("POST", "/c/banks", Scope.ADMINISTER),
        ("PUT", "/c/bank/X", Scope.ADMINISTER),
        ("DELETE", "/c/bank/X", Scope.ADMINISTER),
        ("POST", "/c/bank/X/content", Scope.RECORD),
        ("POST", "/c/bank/X/signal", Scope.RECORD),
        ("DELETE", "/c/bank/X/content/1", Scope.RECORD),
    ],
)
def test_each_route_needs_its_scope(service, method, path, scope):
    with service.client() as nobody, service.client("decide") as wrong, service.client(scope) as right:
        assert nobody.request(method, path).status_code == 401
        refused = wrong.request(method, path)
        assert (refused.status_code, list(refused.json())) == (403, ["message", "hint"])
        assert right.request(method, path).status_code not in (401, 403)


def test_its_state_needs_no_key(service):
    with service.client() as client:
        said = client.get("/status")
        assert (said.status_code, said.text) == (200, "I-AM-ALIVE")
        assert client.get("/livez").status_code == client.get("/status/live").status_code == client.get("/readyz").status_code == 200


def test_handles_end_and_are_bounded():
    now = [0.0]
    handles = Handles(lambda: now[0])
    long = "x" * (MOST_OF_ONE // 2)
    first, second, third = (handles.shorten("a", long) for _ in range(3))
    other = handles.shorten("b", long)
    assert handles.signal("a", second) == handles.signal("a", third) == handles.signal("b", other) == long
    for by, handle in (("a", first), ("b", second)):
        with pytest.raises(FingerprintError):
            handles.signal(by, handle)
    now[0] = KEPT_S + 1
    with pytest.raises(FingerprintError):
        handles.signal("a", third)
    assert handles.shorten("a", "short") == handles.signal("a", "short") == "short"

"""What a stranger, a program with a key and a page of another site can try, each by its name."""

import gzip
import hmac
import http.client
import io
import shutil
import socket
import struct
import time
import zlib
from urllib.parse import urlsplit

import pytest

import vhashdb
from tests.service.serving import ALL, service_with_keys
from vhashdb.service.access import RateLimiter
from vhashdb.store import ApiKeys, Scope, api_keys

OPEN = ("/healthz", "/readyz", "/v1/openapi.json")


def routes(service):
    """Every route and method, with something in the place of each parameter."""
    with service.client() as client:
        described = client.get("/v1/openapi.json").json()["paths"]
    for path, methods in described.items():
        filled = "/".join("0" * 32 if part.startswith("{") else part for part in path.split("/"))
        yield from ((method.upper(), filled) for method in methods if method != "parameters")


def raw(service, data, *, most=1 << 16, shut=True):
    """Send bytes as they are, and return all that comes back."""
    address = urlsplit(service.address)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(data)
        if shut:
            connection.shutdown(socket.SHUT_WR)
        received = b""
        while len(received) < most and (block := connection.recv(65536)):
            received += block
    return received


def uploads(service):
    """What is kept, once whatever is under way has ended."""
    for _ in range(600):
        if not (found := list((service.folder / "uploads").iterdir())):
            break
        time.sleep(0.05)
    return found


# -- keys ------------------------------------------------------------------------------------------


def test_no_key(service):
    tried = [(method, path) for method, path in routes(service) if path not in OPEN]
    assert tried
    with service.client(**{"X-Forwarded-For": "203.0.113.9"}) as client:  # to this machine itself the metrics are told without one
        answers = {(method, path): client.request(method, path).status_code for method, path in tried}
    assert set(answers.values()) == {401}, answers


@pytest.mark.parametrize("key", ["", "vhk_", "vhk_0000000000000000_" + "A" * 43, "' OR 1=1 --", "\u00e9", "x" * 8000])
def test_a_key_that_is_none(service, key):
    with service.client(**{"X-API-KEY": key.encode("latin-1", "replace")}) as client:
        assert client.get("/v1/questions").status_code in (401, 429)


def test_a_key_of_another_database(service, tmp_path):
    with vhashdb.create(tmp_path / "other.vhdb") as other:
        _, secret = ApiKeys(other.store).add("other", [Scope.ASK])
    with service.client(**{"X-API-KEY": secret}) as client:
        assert client.get("/v1/questions").status_code == 401


def test_a_key_that_was_revoked_opens_nothing_at_once(service):
    with vhashdb.open(service.folder) as db:
        keys = ApiKeys(db.store)
        _, secret = keys.add("leaver", [Scope.ASK])
        with service.client(**{"X-API-KEY": secret}) as client:
            assert client.get("/v1/questions").status_code == 200
            keys.revoke("leaver")
            assert client.get("/v1/questions").status_code == 401


def test_a_wrong_scope(service):
    with service.client("record") as client:
        refused = client.post("/v1/questions", content=b"x")
    assert (refused.status_code, refused.headers["Content-Type"]) == (403, "application/problem+json")
    assert uploads(service) == []


def test_the_time_of_a_comparison_tells_nothing(service, monkeypatch):
    """Whatever is presented, as many digests of the same length are compared, in constant time."""
    compared, compare = [], hmac.compare_digest
    monkeypatch.setattr(api_keys.hmac, "compare_digest", lambda a, b: compared.append((len(a), len(b))) or compare(a, b))
    with vhashdb.open(service.folder) as db:
        keys = ApiKeys(db.store)
        right = service.keys[(Scope.ASK,)]
        for presented in (right, right[:-1], f"{right[:-1]}_", "vhk_0000000000000000_" + "A" * 43, "nothing", ""):
            keys.find(presented)
    assert compared == [(64, 64)] * 6


def test_nothing_secret_is_on_disk(service):
    with vhashdb.open(service.folder) as db:
        session = ApiKeys(db.store).begin_session(ApiKeys(db.store).all()[0])
        db.store.transactions.empty_log()
    written = b"".join(path.read_bytes() for path in service.folder.rglob("*") if path.is_file())
    for secret in (*service.keys.values(), session):
        assert secret[-40:].encode() not in written  # of a key, the part that nobody can guess


def test_a_key_allows_so_many_requests_and_recovers():
    now = [0.0]
    rates = RateLimiter(lambda: now[0])
    assert [rates.wait_s("a", 60) for _ in range(60)] == [0.0] * 60
    assert 0 < rates.wait_s("a", 60) <= 1
    assert rates.wait_s("b", 60) == 0.0
    now[0] = 1.0
    assert rates.wait_s("a", 60) == 0.0
    assert rates.wait_s("a", 60) > 0


def test_too_many_requests_are_told_when_to_come_again(service):
    with vhashdb.open(service.folder) as db:
        _, secret = ApiKeys(db.store).add("hasty", [Scope.ASK], rate_per_minute=2)
    with service.client(**{"X-API-KEY": secret}) as client:
        answers = [client.get("/v1/questions") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) >= 1


# -- uploads ---------------------------------------------------------------------------------------


def head(service, *lines, path="/v1/questions"):
    key = service.keys[(Scope.ASK,)]
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", f"X-API-KEY: {key}", *lines, "", ""]).encode()


def test_an_oversized_upload_is_refused_before_it_is_sent(service):
    said = raw(service, head(service, "Content-Length: 1000000000000", "Connection: close"), shut=False)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert uploads(service) == []


def test_an_upload_that_does_not_say_how_large_it_is_ends_at_the_limit(service):
    blocks = [b"x" * (1 << 20)] * 6
    with service.client("ask") as client:
        assert client.post("/v1/questions", content=iter(blocks)).status_code == 413
    assert uploads(service) == []


LIES = (
    "Content-Length: 5",
    "Content-Length: -1",
    "Content-Length: 0x10",
    "Content-Length: 5, 6",
    "Content-Length: 5\r\nContent-Length: 6",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
)


@pytest.mark.parametrize("lie", LIES)
def test_a_lying_content_length(service, lie):
    """What follows the body that was said is no request in anybody's name; what does not come is no upload."""
    smuggled = b"hello" + b"GET /v1/questions HTTP/1.1\r\nHost: localhost\r\n\r\n"
    said = raw(service, head(service, lie) + smuggled)
    assert b'"items"' not in said
    assert not said or said.split(b" ")[1][:1] in (b"2", b"4")
    assert uploads(service) == []


def test_a_client_that_goes_away_leaves_nothing(service):
    raw(service, head(service, "Content-Length: 1000000") + b"x" * 5000)
    assert uploads(service) == []


@pytest.mark.parametrize(
    ("form", "status"),
    [
        (b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n' * 40 + b"--b--\r\n", 413),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + b"a" * 100_000 + b'"\r\n\r\ny\r\n--b--\r\n', 400),
        (b"--b\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\ny\r\n--b--\r\n", 400),
        (b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\n' + b"y" * (5 << 20) + b"\r\n--b--\r\n", 413),
        (b"no form at all", 400),
        (b"", 400),
    ],
    ids=["parts", "name", "headers", "size", "garbage", "nothing"],
)
def test_a_multipart_bomb(service, form, status):
    with service.client("ask") as client:
        refused = client.post("/v1/questions", content=form, headers={"Content-Type": "multipart/form-data; boundary=b"})
    assert refused.status_code == status
    assert uploads(service) == []


def test_a_compressed_body_is_not_unpacked(service):
    with service.client("ask") as client:
        refused = client.post("/v1/questions", content=gzip.compress(b"\0" * (1 << 20)), headers={"Content-Encoding": "gzip"})
        hashes = client.post("/v1/questions/hashes", content=gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
    assert refused.status_code == hashes.status_code == 415


def test_a_decoder_bomb_is_unreadable(service):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    picture += chunk(b"IDAT", zlib.compress(b"\0" * (1 << 20))) + chunk(b"IEND", b"")
    with service.client("ask") as client:
        said = client.post("/v1/questions", content=picture).json()
    assert (said["file"]["verdict"], said["complete"], said["error"]["error"]) == ("unreadable", False, "LimitExceeded")


def test_a_quota_that_is_full_refuses_and_says_when_to_come_again(known_folder, tmp_path, samples):
    folder = tmp_path / "db.vhdb"
    shutil.copytree(known_folder, folder)
    film = (samples / "edited/harbour__insert.mp4").read_bytes()
    with service_with_keys(folder, quota_bytes=len(film) + 1000) as small, small.client(*ALL) as client:
        assert client.post("/v1/questions", params={"review": True}, content=film).status_code == 200
        refused = client.post("/v1/questions", content=film)
        assert (refused.status_code, "Retry-After" in refused.headers) == (507, True)
        assert len(list((folder / "uploads").iterdir())) == 1


# -- addresses, headers, pages -----------------------------------------------------------------------


TRAVERSING = (
    "/../../etc/passwd",
    "/v1/questions/..%2f..%2frecords.sqlite",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/v1/questions/%00",
    "/uploads/",
    "/records.sqlite",
)


@pytest.mark.parametrize("path", TRAVERSING)
def test_path_traversal(service, path):
    address = urlsplit(service.address)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request("GET", path, headers={"X-API-KEY": service.keys[ALL]})
    answer = connection.getresponse()
    assert answer.status in (400, 404)
    assert b"SQLite" not in answer.read()
    connection.close()


def test_local_files_are_read_only_in_the_folders_that_were_named(known_folder, tmp_path, samples):
    folder, allowed = tmp_path / "db.vhdb", tmp_path / "allowed"
    shutil.copytree(known_folder, folder)
    allowed.mkdir()
    shutil.copy(samples / "edited/harbour__insert.mp4", allowed / "film.mp4")
    (allowed / "link").symlink_to(folder / "records.sqlite")
    (tmp_path / "allowed-not").mkdir()
    shutil.copy(samples / "edited/harbour__insert.mp4", tmp_path / "allowed-not" / "film.mp4")
    with service_with_keys(folder, roots=(allowed,)) as running, running.client("ask") as client:

        def ask(path):
            return client.post("/v1/questions/path", json={"path": str(path)})

        assert ask(allowed / "film.mp4").json()["file"]["verdict"] == "match"
        assert ask(allowed / "none.mp4").status_code == 422
        for outside in (allowed / "link", allowed / ".." / "db.vhdb" / "records.sqlite", tmp_path / "allowed-not" / "film.mp4", "film.mp4"):
            assert ask(outside).status_code == 403


@pytest.mark.parametrize("name", ["X-Request-ID", "X-API-KEY", "Idempotency-Key", "Prefer", "If-None-Match"])
def test_header_injection(service, name):
    said = raw(service, f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{name}: a\rSet-Cookie: x=1\r\nConnection: close\r\n\r\n".encode())
    assert b"set-cookie" not in said.lower()
    with service.client(**{name: "a\tb%0d%0aSet-Cookie: x=1"}) as client:
        assert "Set-Cookie" not in client.get("/healthz").headers


def test_another_name_of_the_host_is_refused(service):
    """A page that had its own name resolve to this machine reaches nothing (DNS rebinding)."""
    with service.client(*ALL, Host="evil.example") as client:
        assert client.get("/v1/questions").status_code == 421
    with service.client(Host="[::1]:80") as client:
        assert client.get("/healthz").status_code == 200


def test_a_page_of_another_site_changes_nothing(known_folder, tmp_path):
    folder = tmp_path / "db.vhdb"
    shutil.copytree(known_folder, folder)
    with service_with_keys(folder, require_key=False) as running, running.client() as client:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            assert client.post("/v1/questions", content=b"x", headers=headers).status_code == 403
        assert client.post("/v1/questions", content=b"x", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_answers_are_nobodys_to_keep_or_frame(service):
    with service.client() as client:
        headers = client.get("/healthz").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "server" not in headers


def test_an_error_tells_no_path_of_this_machine(service):
    with service.client(*ALL) as client:
        said = [client.get("/v1/questions/none").text, client.post("/v1/questions", content=b"x" * 100).text, client.get("/nowhere").text]
    assert not any(str(service.folder.parent) in text for text in said)


def test_many_slow_clients_do_not_stop_others(service, samples):
    address = urlsplit(service.address)
    slow = [socket.create_connection((address.hostname, address.port), timeout=60) for _ in range(100)]
    try:
        for number, connection in enumerate(slow):
            connection.sendall(head(service, "Content-Length: 100000") + b"x" if number % 2 else b"GET /healthz HTTP/1.1\r\nHo")
        with service.client("ask") as client:
            said = client.post("/v1/questions", files={"file": io.BytesIO((samples / "edited/harbour__insert.mp4").read_bytes())}).json()
        assert said["file"]["verdict"] == "match"
    finally:
        for connection in slow:
            connection.close()

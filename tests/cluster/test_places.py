"""Where files of a job may be: what a person named and what lies below it, page by page, and nowhere else."""

import contextlib
import http.server
import os
import socketserver
import threading

import pytest

import vhashdb
from vhashdb.cluster import places
from vhashdb.cluster.places import Fetched, NotFetched, pages, place_of


@pytest.mark.parametrize(
    "name",
    [
        "ftp://host/x",
        "simplecache::s3://bucket/x",
        "zip://x.zip::http://inside/",
        "reference://x",
        "github://org:repo@/x",
        "memory://x",
        "data:,x://",
        "file://other-host/etc/passwd",
        "s3:///key",
        "https:///x",
        "https://user@host/x",
        "https://user:secret@host/x",
        "s3://key:secret@bucket/x",
        "abfs://c:secret@account.dfs.example/x",
    ],
)
def test_what_is_no_place_is_refused_and_a_password_is_not_repeated(name):
    with pytest.raises(vhashdb.UsageError) as raised:
        place_of(name)
    assert "secret" not in str(raised.value) and "secret" not in raised.value.hint


def test_paths_and_places_keep_their_names(tmp_path):
    odd = tmp_path / "a b#%?é"
    odd.mkdir()
    (odd / "c\udcff.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(9))
    (odd / "notes.txt").write_text("x")
    (page,) = pages(place_of(str(odd)), "", sound=False)
    (found,) = page.files
    assert found.path.startswith("file:///") and found.size == 21
    with Fetched(found.path, most_bytes=100) as file:
        assert file.head()[4:8] == b"ftyp" and len(file.read(1 << 20)) == 21 and file.read(1) == b""
    assert place_of("abfs://container@account.dfs.example/x") == "abfs://container@account.dfs.example/x"
    with pytest.raises(NotFetched, match="no such file"):
        list(pages(place_of(str(odd / "missing")), "", sound=False))


def test_no_more_is_read_than_is_wanted(tmp_path):
    (tmp_path / "a.mp4").write_bytes(bytes(10_000))
    with Fetched(place_of(str(tmp_path / "a.mp4")), most_bytes=9_000) as file:
        file.head()
        with pytest.raises(vhashdb.LimitExceeded):
            while file.read(1000):
                pass


PAGE = b"""<a href="a.mp4">a</a> <a href="/shared/b/">b</a> <a href="http://127.0.0.1:1/inside.mp4">inside</a>
<a href="../../secret.mp4">up</a> <a href="http://%s/secret.mp4">host</a> <a href="c.mp4?x=1">query</a> <a href="moved.mp4">moved</a>"""


class _Site(http.server.BaseHTTPRequestHandler):
    asked: list

    def do_GET(self):
        self.asked.append(self.path)
        host = self.headers["Host"].encode()
        body = {"/shared/": PAGE % host, "/shared/b/": b'<a href="d.mp4">d</a>', "/secret.mp4": b"secret"}.get(self.path, b"a film")
        self.send_response(302 if self.path.endswith("moved.mp4") else 200)
        if self.path.endswith("moved.mp4"):
            self.send_header("Location", "/secret.mp4")
            body = b""
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def site(monkeypatch):
    pytest.importorskip("fsspec")
    pytest.importorskip("aiohttp")
    monkeypatch.setattr(_Site, "asked", [], raising=False)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Site) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/shared/"
        server.shutdown()


def test_a_web_server_leads_nowhere_else(site):
    found = [each.path.removeprefix(site) for page in pages(site, "", sound=False) for each in page.files]
    assert found == ["a.mp4", "b/d.mp4", "moved.mp4"]
    with Fetched(site + "a.mp4", most_bytes=100) as file:
        assert file.read(100) == b"a film"
    with contextlib.suppress(NotFetched), Fetched(site + "moved.mp4", most_bytes=100) as file:
        assert b"secret" not in file.read(100)
    assert "/secret.mp4" not in _Site.asked
    after = [each.path.removeprefix(site) for page in pages(site, site + "a.mp4", sound=False) for each in page.files]
    assert after == ["b/d.mp4", "moved.mp4"]


@pytest.mark.filterwarnings("ignore")  # of the libraries of the store
def test_a_bucket_is_listed_in_pages_and_gone_on_with(bucket, monkeypatch):
    client, name = bucket
    keys = [f"in/{n:02}.mp4" for n in range(7)] + ["in/", "in/sub/x y#é?.mp4", "inside.mp4", "other/z.mp4"]
    for key in keys:
        client.put_object(Bucket=name, Key=key, Body=key.encode())
    monkeypatch.setattr(places, "PAGE", 3)
    first, *rest = pages(f"s3://{name}/in", "", sound=False)
    assert [each.path for each in first.files] == [f"s3://{name}/in/00.mp4", f"s3://{name}/in/01.mp4"]  # and the folder itself
    found = [each for page in rest for each in page.files]
    assert [each.path for each in found] == [*(f"s3://{name}/in/{n:02}.mp4" for n in range(2, 7)), f"s3://{name}/in/sub/x y#é?.mp4"]
    assert max(len(page.files) for page in (first, *rest)) <= 3
    again = [each for page in pages(f"s3://{name}/in", first.cursor, sound=False) for each in page.files]
    assert again == found
    with Fetched(found[-1].path, most_bytes=100) as file:
        assert file.read(100) == "in/sub/x y#é?.mp4".encode()
    with pytest.raises(NotFetched), Fetched(f"s3://{name}/in/none.mp4", most_bytes=100) as file:
        file.read(1)
    assert [each.path for page in pages(f"s3://{name}/in/00.mp4", "", sound=False) for each in page.files] == [f"s3://{name}/in/00.mp4"]
    client.put_object(Bucket=name, Key="in/00.mp4", Body=b"another")
    (page,) = pages(f"s3://{name}/in/00.mp4", "", sound=False)
    assert page.files[0].version != first.files[0].version
    with pytest.raises(NotFetched, match="cannot be listed"):
        list(pages("s3://no-such-bucket/", "", sound=False))
    assert os.environ["AWS_ENDPOINT_URL"]

"""Files that HMA's clients name by their address: fetched from hosts that the operator named, and from no other."""

import contextlib
import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.service.serving import ALL

EDITED = "edited/harbour__insert.mp4"


class Files(SimpleHTTPRequestHandler):
    """A store of media: `/to/ADDRESS` redirects there, `/endless` is a file without an end."""

    def do_GET(self):
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
        elif self.path == "/endless":
            self.send_response(200)
            self.send_header("Content-Type", "video/mp4")
            self.end_headers()
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(bytes(1 << 16))
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def store(samples):
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=samples)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_file_is_fetched_from_a_host_that_was_named(serve_copy, store, samples):
    form = {"files": {"video": ("a.mp4", (samples / EDITED).read_bytes())}}
    by_address = {"url": f"http://{store}/{EDITED}?signature=a%20b"}
    with serve_copy(fetch_hosts=(store,)) as service, service.client(*ALL) as client:
        options = {"types": "video_md5,vhashdb", "handles": False}
        assert client.get("/h/hash", params=by_address | options).json() == client.post("/h/hash", params=options, **form).json()
        found = client.get("/m/lookup", params=by_address).json()
        assert found == client.post("/m/lookup", **form).json()
        assert list(found["vhashdb"]) == ["SAMPLE"]
        picture = client.get("/h/hash", params={"url": f"http://{store}/still.png", "content_type": "photo"})
        assert set(picture.json()) == {"pdq"}
        client.post("/c/banks", json={"name": "FETCHED"}).raise_for_status()
        added = client.post("/c/bank/FETCHED/content", params={"url": f"http://{store}/unknown/train.mp4"})
        assert added.status_code == 200, added.text
        assert os.listdir(service.folder / "uploads") == []


def test_nothing_else_is_fetched(serve_copy, store):
    name, port = store.split(":")
    with serve_copy(fetch_hosts=(store, "media.example"), upload_bytes=1 << 20) as service, service.client("ask") as client:
        for url, status, said in (
            (f"http://{name}:{int(port) + 1}/a.mp4", 403, "unsafe"),
            (f"http://localhost:{port}/{EDITED}", 403, "unsafe"),
            ("http://media.example:8080/a.mp4", 403, "unsafe"),
            (f"http://{store}@169.254.169.254/a.mp4", 403, "unsafe"),
            (f"http://{store}/to/http://169.254.169.254/a.mp4", 502, "answers 302"),
            (f"http://{store}/none.mp4", 502, "answers 404"),
            (f"http://{store}/truth.csv", 400, "unsupported content type"),
            (f"http://{store}/endless", 413, "larger"),
            ("file:///etc/passwd", 403, "unsafe"),
            ("http://[::1", 403, "unsafe"),
        ):
            answer = client.get("/m/lookup", params={"url": url})
            assert (answer.status_code, said in answer.json()["message"]) == (status, True), (url, answer.text)
        assert os.listdir(service.folder / "uploads") == []

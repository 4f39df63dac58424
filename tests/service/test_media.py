"""The file of a kept question: any part of it, only for those who decide, and never as anything that a browser would run."""

import pytest

from vhashdb.service.routes.media import UNKNOWN, media_type

FILM = "edited/valley__clip.mp4"


@pytest.fixture(scope="module")
def kept(service, samples):
    """The address of a file that is kept, and what is in it."""
    film = (samples / FILM).read_bytes()
    with service.client("ask") as client:
        said = client.post("/v1/questions", params={"review": True, "name": "<b>x</b>.html"}, content=film).json()
    return f"/v1/questions/{said['id']}/media", film


def test_all_of_it_or_any_part(service, kept):
    address, film = kept
    size = len(film)
    with service.client("decide") as client:
        whole = client.get(address)
        assert (whole.status_code, whole.content) == (200, film)
        assert whole.headers["Accept-Ranges"] == "bytes"
        for asked, start, end in (("0-99", 0, 100), ("100-", 100, size), ("-7", size - 7, size), (f"5-{size * 9}", 5, size)):
            part = client.get(address, headers={"Range": f"bytes={asked}"})
            assert (part.status_code, part.content) == (206, film[start:end])
            assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
        beyond = client.get(address, headers={"Range": f"bytes={size}-"})
        assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
        assert beyond.headers["Content-Type"] == "application/problem+json"
        for strange in ("bytes=5-2", "bytes=-", "bytes=0-1,4-5", "lines=1-2", "bytes=x-", "bytes=" + "9" * 400 + "-"):
            assert client.get(address, headers={"Range": strange}).status_code == 200, strange
        head = client.head(address)
        assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", str(size))
        tag = whole.headers["ETag"]
        assert client.get(address, headers={"Range": "bytes=0-9", "If-Range": tag}).status_code == 206
        assert client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"another"'}).status_code == 200


def test_a_browser_runs_nothing_of_it(service, kept):
    with service.client("decide") as client:
        headers = client.get(kept[0]).headers
    assert headers["Content-Type"] == "video/mp4"
    assert headers["Content-Disposition"] == "inline"
    assert "sandbox" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_only_for_those_who_decide_and_only_while_it_is_kept_for_them(service, kept, samples):
    with service.client("ask") as client:
        assert client.get(kept[0]).status_code == 403
        waiting = client.post("/v1/questions", content=(samples / FILM).read_bytes(), headers={"Prefer": "respond-async"}).json()
    with service.client() as client:
        assert client.get(kept[0]).status_code == 401
    with service.client("decide") as client:
        for identifier in (waiting["id"], "0" * 32, "..", "%2e%2e%2fvhashdb.sqlite"):
            assert client.get(f"/v1/questions/{identifier}/media").status_code == 404


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x18ftypisom", "video/mp4"),
        (b"\0\0\0\x18ftypqt  ", "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x84webm", "video/webm"),
        (b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\x1f\x42\x82\x88matroska", "video/x-matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "video/x-msvideo"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"<html><script>alert(1)</script>", UNKNOWN),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", UNKNOWN),
        (b"%PDF-1.7", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_the_type_is_told_by_the_content(head, kind, tmp_path):
    (tmp_path / "x.html").write_bytes(head)
    assert media_type(tmp_path / "x.html") == kind

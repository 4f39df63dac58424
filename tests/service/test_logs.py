import io
import json
import logging
import re

import httpx
import pytest

from tests.service.serving import ALL
from vhashdb.fingerprints import to_json
from vhashdb.service import log_to

TELLING = "telling"


@pytest.mark.parametrize("as_json", [True, False])
def test_the_log_has_no_name_no_hash_and_no_query(serve_copy, samples, reference_prints, tmp_path, as_json):
    film = tmp_path / f"{TELLING}-path.mp4"
    film.write_bytes((samples / "edited/harbour__insert.mp4").read_bytes())
    broken = film.read_bytes()[: film.stat().st_size // 2]
    hashes = to_json(reference_prints["harbour"])
    log = io.StringIO()
    with log_to(log, as_json=as_json), serve_copy(roots=(tmp_path,)) as service, service.client(*ALL) as client:
        said = client.post("/v1/questions", params={"name": f"{TELLING}.mp4"}, content=film.read_bytes()).json()
        client.post("/v1/questions", files={"file": (f"{TELLING}.mp4", broken)})
        client.post("/v1/questions/hashes", json={"hashes": hashes, "name": TELLING}).raise_for_status()
        client.post("/v1/questions/path", json={"path": str(film)}).raise_for_status()
        client.post("/v1/questions/path", json={"path": f"{tmp_path}/{TELLING}-gone.mp4"})
        client.get("/v1/questions", params={"cursor": TELLING})
        client.get(f"/{TELLING}")
        httpx.get(f"{service.address}/healthz", headers={"Host": TELLING}, trust_env=False)
        secret = service.keys[ALL]
    text = log.getvalue()
    assert TELLING not in text
    assert said["file"]["sha256"] not in text
    assert not re.search("[0-9a-f]{64}", text)  # as hashes of files and of pictures are written
    assert secret not in text
    assert text.count("/v1/questions/path") >= 2


def test_a_line_names_the_request_as_its_response_does(serve_copy):
    log = io.StringIO()
    with log_to(log, as_json=True, level=logging.INFO), serve_copy() as service, service.client("ask") as client:
        answer = client.get("/v1/questions", headers={"X-Request-ID": "from-the-proxy"})
    (line,) = [line for line in map(json.loads, log.getvalue().splitlines()) if line.get("request") == "from-the-proxy"]
    assert answer.headers["X-Request-ID"] == "from-the-proxy"
    assert (line["request"], line["by"], line["route"], line["status"]) == ("from-the-proxy", "ask", "/v1/questions", 200)

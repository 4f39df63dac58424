import contextlib
import os
import signal
import sqlite3

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service.serving import ALL, eventually
from tests.video.test_decoding import children
from vhashdb.service import asking
from vhashdb.video import DecoderPool

TELLING = "a telling name.mp4"


@pytest.fixture
def metrics(service):
    """Reads the metrics: `{(name, labels as sorted pairs): value}`."""

    def read():
        with service.client() as client:
            found = text_string_to_metric_families(client.get("/metrics").raise_for_status().text)
            return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in found for one in family.samples}

    return read


def test_a_question_and_its_request_are_counted_by_what_came_of_them(service, metrics, samples):
    answered = ("vhashdb_question_seconds_count", (("effort", "fast"), ("verdict", "match")))
    requested = ("vhashdb_request_seconds_count", (("method", "POST"), ("route", "/v1/questions"), ("status", "2xx")))
    refused = ("vhashdb_request_seconds_count", (("method", "GET"), ("route", "/v1/questions/{question_id}"), ("status", "4xx")))
    before = metrics()
    with service.client("ask") as client:
        film = (samples / "edited/harbour__insert.mp4").read_bytes()
        client.post("/v1/questions", params={"effort": "fast", "name": TELLING}, content=film)
        client.get("/v1/questions/5e55")
    after = metrics()
    for each in (answered, requested, refused):
        assert after[each] == before.get(each, 0) + 1, each
    said = repr(after)
    assert TELLING not in said
    assert "5e55" not in said


def test_what_waits_for_people_and_lies_on_disk(samples, monkeypatch, serve_copy):
    monkeypatch.setattr(asking, "SWEEP_S", 0.05)
    film = (samples / "edited/harbour__insert.mp4").read_bytes()
    with serve_copy() as service, service.client(*ALL) as client:
        client.post("/v1/questions", params={"review": True}, content=film).raise_for_status()
        said = eventually(lambda: client.get("/metrics").text, lambda text: "vhashdb_cases 1.0" in text)
    assert f"vhashdb_uploads_bytes {float(len(film))}" in said
    assert 'vhashdb_questions{state="waiting"} 0.0' in said
    assert 'vhashdb_index_lag_changes{index="hashes"}' in said
    assert "vhashdb_database_writable 1.0" in said


def test_a_decoder_that_was_killed_is_counted_and_another_answers(serve_copy, samples):
    film = (samples / "edited/harbour__insert.mp4").read_bytes()
    DecoderPool.close_kept()
    before = set(children())
    with serve_copy(workers=1) as service, service.client(*ALL) as client:
        client.post("/v1/questions", content=film).raise_for_status()
        (decoder,) = set(children()) - before
        os.kill(decoder, signal.SIGKILL)
        eventually(children, lambda alive: decoder not in alive)
        again = client.post("/v1/questions", content=film).json()
        assert again["file"]["verdict"] == "match"
        assert "vhashdb_decoder_restarts_total 1.0" in client.get("/metrics").text


def test_metrics_are_there_when_the_database_is_not(serve_copy):
    with serve_copy() as service, service.client(*ALL) as client:
        with contextlib.closing(sqlite3.connect(service.folder / "records.sqlite", isolation_level=None)) as other:
            other.execute("ALTER TABLE question RENAME TO elsewhere")
            said = client.get("/metrics")
            other.execute("ALTER TABLE elsewhere RENAME TO question")
        assert said.status_code == 200
        assert "vhashdb_database_up 0.0" in said.text
        assert "vhashdb_uploads_bytes" in said.text


@pytest.mark.parametrize(("scopes", "status"), [((), 401), (("ask",), 403), (("administer",), 200)])
def test_whoever_is_elsewhere_needs_a_key(service, scopes, status):
    with service.client(*scopes, **{"X-Forwarded-For": "203.0.113.9"}) as client:
        assert client.get("/metrics").status_code == status

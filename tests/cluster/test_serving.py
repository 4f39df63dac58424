"""The service in front of shards on Ray: it answers as it does with an index of its own, and never for a shard that is missing."""

import signal

import pytest

from tests.cluster.test_on_ray import WAIT_S, kill, wait_until
from tests.service.program import program
from tests.service.published import Published
from tests.service.serving import eventually
from vhashdb.fingerprints import to_json

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray has many of its own


@pytest.fixture
def front(spread, tmp_path):
    """Starts a front that asks the shards, with one process for lookups."""

    def start(name, *options):
        environment = {"VHASHDB_INDEX": str(spread.folder / name), "PYTHONWARNINGS": "ignore"}
        (tmp_path / name).mkdir()
        return program(spread.place, "--workers", 1, "--cluster", spread.address, *options, log_at=tmp_path / name, environment=environment)

    return start


def test_the_service_answers_from_shards_or_says_what_is_missing(spread, front, samples, query_prints, reference_prints):
    query, other = query_prints["edited/harbour__insert.mp4"], query_prints["unknown/train.mp4"]
    spread.deployment.start(spread.layout(2, replicas=2), wait_s=WAIT_S)
    with spread.opened(timeout_s=WAIT_S) as books:
        for name, fingerprint in reference_prints.items():
            books.db.add(fingerprint, labels=["sample"], reason=name)
        expected = {match.record.id: pytest.approx(match.score, abs=1e-3) for match in books.db.match(query).matches}
    missing = spread.deployment.generations()[0].names[0]
    with front("whole") as whole, front("some", "--partial") as some, whole.client() as strict, some.client() as partial:
        published = Published(whole.address)
        strict.event_hooks = partial.event_hooks = {"response": [published.check]}

        def asked(client, fingerprint=query):
            return client.post("/v1/questions/hashes", json={"hashes": to_json(fingerprint)})

        def found(client, fingerprint=query):
            """What it finds, once it answers: a machine that is loaded may make it wait for longer than it does."""
            answer = eventually(lambda: asked(client, fingerprint), lambda said: said.status_code != 503, seconds=WAIT_S).json()
            assert answer["complete"]
            return {match["record"]: match["score"] for match in answer["matches"]}

        def ready(client):
            said = eventually(lambda: client.get("/readyz"), lambda said: said.status_code == 200, seconds=WAIT_S).json()
            return said["parts"], said["missing"]

        # everything is there
        assert ready(strict) == (2, [])
        for client in (strict, partial):
            assert found(client) == expected
            assert found(client, other) == {}
        uploaded = strict.post("/v1/questions", content=(samples / "edited/harbour__insert.mp4").read_bytes()).json()
        assert uploaded["file"]["verdict"] == "match" and uploaded["complete"]
        assert not list((spread.folder / "whole").rglob("current.json"))  # no index is kept where it is asked

        # a replica dies: the other one is asked
        for number in (0, 1):
            kill(spread, number)
            assert found(strict) == expected
        wait_until(lambda: all(line["replicas"] == 2 for line in spread.deployment.status()))

        # a shard dies and stays away
        spread.deployment._serve.delete(str(missing))
        refused = asked(strict, other)
        assert refused.status_code == 503 and refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:vhashdb:error:IndexUnavailable"
        assert "shard 1 of 2" in refused.json()["detail"] and refused.json()["hint"]
        assert refused.headers["Retry-After"]
        unready = strict.get("/readyz")
        assert (unready.status_code, unready.json()["why"]) == (503, "IndexUnavailable")
        assert 'vhashdb_index_parts{state="missing"} 1.0' in strict.get("/metrics").text
        answer = asked(partial, other).json()
        assert (answer["file"]["verdict"], answer["complete"]) == ("insufficient", False)
        assert ready(partial) == (2, [1])

        # it comes back, in other shards
        spread.deployment.reshard(spread.layout(3), wait_s=WAIT_S, settle_s=0)
        assert ready(strict) == (3, [])
        assert found(strict) == expected
        whole.process.send_signal(signal.SIGTERM)
        assert whole.process.wait(WAIT_S) == 0, whole.log.read_text()

import json
import logging
import socket
import time

import pytest

import vhashdb
from tests.examples import long
from tests.exchange.hostile import ATTACKS, hostile
from tests.service.receiver import receiver, signed_by
from tests.service.serving import eventually, served
from vhashdb.errors import FeedError
from vhashdb.exchange import FeedLimits, post
from vhashdb.service import ServiceSettings, notifying
from vhashdb.store import Questions, Webhooks

LATER = {"Prefer": "respond-async"}
QUICK = FeedLimits(feed_s=1.0, read_s=1.0, connect_s=2.0, received_bytes=64 << 10, overhead_bytes=64 << 10, requests=1, redirects=0)


@pytest.fixture
def film(samples):
    return (samples / "edited/harbour__insert.mp4").read_bytes()


def named(folder, url):
    """Names a webhook `told`; its secret."""
    with vhashdb.open(folder) as db:
        return Webhooks(db.store).add("told", url).secret


def untold(folder):
    with vhashdb.open(folder) as db:
        return Questions(db.store).untold()


def ask(client, film, **query):
    taken = client.post("/v1/questions", params={"webhook": "told", **query}, content=film, headers=LATER)
    assert taken.status_code == 202, taken.text
    return taken.headers["Location"]


def test_a_webhook_gets_the_question_signed(serve_copy, film):
    with receiver() as (address, received), serve_copy(webhook_hosts=("127.0.0.1",)) as service, service.client("ask") as client:
        secret = named(service.folder, f"{address}/hook?of=us")
        place = ask(client, film, name="a.mp4", review=True)
        eventually(lambda: received, bool)
        ((path, headers, body),) = received
        assert path == "/hook?of=us"
        assert signed_by(secret, headers, body)
        assert not signed_by(secret, headers, body + b" ")
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 300
        assert json.loads(body) == client.get(place).json()
        assert headers["webhook-id"] == json.loads(body)["id"]
        assert str(service.folder) not in body.decode()
        eventually(lambda: untold(service.folder), lambda left: not left)


def test_what_was_not_heard_is_sent_again_and_no_redirect_is_followed(serve_copy, film, monkeypatch):
    monkeypatch.setattr(notifying, "PAUSES_S", (0.02,))
    with (
        receiver() as (elsewhere, astray),
        receiver([(500, {}), (307, {"Location": elsewhere})]) as (address, received),
        serve_copy(webhook_hosts=("127.0.0.1",)) as service,
        service.client("ask") as client,
    ):
        named(service.folder, address)
        ask(client, film)
        eventually(lambda: untold(service.folder), lambda left: not left and len(received) == 3)
        said = client.get("/metrics").text
    assert len({headers["webhook-id"] for _, headers, _ in received}) == 1
    assert astray == []
    assert 'vhashdb_webhook_attempts_total{outcome="failed"} 2.0' in said
    assert 'vhashdb_webhook_attempts_total{outcome="delivered"} 1.0' in said


@long
def test_what_was_not_told_is_told_by_the_next_process(serve_copy, film):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with serve_copy(webhook_hosts=("127.0.0.1",)) as service, service.client("ask") as client:
        named(service.folder, f"http://127.0.0.1:{port}")
        ask(client, film)
        eventually(lambda: client.get("/metrics").text, lambda said: 'attempts_total{outcome="failed"} 1.0' in said)
    with receiver(port=port) as (_, received), served(ServiceSettings(service.folder, webhook_hosts=("127.0.0.1",))):
        eventually(lambda: untold(service.folder), lambda left: not left)
    assert len(received) == 1


def test_what_nobody_hears_is_given_up_and_forgotten(serve_copy, film, monkeypatch, caplog):
    monkeypatch.setattr(notifying, "PAUSES_S", (0.02,))
    with receiver([(500, {})] * 1000) as (address, _), serve_copy(webhook_hosts=("127.0.0.1",), kept_s=1.0) as service:
        named(service.folder, address)
        with service.client("ask") as client, caplog.at_level(logging.WARNING):
            ask(client, film)
            eventually(lambda: client.get("/metrics").text, lambda said: 'attempts_total{outcome="given-up"} 1.0' in said)
        assert untold(service.folder) == []
    assert "any more: it answers 500" in caplog.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001", "hooks.example"])
def test_an_internal_address_is_not_asked_unless_the_operator_allows_it(host, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda name, *rest, **more: real("127.0.0.1" if name == "hooks.example" else name, *rest, **more)
    )
    with receiver() as (address, received):
        place = address.replace("127.0.0.1", host)
        with pytest.raises(FeedError, match="internal address"):
            post(place, b"{}", {}, limits=QUICK)
        with pytest.raises(FeedError, match="internal address"):
            post(place, b"{}", {}, inside=["hooks.example:1"], limits=QUICK)
        assert received == []
        if host == "hooks.example":
            assert post(place, b"{}", {}, inside=[host], limits=QUICK) == 204


def test_a_service_tells_nobody_inside_by_itself(serve_copy, film):
    with receiver() as (address, received), serve_copy() as service, service.client("ask") as client:
        named(service.folder, address)
        ask(client, film)
        eventually(lambda: client.get("/metrics").text, lambda said: 'attempts_total{outcome="failed"} 1.0' in said)
        assert received == []


@pytest.mark.parametrize("attack", ["headers by the byte", "header lines without end", "100 Continue without end", "a body without end"])
def test_a_receiver_cannot_hold_the_service(attack):
    with hostile(ATTACKS[attack]) as (address, _):
        began_s = time.monotonic()
        try:
            post(address, b"{}" * 10, {}, inside=["127.0.0.1"], limits=QUICK)
        except FeedError as error:
            assert error.message
        assert time.monotonic() - began_s < 60  # far more than the limit, for a machine that is busy

"""A host that holds no key keeps nobody from reading the other feeds, and sends nobody anywhere."""

import json
import os
import socket
import ssl
import subprocess
import sys
import time

import pytest

import vhashdb
from tests.conftest import ROOT
from vhashdb import errors
from vhashdb.exchange.client import FeedClient
from vhashdb.exchange.limits import FeedLimits
from vhashdb.exchange.sync import Outcome

from .companies import Company
from .feeds import Consumer, Feed, put
from .hostile import ATTACKS, heard, hostile, redirect, says

QUICK = FeedLimits(read_s=2.0, connect_s=2.0, feed_s=20.0, slowest_bytes_per_s=1_000_000, overhead_bytes=200_000)
PATIENCE_S = 120
"""Far more than the limits allow, for a machine that is busy."""


@pytest.fixture(scope="module")
def trusting(tmp_path_factory):
    """Trusts ``acme-feed`` and ``bold-feed``, both in folders and each with one record; its database is closed."""
    place = tmp_path_factory.mktemp("trusting")
    company = Company(place, "follower")
    for seed, name in enumerate(("acme", "bold"), 1):
        other = Company(place, name)
        other.begins_to_publish()
        other.adds(seed)
        other.publishes()
        company.trusts(other)
        other.close()
    company.close()
    return company


@pytest.fixture
def follower(trusting, tmp_path):
    """The same for one test."""
    company = Company(tmp_path, "follower", like=trusting)
    yield company
    company.close()


def only_the_first_failed(follower, kind=errors.FeedError, **more):
    done = follower.syncs(**more)
    assert {feed: one.outcome for feed, one in done.items()} == {"acme-feed": Outcome.FAILED, "bold-feed": Outcome.UPDATED}
    assert "bold-feed" in follower.asks(2)
    error = done["acme-feed"].error
    assert isinstance(error, kind)
    assert error.message
    assert error.hint
    assert follower.exchange.feeds.get("acme-feed").trouble
    return error


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_host_fails_alone(follower, attack):
    with hostile(ATTACKS[attack]) as (url, _):
        follower.exchange.feeds.move("acme-feed", url=url)
        started = time.monotonic()
        error = only_the_first_failed(follower, limits=QUICK)
        assert time.monotonic() - started < PATIENCE_S
        assert "internal error" not in error.message


def test_many_hostile_hosts_are_waited_for_side_by_side_and_in_turn(tmp_path):
    company, feed = Company(tmp_path, "follower"), Feed(tmp_path, "zoom")
    feed.publish(put(1))
    with hostile(ATTACKS["silence"]) as (url, _):
        for number in range(6):
            company.exchange.feeds.add(f"feed-{number}", url=url, root=feed.first_root, trust="log")
        company.exchange.trust(str(feed.folder), feed.first_root)
        limits = FeedLimits(read_s=2.0, feed_s=20.0, at_once=2)
        done = list(company.exchange.sync(limits=limits))
    assert [one.feed for one in done] == [f"feed-{number}" for number in range(6)] + ["zoom"]
    assert [one.outcome for one in done] == [Outcome.FAILED] * 6 + [
        Outcome.UNCHANGED if not feed.publisher.listing().seq else Outcome.UPDATED
    ]
    company.close()


def test_what_cannot_be_bounded_is_left_behind(follower, monkeypatch):
    """A name server, a network share: the thread waits on, and neither the others nor the end of the program wait for it."""
    import threading

    for_ever = threading.Event()
    refresh = FeedClient.refresh

    def stuck(client):
        if "acme-feed" in str(client._folder):
            for_ever.wait()
        return refresh(client)

    monkeypatch.setattr(FeedClient, "refresh", stuck)
    error = only_the_first_failed(follower, errors.FeedUnreachable, limits=FeedLimits(feed_s=3.0, grace_s=2.0))
    assert "given up after 5 s" in error.message
    for_ever.set()


@pytest.mark.parametrize(
    "fault", [RuntimeError("a \ud800 fault"), MemoryError(), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "x"), KeyError("x")]
)
@pytest.mark.parametrize("where", ["refresh", "fetch", "take"])
def test_a_fault_of_this_program_ends_one_feed_only(follower, monkeypatch, fault, where):
    from vhashdb.exchange.incoming import Incoming

    if where == "take":
        take = Incoming.take

        def faulty(self, *rest):
            if self.feed_id == "acme-feed":
                raise fault
            take(self, *rest)

        monkeypatch.setattr(Incoming, "take", faulty)
    else:
        real = getattr(FeedClient, where)

        def faulty(self, *rest):
            if "acme-feed" in str(self._folder):
                raise fault
            return real(self, *rest)

        monkeypatch.setattr(FeedClient, where, faulty)
    error = only_the_first_failed(follower)
    assert f"internal error while the feed was read: {type(fault).__name__}" in error.message
    assert "fault of vhashdb" in error.hint


def test_ctrl_c_ends_everything(follower, monkeypatch):
    def interrupted(self, *rest):
        raise KeyboardInterrupt

    monkeypatch.setattr("vhashdb.exchange.sync.Syncing._stage", interrupted)
    with pytest.raises(KeyboardInterrupt):
        follower.syncs()


def test_the_command_reads_the_others_says_what_failed_and_ends(follower):
    """In a process of its own, so that a thread that holds its end would be seen."""
    with hostile(ATTACKS["headers by the byte"]) as (url, _):
        follower.exchange.feeds.move("acme-feed", url=url)
        follower.close()
        command = [
            sys.executable,
            "-c",
            "from cli.main import run; run()",
            "sync",
            "--json",
            "--feed-time",
            "1",
            "--db",
            str(follower.path),
        ]
        environment = {**os.environ, "VHASHDB_CACHE": "off"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, cwd=ROOT, env=environment)
    follower.db = vhashdb.open(follower.path)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 5, done.stderr
    assert [(line["feed"], line["outcome"]) for line in lines] == [("acme-feed", "failed"), ("bold-feed", "updated")]
    assert "within 1 s" in lines[0]["message"] or "longer than the 1 s" in lines[0]["message"]


def test_ten_thousand_redirects_are_not_followed(tmp_path):
    feed = Feed(tmp_path)
    with hostile(says(redirect(b"/metadata/timestamp.json"))) as (url, asked):
        with pytest.raises(errors.FeedUnreachable, match="more than 3 times"):
            FeedClient(url, feed.first_root, tmp_path / "m").refresh()
        assert len(asked) == 4
    with hostile(says(redirect(b"/metadata/timestamp.json"))) as (url, asked):
        with pytest.raises(errors.FeedOversize, match="more than the 10 requests"):
            FeedClient(url, feed.first_root, tmp_path / "m", FeedLimits(redirects=10_000, requests=10)).refresh()
        assert len(asked) == 10


def test_bytes_of_a_feed_are_counted(feed, server, tmp_path):
    feed.publish(*(put(number) for number in range(50)))
    member = Consumer(server.url, feed.first_root, tmp_path / "m", FeedLimits(received_bytes=2_000))
    with pytest.raises(errors.FeedOversize, match="more than the 2000 bytes"):
        member.sync()


def test_a_packed_answer_is_never_unpacked(feed, server, tmp_path):
    """A small file that a header calls packed is taken as it is: it is not what was signed."""
    import gzip

    def packed(handler):
        data = gzip.compress(bytes(50_000_000))
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    feed.publish(put(1))
    for name in ("timestamp.json", "segments"):
        server.tricks[name] = packed
        with pytest.raises((errors.FeedOversize, errors.FeedMalformed, errors.FeedUnreachable)):
            Consumer(server.url, feed.first_root, tmp_path / name).sync()
        server.tricks.clear()


# -- where a feed may send us ----------------------------------------------------------------------


def sent_on(feed, to, folder, **more):
    """What a member sees whose feed's host sends on every request to another place; and what the host was asked."""

    def behave(connection, ended, asked):
        while head := heard(connection):
            asked.append(head)
            connection.sendall(redirect(f"{to}{head.split(' ')[1]}".encode()))

    with hostile(behave) as (url, asked):
        return Consumer(url, feed.first_root, folder, **more).sync(), asked


def test_a_redirect_within_the_host_is_followed(feed, server, tmp_path):
    feed.publish(put(1))
    server.tricks.clear()

    def moved(handler):
        handler.send_response(302)
        handler.send_header("Location", handler.path.replace("/old", ""))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.tricks["/old/"] = moved
    member = Consumer(f"{server.url}/old", feed.first_root, tmp_path / "m")
    member.sync()
    assert member.rids == {1}


def test_a_redirect_to_another_host_needs_people(feed, server, tmp_path):
    feed.publish(put(1))
    port = server.server_address[1]
    for other in (server.url, f"http://localhost:{port}"):
        server.asked.clear()
        with pytest.raises(errors.FeedUnreachable, match="redirects to another host") as caught:
            sent_on(feed, other, tmp_path / "m1")
        assert "allow the host" in caught.value.hint
        assert server.asked == []
    head, _ = sent_on(feed, server.url, tmp_path / "m2", hosts=[f"127.0.0.1:{port}"])
    assert head.seq == 1


def test_credentials_are_not_given_to_another_host(feed, server, tmp_path):
    feed.publish(put(1))
    secrets = {"X-Api-Key": "secret", "Authorization": "Bearer secret", "Cookie": "secret"}
    port = server.server_address[1]
    _, asked = sent_on(feed, server.url, tmp_path / "m", headers=secrets, hosts=[f"127.0.0.1:{port}"])
    assert all("X-Api-Key: secret" in head for head in asked)
    assert server.headers_seen
    assert not [seen for seen in server.headers_seen if "secret" in str(seen)]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "0.0.0.0"]
)
def test_a_name_that_stands_for_an_internal_address_is_not_asked(feed, tmp_path, monkeypatch, address):
    """Whatever it stood for when the feed was trusted: what is checked is the address that is connected to."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    real = socket.getaddrinfo

    def resolve(host, port, *rest, **more):
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))] if host == "feeds.example" else real(host, port, *rest, **more)

    def connect(self, *rest):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(errors.FeedUnreachable, match="stands for an internal address"):
        FeedClient("http://feeds.example:8080", feed.first_root, tmp_path / "m").refresh()


def test_an_internal_host_that_people_here_named_is_asked(feed, server, tmp_path, monkeypatch):
    feed.publish(put(1))
    port, real = server.server_address[1], socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1" if host == "feeds.corp" else host, *rest, **more)
    )
    with pytest.raises(errors.FeedUnreachable, match="internal") as caught:
        FeedClient(f"http://feeds.corp:{port}", feed.first_root, tmp_path / "m").refresh()
    assert "allow the host feeds.corp" in caught.value.hint
    assert FeedClient(f"http://feeds.corp:{port}", feed.first_root, tmp_path / "m", hosts=["feeds.corp"]).refresh().seq == 1
    assert FeedClient(server.url, feed.first_root, tmp_path / "n").refresh().seq == 1


@pytest.mark.parametrize(
    "place",
    [
        "http://[::1",
        "http://\ud800/",
        "http://a:99999999999/",
        "http:///x",
        "ftp://a/",
        "http://a b/",
        "http://u:p@a/",
        "http://a/?q",
        "http://a/#f",
    ],
)
def test_what_is_no_address_is_a_wrong_call(feed, tmp_path, place):
    with pytest.raises(errors.UsageError, match="address of a feed"):
        FeedClient(place, feed.first_root, tmp_path / "m")


# -- encrypted -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine's loopback address that signs itself: the file, and that of its key."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "feeds")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("certificate")
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(secret)
    return folder / "certificate.pem", folder / "key.pem"


def encrypted(behave, certificate):
    """The same behaviour behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def talk(connection, ended, asked):
        with context.wrap_socket(connection, server_side=True) as inner:
            behave(inner, ended, asked)

    return talk


def files_of(feed):
    """A server of the feed's files, for one connection at a time."""

    def behave(connection, ended, asked):
        while head := heard(connection):
            asked.append(head)
            path = feed.folder / head.split(" ")[1].lstrip("/")
            data = path.read_bytes() if path.is_file() else b""
            status = b"200 OK" if path.is_file() else b"404 Not Found"
            connection.sendall(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(data)) + data)

    return behave


def test_a_feed_is_read_encrypted_from_whom_the_certificate_names(feed, tmp_path, certificate, monkeypatch):
    feed.publish(*(put(number) for number in range(2_000)))
    with hostile(encrypted(files_of(feed), certificate)) as (url, _):
        place = url.replace("http:", "https:")
        with pytest.raises(errors.FeedUnreachable, match="certificate"):
            FeedClient(place, feed.first_root, tmp_path / "m").refresh()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        member = Consumer(place, feed.first_root, tmp_path / "m")
        member.sync()
        assert len(member.rids) == 2_000
        small = Consumer(place, feed.first_root, tmp_path / "n", FeedLimits(received_bytes=2_000))
        with pytest.raises(errors.FeedOversize, match="more than the 2000 bytes"):
            small.sync()


@pytest.mark.parametrize("attack", ["headers by the byte", "header lines without end", "100 Continue now and then", "a body by the byte"])
def test_encryption_changes_nothing_about_the_bounds(feed, tmp_path, certificate, monkeypatch, attack):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with hostile(encrypted(ATTACKS[attack], certificate)) as (url, asked):
        started = time.monotonic()
        with pytest.raises(errors.FeedError):
            FeedClient(url.replace("http:", "https:"), feed.first_root, tmp_path / "m", QUICK).refresh()
        assert time.monotonic() - started < PATIENCE_S
        assert asked  # the attack took place


@pytest.mark.parametrize("attack", ["silence", "headers by the byte", "100 Continue without end"])
def test_a_handshake_that_never_ends_is_given_up(feed, tmp_path, attack):
    with hostile(ATTACKS[attack]) as (url, _):
        started = time.monotonic()
        with pytest.raises(errors.FeedUnreachable):
            FeedClient(url.replace("http:", "https:"), feed.first_root, tmp_path / "m", QUICK).refresh()
        assert time.monotonic() - started < PATIENCE_S

"""Keys: under a passphrase, for one role, in files that say what they are."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, PublicFormat

from vhashdb.errors import KeyUnusable, UsageError
from vhashdb.exchange.keys import Keyring, make_key, read_key
from vhashdb.exchange.publisher import Publisher

from .feeds import PASSPHRASE, Consumer, Feed, passphrase, put


def test_a_key_file_is_its_owners_and_encrypted(tmp_path):
    file = make_key(tmp_path / "keys", "root", passphrase)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert b"ENCRYPTED PRIVATE KEY" in file.path.read_bytes()
    assert file.role == "root"
    assert read_key(file.path) == file
    signer = file.unlock(passphrase)
    signer.public_key.verify_signature(signer.sign(b"x"), b"x")


def test_a_wrong_passphrase_is_said(tmp_path):
    file = make_key(tmp_path, "root", passphrase)
    with pytest.raises(KeyUnusable, match=r"root-.*cannot be unlocked"):
        file.unlock(lambda path: "another passphrase")


def test_a_short_passphrase_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(KeyUnusable, match="at least 12"):
        make_key(tmp_path, "root", lambda path: "secret")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "content",
    [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\nuri: file2:x\n", bytes(range(256))],
    ids=["empty", "no key", "noise"],
)
def test_what_is_no_key_file_is_named(tmp_path, content):
    path = tmp_path / "root.key"
    path.write_bytes(content)
    with pytest.raises(KeyUnusable, match=r"root\.key"):
        Keyring.load([tmp_path], passphrase)
    with pytest.raises(KeyUnusable, match=r"none\.key"):
        Keyring.load([tmp_path / "none.key"], passphrase)


def test_halves_of_two_keys_are_refused(tmp_path):
    first, second = (make_key(tmp_path, "root", passphrase).path.read_bytes() for _ in range(2))
    mixed = tmp_path / "root-mixed.key"
    mixed.write_bytes(first[: first.index(b"-----BEGIN ENC")] + second[second.index(b"-----BEGIN ENC") :])
    with pytest.raises(KeyUnusable, match="cannot be unlocked"):
        read_key(mixed).unlock(passphrase)


def test_a_key_may_live_behind_a_signer_uri(tmp_path):
    """Any scheme that securesystemslib knows; its own file scheme is the one that works without an account."""
    private = Ed25519PrivateKey.generate()
    (tmp_path / "elsewhere.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    feed = Feed(tmp_path)
    pointer = feed.keys_folder / "targets-kms.key"
    pointer.write_bytes(public + f"uri: file2:{tmp_path / 'elsewhere.pem'}\n".encode())
    feed.publisher.rotate("targets", drop=[feed.made["targets"][0].public.keyid], add=[read_key(pointer).public])
    feed.made["targets"][0].path.unlink()
    feed.publish(put(1))
    member = Consumer(feed.folder, feed.first_root, tmp_path / "member")
    member.sync()
    assert member.rids == {1}
    pointer.write_bytes(public + b"uri: nosuchkms:key\n")
    with pytest.raises(KeyUnusable, match="cannot be unlocked"):
        feed.publish(put(2))


@pytest.mark.parametrize("private", [ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)], ids=["ECDSA", "RSA"])
def test_keys_of_other_kinds_made_elsewhere_sign_too(feed, tmp_path, private):
    path = feed.keys_folder / "targets-own.key"
    text = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.write_bytes(text + private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE.encode())))
    feed.publisher.rotate("targets", drop=[feed.made["targets"][0].public.keyid], add=[read_key(path).public])
    feed.publish(put(1))
    member = Consumer(feed.folder, feed.first_root, tmp_path / "member")
    member.sync()
    assert member.rids == {1}


def test_thresholds_are_met_by_different_people(tmp_path):
    feed = Feed(tmp_path, thresholds={"root": 2, "targets": 2}, keys={"root": 3, "targets": 2})
    feed.publish(put(1))
    root = feed.publisher.root()
    assert root.roles["root"].threshold == 2
    assert len(root.roles["root"].keyids) == 3
    feed.made["root"][0].path.unlink()
    new = feed.new_key("root")
    feed.publisher.rotate("root", drop=[feed.made["root"][0].public.keyid], add=[new.public])  # two of the old ones are enough
    member = Consumer(feed.folder, feed.first_root, tmp_path / "member")
    assert member.sync().position.root_version == 2


def test_a_role_keeps_enough_keys(feed):
    old = feed.made["targets"][0].public.keyid
    with pytest.raises(UsageError, match="0 keys"):
        feed.publisher.rotate("targets", drop=[old])
    with pytest.raises(UsageError, match="not a key of online"):
        feed.publisher.rotate("online", drop=[old])
    with pytest.raises(UsageError, match="0 of 1 keys"):
        feed.publisher.rotate("targets", threshold=0)
    with pytest.raises(UsageError, match="not a role"):
        feed.publisher.rotate("snapshot")
    assert feed.publisher.root().version == 1


def test_a_passphrase_is_asked_for_only_when_it_signs(feed):
    asked = []

    def ask(path):
        asked.append(path.name.partition("-")[0])
        return passphrase(path)

    Publisher(feed.folder, Keyring.load([feed.keys_folder], ask)).heartbeat()
    assert asked == ["online"]


def test_no_private_key_and_no_path_is_in_the_feed(feed, tmp_path):
    feed.publish(put(1))
    for path in feed.folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"PRIVATE" not in data
            assert str(tmp_path).encode() not in data

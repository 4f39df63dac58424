"""Signing keys: files whose private half is under a passphrase, or stays in a KMS or an HSM.

A key file is text: the public key in PEM, then either the encrypted private key in PEM (PKCS 8) or a line with a signer
URI of securesystemslib::

    -----BEGIN PUBLIC KEY-----                 -----BEGIN PUBLIC KEY-----
    …                                          …
    -----BEGIN ENCRYPTED PRIVATE KEY-----      uri: awskms:alias/feed-targets
    …

So one sees whose key it is without its passphrase. A file's name begins with the role that the key is made for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, Key, Signer, SSlibKey
from tuf.api.metadata import Role

from vhashdb.errors import KeyUnusable
from vhashdb.opening import content_of

ROLES: Final = ("root", "targets", "online")
"""Who signs what: `root` the keys of all, `targets` the content, `online` that it is current."""
SUFFIX: Final = ".key"
MIN_PASSPHRASE: Final = 12
"""Characters. The encryption of a PEM file does little against guessing, so the passphrase has to."""

Passphrase: TypeAlias = Callable[[Path], str]
"""Asked for the passphrase of a key file, when it is needed."""

_PUBLIC: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
_PRIVATE: Final = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----.+?-----END ENCRYPTED PRIVATE KEY-----", re.DOTALL)
_URI: Final = re.compile(rb"^uri:[ \t]*([a-z][a-z0-9]*:\S+)[ \t]*$", re.MULTILINE)
_MAX_BYTES: Final = 64 << 10


@dataclass(frozen=True)
class KeyFile:
    """One key file, read but not unlocked."""

    path: Path
    public: Key
    private: bytes | None
    """The encrypted private key, in PEM."""
    uri: str | None

    @property
    def role(self) -> str:
        """The role that its name says it is for; empty if none."""
        return next((role for role in ROLES if self.path.name.startswith(role)), "")

    def unlock(self, passphrase: Passphrase) -> Signer:
        """Return the signer.

        Raises:
            KeyUnusable: the passphrase is wrong, or the two halves do not belong together.
        """
        try:
            if self.uri is not None:
                return Signer.from_priv_key_uri(self.uri, self.public)
            assert self.private is not None  # there is a URI otherwise
            private = load_pem_private_key(self.private, passphrase(self.path).encode())
            return CryptoSigner(private, self.public)  # type: ignore[arg-type]  # it checks the kinds of both itself
        except KeyUnusable:
            raise
        except Exception as error:  # signers of a dozen makers, each with errors of its own
            raise KeyUnusable(f"the key {self.path} cannot be unlocked: {error}") from error


def read_key(path: Path) -> KeyFile:
    """Read a key file.

    Raises:
        KeyUnusable: there is none, or it is something else.
    """
    try:
        data = content_of(path, _MAX_BYTES)
    except OSError as error:
        raise KeyUnusable(f"the key {path} cannot be read: {error.strerror}") from error
    public, private, uri = _PUBLIC.search(data), _PRIVATE.search(data), _URI.search(data)
    if public is None or (private is None) == (uri is None):
        hint = "a key file has a public key, and either an encrypted private key or a line `uri: …`; see docs/keys.md"
        raise KeyUnusable(f"{path} is not a key file", hint=hint)
    try:
        key = SSlibKey.from_crypto(load_pem_public_key(public[0]))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyUnusable(f"the public key in {path} cannot be used: {error}") from error
    return KeyFile(path, key, private[0] if private else None, uri[1].decode() if uri else None)


def make_key(folder: Path, role: str, passphrase: Passphrase) -> KeyFile:
    """Make an Ed25519 key for a role, in a new file that only its owner may read.

    Raises:
        KeyUnusable: the passphrase is too short, or the folder cannot be written.
    """
    private = Ed25519PrivateKey.generate()
    key = SSlibKey.from_crypto(private.public_key())
    path = folder / f"{role}-{key.keyid[:8]}{SUFFIX}"
    secret = passphrase(path)
    if len(secret) < MIN_PASSPHRASE:
        raise KeyUnusable(f"a passphrase of {len(secret)} characters; it needs at least {MIN_PASSPHRASE}", hint="take five words or more")
    text = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text += private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(secret.encode()))
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeyUnusable(f"the key {path} cannot be written: {error.strerror}") from error
    return read_key(path)


@dataclass
class Keyring:
    """The key files at hand; each is unlocked once, when it has to sign."""

    files: tuple[KeyFile, ...]
    passphrase: Passphrase
    _signers: dict[str, Signer] = field(default_factory=dict)

    @classmethod
    def load(cls, places: Iterable[Path], passphrase: Passphrase) -> Keyring:
        """Return all key files in some folders, or named themselves.

        Raises:
            KeyUnusable: one of them is none.
        """
        ring = cls((), passphrase)
        ring.take(read_key(path) for place in places for path in _key_files(place))
        return ring

    def take(self, more: Iterable[KeyFile]) -> None:
        """Add key files."""
        self.files = tuple({file.public.keyid: file for file in (*self.files, *more)}.values())

    def of_role(self, role: str) -> tuple[KeyFile, ...]:
        """Return the files whose name says that they are for a role."""
        return tuple(file for file in self.files if file.role == role)

    def suffices(self, keys: Mapping[str, Key], role: Role) -> bool:
        """Tell whether enough keys of a role are at hand."""
        return len(self._at_hand(keys, role)) >= role.threshold

    def signers(self, keys: Mapping[str, Key], role: Role, name: str) -> tuple[Signer, ...]:
        """Return signers for the keys of a role: all that are at hand, and enough of them.

        Raises:
            KeyUnusable: fewer than the threshold are at hand, or one cannot be unlocked.
        """
        found = self._at_hand(keys, role)
        if len(found) < role.threshold:
            needed = ", ".join(sorted(keyid[:8] for keyid in role.keyids))
            problem = f"{len(found)} keys that sign {name} are at hand; it takes {role.threshold}"
            raise KeyUnusable(problem, hint=f"name the folder that holds these keys: {needed}")
        return tuple(self._signer(file) for file in found)

    def _at_hand(self, keys: Mapping[str, Key], role: Role) -> tuple[KeyFile, ...]:
        return tuple(file for file in self.files if file.public.keyid in role.keyids and file.public.keyid in keys)

    def _signer(self, file: KeyFile) -> Signer:
        keyid = file.public.keyid
        if keyid not in self._signers:
            self._signers[keyid] = file.unlock(self.passphrase)
        return self._signers[keyid]


def _key_files(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from sorted(place.glob(f"*{SUFFIX}"))
    else:
        yield place

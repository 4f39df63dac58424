"""Keys that programs and people present to the service, and the sessions of people in a browser.

Of a key and of a session only a digest is kept. Both are random and long, so that nobody can guess what a digest is of.
"""

from __future__ import annotations

import datetime
import enum
import hashlib
import hmac
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from vhashdb.errors import UsageError
from vhashdb.store.clock import now_utc
from vhashdb.store.records_file import Store
from vhashdb.store.service_schema import api_key, api_session

PREFIX: Final = "vhk"
"""Begins every key, so that scanners for leaked secrets find it."""
_KEY: Final = re.compile(rf"{PREFIX}_([0-9a-f]{{16}})_[A-Za-z0-9_-]{{43}}")
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@+-]{0,63}")
_NO_KEY: Final = "0" * 64
RATE_PER_MINUTE: Final = 1200
"""Requests that a key may make in a minute unless it was made with another number. Engineering bound."""
UPLOAD_BYTES: Final = 2 << 30
"""Bytes of one upload, likewise."""


class Scope(enum.StrEnum):
    """What a key allows."""

    ASK = "ask"
    """Ask about files, and read what is known of the records that they match."""
    RECORD = "record"
    """Read, add, label and retract records."""
    DECIDE = "decide"
    """See what waits for people, and decide about it."""
    ADMINISTER = "administer"
    """Make and revoke keys, and see the state of feeds and of the service."""


@dataclass(frozen=True)
class ApiKey:
    """One key, without its secret."""

    id: str
    name: str
    scopes: frozenset[Scope]
    rate_per_minute: int
    upload_bytes: int
    made_at: datetime.datetime
    made_by: str
    expires_at: datetime.datetime | None
    revoked_at: datetime.datetime | None

    def valid(self, now: datetime.datetime) -> bool:
        """Tell whether it opens anything at a time (UTC, without a time zone)."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def to_json(self) -> dict[str, Any]:
        """Return it as lines about keys have it."""
        return {
            "type": "key",
            "id": self.id,
            "name": self.name,
            "scopes": sorted(self.scopes),
            "rate_per_minute": self.rate_per_minute,
            "upload_bytes": self.upload_bytes,
            "made_at": f"{self.made_at.isoformat()}Z",
            "made_by": self.made_by,
            "expires_at": f"{self.expires_at.isoformat()}Z" if self.expires_at else None,
            "revoked_at": f"{self.revoked_at.isoformat()}Z" if self.revoked_at else None,
        }


class ApiKeys:
    """The keys of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(
        self,
        name: str,
        scopes: Collection[Scope | str],
        *,
        rate_per_minute: int = RATE_PER_MINUTE,
        upload_bytes: int = UPLOAD_BYTES,
        expires_at: datetime.datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; return it and the secret text to present, which is not kept and cannot be shown again.

        Raises:
            UsageError: there is a key of that name, no such scope, or none.
        """
        if not _NAME.fullmatch(name):
            raise UsageError(
                f"{name!r} cannot be the name of a key", hint="use up to 64 letters, digits, spaces and . _ @ + -, a letter or digit first"
            )
        chosen = _scopes(scopes)
        if not chosen:
            raise UsageError("a key without a scope opens nothing", hint=f"name at least one of {', '.join(Scope)}")
        if rate_per_minute < 1 or upload_bytes < 1:
            raise UsageError("a key must allow at least one request a minute and one byte", hint="raise the limit")
        identifier = secrets.token_hex(8)
        secret = f"{PREFIX}_{identifier}_{secrets.token_urlsafe(32)}"
        made = ApiKey(identifier, name, chosen, rate_per_minute, upload_bytes, now_utc(), self._store.actor, expires_at, None)
        with self._store.transactions.writing() as connection:
            if connection.execute(sa.select(api_key.c.id).where(api_key.c.name == name)).first():
                raise UsageError(f"there is a key called {name!r} already", hint="names stay in the audit log: choose another")
            values = vars(made) | {"scopes": " ".join(sorted(chosen)), "digest": _digest(secret)}
            connection.execute(api_key.insert().values(**values))
            self._store.audit.log_in(connection, "key-added", None, name=name, scopes=sorted(chosen))
        return made, secret

    def all(self) -> list[ApiKey]:
        """Return every key, also those that were revoked, in the order in which they were made."""
        with self._store.transactions.reading() as connection:
            return [_key(row) for row in connection.execute(sa.select(api_key).order_by(api_key.c.made_at, api_key.c.name)).mappings()]

    def revoke(self, name: str) -> ApiKey:
        """Take a key back, by its name or id, and end its sessions.

        Raises:
            UsageError: there is no such key.
        """
        with self._store.transactions.writing() as connection:
            row = connection.execute(sa.select(api_key).where(sa.or_(api_key.c.name == name, api_key.c.id == name))).mappings().first()
            if row is None:
                raise UsageError(f"there is no key called {name!r}", hint="list the keys to see their names")
            if row["revoked_at"] is None:
                connection.execute(api_key.update().where(api_key.c.id == row["id"]).values(revoked_at=now_utc()))
                connection.execute(api_session.delete().where(api_session.c.key == row["id"]))
                self._store.audit.log_in(connection, "key-revoked", None, name=row["name"])
        return next(key for key in self.all() if key.id == row["id"])

    def find(self, secret: str) -> ApiKey | None:
        """Return the key with this secret that is valid now; None if there is none. The time it takes tells nothing of the secret."""
        parsed = _KEY.fullmatch(secret)
        with self._store.transactions.reading() as connection:
            row = connection.execute(sa.select(api_key).where(api_key.c.id == (parsed[1] if parsed else ""))).mappings().first()
        right = hmac.compare_digest(_digest(secret), row["digest"] if row is not None else _NO_KEY)
        return _key(row) if right and row is not None and _key(row).valid(now_utc()) else None

    # -- sessions ------------------------------------------------------------------------------

    def begin_session(self, key: ApiKey) -> str:
        """Begin a session of whoever presented a key; return the secret text of its cookie."""
        secret, now = secrets.token_urlsafe(32), now_utc()
        with self._store.transactions.writing() as connection:
            connection.execute(api_session.insert().values(digest=_digest(secret), key=key.id, made_at=now, used_at=now))
            self._store.audit.log_in(connection, "session-begun", None, name=key.name)
        return secret

    def session(self, secret: str, *, idle_s: float, longest_s: float) -> ApiKey | None:
        """Return the key of a session; None if it is over: not used for so long, longer than allowed, or the key is not valid."""
        now = now_utc()
        query = sa.select(api_key, api_session.c.made_at.label("began"), api_session.c.used_at, api_session.c.digest.label("of"))
        query = query.join(api_session, api_session.c.key == api_key.c.id).where(api_session.c.digest == _digest(secret))
        with self._store.transactions.reading() as connection:
            row = connection.execute(query).mappings().first()
        if row is None or not _key(row).valid(now):
            return None
        idle = (now - row["used_at"]).total_seconds()
        if idle > idle_s or (now - row["began"]).total_seconds() > longest_s:
            return None
        if idle > _NOTED_EVERY_S:
            with self._store.transactions.writing() as connection:
                connection.execute(api_session.update().where(api_session.c.digest == row["of"]).values(used_at=now))
        return _key(row)

    def end_session(self, secret: str) -> None:
        """End a session."""
        with self._store.transactions.writing() as connection:
            connection.execute(api_session.delete().where(api_session.c.digest == _digest(secret)))


_NOTED_EVERY_S: Final = 60.0
"""Seconds after which it is written down that a session is in use. Engineering bound: not every page should write."""


def _scopes(scopes: Collection[Scope | str]) -> frozenset[Scope]:
    try:
        return frozenset(map(Scope, scopes))
    except ValueError as error:
        raise UsageError(f"{error.args[0].split(' is ')[0]} is no scope", hint=f"known: {', '.join(Scope)}") from error


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _key(row: Any) -> ApiKey:
    names = ("id", "name", "rate_per_minute", "upload_bytes", "made_at", "made_by", "expires_at", "revoked_at")
    return ApiKey(scopes=frozenset(map(Scope, row["scopes"].split())), **{name: row[name] for name in names})

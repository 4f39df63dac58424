"""Addresses that an administrator named, which are told of answers. Nobody else can name one."""

from __future__ import annotations

import base64
import datetime
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from vhashdb.errors import UsageError
from vhashdb.store.clock import now_utc
from vhashdb.store.records_file import Store
from vhashdb.store.service_schema import webhook


@dataclass(frozen=True)
class Webhook:
    """One address, with the secret that signs what is sent to it."""

    name: str
    url: str
    secret: str = field(repr=False)
    made_at: datetime.datetime

    def to_json(self) -> dict[str, Any]:
        """Return it without the secret."""
        return {"type": "webhook", "name": self.name, "url": self.url, "made_at": f"{self.made_at.isoformat()}Z"}


class Webhooks:
    """The webhooks of one database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, name: str, url: str) -> Webhook:
        """Name an address.

        Raises:
            UsageError: it is none, or there is one of that name.
        """
        if not _is_address(url):
            raise UsageError(f"{url!r} is no address of a webhook", hint="give an https address without a user's name")
        if not name.isidentifier():
            raise UsageError(f"{name!r} cannot be the name of a webhook", hint="use letters, digits and _, a letter first")
        made = Webhook(name, url, f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}", now_utc())
        with self._store.transactions.writing() as connection:
            if connection.execute(sa.select(webhook.c.name).where(webhook.c.name == name)).first():
                raise UsageError(f"there is a webhook called {name} already", hint="remove it first, or choose another name")
            connection.execute(webhook.insert().values(**vars(made)))
            self._store.audit.log_in(connection, "webhook-added", None, name=name, url=url)
        return made

    def all(self) -> list[Webhook]:
        """Return every webhook, by name."""
        with self._store.transactions.reading() as connection:
            return [Webhook(**row) for row in connection.execute(sa.select(webhook).order_by(webhook.c.name)).mappings()]

    def get(self, name: str) -> Webhook:
        """Return one.

        Raises:
            UsageError: there is none of that name.
        """
        found = next((one for one in self.all() if one.name == name), None)
        if found is None:
            raise UsageError(f"there is no webhook called {name!r}", hint="an administrator adds one first")
        return found

    def remove(self, name: str) -> None:
        """Forget one.

        Raises:
            UsageError: there is none of that name.
        """
        self.get(name)
        with self._store.transactions.writing() as connection:
            connection.execute(webhook.delete().where(webhook.c.name == name))
            self._store.audit.log_in(connection, "webhook-removed", None, name=name)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is none
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.username or parts.password) and url.isprintable()

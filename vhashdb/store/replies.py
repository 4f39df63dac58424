"""Replies to requests that name a key of idempotency, so that a request whose reply was lost can be sent again."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from vhashdb.errors import UsageError
from vhashdb.store.clock import now_utc
from vhashdb.store.records_file import Store
from vhashdb.store.service_schema import reply

KEPT: Final = datetime.timedelta(hours=24)
"""For how long a reply is given again."""
_UNDER_WAY: Final = datetime.timedelta(minutes=30)
"""After which a request without a reply is taken for lost, so that it may be made again. Engineering bound: longer than any question."""


@dataclass(frozen=True)
class Reply:
    """What was replied to a request."""

    status: int
    body: str
    request: str = ""
    """Digest of what was asked, body and all."""


class RequestUnderWay(UsageError):
    """The same request is being answered already."""

    hint = "ask again in a moment"


class Replies:
    """The replies of one database."""

    def __init__(self, store: Store, front: str = "") -> None:
        """``front``: which front of a service this is, if there may be several."""
        self._transactions, self._front = store.transactions, front

    def begin(self, by: str, key: str) -> Reply | None:
        """Return the reply that a request with a key got already; None if it is new, and is to be answered now.

        Raises:
            RequestUnderWay: it is being answered.
        """
        now = now_utc()
        mine = (reply.c.by == by, reply.c.key == key)
        with self._transactions.writing() as connection:
            connection.execute(
                reply.delete().where(sa.or_(reply.c.at < now - KEPT, sa.and_(reply.c.status == 0, reply.c.at < now - _UNDER_WAY)))
            )
            row = connection.execute(sa.select(reply).where(*mine)).first()
            if row is None:
                connection.execute(reply.insert().values(by=by, key=key, request="", status=0, body="", at=now, front=self._front))
                return None
        if not row.status:
            raise RequestUnderWay("the request with this key of idempotency is being answered")
        return Reply(row.status, row.body, row.request)

    def forget_begun(self, fronts: Collection[str] | None = None) -> None:
        """Let requests be made again that fronts were answering that are gone; None: all, where there is one alone."""
        begun = (reply.c.status == 0, *(() if fronts is None else (reply.c.front.in_(fronts),)))
        with self._transactions.reading() as connection:  # without the lock that writing needs
            if connection.execute(sa.select(reply.c.key).where(*begun).limit(1)).first() is None:
                return
        with self._transactions.writing() as connection:
            connection.execute(reply.delete().where(*begun))

    def end(self, by: str, key: str, answer: Reply | None) -> None:
        """Keep the reply to a request; None: nothing came of it, so that it may be made again."""
        mine = (reply.c.by == by, reply.c.key == key, reply.c.status == 0, reply.c.front == self._front)
        with self._transactions.writing() as connection:
            if answer is None:
                connection.execute(reply.delete().where(*mine))
            else:
                connection.execute(reply.update().where(*mine).values(status=answer.status, body=answer.body, request=answer.request))

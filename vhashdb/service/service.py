"""What all requests of one service share."""

from __future__ import annotations

from dataclasses import dataclass

from vhashdb.database import Database
from vhashdb.errors import IndexUnavailable
from vhashdb.layout import UPLOADS_FOLDER
from vhashdb.review import ReviewDesk
from vhashdb.searcher import IndexParts
from vhashdb.service.access import RateLimiter
from vhashdb.service.asking import Asker
from vhashdb.service.attendance import Attendance
from vhashdb.service.opened import opened
from vhashdb.service.settings import ServiceSettings
from vhashdb.service.uploads import Uploads
from vhashdb.store import ApiKeys, FingerprintCache, Questions, Replies, Webhooks


@dataclass(frozen=True)
class Service:
    """One service, while it runs."""

    settings: ServiceSettings
    database: Database
    keys: ApiKeys
    rates: RateLimiter
    uploads: Uploads
    attendance: Attendance
    questions: Questions
    replies: Replies
    webhooks: Webhooks
    asker: Asker
    desk: ReviewDesk

    @classmethod
    def open(cls, settings: ServiceSettings) -> Service:
        """Open the database, and bring what an earlier process left in order; within a running event loop."""
        cache = FingerprintCache(settings.cache) if settings.cache is not None else None
        database = opened(settings, cache)
        store, within = database.store, settings.uploads if isinstance(settings.database, str) else None
        uploads = Uploads(settings, within or database.path / UPLOADS_FOLDER)
        try:
            if database.store.transactions.refusal is not None:
                raise database.store.transactions.refusal
            attendance = Attendance(store, settings, uploads)
            attendance.begin()
            questions, replies = Questions(store, uploads.front), Replies(store, uploads.front)
            asker = Asker(database, settings, uploads, questions, attendance)
            desk = ReviewDesk(database, questions, reasons=settings.reasons, undo_s=settings.undo_s)
            keys, rates, webhooks = ApiKeys(store), RateLimiter(), Webhooks(store)
            return cls(settings, database, keys, rates, uploads, attendance, questions, replies, webhooks, asker, desk)
        except BaseException:
            uploads.release()
            database.close()
            raise

    def parts_to_ask(self) -> IndexParts:
        """Return the parts of the index, if questions can be answered with those that answer.

        Raises:
            IndexUnavailable: they cannot.
        """
        parts = self.database.searcher.parts()
        if parts.missing and not (self.settings.partial and len(parts.missing) < parts.count):
            raise IndexUnavailable(parts.unsearched)
        return parts

    def close(self) -> None:
        """Close the database, once nothing is being answered any more."""
        self.database.close()
        self.uploads.release()

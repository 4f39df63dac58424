"""The database of a service, as each of its processes opens it."""

from __future__ import annotations

from vhashdb.cluster import connect
from vhashdb.database import Database
from vhashdb.service.settings import ServiceSettings
from vhashdb.store import FingerprintCache


def opened(settings: ServiceSettings, cache: FingerprintCache | None = None) -> Database:
    """Open the database, to be searched here or in the cluster that the settings name.

    Raises:
        UsageError: the cluster cannot be joined.
        DatabaseError: the database cannot be opened.
    """
    searcher = connect(settings.cluster, partial=settings.partial) if settings.cluster is not None else None
    return Database.open(
        settings.database, limits=settings.limits, lock_timeout_s=settings.lock_timeout_s, cache=cache, local=settings.local,
        searcher=searcher,
    )  # fmt: skip

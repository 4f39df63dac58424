"""Records and everything that is said about them, in one SQLite file; every write is a transaction."""

from vhashdb.store.records import Details, NewRecord, Record, Selection, State
from vhashdb.store.records_file import AuditEntry, Store

__all__ = ["AuditEntry", "Details", "NewRecord", "Record", "Selection", "State", "Store"]

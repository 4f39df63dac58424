"""Staged events become records: the set-based half of a sync, all within the transaction that the caller holds.

What counts is what `vhashdb.exchange.state` says: of several states of one record the highest revision, a retraction also
at the same one, and an erasure always and for ever. Staging has kept the winner of each record already; here the winners
meet what the database knew before. No rows but fingerprints pass through Python, so a million events need no more memory than one.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.codes import NEGATIVE
from vhashdb.store import feed_schema, feed_ties
from vhashdb.store.dialect import marks, sql_list
from vhashdb.store.sqlite import erasing

_DETAILS: Final = (
    "duration_s sha256 md5 severity reason reason_code origin policy law review_method reviewers max_action source tlp reshare "
    "first_seen review_by expires"
).split()
_NEGATIVE: Final = sql_list(NEGATIVE)


@dataclass(frozen=True)
class Promotion:
    """Changes by one sync."""

    added: int = 0
    changed: int = 0
    retracted: int = 0
    erased: int = 0
    held: int = 0
    opinions: int = 0
    allowed: int = 0

    @property
    def total(self) -> int:
        """Records touched."""
        return self.added + self.changed + self.retracted


_WINNERS: Final = """
CREATE TEMP TABLE winner AS
SELECT rid, seq, kind, rev, erase, old IS NULL AND kind = 'put' AS fresh, kept,
       CASE WHEN old IS NULL AND kind = 'put'
            THEN :number + count(*) FILTER (WHERE old IS NULL AND kind = 'put') OVER (ORDER BY seq, rid) ELSE old END AS record,
       :change + row_number() OVER (ORDER BY seq, rid) AS change
FROM (SELECT s.rid, s.seq, s.kind, s.rev, s.erase, o.record AS old, coalesce(r.state = 'retracted' AND NOT o.withdrawn, false) AS kept
      FROM staged s LEFT JOIN origin o ON o.feed = s.feed AND o.rid = s.rid LEFT JOIN record r ON r.number = o.record
      WHERE s.feed = :feed AND (o.rid IS NULL OR NOT o.erased AND (
            s.kind = 'put' AND s.rev > o.rev
            OR s.kind = 'retract' AND (s.erase OR s.rev > o.rev OR s.rev = o.rev AND NOT o.withdrawn)))
      UNION ALL
      SELECT o.rid, 0, 'retract', o.rev, false, o.record, r.state = 'retracted' FROM origin o JOIN record r ON r.number = o.record
      WHERE :whole AND o.feed = :feed AND NOT o.withdrawn
            AND o.rid NOT IN (SELECT rid FROM staged WHERE feed = :feed)) AS news
"""

# ``kept``: people here retracted it; what its publisher says later brings nothing of it back.
_UPDATE: Final = f"""
UPDATE record SET {", ".join(f"{name} = s.{name}" for name in _DETAILS)},
       revision = revision + 1, change = w.change,
       state = CASE WHEN record.state = 'held' OR s.held != '' AND NOT EXISTS (
                         SELECT 1 FROM held h WHERE h.record = w.record AND h.decided = 'accepted' AND h.reason = s.held) THEN 'held'
                    ELSE 'active' END
FROM winner w JOIN staged s ON s.feed = :feed AND s.rid = w.rid
WHERE record.number = w.record AND w.kind = 'put' AND NOT w.fresh AND NOT w.kept
"""

_INSERT: Final = f"""
INSERT INTO record (number, id, state, revision, change, added_at, {", ".join(_DETAILS)})
SELECT w.record, s.id, CASE WHEN s.held != '' THEN 'held' ELSE 'active' END, 1, w.change, :now, {", ".join(f"s.{n}" for n in _DETAILS)}
FROM winner w JOIN staged s ON s.feed = :feed AND s.rid = w.rid WHERE w.fresh ORDER BY w.record
"""

_ACCEPTED_BEFORE: Final = "UPDATE held SET decided_by = '' WHERE record IN (SELECT record FROM winner WHERE kind = 'put' AND NOT fresh)"
"""People here accepted what a record was before; what it is now has been seen by nobody."""

_ORIGINS: Final = """
INSERT INTO origin (feed, rid, record, rev, withdrawn, erased, saw_content, exceptions, test)
SELECT :feed, w.rid, w.record, w.rev, w.kind = 'retract' AND NOT w.kept, w.kind = 'retract' AND w.erase, coalesce(s.saw_content, false),
       coalesce(s.exceptions, '[]'), coalesce(s.test, false)
FROM winner w LEFT JOIN staged s ON s.feed = :feed AND s.rid = w.rid WHERE true
ON CONFLICT (feed, rid) DO UPDATE SET record = excluded.record, rev = excluded.rev, withdrawn = excluded.withdrawn,
       erased = excluded.erased, saw_content = excluded.saw_content, exceptions = excluded.exceptions, test = excluded.test
"""

_HELD: Final = """
INSERT INTO held (record, reason, at)
SELECT w.record, s.held, :now FROM winner w JOIN staged s ON s.feed = :feed AND s.rid = w.rid JOIN record r ON r.number = w.record
WHERE w.kind = 'put' AND s.held != '' AND r.state = 'held'
ON CONFLICT (record) DO UPDATE SET reason = excluded.reason, at = excluded.at, decided = '', decided_by = '', decided_at = NULL,
       proposed = '', proposed_by = ''
"""

_REPLACED: Final = "SELECT record FROM winner WHERE kind = 'put' AND NOT fresh AND NOT kept"
_ERASED: Final = "SELECT record FROM winner WHERE kind = 'retract' AND erase AND record IS NOT NULL"

_LABELS: Final = (
    f"DELETE FROM label WHERE record IN ({_REPLACED})",
    "INSERT INTO label (record, label) SELECT w.record, j.value FROM winner w "
    "JOIN staged s ON s.feed = :feed AND s.rid = w.rid, json_each(s.labels) j WHERE w.kind = 'put' AND NOT w.kept ON CONFLICT DO NOTHING",
)
_ARRIVED: Final = """
SELECT w.record, s.algorithm, s.fingerprint FROM winner w JOIN staged s ON s.feed = :feed AND s.rid = w.rid
WHERE w.kind = 'put' AND NOT w.kept AND s.fingerprint IS NOT NULL AND w.record > :after ORDER BY w.record LIMIT :most
"""
_AT_ONCE: Final = 100
"""Fingerprints that are written together. Engineering bound: on memory; each has some megabytes at most."""
_OUTDATED: Final = f"DELETE FROM fingerprint WHERE record IN ({_REPLACED}) AND number <= :fingerprint"

_RETRACT: Final = (
    "UPDATE record SET state = 'retracted', revision = revision + 1, change = w.change FROM winner w "
    "WHERE record.number = w.record AND w.kind = 'retract'",
    "INSERT INTO audit (at, actor, action, record, details) "
    "SELECT :now, :actor, CASE WHEN w.erase THEN 'erase' ELSE 'retract' END, r.id, "
    "json_object('feed', :id, 'reason', coalesce(s.reason, 'absent from a snapshot')) "
    "FROM winner w JOIN record r ON r.number = w.record LEFT JOIN staged s ON s.feed = :feed AND s.rid = w.rid WHERE w.kind = 'retract'",
)

ERASE: Final = (
    "DELETE FROM fingerprint WHERE record IN ({which})",
    "DELETE FROM label WHERE record IN ({which})",
    "DELETE FROM near WHERE record IN ({which}) OR other IN ({which})",
    "DELETE FROM held WHERE record IN ({which})",
    "UPDATE record SET sha256 = NULL, md5 = NULL, duration_s = 0, reason = '', reason_code = '', policy = '', law = '', "
    "severity = 'unspecified', first_seen = NULL WHERE number IN ({which})",
    "UPDATE opinion SET reason = '' FROM origin o JOIN feed f ON f.number = o.feed "
    "WHERE opinion.on_feed = f.id AND opinion.on_rid = o.rid AND o.record IN ({which})",
    # What a decision about a file rests on has words of the record; that a file is not the record stays.
    "UPDATE hit SET grounds = '' WHERE record IN (SELECT id FROM record WHERE number IN ({which}))",
)
"""Blanks records; ``which`` selects their numbers. What is left says that there was one, and that it may not come back."""

_OPINIONS: Final = """
INSERT INTO opinion (author, on_feed, on_rid, on_rev, verdict, basis, reason, at)
SELECT :id, on_feed, on_rid, on_rev, verdict, basis, reason, at FROM staged_opinion WHERE feed = :feed
ON CONFLICT (author, on_feed, on_rid) DO UPDATE SET on_rev = excluded.on_rev, verdict = excluded.verdict, basis = excluded.basis,
       reason = excluded.reason, at = excluded.at
"""

_ALLOWS: Final = """
INSERT INTO allow (author, rid, fingerprint, sha256, duration_ms, reason, at, revoked)
SELECT :id, rid, fingerprint, sha256, duration_ms, reason, at, revoked FROM staged_allow WHERE feed = :feed
ON CONFLICT (author, rid) DO UPDATE SET fingerprint = excluded.fingerprint, sha256 = excluded.sha256,
       duration_ms = excluded.duration_ms, reason = excluded.reason, at = excluded.at, revoked = excluded.revoked
"""

_HEEDED: Final = "NOT EXISTS (SELECT 1 FROM feed a WHERE a.id = p.author AND a.trust IN ('none', 'log'))"
"""As `vhashdb.moderation.policy.counts` has it of an objection."""
_DISPUTED: Final = f"""
UPDATE record SET state = CASE WHEN
       EXISTS (SELECT 1 FROM origin o JOIN feed f ON f.number = o.feed JOIN opinion p ON p.on_feed = f.id AND p.on_rid = o.rid
               WHERE o.record = record.number AND p.verdict IN {_NEGATIVE} AND {_HEEDED})
       OR NOT EXISTS (SELECT 1 FROM origin o WHERE o.record = record.number)
          AND EXISTS (SELECT 1 FROM opinion p WHERE p.on_rid = record.id AND p.verdict IN {_NEGATIVE}
               AND {_HEEDED} AND p.on_feed IN (SELECT id FROM feed WHERE own UNION ALL SELECT 'local'))
       THEN 'disputed' ELSE 'active' END
WHERE state IN ('active', 'disputed') AND number IN ({{which}})
"""
_SPOKEN_OF: Final = """
SELECT o.record FROM staged_opinion p CROSS JOIN feed f CROSS JOIN origin o
WHERE f.id = p.on_feed AND o.feed = f.number AND o.rid = p.on_rid AND p.feed = :feed
UNION ALL SELECT r.number FROM staged_opinion p CROSS JOIN record r WHERE r.id = p.on_rid AND p.feed = :feed AND r.source = 'local'
UNION ALL SELECT record FROM winner WHERE kind = 'put' AND rid IN (SELECT on_rid FROM opinion WHERE on_feed = :id)
"""

_SPOKEN_BY: Final = """
SELECT o.record FROM opinion p CROSS JOIN feed f CROSS JOIN origin o
WHERE f.id = p.on_feed AND o.feed = f.number AND o.rid = p.on_rid AND p.author = :id
UNION ALL SELECT r.number FROM opinion p CROSS JOIN record r WHERE r.id = p.on_rid AND p.author = :id
"""


def refresh_disputes(connection: Connection, which: str, **values: Any) -> None:
    """Set or lift the state ``disputed`` of the records whose numbers ``which`` selects."""
    connection.execute(sa.text(_DISPUTED.format(which=which)), values)


def refresh_disputes_of(connection: Connection, author: str) -> None:
    """Refresh the disputes on everything that somebody has an opinion on whose trust changed."""
    refresh_disputes(connection, _SPOKEN_BY, id=author)


def erase(connection: Connection, which: str, **values: Any) -> None:
    """Blank the records whose numbers ``which`` selects."""
    feed_ties.loosen_tied(connection, list(connection.execute(sa.text(which), values).scalars()))  # while it is known what they are
    for statement in ERASE:
        connection.execute(sa.text(statement.format(which=which)), values)


def promote(
    connection: Connection,
    number: int,
    identifier: str,
    packed: Callable[[bytes], bytes],
    *,
    whole: bool,
    now: datetime.datetime,
    actor: str,
) -> Promotion:
    """Apply everything that is staged for a feed and empty its staging.

    Args:
        connection: in a transaction that writes.
        number: the feed's.
        identifier: the feed's id.
        packed: returns the packed fingerprint of which staging has the place.
        whole: whether staging began with a snapshot.
        now: when it is done.
        actor: who does it.
    """
    stamp = now.isoformat(sep=" ", timespec="microseconds")
    values: dict[str, Any] = {"feed": number, "id": identifier, "whole": whole, "now": stamp, "actor": actor}
    for name, last in (
        ("number", "max(number) FROM record"),
        ("change", "max(change) FROM record"),
        ("fingerprint", "max(number) FROM fingerprint"),
    ):
        values[name] = int(connection.exec_driver_sql(f"SELECT {last}").scalar() or 0)
    connection.exec_driver_sql("DROP TABLE IF EXISTS winner")
    connection.execute(sa.text(_WINNERS), values)
    connection.exec_driver_sql("CREATE INDEX winner_record ON winner (record)")
    counts = _counts(connection)
    known = list(connection.execute(sa.text("SELECT record FROM winner WHERE record IS NOT NULL AND NOT fresh")).scalars())
    feed_ties.loosen_tied(connection, known)
    with erasing(connection, when=bool(counts["erased"])):
        for statement in (_UPDATE, _INSERT, *_LABELS):
            connection.execute(sa.text(statement), values)
        # The new ones first: SQLite would give the number of one that is gone to the next, and the index would see no change.
        _write_fingerprints(connection, number, packed)
        for statement in (_OUTDATED, *_RETRACT):
            connection.execute(sa.text(statement), values)
        connection.execute(sa.text(_ACCEPTED_BEFORE))
        held = connection.execute(sa.text(_HELD), values).rowcount
        connection.execute(sa.text(_ORIGINS), values)
        if counts["erased"]:
            erase(connection, _ERASED)
        opinions = connection.execute(sa.text(_OPINIONS), values).rowcount
        if whole:
            connection.execute(
                sa.text(
                    "UPDATE allow SET revoked = true WHERE author = :id AND rid NOT IN "
                    "(SELECT rid FROM staged_allow WHERE feed = :feed AND NOT revoked)"
                ),
                values,
            )
        allowed = connection.execute(sa.text(_ALLOWS), values).rowcount
        refresh_disputes(connection, _SPOKEN_OF, **values)
        feed_ties.take_in(connection, number, identifier, whole=whole)
        clear(connection, number)
        connection.exec_driver_sql("DROP TABLE winner")
    return Promotion(**counts, held=max(held, 0), opinions=max(opinions, 0), allowed=max(allowed, 0))


def _write_fingerprints(connection: Connection, number: int, packed: Callable[[bytes], bytes]) -> None:
    statement = f"INSERT INTO fingerprint (record, algorithm, blob) VALUES ({marks(connection, 3)})"
    after = 0
    while rows := connection.execute(sa.text(_ARRIVED), {"feed": number, "after": after, "most": _AT_ONCE}).all():
        connection.exec_driver_sql(statement, [(row.record, row.algorithm, packed(row.fingerprint)) for row in rows])
        after = rows[-1].record


def clear(connection: Connection, number: int) -> None:
    """Empty the staging of one feed."""
    for table in feed_schema.STAGING:
        connection.execute(table.delete().where(table.c.feed == number))


def _counts(connection: Connection) -> dict[str, int]:
    row = connection.exec_driver_sql(
        "SELECT count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE kind = 'put' AND NOT fresh AND NOT kept), "
        "count(*) FILTER (WHERE kind = 'retract' AND record IS NOT NULL), "
        "count(*) FILTER (WHERE kind = 'retract' AND erase AND record IS NOT NULL) FROM winner"
    ).one()
    return dict(zip(("added", "changed", "retracted", "erased"), map(int, row), strict=True))

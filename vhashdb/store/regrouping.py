"""From the relations of editions to videos, written whenever a relation is.

A change reaches no further than compilations: which videos there are on one side of one does not depend on what it shows of the others.
So what is grouped anew are the editions of which something changed, those that are related to them, and whatever hangs together with
these through editions that are no compilations. All other videos are as a grouping of everything would make them.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from vhashdb.grouping import EditionRelation, Group, Role, Side, group, is_compilation
from vhashdb.store import schema
from vhashdb.store.clock import now_utc
from vhashdb.store.feed_ties import ties_of
from vhashdb.store.videos import batches, copies_in, last_number, relations_of, said_of

_shared, _video, _member = schema.edition_relation, schema.video, schema.video_edition


def regroup(connection: Connection, changed: Collection[int]) -> None:
    """Group editions, and what that may change, into videos anew. The ids of videos stay as far as the videos do.

    Args:
        connection: in a transaction that writes.
        changed: editions that are new, whose relations or number of copies are others now, or of which people said something; those that
            are gone are ignored, but not those that they were related to.
    """
    known = _Known(connection)
    changed = set(copies_in(connection, changed))
    known.load(changed)
    said = [pair for pairs in said_of(connection, changed) for pair in pairs] + [tie.pair for tie in ties_of(connection, changed)]
    near = changed | known.neighbours(changed) | {edition for pair in said for edition in pair}
    known.judge(near)
    roles = _roles(connection, near)
    unsettled = {edition for edition in near if edition in changed or not (known.compilation[edition] and _parts_alone(roles[edition]))}
    known.load(unsettled)
    seeds = unsettled | known.neighbours({edition for edition in unsettled if known.compilation[edition]})
    replaced = {video for edition in unsettled for video in roles[edition]}
    core, compilations = set[int](), set[int]()
    while seeds:
        core, compilations = _reach(connection, known, seeds | core | compilations)
        written = _roles(connection, core | compilations)
        replaced |= {video for each in written.values() for video, role in each.items() if role is not Role.PART}
        seeds = {edition for _, edition, role in _members(connection, replaced) if role is not Role.PART} - core - compilations
    _write(connection, known, core, compilations, replaced)


def _write(connection: Connection, known: _Known, core: set[int], compilations: set[int], replaced: set[int]) -> None:
    """Write the videos of some editions.

    Args:
        connection: in a transaction that writes.
        known: their relations.
        core: editions that are no compilations, with all that hang together with them.
        compilations: that are related to any of them, and others whose videos change.
        replaced: videos that are made anew: all in which these editions are more than a part.
    """
    everyone = core | compilations
    roles = _roles(connection, everyone)
    loose = {edition for _, edition, _ in _members(connection, replaced)} - core
    roles |= _roles(connection, loose - everyone)
    relations = [each for each in known.pairs.values() if each.one in everyone and each.other in everyone]
    together, apart = said_of(connection, everyone)
    together = {pair for pair in together if everyone.issuperset(pair)}
    believed = [tie.pair for tie in ties_of(connection, everyone) if everyone.issuperset(tie.pair)]
    copies = copies_in(connection, everyone)
    said = {"together": together, "apart": apart, "believed": believed}
    groups = group(everyone, relations, **said, copies=copies, compilations=known.compilation)
    groups = [each for each in groups if any(edition in core for edition, role in each.roles.items() if role is not Role.PART)]
    shown = {edition for each in groups for edition in each.roles} | {each for each, videos in roles.items() if videos.keys() - replaced}
    groups += [Group({edition: Role.WHOLE}) for edition in sorted((compilations | loose) - shown)]
    videos = _founders(connection, replaced)
    chosen = _numbered(connection, groups, videos)
    for some in batches(replaced):
        connection.execute(_member.delete().where(_member.c.video.in_(some)))
    rows = [
        {"video": video, "edition": member, "role": role.value} for video, each in chosen.items() for member, role in each.roles.items()
    ]
    if rows:
        connection.execute(_member.insert(), rows)
    for number, founder in videos.items():
        if number not in chosen:
            heirs = [video for video, each in chosen.items() if founder in each.roles]
            heir = min(heirs or roles[founder].keys() - replaced)
            connection.execute(_video.update().where(_video.c.number == number).values(merged_into=heir))


class _Known:
    """What is known of some editions, read when it is needed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.pairs: dict[tuple[int, int], EditionRelation] = {}
        """Relations, without those of editions of which people said that they are apart."""
        self.compilation: dict[int, bool] = {}
        """Whether an edition is a compilation."""
        self._of: dict[int, list[tuple[int, Side, Side]]] = {}

    def load(self, editions: Collection[int]) -> None:
        """Read all relations of some editions."""
        missing = set(editions) - self._of.keys()
        _, apart = said_of(self._connection, missing)
        self._of |= {edition: [] for edition in missing}
        for each in relations_of(self._connection, missing):
            if (each.one, each.other) not in apart:
                self.pairs[each.one, each.other] = each
                for edition in missing.intersection((each.one, each.other)):
                    self._of[edition].append(each.of(edition))

    def neighbours(self, editions: Collection[int]) -> set[int]:
        """Return what some editions, whose relations were read, are related to."""
        return {other for edition in editions for other, _, _ in self._of[edition]}

    def judge(self, editions: Collection[int]) -> None:
        """Find out which of some editions are compilations."""
        self.load(editions)
        others = self.neighbours(editions)
        related = _linked(self._connection, others)
        copies = copies_in(self._connection, others.union(editions))
        for edition in editions:
            self.compilation[edition] = is_compilation(edition, self._of[edition], related, copies)


def _reach(connection: Connection, known: _Known, seeds: Collection[int]) -> tuple[set[int], set[int]]:
    """Return all that hang together with some editions through those that are no compilations, and the compilations at their edge."""
    core, compilations = set[int](), set[int]()
    waiting = set(seeds)
    while waiting:
        _judge_as_written(connection, known, waiting - known.compilation.keys())
        within = {edition for edition in waiting if not known.compilation[edition]}
        core |= within
        compilations |= waiting - within
        known.load(within)
        together, _ = said_of(connection, waiting)
        pairs = [*together, *(tie.pair for tie in ties_of(connection, waiting))]
        waiting = (known.neighbours(within) | {edition for pair in pairs for edition in pair}) - core - compilations
    return core, compilations


def _judge_as_written(connection: Connection, known: _Known, editions: Collection[int]) -> None:
    """Find out which of some editions are compilations, of which nothing changed: their roles say it where they can.

    A compilation is a part of videos, or of none and then a video by itself. Anything else is whole or a clip.
    """
    unclear = []
    for edition, roles in _roles(connection, editions).items():
        if _parts_alone(roles) or Role.CLIP in roles.values():
            known.compilation[edition] = Role.CLIP not in roles.values()
        else:
            unclear.append(edition)
    known.judge(unclear)


def _parts_alone(roles: Mapping[int, Role]) -> bool:
    return bool(roles) and all(role is Role.PART for role in roles.values())


def _linked(connection: Connection, editions: Collection[int]) -> dict[int, set[int]]:
    """Return what each of some editions is related to, by number, without those of which people said that they are apart."""
    _, apart = said_of(connection, editions)
    found: dict[int, set[int]] = {edition: set() for edition in editions}
    for some in batches(editions):
        query = sa.select(_shared.c.one, _shared.c.other).where(sa.or_(_shared.c.one.in_(some), _shared.c.other.in_(some)))
        for one, other in connection.execute(query):
            if (one, other) not in apart:
                for edition, linked in ((one, other), (other, one)):
                    if edition in found:
                        found[edition].add(linked)
    return found


def _roles(connection: Connection, editions: Collection[int]) -> dict[int, dict[int, Role]]:
    """Return what each of some editions is written to be, of which videos."""
    found: dict[int, dict[int, Role]] = {edition: {} for edition in editions}
    for some in batches(editions):
        for row in connection.execute(sa.select(_member).where(_member.c.edition.in_(some))):
            found[row.edition][row.video] = Role(row.role)
    return found


def _members(connection: Connection, videos: Collection[int]) -> list[tuple[int, int, Role]]:
    """Return video, edition and role of all that is written of some videos."""
    found = []
    for some in batches(videos):
        query = sa.select(_member).where(_member.c.video.in_(some))
        found += [(row.video, row.edition, Role(row.role)) for row in connection.execute(query)]
    return found


def _founders(connection: Connection, videos: Collection[int]) -> dict[int, int]:
    """Return the edition that each of some videos was made for, oldest first, without videos that were merged into another."""
    found: dict[int, int] = {}
    for some in batches(videos):
        query = sa.select(_video.c.number, _video.c.edition).where(_video.c.number.in_(some), _video.c.merged_into.is_(None))
        found |= {row.number: row.edition for row in connection.execute(query)}
    return dict(sorted(found.items()))


def _numbered(connection: Connection, groups: Sequence[Group], videos: Mapping[int, int]) -> dict[int, Group]:
    """Give each group the oldest video that was made for one of its roots, or for a clip of it, or else a new one."""
    chosen: dict[int, Group] = {}
    waiting = list(groups)
    for role in (Role.WHOLE, Role.CLIP):
        for each in waiting[:]:
            fits = (video for video, edition in videos.items() if video not in chosen and each.roles.get(edition) is role)
            number = next(fits, None)
            if number is not None:
                chosen[number] = each
                waiting.remove(each)
    for each in waiting:
        values = {"id": secrets.token_hex(16), "edition": min(each.roots or each.roles), "made_at": now_utc()}
        number = last_number(connection, _video) + 1
        connection.execute(_video.insert().values(number=number, **values))
        chosen[number] = each
    for number, each in chosen.items():
        founder = videos.get(number)
        if founder is not None and founder not in each.roots and each.roots:
            connection.execute(_video.update().where(_video.c.number == number).values(edition=min(each.roots)))
    return chosen

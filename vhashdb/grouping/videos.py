"""From the relations of editions to videos.

An edition is either one continuous video, whole or a clip of it, or a *compilation*: it shows parts of at least two videos that have
nothing else in common. A part is told from a clip by what surrounds it: a compilation changes to another picture at its edges, where a
video that a clip was cut out of goes on.

A video is an edition that lies in no longer one, with all that lie in it, and with those that overlap it like two clips of one video.
Compilations belong to each video that they show a part of. The result depends on the relations alone.
"""

from __future__ import annotations

import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from vhashdb.grouping.relation import Relation, Side
from vhashdb.intervals import Spans, length_s, shared_s, union

MIN_PART_S: Final = 2.0
"""Seconds of a video that a compilation must show to belong to it. Engineering bound: what a person takes in."""
_MIN_PART: Final = 0.3
"""Share of one of both that a passage must be for an edition that is no compilation to belong to the other's video: less is an intro, or
a quotation. Measured: `bench.variants`."""
_RARE: Final = 0.1
"""Probability under which the cuts at both edges of a part are no chance. Measured: `bench.variants`."""
_TELLING: Final = 0.3
"""The same where both go on, and only one of the two can have cuts for a reason. Measured: `bench.variants`."""
_MANY_MORE: Final = 3
"""How many times as many copies of one of two editions tell which was made of the other. Measured: `bench.variants`."""
_EXPLAINED: Final = 0.85
"""Share of a compilation that its parts explain where cuts are so frequent that they prove nothing. Engineering bound."""
_SAME_PLACE: Final = 0.2
"""Share of the shorter of two parts that both may cover, and be two parts. Engineering bound."""


class Role(enum.StrEnum):
    """What an edition is of a video."""

    WHOLE = "whole"
    """No longer edition of it is known."""
    CLIP = "clip"
    """A longer one has all of it."""
    PART = "part"
    """It shows a part of the video, and other things: a compilation."""


@dataclass(frozen=True)
class EditionRelation:
    """What two editions have in common, in seconds of each."""

    one: int
    other: int
    relation: Relation

    def of(self, edition: int) -> tuple[int, Side, Side]:
        """Return the other edition, what this one shows of it, and what that one shows of this."""
        if edition == self.one:
            return self.other, self.relation.one, self.relation.other
        return self.one, self.relation.other, self.relation.one


@dataclass(frozen=True)
class Group:
    """The editions of one video."""

    roles: Mapping[int, Role]

    @property
    def roots(self) -> frozenset[int]:
        """Those that lie in no other."""
        return frozenset(edition for edition, role in self.roles.items() if role is Role.WHOLE)


@dataclass
class _Graph:
    editions: Collection[int]
    relations: Mapping[int, list[tuple[int, Side, Side]]]
    copies: Mapping[int, int]
    compilations: set[int] = field(default_factory=set)

    def containers(self, edition: int) -> list[int]:
        """Longer editions, no compilations, that have all of one."""
        return [
            other for other, side, there in self.relations[edition] if side.whole and not there.whole and other not in self.compilations
        ]


def group(
    editions: Collection[int],
    relations: Iterable[EditionRelation],
    *,
    together: Iterable[tuple[int, int]] = (),
    apart: Collection[tuple[int, int]] = (),
    believed: Iterable[tuple[int, int]] = (),
    copies: Mapping[int, int] | None = None,
    compilations: Mapping[int, bool] | None = None,
) -> list[Group]:
    """Group editions into videos.

    Args:
        editions: their numbers.
        relations: what any two have in common, once for each pair.
        together: pairs of which people said that they are editions of one video.
        apart: pairs of which people said that they are not.
        believed: pairs of which others say that they are of one video, in the order in which they count; one that would put together
            what people said is apart does not.
        copies: how many copies there are of each; None: one.
        compilations: which of them are compilations, as far as that is known already; `is_compilation` says of the others.

    Returns:
        the videos, in the order of their lowest edition. Every edition belongs to one at least.
    """
    split = {frozenset(pair) for pair in apart}
    by_edition: dict[int, list[tuple[int, Side, Side]]] = defaultdict(list)
    for each in relations:
        if frozenset((each.one, each.other)) not in split:
            by_edition[each.one].append(each.of(each.one))
            by_edition[each.other].append(each.of(each.other))
    graph = _Graph(editions, by_edition, copies or {})
    related = {edition: {other for other, _, _ in by_edition[edition]} for edition in editions}
    known = compilations or {}
    graph.compilations = {
        edition
        for edition in editions
        if (known[edition] if edition in known else is_compilation(edition, by_edition[edition], related, copies or {}))
    }
    joined = _Joined(editions)
    roots = {edition for edition in editions if edition not in graph.compilations and not graph.containers(edition)}
    for edition in sorted(roots):
        for other, side, there in by_edition[edition]:
            if other in roots and ((side.whole and there.whole) or _overlap(side, there)):
                joined.join(edition, other)
    for one, other in together:
        if frozenset((one, other)) not in split:
            joined.join(one, other)
            roots |= {one, other} - graph.compilations
    for one, other in believed:
        if not any(joined.would_join(one, other, *pair) for pair in apart):
            joined.join(one, other)
            roots |= {one, other} - graph.compilations
    videos: dict[int, dict[int, Role]] = {}
    for edition in sorted(roots):
        videos.setdefault(joined.of(edition), {})[edition] = Role.WHOLE
    for roles in videos.values():
        _add_clips(roles, graph)
    shown = {edition for roles in videos.values() for edition in roles}
    for edition in sorted(set(editions) - graph.compilations):
        if edition not in shown:  # a circle of clips
            videos[edition] = {edition: Role.WHOLE}
            _add_clips(videos[edition], graph)
            shown |= videos[edition].keys()
    _add_parts(videos, graph)
    _add_parts_of_parts(videos, graph)
    for edition in graph.compilations:  # people said that it is of a video
        if joined.of(edition) in videos:
            videos[joined.of(edition)].setdefault(edition, Role.PART)
    shown = {edition for roles in videos.values() for edition in roles}
    for edition in sorted(set(editions) - shown):  # compilations of nothing that is long enough
        videos[edition] = {edition: Role.WHOLE}
    return sorted((Group(roles) for roles in videos.values()), key=lambda each: min(each.roots or each.roles))


class _Joined:
    """Sets of editions that are one video."""

    def __init__(self, editions: Collection[int]) -> None:
        self._above = {edition: edition for edition in editions}

    def of(self, edition: int) -> int:
        """Return the lowest of the set."""
        while self._above[edition] != edition:
            edition = self._above[edition]
        return edition

    def would_join(self, one: int, other: int, first: int, second: int) -> bool:
        """Tell whether two editions would be in one set if two others were."""
        if first not in self._above or second not in self._above:
            return False
        return {self.of(one), self.of(other)} == {self.of(first), self.of(second)} and self.of(first) != self.of(second)

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.of(one), self.of(other)))
        self._above[high] = low


def _overlap(side: Side, there: Side) -> bool:
    """Whether two editions overlap as clips of one video do: one ends where the other goes on, the other begins where the one goes on."""
    if not (side.goes_on and there.goes_on) or max(side.share, there.share) < _MIN_PART:
        return False
    return (side.at_end and there.at_start) != (side.at_start and there.at_end)


def is_compilation(
    edition: int, relations: Sequence[tuple[int, Side, Side]], related: Mapping[int, Collection[int]], copies: Mapping[int, int]
) -> bool:
    """Return whether an edition shows parts of two videos at least that have nothing else in common.

    Args:
        edition: its number.
        relations: all its relations: the other edition, what it shows of that, and what that shows of it.
        related: which editions each of those others is related to.
        copies: how many copies there are of it and of those others.
    """
    inside = [(other, side, there) for other, side, there in relations if not side.whole and side.length_s >= MIN_PART_S]
    if len(inside) < 2:
        return False
    proven, loose = list[tuple[int, Spans]](), list[tuple[int, Spans]]()
    for other, side, there in inside:
        _, many_more, _ = ranks(copies.get(edition, 1), copies.get(other, 1))
        if not side.goes_on and not many_more:
            loose.append((other, side.spans))
        if _is_part(side, there, copies.get(edition, 1), copies.get(other, 1)):
            proven.append((other, side.spans))
    if _have_nothing_in_common(proven, related):
        return True
    _, one, _ = max(inside, key=lambda each: each[1].length_s)
    explained_s = length_s(union(span for _, spans in loose for span in spans))
    return explained_s * one.share >= _EXPLAINED * one.length_s and _have_nothing_in_common(loose, related)


def _have_nothing_in_common(parts: Sequence[tuple[int, Spans]], related: Mapping[int, Collection[int]]) -> bool:
    """Whether two of some parts are in different places, and of editions that are not related."""
    return any(
        one != other and other not in related[one] and shared_s(spans, others) <= _SAME_PLACE * min(length_s(spans), length_s(others))
        for place, (one, spans) in enumerate(parts)
        for other, others in parts[:place]
    )


def _is_part(side: Side, there: Side, copies: int, copies_there: int) -> bool:
    """Whether what an edition shows of another was put into it, rather than that one made of this.

    Args:
        side: what it shows of the other.
        there: what the other shows of it.
        copies: how many copies there are of it: what most people have is what others are made of.
        copies_there: the same of the other.
    """
    many_more_there, many_more, no_more = ranks(copies, copies_there)
    if many_more_there:
        return True
    if there.whole:
        return not side.goes_on and side.by_chance <= _RARE
    if many_more:
        return False
    here_cut, there_cut = (not each.goes_on and each.by_chance <= _TELLING for each in (side, there))
    return here_cut if here_cut != there_cut else no_more


def ranks(copies: int, copies_there: int) -> tuple[bool, bool, bool]:
    """Return all that counts of copies tell about two editions."""
    return copies_there >= _MANY_MORE * copies, copies >= _MANY_MORE * copies_there, copies <= copies_there


def _add_clips(roles: dict[int, Role], graph: _Graph) -> None:
    """Add all that lie in what a video has already."""
    waiting = list(roles)
    while waiting:
        container = waiting.pop()
        for other, side, there in graph.relations[container]:
            if there.whole and not side.whole and other not in roles and other not in graph.compilations:
                roles[other] = Role.CLIP
                waiting.append(other)


def _add_parts(videos: Mapping[int, dict[int, Role]], graph: _Graph) -> None:
    """Add each edition to the videos that it shows a part of."""
    of = defaultdict[int, list[dict[int, Role]]](list)
    for roles in videos.values():
        for edition in roles:
            of[edition].append(roles)
    for edition in sorted(graph.editions):
        compilation = edition in graph.compilations
        for other, side, there in graph.relations[edition]:
            if side.length_s < MIN_PART_S:
                continue
            if compilation or (_is_much(side, there) and _is_made_of(edition, other, side, there, graph)):
                for roles in of[other]:
                    roles.setdefault(edition, Role.PART)


def _add_parts_of_parts(videos: Mapping[int, dict[int, Role]], graph: _Graph) -> None:
    """Add each edition to the videos of which another that it shows has a part, where it shows just that."""
    for roles in videos.values():
        more = set[int]()
        for part in [edition for edition, role in roles.items() if role is Role.PART and edition not in graph.compilations]:
            related = graph.relations[part]
            shown = union(span for other, side, _ in related if roles.get(other, Role.PART) is not Role.PART for span in side.spans)
            for other, side, there in related:
                made_of_it = there.whole or other in graph.compilations
                if made_of_it and other not in roles and shared_s(side.spans, shown) >= MIN_PART_S:
                    more.add(other)
        roles.update(dict.fromkeys(sorted(more), Role.PART))


def _is_made_of(edition: int, other: int, side: Side, there: Side, graph: _Graph) -> bool:
    return _is_part(side, there, graph.copies.get(edition, 1), graph.copies.get(other, 1))


def _is_much(side: Side, there: Side) -> bool:
    """Whether a passage that two editions share is more than an intro or an outro."""
    at_one_end = (side.at_start and there.at_start) or (side.at_end and there.at_end)
    return max(side.share, there.share) >= _MIN_PART and (not at_one_end or there.whole or side.whole)

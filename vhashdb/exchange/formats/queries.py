"""Read a file of hashes as queries: everything that `import` reads, one query for each video in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import BinaryIO

from vhashdb.errors import FormatError
from vhashdb.exchange.formats.item import Entry, Item, Refusal, Remark
from vhashdb.exchange.formats.reading import Options
from vhashdb.exchange.formats.registry import Format, opened
from vhashdb.hash_query import HashQuery
from vhashdb.text import printable

_SHA256_DIGITS = 64


def read_hashes(source: str | os.PathLike[str] | BinaryIO, *, form: str = "", options: Options | None = None) -> list[HashQuery]:
    """Return the hashes in a file, for `Database.match`: of each video in it what can be asked, or why it cannot.

    Read is every format that can be imported, and a bare hash on each line. 64 hexadecimal digits alone are asked both as
    the PDQ hash of a picture and as the SHA-256 of a file, which look the same.

    Args:
        source: a path, or a binary file object.
        form: the name of the format, as ``vhashdb import --format`` has it; empty: as the first bytes show.
        options: limits, and how names in the file are to be understood.

    Raises:
        FormatError: it is of no known format, or holds nothing.
        MediaError: it cannot be opened, or is too large.

    Example::

        for query in vhashdb.read_hashes("clip.vpdq"):
            print(query.name, db.match(query).verdict)
    """
    if isinstance(source, str | os.PathLike):
        return _of_path(source, form, options)
    options = options or Options()
    kind, file = opened(source, options, form, bare=True)
    both = bool(file.options.signal_type) and not options.signal_type and not form
    found = list(_queries(kind.entries(file), kind, file.limits.queries, pdq_or_sha256=both))
    if not found:
        raise FormatError("there is no hash in the file", hint="`vhashdb.fingerprint` makes some")
    return _named(found)


def _of_path(path: str | os.PathLike[str], form: str, options: Options | None) -> list[HashQuery]:
    from vhashdb.errors import MediaNotFound

    try:
        with open(path, "rb") as stream:
            return read_hashes(stream, form=form, options=options)
    except OSError as error:
        raise MediaNotFound(f"{os.fsdecode(path)}: {error.strerror or error}") from error


def _queries(entries: Iterable[Entry], form: Format, most: int, *, pdq_or_sha256: bool) -> Iterator[HashQuery]:
    lost: list[str] = []
    """Parts of the current video that were left out."""
    count = 0
    for entry in entries:
        if isinstance(entry, Remark):
            continue
        if isinstance(entry, Refusal) and entry.within:
            lost.append(f"{form.counts} {entry.number}: {entry.reason}")
            continue
        count += 1
        if count > most:
            yield HashQuery("the rest", problem=f"the file asks about more than {most} videos; nothing after this is asked; split it")
            return
        place = f"{form.counts} {entry.number}"
        if isinstance(entry, Refusal):
            yield HashQuery(place, problem=f"{place}: {entry.reason}")
        else:
            yield _query(entry, place, lost, pdq_or_sha256=pdq_or_sha256)
        lost = []
    if lost:
        yield HashQuery("", problem=lost[0])


def _query(item: Item, place: str, lost: list[str], *, pdq_or_sha256: bool) -> HashQuery:
    name, frames = printable(item.title or item.external_id) or place, item.frames
    if frames is not None and frames.is_empty:
        frames = None
    if frames is not None:
        notes = item.notes if not lost else (f"{len(lost)} of its lines were left out; {lost[0]}",)
        frames = replace(frames, damage=(*frames.damage, *notes))
    sha256 = item.sha256 or ""
    if pdq_or_sha256 and frames is not None and len(frames) and not sha256:
        sha256 = frames.hash[0].tobytes().hex()
    if frames is None and not sha256 and not item.md5:
        return HashQuery(name, problem=f"{place}: it has no hash that can be compared: no frames, no sound, no SHA-256 and no MD5")
    return HashQuery(name, frames, sha256, item.md5 or "")


def _named(found: list[HashQuery]) -> list[HashQuery]:
    """Each by a name of its own; the only one needs none."""
    if len(found) == 1:
        return [replace(found[0], name="")]
    taken: dict[str, int] = {}
    named = []
    for query in found:
        name = query.name
        while name in taken:
            taken[query.name] += 1
            name = f"{query.name} ({taken[query.name]})"
        taken[name] = 1
        named.append(replace(query, name=name))
    return named

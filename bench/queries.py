"""The edited copies of the corpus, and which records are truly in each."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.scoring import FALSE, NEITHER, TRUE, Truth

WITH_SECOND_CLIP: Final = frozenset({"insert", "pip"})
"""Edits whose copies show another clip besides the source: around the inserted piece, or behind the small picture."""

WITHHELD: Final = ("a", "fb", "g", "t", "u", "v")
"""Stand-ins for six clips that were among the sources when the edits were made and are not in the corpus now.

A second clip is picked by its place in the sorted list, so all that matters of them is where they stood. It is known from
the 22 ``insert`` copies whose other clip is there to be seen: one modulus and these places explain every one of them.
"""


@dataclass(frozen=True)
class Query:
    """One edited copy."""

    path: Path
    edit: str
    source: str
    """File name of the clip it was made from."""
    second: str | None
    """File name of the other clip that is in it too."""


def read_queries(
    folder: Path, clips: Sequence[Path], *, edits: Collection[str] = (), every: int = 1, withheld: Sequence[str] = WITHHELD
) -> list[Query]:
    """The copies that ``folder/truth.csv`` lists, of these edits (all by default), of each ``every``-th clip."""
    names = sorted(clip.name for clip in clips)
    wanted = set(names[::every])
    with (folder / "truth.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["source"] in wanted and (not edits or row["edit"] in edits)]
    return [Query(folder / row["query"], row["edit"], row["source"], second_of(row, [*names, *withheld])) for row in rows]


def second_of(row: dict[str, str], clips: Sequence[str]) -> str | None:
    """The second clip in the query of one row of truth.csv, if its edit puts one there."""
    return second_clip(row["source"], clips) if row["edit"] in WITH_SECOND_CLIP else None


def second_clip(source: str, clips: Sequence[str]) -> str:
    """The clip that the edits of ``source`` took as their second one.

    The maker of the corpus picks it by the source's name alone: of the other clips, sorted by name, the one whose number is
    the SHA-256 of the source's name, modulo how many there are. All clips it saw have to be given, not a selection.
    """
    others = sorted(set(clips) - {source})
    digest = hashlib.sha256(source.encode()).digest()
    return others[int.from_bytes(digest, "big") % len(others)]


def read_other(folder: Path, *, edits: Collection[str] = ()) -> list[Query]:
    """The copies that `bench.edits` made, of these edits (all by default); its truth.csv names the second clip."""
    with (folder / "truth.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if not edits or row["edit"] in edits]
    return [Query(folder / row["query"], row["edit"], row["source"], row["second"] or None) for row in rows]


def truth_of(queries: Sequence[Query], references: Sequence[str]) -> Truth:
    """Which references are in which queries, shape (queries, references).

    A second clip is `NEITHER`: it is in the query, so naming it is not wrong, but the query was not made to ask for it.
    """
    truth = np.full((len(queries), len(references)), FALSE, np.int8)
    column = {name: number for number, name in enumerate(references)}
    for row, query in enumerate(queries):
        truth[row, column[query.source]] = TRUE
        if query.second in column:
            truth[row, column[query.second]] = NEITHER
    return truth

"""Videos after any changes are those that a grouping of everything would make, though only what may have changed is grouped anew."""

import random

import numpy as np
import pytest
import sqlalchemy as sa

import vhashdb
from vhashdb.grouping import Relation, Role, Side, group
from vhashdb.store import NewRecord, schema
from vhashdb.store.placing import Related, place
from vhashdb.store.videos import copies_in, relations_of, said_of

LENGTH_S = 20.0


def drawn_side(rng):
    start_s, end_s = sorted(rng.sample(range(21), 2)) if rng.random() < 0.8 else (0, 20)
    goes_on = rng.random() < 0.4
    inner = start_s > 0 or end_s < 20
    return Side(
        ((float(start_s), float(end_s)),), (end_s - start_s) / LENGTH_S, start_s == 0, end_s == 20, goes_on and inner,
        1.0 if goes_on else rng.choice((0.05, 0.2, 0.5)),
    )  # fmt: skip


def drawn_relation(rng):
    kind = rng.random()
    if kind < 0.2:  # copies
        whole = Side(((0.0, LENGTH_S),), 1.0, True, True, False)
        return Relation(whole, whole)
    if kind < 0.5:  # a clip of another
        clip, longer = Side(((0.0, LENGTH_S),), 1.0, True, True, False), drawn_side(rng)
        return Relation(clip, longer) if rng.random() < 0.5 else Relation(longer, clip)
    return Relation(drawn_side(rng), drawn_side(rng))


def from_scratch(connection):
    editions = set(connection.execute(sa.select(schema.copy.c.edition).distinct()).scalars())
    together, apart = said_of(connection, editions)
    groups = group(editions, relations_of(connection, editions), together=together, apart=apart, copies=copies_in(connection, editions))
    return sorted(sorted(each.roles.items()) for each in groups)


def written(connection):
    videos = {}
    for row in connection.execute(sa.select(schema.video_edition)):
        videos.setdefault(row.video, []).append((row.edition, Role(row.role)))
    live = set(connection.execute(sa.select(schema.video.c.number).where(schema.video.c.merged_into.is_(None))).scalars())
    assert videos.keys() <= live, "what was merged into another video has nothing of its own"
    return sorted(map(sorted, videos.values()))


def change(db, rng, numbers):
    kind = rng.random()
    videos = list(db.videos.all())
    if kind < 0.06 and len(videos) > 1:
        one, other = rng.sample(videos, 2)
        db.videos.merge(one.id, [other.id])
    elif kind < 0.12 and (several := [video for video in videos if len(video.records) > 1]):
        video = rng.choice(several)
        db.videos.split(video.id, [each.record.id for each in rng.sample(video.records, rng.randint(1, len(video.records) - 1))])
    elif kind < 0.2 and numbers:
        number = numbers.pop(rng.randrange(len(numbers)))
        db.retract(db.store.by_number([number])[number].id, reason="not this", erase=True)
    else:
        nothing = np.zeros((1, 32), np.uint8)
        once = np.zeros(1)
        print_ = vhashdb.Fingerprint(db.algorithm, once, once + 20, nothing, np.full(1, 100, np.uint8), np.zeros(1, np.uint16), LENGTH_S)
        new = db.store.number(db.store.add(NewRecord(LENGTH_S), print_).id)
        related = [Related(number, drawn_relation(rng)) for number in rng.sample(numbers, min(len(numbers), rng.choice((0, 1, 1, 2, 3))))]
        with db.store.transactions.writing() as connection:
            place(connection, new, LENGTH_S, related, db.store.next_change(connection))
        numbers.append(new)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_changes_the_videos_are_those_of_a_grouping_from_scratch(new_db, seed):
    rng = random.Random(seed)
    numbers = []
    for step in range(40):
        change(new_db, rng, numbers)
        with new_db.store.transactions.reading() as connection:
            assert written(connection) == from_scratch(connection), f"step {step}"

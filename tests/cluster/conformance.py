"""What every `Searcher` answers, whatever searches: asked of a database that `books` opens with it, beside a plain list."""

import numpy as np
import pytest

from tests.footage import random_hashes
from tests.index.plain import looked_up, near, pairs, scan, triples
from vhashdb.errors import DatabaseEmpty, IndexUnavailable
from vhashdb.index.kinds import KEY_SHIFT
from vhashdb.index.landmarks import blocks_of
from vhashdb.store import Selection


def asked_of(books, *numbers):
    """Hashes near those of some records, of which some are too far, and some of nothing."""
    some = [near(books.hashes[number][:5], 60, seed=number) for number in numbers]
    return np.concatenate([random_hashes(999, 2), *some])


def keys_of(books):
    return np.unique(np.concatenate(list(books.landmarks.values())) >> KEY_SHIFT).astype(np.uint32)


def heard(lookup):
    return sorted(hit for block in lookup.hits for hit in triples(block))


class Conformance:
    """The tests of one searcher; a class of each has a fixture `books`."""

    def test_hits_are_those_of_a_plain_list_whatever_is_added_and_retracted(self, books):
        numbers = [books.add(seed, sound=seed % 3 != 0) for seed in range(1, 11)]
        for _ in range(2):
            asked = asked_of(books, *sorted(books.hashes))
            for radius in (0, 31, 60):
                assert pairs(books.db.searcher.near(asked, radius)) == scan(books.hashes, asked, radius)
            keys = keys_of(books)
            lookup = books.db.searcher.landmarks(keys)
            assert lookup.frequency.tolist() == np.bincount([q for q, *_ in looked_up(books.landmarks, keys)], minlength=len(keys)).tolist()
            assert lookup.answered.all()
            assert heard(lookup) == looked_up(books.landmarks, keys)
            sizes = books.db.searcher.sizes()
            assert (sizes.hashes, sizes.landmarks) == tuple(sum(map(len, v.values())) for v in (books.hashes, books.landmarks))
            books.retract(numbers[1])
            books.retract(numbers[6])
            books.add(20)
            numbers[1], numbers[6] = numbers[2], numbers[7]

    def test_a_glance_finds_what_is_the_same_and_nothing_that_is_not_near(self, books):
        for seed in range(1, 8):
            books.add(seed)
        same = np.concatenate(list(books.hashes.values()))
        found, truth = pairs(books.db.searcher.glance(same, 31)), scan(books.hashes, same, 31)
        assert set(found) <= set(truth)
        assert [hit for hit in truth if hit[2] == 0] == [hit for hit in found if hit[2] == 0]

    def test_a_selection_says_what_is_found_and_counts_follow_what_people_change(self, books):
        numbers = [books.add(seed) for seed in range(1, 7)]
        where = Selection(labels=("label-1",))
        chosen = {number for number, seed in zip(numbers, range(1, 7), strict=True) if seed % 2}
        for _ in range(2):
            asked, keys = asked_of(books, *numbers), keys_of(books)
            assert pairs(books.db.searcher.near(asked, 40, where=where)) == scan({n: books.hashes[n] for n in chosen}, asked, 40)
            lookup = books.db.searcher.landmarks(keys, where=where)
            assert lookup.frequency.sum() == sum(map(len, books.landmarks.values()))
            assert heard(lookup) == looked_up({n: books.landmarks[n] for n in chosen}, keys)
            books.db.label(books.ids[numbers[0]], remove=["label-1"])
            books.db.label(books.ids[numbers[1]], add=["label-1"])
            chosen = chosen - {numbers[0]} | {numbers[1]}

    def test_the_budget_of_landmarks_is_of_the_whole_question(self, books):
        for seed in range(1, 8):
            books.add(seed)
        keys = keys_of(books)
        whole = books.db.searcher.landmarks(keys)
        for most, budget in ((5, 1 << 20), (1 << 20, 60), (4, 30)):
            expected = np.zeros(len(keys), bool)
            for block in blocks_of(whole.frequency, most, budget):
                expected[block] = True
            lookup = books.db.searcher.landmarks(keys, most=most, budget=budget)
            assert lookup.answered.tolist() == expected.tolist()
            assert heard(lookup) == [hit for hit in looked_up(books.landmarks, keys) if expected[hit[0]]]
            assert 0 < expected.sum() < len(keys)

    def test_an_answer_says_its_change_and_one_that_is_not_there_yet_is_refused(self, books):
        searcher = books.db.searcher
        for seed in (1, 2, 3):
            number = books.add(seed)
            found = searcher.near(books.hashes[number], 0, at_least=books.change)
            assert number in found.record
            assert found.change == searcher.landmarks(np.zeros(0, np.uint32)).change == books.change
            assert not found.unsearched
        for ask in (searcher.near, searcher.glance):
            with pytest.raises(IndexUnavailable, match="change"):
                ask(random_hashes(1, 2), 31, at_least=books.change + 1)
        with pytest.raises(IndexUnavailable, match="change"):
            searcher.landmarks(keys_of(books), at_least=books.change + 1)

    def test_of_nothing_nothing_is_found_and_it_is_said_that_there_is_nothing(self, books):
        searcher = books.db.searcher
        assert not len(searcher.near(random_hashes(1, 3), 31).record)
        assert not heard(searcher.landmarks(np.array([1, 2], np.uint32)))
        with pytest.raises(DatabaseEmpty):
            books.db.match(self.fingerprint_of_nothing())
        books.add(1)
        assert not len(searcher.near(random_hashes(1, 0), 31).record)
        with pytest.raises(ValueError, match="more than 24 bits"):
            list(searcher.landmarks(np.array([1 << 24], np.uint32)).hits)

    @staticmethod
    def fingerprint_of_nothing():
        from tests.footage import fingerprint_of

        return fingerprint_of(random_hashes(1, 20))

    def test_a_record_whose_fingerprint_is_damaged_is_counted_as_not_found(self, books):
        numbers = [books.add(seed) for seed in (1, 2, 3)]
        with books.db.store.transactions.writing() as connection:
            damaged = f"UPDATE fingerprint SET blob = substr(blob, 1, 20) WHERE record = {numbers[1]}"
            connection.exec_driver_sql(damaged)
            connection.exec_driver_sql(f"UPDATE record SET change = {books.change + 1} WHERE number = {numbers[1]}")
        self.forget(books)
        assert books.db.searcher.damaged() == 1
        assert books.db.searcher.damaged(Selection(labels=("label-0",))) == 1
        assert books.db.searcher.damaged(Selection(labels=("label-1",))) == 0
        found = books.db.searcher.near(np.concatenate([books.hashes[n] for n in numbers]), 0)
        assert set(found.record.tolist()) == {numbers[0], numbers[2]}

    @staticmethod
    def forget(books):
        """Have the index made again from the records."""
        books.db.index_writer.rebuild()

    def test_states_and_problems_are_of_everything(self, books):
        for seed in (1, 2, 3):
            books.add(seed)
        frames, sound = books.db.searcher.states()
        assert (frames.rows - frames.deleted + frames.memtable, sound.rows - sound.deleted + sound.memtable) == (45, 150)
        assert books.db.searcher.problems() == (None, None)
        parts = books.db.searcher.parts()
        assert parts.count >= 1 and not parts.missing and not parts.unsearched

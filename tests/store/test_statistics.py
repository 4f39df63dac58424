"""The figures are what one counts by hand: in plain Python, over databases that Hypothesis makes up."""

import datetime
import threading
from collections import Counter

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import vhashdb
from tests.busy import DAY, HOSTILE_SOURCE, SINCE, UNTIL, Story, a_year, noon
from tests.examples import examples
from vhashdb.codes import NEGATIVE, POSITIVE
from vhashdb.store.figures import read_figures
from vhashdb.store.periods import By, Period
from vhashdb.store.records import SEVERITIES
from vhashdb.store.statistics import AGES, ASKED, FOUND, LENGTHS, TOP, ByVerdict, ForAndAgainst, made_on, read_statistics

FIRST = datetime.date(2026, 1, 5)
DAYS = st.integers(0, 40).map(lambda n: FIRST + n * DAY)
LABELS = st.sets(st.sampled_from(["a", "b", "c"]), max_size=2)
SOURCES = st.sampled_from(["local", "acme-feed", "a list"])
FOUND_VERDICTS = st.sampled_from(["match", "possible"])
VERDICTS = st.sampled_from([verdict.value for verdict in ASKED])


@st.composite
def stories(draw):
    record = st.fixed_dictionaries(
        {
            "labels": LABELS,
            "severity": st.sampled_from(SEVERITIES),
            "source": SOURCES,
            "state": st.sampled_from(["active", "active", "held", "disputed", "retracted"]),
            "duration_s": st.sampled_from([0.04, 0.999, 1.0, 9.9, 10.0, 59.0, 60.0, 300.0, 1200.0, 3599.9, 3600.0]),
            "added_at": st.integers(0, 800).map(lambda n: noon(FIRST + 40 * DAY - n * DAY)),
        }
    )
    records = draw(st.lists(record, min_size=1, max_size=14))
    place = st.integers(0, len(records) - 1)
    actions = st.sampled_from(
        [
            ("retract", {"code": "error"}), ("retract", {"reason": "appeal", "feed": "acme-feed"}), ("erase", {"code": "legal"}),
            ("review-accepted", {}), ("review-rejected", {}), ("label", {}),
        ]
    )  # fmt: skip
    opinion = st.tuples(
        st.sampled_from(["local", "acme-feed", "a list/one", "a list/two"]), place, st.sampled_from([*POSITIVE, *NEGATIVE, "seen"]), DAYS
    )
    return Story(
        records,
        draw(st.lists(st.tuples(place, DAYS, FOUND_VERDICTS), max_size=40)),
        draw(st.lists(st.tuples(DAYS, st.dictionaries(VERDICTS, st.integers(1, 9))), max_size=8)),
        draw(st.lists(opinion, max_size=12, unique_by=lambda o: o[:2])),
        [(n, day, *action) for n, day, action in draw(st.lists(st.tuples(place, DAYS, actions), max_size=8))],
        draw(st.lists(st.tuples(place, DAYS, st.sampled_from("xy")), max_size=4, unique_by=lambda m: (m[0], m[2]))),
    )


def class_of(value, classes):
    return next(name for name, end in classes if end is None or value < end)


def by_span(period, days):
    return tuple(sum(number for day, number in days if span.first <= day <= span.last) for span in period.spans)


# Not made smaller when it fails: that takes minutes, as every try makes a database.
@settings(max_examples=examples(40), phases=[Phase.explicit, Phase.generate])
@given(stories(), st.tuples(DAYS, DAYS).map(sorted), st.sampled_from(By))
def test_every_figure_is_what_one_counts_by_hand(tmp_path_factory, story, ends, by):
    period, today = Period.of(*ends, by), FIRST + 41 * DAY
    path = story.written(tmp_path_factory.mktemp("statistics") / "own.vhdb")
    with vhashdb.open(path) as db:
        found = read_statistics(db.store, period, today=today)
        assert found.figures == read_figures(db.store, *ends)

    forced = [record for record in story.records if record["state"] != "retracted"]
    during = [hit for hit in story.hits if ends[0] <= hit[1] <= ends[1]]
    assert found.figures.records == len(forced)
    assert found.unlabelled == sum(not record["labels"] for record in forced)
    assert found.by_severity == {name: sum(r["severity"] == name for r in forced) for name in SEVERITIES}
    lengths = Counter(class_of(record["duration_s"], LENGTHS) for record in forced)
    assert found.by_length == {name: lengths[name] for name, _ in LENGTHS}
    ages = Counter(class_of((today - record["added_at"].date()).days, AGES) for record in forced)
    assert found.by_age == {name: ages[name] for name, _ in AGES}
    assert found.waiting["held"] == sum(record["state"] == "held" for record in story.records)
    assert found.added == by_span(period, [(record["added_at"].date(), 1) for record in story.records])
    for verdict in ASKED:
        assert found.questions[verdict] == by_span(period, [(day, counts.get(verdict.value, 0)) for day, counts in story.asked])
    for verdict in FOUND:
        assert found.matches[verdict] == by_span(period, [(day, 1) for _, day, said in during if said == verdict.value])
    assert found.asked == by_span(period, [(day, sum(counts.values())) for day, counts in story.asked])
    assert found.found == tuple(map(sum, zip(*(found.questions[verdict] for verdict in FOUND), strict=True)))

    assert found.matches_by_label == hits((label, said) for n, _, said in during for label in story.records[n]["labels"] or [""])
    assert found.matches_by_source == hits((story.records[n]["source"], said) for n, _, said in during)
    every = hits((story.id_of(n), said) for n, _, said in during)
    most = sorted(every, key=lambda record: (-(every[record].match + every[record].possible), record))[:TOP]
    assert list(found.top.items()) == [(record, every[record]) for record in most]

    voices = [(author.split("/")[0], verdict) for author, _, verdict, day in story.opinions if ends[0] <= day <= ends[1]]
    agree, dispute = (Counter(author for author, verdict in voices if verdict in some) for some in (POSITIVE, NEGATIVE))
    assert found.opinions == {author: ForAndAgainst(agree[author], dispute[author]) for author in sorted({*agree, *dispute})}

    wrong = {n for n, _, action, d in story.decided if d.get("code", d.get("reason")) in ("error", "appeal") or action == "review-rejected"}
    wrong |= {n for n, _, _ in story.marks}
    matched = {n for n, _, _ in during}
    assert {s.source: (s.matched_records, s.wrong_records) for s in found.figures.sources} == {
        source: (len(own & matched), len(own & matched & wrong))
        for source in sorted({record["source"] for record in story.records})
        for own in [{n for n, record in enumerate(story.records) if record["source"] == source}]
    }


def hits(named):
    counted = Counter(named)
    return {name: ByVerdict(counted[name, "match"], counted[name, "possible"]) for name, _ in counted}


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    return a_year().written(tmp_path_factory.mktemp("year") / "year.vhdb")


def test_nothing_is_about_a_file_or_a_person(year):
    with vhashdb.open(year) as db:
        text = repr(read_statistics(db.store, Period.of(SINCE, UNTIL)))
    assert repr(HOSTILE_SOURCE)[1:-1] in text
    assert "somebody" not in text
    assert "a" * 64 not in text


def test_counting_waits_for_no_writer_and_none_waits_for_it(year):
    with vhashdb.open(year, lock_timeout_s=0.1) as db:
        before = read_statistics(db.store, Period.of(SINCE, UNTIL))
        with db.store.transactions.writing():
            counting = threading.Thread(target=lambda: found.append(read_statistics(db.store, Period.of(SINCE, UNTIL))))
            found = []
            counting.start()
            counting.join(30)
        assert found == [before]
        with db.store.transactions.snapshot() as connection:
            connection.exec_driver_sql("SELECT count(*) FROM record")
            db.store.audit.log("queries", None, match=1)
        assert sum(read_statistics(db.store, today()).asked) == 1


def today():
    now = datetime.datetime.now(datetime.UTC).date()
    return Period.of(now - DAY, now)


def test_what_was_gathered_is_gone_so_that_one_can_count_again(year):
    with vhashdb.open(year) as db:
        first, again = (read_statistics(db.store, Period.of(SINCE, UNTIL)) for _ in range(2))
        assert first == again
        empty = read_statistics(db.store, Period.of(SINCE - 9 * DAY, SINCE - DAY))
    assert (empty.top, empty.matches_by_label, sum(empty.asked)) == ({}, {}, 0)


def test_the_day_a_database_was_made(new_db):
    assert abs(made_on(new_db.store) - datetime.datetime.now(datetime.UTC).date()) <= DAY


def test_an_empty_database_has_noughts_and_no_error(new_db):
    found = read_statistics(new_db.store, today())
    assert (found.figures.records, found.unlabelled, sum(found.added), found.top, found.opinions) == (0, 0, 0, {}, {})
    assert set(found.by_length.values()) | set(found.by_age.values()) | set(found.waiting.values()) == {0}


def test_classes_begin_and_end_where_their_names_say(tmp_path):
    ages = [0, 7, 8, 30, 31, 90, 91, 365, 366]
    lengths_s = [0.04, 1, 10, 60, 300, 1200, 3600, 3601, 9]
    records = [{"added_at": noon(FIRST - n * DAY), "duration_s": float(s)} for n, s in zip(ages, lengths_s, strict=True)]
    with vhashdb.open(Story(records).written(tmp_path / "own.vhdb")) as db:
        found = read_statistics(db.store, Period.of(FIRST, FIRST), today=FIRST)
    assert found.by_age == {"up to a week": 2, "up to 30 days": 2, "up to 90 days": 2, "up to a year": 2, "over a year": 1}
    assert list(found.by_length.values()) == [1, 2, 1, 1, 1, 1, 2]

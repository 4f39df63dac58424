"""The desk: what waits, who is at it, what a decision covers, and taking it back."""

import dataclasses
import datetime

import pytest

from tests.exchange.companies import film
from vhashdb import HashQuery
from vhashdb.errors import RecordNotFound, UsageError
from vhashdb.matching import Verdict
from vhashdb.review import Act, By, CaseChanged, Chosen, NotYours, ReviewDesk, case_json
from vhashdb.search.results import Result
from vhashdb.store import Questions, State, acting_as


@pytest.fixture
def questions(company):
    return Questions(company.db.store)


@pytest.fixture
def desk(company, questions):
    return ReviewDesk(company.db, questions)


def asked(company, questions, result, digest, name="upload.mp4", by="ingest"):
    """Somebody asked about an upload, which is kept; the id of the question."""
    result = dataclasses.replace(result, sha256=digest * 32 or None)
    answer = {"file": result.to_json(name), "matches": [match.to_json(name) for match in result.matches]}
    return questions.add(by=by, name=name, options={}, review=True, file=f"{digest}.upload", size=1, answer=answer).id


def uploaded(company, questions, seed, digest, **more):
    return asked(company, questions, company.db.match(HashQuery(frames=film(seed), sha256=digest * 32)), digest, **more)


def chosen(entry, *left_out):
    return Chosen(entry.id, entry.version, left_out)


def summary(entries):
    return [(entry.kind.value, entry.causes, len(entry.uploads)) for entry in entries]


def test_uploads_of_one_video_are_one_case_and_the_gravest_comes_first(company, questions, desk):
    company.adds(1, severity="low")
    company.adds(2, severity="extreme")
    for digest, seed in (("aa", 1), ("bb", 2), ("cc", 2)):
        uploaded(company, questions, seed, digest)
    asked(company, questions, Result(Verdict.UNREADABLE, "it is no video"), "dd")
    entries = desk.entries()
    assert summary(entries) == [("video", ("matched",), 2), ("video", ("matched",), 1), ("unchecked", ("unchecked",), 1)]
    assert [entry.severity for entry in entries] == ["extreme", "low", ""]
    assert [entry.kind.value for entry in desk.entries(By.FILE)] == ["file"] * 4


def test_a_record_that_waits_comes_after_the_uploads_and_is_filtered_and_counted(company, questions, desk):
    uploaded_of, waits = company.adds(1), company.adds(2, review_by=datetime.date(2020, 1, 1))
    uploaded(company, questions, 1, "aa")
    page = desk.page()
    assert [entry.records for entry in page.entries] == [(uploaded_of,), (waits,)]
    assert page.counts["cause"] == {"due": 1, "matched": 1}
    only = desk.page({"cause": ["due"]})
    assert ([entry.records for entry in only.entries], only.total) == ([(waits,)], 1)
    assert only.counts["cause"] == {"due": 1, "matched": 1}  # what another choice would give
    assert only.counts["kind"] == {"record": 1}
    assert desk.page({"label": ["tvec", "other"]}).total == 0


def test_pages_stay_right_while_others_decide(company, questions, desk):
    for seed in range(1, 6):
        company.adds(seed)
        uploaded(company, questions, seed, f"a{seed}")
    everything = [entry.id for entry in desk.entries()]
    first = desk.page(limit=2)
    with acting_as("ann"):
        desk.decide([chosen(first.entries[0])], Act.RIGHT)
    second = desk.page(limit=2, cursor=first.next)
    third = desk.page(limit=2, cursor=second.next)
    assert [entry.id for page in (first, second, third) for entry in page.entries] == everything
    assert third.next is None
    with pytest.raises(UsageError, match="cursor"):
        desk.page(cursor="bm9uZQ==")


def test_what_is_decided_waits_no_more_and_again_when_it_is_taken_back(company, questions, desk):
    record = company.adds(1)
    some = [uploaded(company, questions, 1, digest) for digest in ("aa", "bb", "cc")]
    (entry,) = desk.entries()
    with acting_as("ann"):
        decided = desk.decide([chosen(entry, some[1])], Act.WRONG, reason="a title")
        assert (decided.uploads, decided.by, decided.final) == (2, "ann", True)
        assert [each.id for each in desk.undoable()] == [decided.id]
    assert [each.uploads for each in desk.entries()] == [(some[1],)]
    assert {line.actor for line in company.db.audit(record=record) if line.action == "unmatch"} == {"ann"}
    with acting_as("bob"):
        assert desk.undoable() == []
        with pytest.raises(NotYours):
            desk.undo(decided.id)
    with acting_as("ann"):
        desk.undo(decided.id)
        with pytest.raises(RecordNotFound):
            desk.undo(decided.id)
    assert desk.entries() == [entry]


def test_nothing_is_decided_that_nobody_looked_at(company, questions, desk):
    company.adds(1)
    uploaded(company, questions, 1, "aa")
    (entry,) = desk.entries()
    uploaded(company, questions, 1, "bb")
    with pytest.raises(CaseChanged):
        desk.decide([chosen(entry)], Act.RIGHT)
    assert len(desk.entries()[0].uploads) == 2


def test_a_decision_must_be_one_that_the_case_offers(company, questions, desk):
    company.adds(1)
    only = uploaded(company, questions, 1, "aa")
    (entry,) = desk.entries()
    for act, more in (
        (Act.ACCEPT, {}),
        (Act.WRONG, {}),
        (Act.RIGHT, {"verdict": "agree"}),
        (Act.RIGHT, {"reason": "see https://a.example"}),
    ):
        with pytest.raises(UsageError):
            desk.decide([chosen(entry)], act, **more)
    with pytest.raises(UsageError, match="every upload"):
        desk.decide([chosen(entry, only)], Act.RIGHT)
    with pytest.raises(UsageError, match="no upload of the case"):
        desk.decide([chosen(entry, "f" * 32)], Act.RIGHT)
    assert desk.entries() == [entry]


def test_somebody_who_is_at_a_case_is_not_disturbed(company, questions, desk):
    company.adds(1)
    waits = company.adds(2, review_by=datetime.date(2020, 1, 1))
    uploaded(company, questions, 1, "aa")
    ids = [entry.id for entry in desk.entries()]
    with acting_as("ann"):
        assert [entry.claimed for entry in desk.claim(ids)] == ["me", "me"]
    with acting_as("bob"):
        entries = desk.entries()
        assert [entry.claimed for entry in entries] == ["others", "others"]
        for entry in entries:
            with pytest.raises(UsageError, match="ann is at"):
                desk.claim([entry.id])
            with pytest.raises(UsageError, match="ann is at"):
                desk.decide([chosen(entry)], Act.RIGHT if entry.uploads else Act.ACCEPT)
        desk.give_up(ids)  # is not theirs
        assert desk.page({"claimed": ["others"]}).total == 2
    with acting_as("ann"):
        desk.give_up(ids)
    with acting_as("bob"):
        first, second = desk.entries()
        desk.decide([chosen(first)], Act.SEEN)
        desk.decide([chosen(second)], Act.ACCEPT)
    assert desk.entries() == []
    assert company.db.get(waits).details.review_by is None


def test_what_is_passed_on_waits_for_others(company, questions, desk):
    company.adds(1)
    uploaded(company, questions, 1, "aa")
    with acting_as("ann"):
        desk.decide([chosen(desk.entries()[0])], Act.ESCALATE, reason="I cannot tell")
        assert (desk.entries(), desk.waiting_for_others()) == ([], 1)
    with acting_as("bob"):
        assert summary(desk.entries()) == [("video", ("escalated",), 1)]
        assert desk.waiting_for_others() == 0


def test_two_people_reject_a_record(company, desk):
    company.moderation.reviews.set_rules(dataclasses.replace(company.moderation.reviews.rules, two_person=True))
    record = company.adds(1, review_by=datetime.date(2020, 1, 1))
    with acting_as("ann"):
        first = desk.decide([chosen(desk.entries()[0])], Act.REJECT, reason="a news intro")
        assert not first.final
        assert (desk.entries(), desk.waiting_for_others()) == ([], 1)
    with acting_as("bob"):
        (entry,) = desk.entries()
        assert desk.decide([chosen(entry)], Act.REJECT, reason="so it is").final
    assert company.db.get(record).state is State.RETRACTED


def test_of_several_cases_all_are_decided_or_none(company, questions, desk):
    records = [company.adds(seed, review_by=datetime.date(2020, 1, 1)) for seed in (1, 2)]
    entries = desk.entries()
    with acting_as("ann"):
        desk.decide([chosen(entry) for entry in entries], Act.ACCEPT)
    assert desk.entries() == []
    assert [company.db.get(record).details.review_by for record in records] == [None, None]


def test_an_upload_that_could_not_be_hashed_is_decided_too(company, questions, desk):
    asked(company, questions, Result(Verdict.UNREADABLE, "it is too large"), "")
    (entry,) = desk.entries()
    desk.decide([chosen(entry)], Act.LOOKED)
    assert desk.entries() == []


def test_matches_of_a_record_that_is_retracted_do_not_wait(company, questions, desk):
    record = company.adds(1)
    uploaded(company, questions, 1, "aa")
    company.db.retract(record, reason="by mistake")
    assert desk.entries() == []


def test_a_case_says_what_a_person_needs(company, questions, desk):
    record = company.adds(1, severity="high")
    company.adds(1)
    only = uploaded(company, questions, 1, "aa", name="a.mp4")
    case = case_json(company.db, desk.case(desk.entries()[0].id))
    assert [(upload["question"], upload["name"], len(upload["matches"])) for upload in case["uploads"]] == [(only, "a.mp4", 2)]
    assert (case["record"]["record"], len(case["others"])) == (record, 1)
    assert {line["action"] for line in case["record"]["history"]} == {"add", "match"}
    assert [action["act"] for action in case["actions"]] == ["yes", "yes, seen", "no", "pass on"]
    assert case["videos"][0]["records"][0]["record"] == record
    with pytest.raises(RecordNotFound):
        desk.case("video-" + "0" * 32)

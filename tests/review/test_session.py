"""The session by itself: lines in, effects out."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vhashdb.review.answers import BASES, KEYS, NEEDS_REASON, VERDICTS, Act, Answer, Ask, AvailableAction
from vhashdb.review.session import ReviewSession, Undo

RECORD = tuple(AvailableAction(act, "does something") for act in (Act.ACCEPT, Act.REJECT, Act.LOOKED, Act.AGREE, Act.DISPUTE, Act.NOT_THIS))
MATCH = (
    AvailableAction(Act.RIGHT, "does something"),
    AvailableAction(Act.SEEN, "does something", "saw_content"),
    AvailableAction(Act.WRONG, "does something"),
    AvailableAction(Act.ESCALATE, "does something"),
)


def typed(session, *lines, actions=RECORD):
    """The last step after these lines, each effect of which is written."""
    for number, line in enumerate(lines):
        step = session.answer(line, actions)
        session = step.session.done() if step.effect is not None and number < len(lines) - 1 else step.session
    return step


def test_an_act_its_questions_and_a_reason_give_one_answer():
    step = typed(ReviewSession.through(3), "d", "3", "2", "  the label is another ")
    assert step.effect == Answer(Act.DISPUTE, "disagree_label", "saw_match", reason="the label is another")
    session = step.session.done()
    assert (session.place, session.left, session.asking) == (1, 2, None)


def test_the_word_does_as_well_as_the_letter():
    assert typed(ReviewSession.through(1), "Reject").session.draft == Answer(Act.REJECT, basis="metadata")


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["a", ""], Answer(Act.ACCEPT, basis="metadata")),
        (["g", "", "", ""], Answer(Act.AGREE, "agree", "metadata")),
        (["d", "", "saw_content", "x"], Answer(Act.DISPUTE, "false_positive", "saw_content", reason="x")),
        (["n", "a clip.mp4", "a cover"], Answer(Act.NOT_THIS, basis="metadata", file="a clip.mp4", reason="a cover")),
        (["l", ""], Answer(Act.LOOKED, basis="metadata")),
    ],
)
def test_enter_alone_takes_what_is_usual(lines, answer):
    assert typed(ReviewSession.through(1), *lines).effect == answer


def test_the_usual_basis_is_that_of_the_offer():
    assert (
        typed(ReviewSession.through(1), "g", "", "", "", actions=[AvailableAction(Act.AGREE, "", "saw_match")]).effect.basis == "saw_match"
    )


def test_matches_are_right_or_wrong_and_a_capital_says_that_one_looked():
    assert typed(ReviewSession.through(1), "y", "", actions=MATCH).effect == Answer(Act.RIGHT, basis="metadata")
    assert typed(ReviewSession.through(1), "Y", "", actions=MATCH).effect == Answer(Act.SEEN, basis="saw_content")
    wrong = typed(ReviewSession.through(1), "n", "another film", actions=MATCH).effect
    assert wrong == Answer(Act.WRONG, basis="metadata", reason="another film")
    assert typed(ReviewSession.through(1), "E", "", actions=MATCH).effect.act is Act.ESCALATE  # no other act has this letter


def test_a_number_chooses_a_reason_and_other_words_are_taken_as_they_are():
    actions = [AvailableAction(Act.WRONG, "", reasons=("another video", "music alone"))]
    assert typed(ReviewSession.through(1), "n", "2", actions=actions).effect.reason == "music alone"
    assert typed(ReviewSession.through(1), "n", "3", actions=actions).effect.reason == "3"
    assert typed(ReviewSession.through(1), "n", "a school", actions=actions).effect.reason == "a school"
    assert "needs a reason" in typed(ReviewSession.through(1), "n", "", actions=actions).note


@pytest.mark.parametrize("act", sorted(NEEDS_REASON))
def test_what_takes_something_away_needs_a_reason(act):
    actions = [AvailableAction(act, "")]
    before = {Act.DISPUTE: ["", ""], Act.NOT_THIS: ["file"]}.get(act, [])
    step = typed(ReviewSession.through(1), KEYS[act], *before, "   ", actions=actions)
    assert "needs a reason" in step.note
    assert step.session.asking is Ask.REASON
    assert typed(step.session, "x", actions=actions).effect.reason == "x"


def test_a_reason_that_is_too_long_is_asked_for_again():
    step = typed(ReviewSession.through(1), "a", "x" * 281)
    assert "at most 280" in step.note
    assert step.effect is None


def test_what_members_can_read_names_nobody():
    step = typed(ReviewSession.through(1), "d", "", "", "seen at https://x.example/clip")
    assert step.effect is None
    assert "members can read this, and it contains a URL: 'https://'" in step.note
    assert typed(step.session, "seen elsewhere").effect.reason == "seen elsewhere"
    assert typed(ReviewSession.through(1), "a", "ticket at https://x.example").effect.reason == "ticket at https://x.example"  # stays here


@pytest.mark.parametrize("lines", [["a"], ["d", "2"], ["g", "", "3"], ["n", "file"]])
def test_b_goes_back_from_any_question(lines):
    session = typed(ReviewSession.through(2), *lines, "b").session
    assert (session.draft, session.asking, session.place) == (None, None, 0)


@pytest.mark.parametrize("lines", [[], ["a"], ["d", "2"], ["s"], ["a", "", "a", "", "a", ""]])
def test_q_ends_it_anywhere(lines):
    assert typed(ReviewSession.through(3), *lines, "q").session.over


def test_what_is_not_offered_cannot_be_picked():
    step = typed(ReviewSession.through(1), "a", actions=MATCH)
    assert step.session.draft is None
    assert step.note


def test_skipped_cases_stay_open_and_back_finds_them():
    session = typed(ReviewSession.through(3), "s", "a", "", "b").session
    assert (session.place, session.left) == (0, 2)
    assert "nothing before" in typed(session, "b").note


def test_a_walk_in_which_nothing_was_decided_just_ends():
    assert typed(ReviewSession.through(2), "s", "s").session.over
    assert ReviewSession.through(0).over


def test_after_the_last_one_the_last_decision_can_be_taken_back():
    session = typed(ReviewSession.through(1), "a", "").session.done()
    assert session.at_end
    assert typed(session, "x").note
    assert typed(session, "").session.over
    step = typed(session, "u")
    assert step.effect == Undo(0)
    assert (step.session.done().place, step.session.done().left) == (0, 1)


def test_decisions_are_taken_back_from_the_last_to_the_first():
    session = typed(ReviewSession.through(3), "a", "", "r", "x").session.done()
    session = typed(session, "u").session.done()
    assert (session.place, [decided.place for decided in session.decided]) == (1, [0])
    session = typed(session, "u").session.done()
    assert (session.place, session.decided) == (0, ())
    assert "nothing was decided" in typed(session, "u").note


def test_what_cannot_be_written_or_taken_back_changes_nothing():
    step = typed(ReviewSession.through(2), "a", "")
    assert step.session.refused() == ReviewSession.through(2)
    session = step.session.done()
    assert typed(session, "u").session.refused() == session


def test_an_opinion_that_leaves_something_to_decide_keeps_the_case():
    session = typed(ReviewSession.through(1), "g", "", "", "").session.done(settled=False)
    assert (session.place, session.left, len(session.decided)) == (0, 1, 1)
    session = typed(session, "a", "").session.done()
    assert (session.left, len(session.decided)) == (0, 2)
    session = typed(session, "u").session.done()
    assert (session.place, session.left, len(session.decided)) == (0, 1, 1)


def test_a_case_that_somebody_else_settled_is_passed():
    session = ReviewSession.through(2).settled_elsewhere()
    assert (session.place, session.left, session.at_end) == (1, 1, False)
    assert session.settled_elsewhere().over


def test_an_effect_must_be_heard_of():
    step = typed(ReviewSession.through(1), "a", "")
    with pytest.raises(ValueError, match="neither done nor refused"):
        step.session.answer("s", RECORD)
    for wrong in (ReviewSession.through(1).done, ReviewSession.through(1).refused, step.session.settled_elsewhere):
        with pytest.raises(ValueError, match=r"no effect|no case"):
            wrong()
    with pytest.raises(ValueError, match="over"):
        ReviewSession.through(0).answer("s", RECORD)


# -- any sequence of answers -----------------------------------------------------------------------


@dataclass
class Book:
    """Where what is decided is written: a model of the database."""

    written: list[tuple[int, Answer, bool]] = field(default_factory=list)

    def takes(self, effect, place, settled):
        if isinstance(effect, Undo):
            assert self.written[-1][0] == effect.place, "only the last decision is taken back"
            self.written.pop()
            return
        assert not any(at == place and done for at, _, done in self.written), "a settled case is never decided twice"
        assert effect.reason or effect.act not in NEEDS_REASON
        assert effect.verdict in VERDICTS.get(effect.act, ("",))
        assert effect.basis in BASES
        assert len(effect.reason) <= 280
        self.written.append((place, effect, settled))


LINES = st.sampled_from([*"a r g d n l y s b u q ? 1 3 9 yes".split(), "", "looked at it"]) | st.text(max_size=5)
OUTCOMES = st.sampled_from(["done", "done", "done", "left", "refused"])
EVENTS = st.lists(st.tuples(LINES, OUTCOMES, st.integers(0, 9)), max_size=80)


@given(st.integers(0, 5), EVENTS, st.sampled_from([RECORD, MATCH]))
def test_no_sequence_of_answers_loses_or_doubles_a_decision(total, events, actions):
    session, book, gone = ReviewSession.through(total), Book(), 0
    for line, outcome, chance in events:
        if session.over:
            break
        if chance == 0 and not session.at_end and session.pending is None:
            session, gone = session.settled_elsewhere(), gone + 1
            continue
        place = session.place
        step = session.answer(line, actions)
        session = step.session
        if step.effect is not None and outcome == "refused":
            session = session.refused()
        elif step.effect is not None:
            book.takes(step.effect, place, outcome == "done")
            session = session.done(settled=outcome == "done")
        assert [(d.place, d.answer, d.settled) for d in session.decided] == book.written
        settled = {at for at, _, done in book.written if done}
        assert session.left == total - gone - len(settled)
        assert session.over or session.at_end or session.place not in session.settled
    assert [(d.place, d.answer, d.settled) for d in session.decided] == book.written

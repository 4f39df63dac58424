"""The search for evading edits: on answers that follow a rule, and on a real database."""

import numpy as np
import pytest

from bench import tampering
from bench.adversary import BISECTIONS, Finding, Outcome, Search, Threshold, by_edit, chosen, searched, summary
from bench.likeness import Likeness
from bench.tampering import EDITS, Step
from bench.truth import half_of
from tests.examples import long
from vhashdb import Verdict

SOME = ("crop", "rotation", "noise", "blur")


def harm(chain):
    """Strengths, squared and summed: two weak edits do less harm than a strong one."""
    return sum(step.strength**2 for step in chain)


def left(chain):
    return Likeness(1 - harm(chain), 1 - min(1, harm(chain)), 1.0, 1.0, 1.0)


def search(limits, *, budget=100, seed=0, asked=None):
    """A search in a world in which an edit evades from a strength on, and a chain when its steps add up to one of their limits each."""

    def ask(chain):
        if asked is not None:
            asked.append(chain)
        share = sum(step.strength / limits[step.edit] for step in chain)
        verdict = Verdict.NO_MATCH if share >= 1 else Verdict.POSSIBLE if share >= 0.8 else Verdict.MATCH
        return Finding(chain, verdict, left(chain))

    return Search("walk.mp4", "balanced", ask, left, budget=budget, seed=seed, edits=list(limits)).run()


LIMITS = {"crop": 0.4, "rotation": 0.55, "noise": 0.7, "blur": 2.0}


def test_the_weakest_evading_strength_is_found():
    outcome = search(LIMITS)
    for edit, limit in LIMITS.items():
        evading = outcome.thresholds[edit].evading
        if limit > 1:
            assert evading is None
        else:
            assert limit <= evading.chain[0].strength < limit + 0.5**BISECTIONS
            assert 0.8 * limit <= outcome.thresholds[edit].doubted < limit + 0.5**BISECTIONS


def test_chains_do_less_harm_than_single_edits_where_that_is_so():
    outcome = search(LIMITS)
    assert 2 <= len(outcome.chain.chain) <= 3
    assert outcome.chain.evades
    assert harm(outcome.chain.chain) < 0.75 * harm(outcome.single.chain)
    assert outcome.mildest is outcome.chain


def test_chains_leave_out_what_evades_for_nearly_nothing():
    asked = []
    outcome = search({"hue": 0.2, **LIMITS}, asked=asked)
    assert outcome.mildest is outcome.single
    assert outcome.single.chain[0].edit == "hue"
    chains = [chain for chain in asked if len(chain) > 1]
    assert chains
    assert not any(step.edit == "hue" for chain in chains for step in chain)
    assert outcome.chain.evades


def test_the_budget_is_kept_and_no_more_harm_than_the_best_is_asked_about():
    asked = []
    outcome = search(LIMITS, budget=37, asked=asked)
    assert outcome.questions == len(asked) <= 37
    chains = [chain for chain in asked if len(chain) > 1]
    assert chains
    assert all(harm(chain) < harm(outcome.single.chain) for chain in chains)


def test_a_seed_says_what_is_asked():
    first, again, other = [], [], []
    search(LIMITS, seed=3, asked=first)
    search(LIMITS, seed=3, asked=again)
    search(LIMITS, seed=4, asked=other)
    assert first == again
    assert first != other


def test_a_small_budget_still_has_an_answer_for_what_was_asked():
    outcome = search(LIMITS, budget=4)
    assert outcome.thresholds["crop"].evading.chain[0].strength == 1.0
    assert outcome.questions <= 4


@long
def test_a_real_search(known_db, samples):
    record = next(record for record, name in known_db.names.items() if name == "valley")
    other = tampering.read(samples / "unknown" / "balloons.mp4", 2.0).frames

    def found():
        (outcome,) = searched(
            known_db, record, samples / "known" / "valley.mp4", other, ["fast"], budget=7, seed=1, edits=["brightness", "hue", "crop"]
        )
        return outcome

    outcome = found()
    assert outcome.questions <= 7
    assert outcome.thresholds["brightness"].evading.verdict in (Verdict.NO_MATCH, Verdict.INSUFFICIENT)  # white from end to end
    assert outcome.thresholds["hue"].evading is None
    assert outcome.thresholds["hue"].held.verdict is Verdict.MATCH
    assert outcome.single.likeness.harm > 0.1
    assert found() == outcome


def outcome(video, effort, **strengths):
    thresholds = {}
    for edit, (strength, doubted) in strengths.items():
        chain = (Step(edit, strength, 0, 0, 0),)
        thresholds[edit] = Threshold(chain[0], None, Finding(chain, Verdict.NO_MATCH, left(chain)) if strength else None, doubted)
    return Outcome(video, effort, thresholds, questions=5)


def test_tables_by_hand():
    outcomes = [
        outcome("a1.mp4", "fast", rotation=(0.2, 0.1), crop=(0.5, 0.5), noise=(0, 0.9)),
        outcome("b1.mp4", "fast", rotation=(0.4, 0.1), crop=(0.6, 0.6), noise=(0.3, 0.9)),
        outcome("c1.mp4", "fast", rotation=(0.8, 0.1), crop=(0, np.inf), noise=(0, 0.9)),
    ]
    assert list(by_edit(outcomes, ["fast"], ["crop", "noise", "rotation"])) == [
        ["rotation", f"{EDITS['rotation'].say(0.4)} · 0.16 ({EDITS['rotation'].say(0.1)})"],
        ["crop", f"{EDITS['crop'].say(0.6)} · 0.36"],
    ]
    ((effort, single, chain, *_, questions, wrong),) = summary(outcomes, ["fast"])
    assert (effort, single, chain, questions, wrong) == ("fast", "0.09", "none found", "15", "0")


@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_videos_are_of_both_halves(count, tmp_path):
    clips = [tmp_path / f"clip{chr(97 + number)}.mp4" for number in range(26)]
    some = chosen(clips, count)
    assert len(set(some)) == len(some) == count
    assert abs(sum(half_of(clip.name) == "A" for clip in some) * 2 - count) <= 1

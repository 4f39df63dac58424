"""Read a reviewer's answer to a case: acts, the questions that belong to each, and how a typed line is read."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vhashdb import codes
from vhashdb.codes import AGREE, DISAGREE_INCLUSION, DISAGREE_LABEL, FALSE_POSITIVE, OUTDATED, SEEN
from vhashdb.errors import UsageError
from vhashdb.exchange.lint import findings
from vhashdb.store.records import MAX_REASON
from vhashdb.text import printable


class Act(enum.StrEnum):
    """Act with which a person answers a case."""

    ACCEPT = "accept"
    REJECT = "reject"
    AGREE = "agree"
    DISPUTE = "dispute"
    NOT_THIS = "not this"
    LOOKED = "looked at"
    RIGHT = "yes"
    """Of matches: the files do show the video, or have its sound."""
    SEEN = "yes, seen"
    """The same, by somebody who looked at the files themselves, or listened to them, at these times."""
    WRONG = "no"
    """Of matches: they do not."""
    ESCALATE = "pass on"
    """Somebody else has to decide."""


class Ask(enum.StrEnum):
    """A question that belongs to an act."""

    VERDICT = "verdict"
    BASIS = "basis"
    FILE = "file"
    REASON = "reason"


KEYS: Final[Mapping[Act, str]] = {
    Act.ACCEPT: "a",
    Act.REJECT: "r",
    Act.AGREE: "g",
    Act.DISPUTE: "d",
    Act.NOT_THIS: "n",
    Act.LOOKED: "l",
    Act.RIGHT: "y",
    Act.SEEN: "Y",
    Act.WRONG: "n",
    Act.ESCALATE: "e",
}
QUESTIONS: Final[Mapping[Act, tuple[Ask, ...]]] = {
    Act.ACCEPT: (Ask.REASON,),
    Act.REJECT: (Ask.REASON,),
    Act.AGREE: (Ask.VERDICT, Ask.BASIS, Ask.REASON),
    Act.DISPUTE: (Ask.VERDICT, Ask.BASIS, Ask.REASON),
    Act.NOT_THIS: (Ask.FILE, Ask.REASON),
    Act.LOOKED: (Ask.REASON,),
    Act.RIGHT: (Ask.REASON,),
    Act.SEEN: (Ask.REASON,),
    Act.WRONG: (Ask.REASON,),
    Act.ESCALATE: (Ask.REASON,),
}
"""What belongs to each act, in the order in which it is asked."""
NEEDS_REASON: Final = frozenset({Act.REJECT, Act.DISPUTE, Act.NOT_THIS, Act.WRONG})
"""Acts for which a reason has to be given."""
VERDICTS: Final[Mapping[Act, tuple[str, ...]]] = {
    Act.AGREE: (AGREE, SEEN),
    Act.DISPUTE: (FALSE_POSITIVE, DISAGREE_INCLUSION, DISAGREE_LABEL, OUTDATED),
}
"""Verdicts to choose from, the usual one first."""
BASES: Final = tuple(reversed(codes.BASES))
"""From the weakest to the strongest."""
REASONS: Final[Mapping[Act, tuple[str, ...]]] = {
    Act.ACCEPT: ("looked at it, it fits", "still so"),
    Act.REJECT: ("it shows nothing harmful", "it does not meet the criteria", "added by mistake"),
    Act.LOOKED: ("looked at it with a player", "damaged, nothing can be seen", "another copy was asked for"),
    Act.RIGHT: ("the same video", "an edited copy", "part of a longer video", "shown in a report or a documentary"),
    Act.SEEN: ("the same video", "an edited copy", "part of a longer video", "shown in a report or a documentary"),
    Act.WRONG: ("another video", "the same place, another moment", "music or a jingle alone", "a title or a template"),
    Act.ESCALATE: ("I cannot tell", "somebody has to know the language", "somebody has to know the law", "I know somebody in it"),
}
"""Reasons to choose from unless others are configured; whoever wants types another."""
MOST_REASONS: Final = 9
"""Reasons of one act: each has a digit."""


@dataclass(frozen=True)
class AvailableAction:
    """An act that is possible for a case, and what it does, in plain words."""

    act: Act
    does: str
    basis: str = BASES[0]
    """Basis of an opinion unless the person says otherwise."""
    reasons: tuple[str, ...] = ()
    """Reasons to choose from by their numbers."""

    @property
    def key(self) -> str:
        """The letter for it."""
        return KEYS[self.act]


@dataclass(frozen=True)
class Answer:
    """A person's answer to one case; of use once all of the act's questions are answered."""

    act: Act
    verdict: str = ""
    basis: str = ""
    file: str = ""
    """Of an upload; only to be hashed."""
    reason: str = ""
    reasons: tuple[str, ...] = ()
    """Reasons to choose from."""

    @property
    def told(self) -> bool:
        """Whether it is an opinion, whose reason members can read."""
        return self.act in (Act.AGREE, Act.DISPUTE, Act.RIGHT, Act.SEEN)


def answer_of(action: AvailableAction, *, verdict: str = "", basis: str = "", reason: str = "") -> Answer:
    """Return the answer to a case from what a form or a program gave.

    Args:
        action: that was chosen.
        verdict: of an opinion; empty for the usual one.
        basis: of an opinion; empty for what the action suggests.
        reason: in words.

    Raises:
        UsageError: the act is answered otherwise, or something does not belong to it.
    """
    given = {Ask.VERDICT: verdict, Ask.BASIS: basis, Ask.REASON: reason}
    draft = Answer(action.act, basis=action.basis)  # without reasons to choose from: a reason that is a number is one
    for ask in QUESTIONS[action.act]:
        changed = replied(draft, ask, given.get(ask, ""))
        if isinstance(changed, str):
            raise UsageError(f"{ask.value} of {action.act.value!r}: {changed}", hint="choose what the case offers")
        draft = changed
    if extra := next((ask.value for ask, text in given.items() if text and ask not in QUESTIONS[action.act]), None):
        raise UsageError(f"{action.act.value!r} has no {extra}", hint="leave it out")
    return draft


# -- how the answer to each question is read: an answer that knows more, or what is wrong with the text -----------


def replied(draft: Answer, ask: Ask, text: str) -> Answer | str:
    """Return the answer with one more question answered, or what is wrong with what was typed."""
    return _READ[ask](draft, text)


def _verdict(draft: Answer, text: str) -> Answer | str:
    known = VERDICTS[draft.act]
    chosen = _numbered(text, known, known[0])
    return replace(draft, verdict=chosen) if chosen else f"type a number from 1 to {len(known)}, or Enter alone for 1"


def _basis(draft: Answer, text: str) -> Answer | str:
    chosen = _numbered(text, BASES, draft.basis)
    return replace(draft, basis=chosen) if chosen else f"type a number from 1 to {len(BASES)}"


def _file(draft: Answer, text: str) -> Answer | str:
    return replace(draft, file=text) if text else "name the file, or type b to go back"


def _reason(draft: Answer, text: str) -> Answer | str:
    text = printable(_numbered(text, draft.reasons, "") or text) if text else ""
    if not text and draft.act in NEEDS_REASON:
        return "this needs a reason: give one, or b to go back"
    if len(text) > MAX_REASON:
        return f"that has {len(text)} characters; at most {MAX_REASON} are kept, so say it shorter"
    if draft.told and (seen := findings(text)):
        return f"members can read this, and it contains {', '.join(seen)}; say it without"
    return replace(draft, reason=text)


def _numbered(text: str, known: Sequence[str], usual: str) -> str:
    """Return the one with this number, counted from 1, or of this name; empty if there is none."""
    by_text = {"": usual, **{name: name for name in known}, **{str(number): name for number, name in enumerate(known, 1)}}
    return by_text.get(text, "")


_READ: Final[Mapping[Ask, Callable[[Answer, str], Answer | str]]] = {
    Ask.VERDICT: _verdict,
    Ask.BASIS: _basis,
    Ask.FILE: _file,
    Ask.REASON: _reason,
}

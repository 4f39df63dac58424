"""Read a reviewer's answer to a case: acts, the questions that belong to each, and how a typed line is read."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from vhashdb import codes
from vhashdb.codes import AGREE, DISAGREE_INCLUSION, DISAGREE_LABEL, FALSE_POSITIVE, OUTDATED, SEEN
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
    """Of a match: the file does show the record, or has its sound."""
    WRONG = "no"
    """Of a match: it does not."""


class Ask(enum.StrEnum):
    """A question that belongs to an act."""

    VERDICT = "verdict"
    BASIS = "basis"
    FILE = "file"
    SAW = "saw"
    """Whether the person looked at the content itself."""
    ALSO = "also"
    """Whether the record is wrong for every file."""
    REASON = "reason"


KEYS: Final[Mapping[Act, str]] = {
    Act.ACCEPT: "a",
    Act.REJECT: "r",
    Act.AGREE: "g",
    Act.DISPUTE: "d",
    Act.NOT_THIS: "n",
    Act.LOOKED: "l",
    Act.RIGHT: "y",
    Act.WRONG: "n",
}
QUESTIONS: Final[Mapping[Act, tuple[Ask, ...]]] = {
    Act.ACCEPT: (Ask.REASON,),
    Act.REJECT: (Ask.REASON,),
    Act.AGREE: (Ask.VERDICT, Ask.BASIS, Ask.REASON),
    Act.DISPUTE: (Ask.VERDICT, Ask.BASIS, Ask.REASON),
    Act.NOT_THIS: (Ask.FILE, Ask.REASON),
    Act.LOOKED: (Ask.REASON,),
    Act.RIGHT: (Ask.SAW, Ask.REASON),
    Act.WRONG: (Ask.SAW, Ask.ALSO, Ask.REASON),
}
NEEDS_REASON: Final = frozenset({Act.REJECT, Act.DISPUTE, Act.NOT_THIS, Act.WRONG})
"""Acts for which a reason has to be given."""
VERDICTS: Final[Mapping[Act, tuple[str, ...]]] = {
    Act.AGREE: (AGREE, SEEN),
    Act.DISPUTE: (FALSE_POSITIVE, DISAGREE_INCLUSION, DISAGREE_LABEL, OUTDATED),
}
"""Verdicts to choose from, the usual one first."""
BASES: Final = tuple(reversed(codes.BASES))
"""From the weakest to the strongest."""


@dataclass(frozen=True)
class AvailableAction:
    """An act that is possible for a case, and what it does, in plain words."""

    act: Act
    does: str
    basis: str = BASES[0]
    """Basis of an opinion unless the person says otherwise."""
    of_sound: bool = False
    """Whether it is about what one hears, and nothing that one sees."""

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
    saw: bool = False
    also: bool = False
    reason: str = ""

    @property
    def told(self) -> bool:
        """Whether it is an opinion, whose reason members can read."""
        return self.act in (Act.AGREE, Act.DISPUTE, Act.RIGHT) or self.also


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


def _saw(draft: Answer, text: str) -> Answer | str:
    saw = _YES_OR_NO.get(text.lower())
    return "type y or n" if saw is None else replace(draft, saw=saw)


def _also(draft: Answer, text: str) -> Answer | str:
    also = _YES_OR_NO.get(text.lower() or "n")
    return "type y or n" if also is None else replace(draft, also=also)


def _reason(draft: Answer, text: str) -> Answer | str:
    text = printable(text)
    if not text and draft.act in NEEDS_REASON:
        return "this needs a reason; type it, or b to go back"
    if len(text) > MAX_REASON:
        return f"that has {len(text)} characters; at most {MAX_REASON} are kept, so say it shorter"
    if draft.told and (seen := findings(text)):
        return f"members can read this, and it contains {', '.join(seen)}; say it without"
    return replace(draft, reason=text)


def _numbered(text: str, known: Sequence[str], usual: str) -> str:
    """Return the one with this number, counted from 1, or of this name; empty if there is none."""
    by_text = {"": usual, **{name: name for name in known}, **{str(number): name for number, name in enumerate(known, 1)}}
    return by_text.get(text, "")


_YES_OR_NO: Final = {"y": True, "yes": True, "n": False, "no": False}
_READ: Final[Mapping[Ask, Callable[[Answer, str], Answer | str]]] = {
    Ask.VERDICT: _verdict,
    Ask.BASIS: _basis,
    Ask.FILE: _file,
    Ask.SAW: _saw,
    Ask.ALSO: _also,
    Ask.REASON: _reason,
}

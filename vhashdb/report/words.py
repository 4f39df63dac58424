"""Values of a match in words for people who look at uploads."""

from __future__ import annotations

from typing import Final

from vhashdb.matching.evidence import GateName
from vhashdb.matching.verdict import Verdict
from vhashdb.moderation.policy import Action

VERDICTS: Final = {
    Verdict.MATCH: "A part of the file looks like a known video and changes as it does. Look at both before anything happens.",
    Verdict.POSSIBLE: "The same picture, but not enough motion to confirm it: a still, a short or a plain stretch; or the same sound "
    "and no such picture, as with music that many videos have. Some of these are something else. Look.",
    Verdict.NO_MATCH: "Nothing in it is like anything in this database. That is no clearance: the file may be harmful and new, "
    "or changed too much to be found.",
    Verdict.INSUFFICIENT: "The file shows too little picture to say anything, for it is dark, flat or blurred. This is not “no match”.",
    Verdict.UNREADABLE: "The file could not be read, so nothing is known about it.",
}
MARKS: Final = {
    Verdict.MATCH: "◆",
    Verdict.POSSIBLE: "◇",
    Verdict.NO_MATCH: "○",
    Verdict.INSUFFICIENT: "◌",
    Verdict.UNREADABLE: "✕",
}
"""Signs of the verdicts, so that colour is never alone."""
NEVER: Final = (
    ("Never act on a score alone.", "The software only finds; somebody looks at the file and decides."),
    (
        "Never take a match for a judgement on a person.",
        "It says that pictures or sounds are alike, not who made or sent them, or why. News, research and testimony show the same.",
    ),
    ("Never take “no match” for “harmless”.", "It says that this database knows nothing like it."),
    ("Never pass this page on without need.", "It names the files."),
)

CONDITIONS: Final = {
    GateName.FRAMES: ("different pictures that are alike, one after the other", "at least"),
    GateName.SECONDS: ("seconds in which they are", "at least"),
    GateName.DISTANCE: ("bits in which they typically differ", "at most"),
    GateName.MOTION: ("how alike they change, from 0 to 1", "at least"),
    GateName.CHANGES: ("changes that do not follow from each other", "more than"),
    GateName.EVIDENCE: ("total evidence", "at least"),
    GateName.VIDEOS: ("known videos that show the same", "at most"),
    GateName.NEARER: ("bits by which another known video is nearer", "less than"),
    GateName.SOUND: ("how much of the sound agrees, beyond chance", "at least"),
}
"""Subject of each condition for a match, and the side of the threshold on which it is met."""

ACTIONS: Final = {
    Action.NONE: "nothing",
    Action.LOG: "log: it may be noted, no more",
    Action.REVIEW: "review: a person decides",
    Action.BLOCK: "block: it may be kept back before a person has looked",
}
REVIEW_METHODS: Final = {
    "unspecified": "not said",
    "human": "by people",
    "human_assisted": "by people with the help of software",
    "automatic": "by software alone",
}
STATES: Final = {
    "active": "active",
    "held": "held: it waits for a person",
    "disputed": "disputed: opinions differ",
    "retracted": "retracted",
}
BLURRING: Final = (
    "Research on blurring is mixed: seeing pictures blurred, and clear only on demand, lowered the strain of reviewing them in one study "
    "(Das et al. 2020), while blurring and grey did not in another (Lewitzka et al. 2026)."
)

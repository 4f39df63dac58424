"""How a question is to be asked, as a request says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Query
from pydantic import StringConstraints

from vhashdb.search.efforts import Effort
from vhashdb.store import SEVERITIES, Selection, State

MOST_VALUES: Final = 100
"""Values of one option in one question, as they are kept with it. Engineering bound."""
_SEVERITIES: Final = ", ".join(SEVERITIES)
_Texts = list[Annotated[str, StringConstraints(max_length=200)]]


@dataclass(frozen=True)
class AskOptions:
    """How to ask."""

    effort: Effort = Effort.BALANCED
    sound: bool = True
    labels: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def selection(self) -> Selection | None:
        """Which records count; None: all."""
        if not (self.labels or self.severities or self.sources or self.states):
            return None
        return Selection(self.labels, self.severities, self.sources, self.states)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is kept with a question."""
        return vars(self) | {"effort": self.effort.value, "states": [state.value for state in self.states]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> AskOptions:
        """Read what `to_json` returned."""
        several = {name: tuple(value[name]) for name in ("labels", "severities", "sources")}
        return cls(Effort(value["effort"]), bool(value["sound"]), states=tuple(map(State, value["states"])), **several)


async def ask_options(
    effort: Annotated[Effort, Query(description="How much to spend.")] = Effort.BALANCED,
    sound: Annotated[bool, Query(description="Whether to listen as well.")] = True,
    label: Annotated[_Texts | None, Query(max_length=MOST_VALUES, description="Only records with all of these labels.")] = None,
    severity: Annotated[_Texts | None, Query(max_length=MOST_VALUES, description=f"Only records of one of these: {_SEVERITIES}.")] = None,
    source: Annotated[_Texts | None, Query(max_length=MOST_VALUES, description="Only records from one of these sources.")] = None,
    state: Annotated[list[State] | None, Query(description="Only records in one of these states.")] = None,
) -> AskOptions:
    """Return the options of a request; a dependency of routes that ask, and no coroutine for its own sake: others wait for a thread."""
    options = AskOptions(effort, sound, tuple(label or ()), tuple(severity or ()), tuple(source or ()), tuple(state or ()))
    options.selection  # noqa: B018  # checks what was named
    return options

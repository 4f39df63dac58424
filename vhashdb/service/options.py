"""How a question is to be asked, as a request says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query

from vhashdb.search.results import Effort
from vhashdb.store import SEVERITIES, Selection, State


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


def ask_options(
    effort: Annotated[Effort, Query(description="How much to spend.")] = Effort.BALANCED,
    sound: Annotated[bool, Query(description="Whether to listen as well.")] = True,
    label: Annotated[list[str] | None, Query(description="Only records with all of these labels.")] = None,
    severity: Annotated[list[str] | None, Query(description=f"Only records of one of these severities: {', '.join(SEVERITIES)}.")] = None,
    source: Annotated[list[str] | None, Query(description="Only records from one of these sources.")] = None,
    state: Annotated[list[State] | None, Query(description="Only records in one of these states.")] = None,
) -> AskOptions:
    """Return the options of a request; a dependency of routes that ask."""
    options = AskOptions(effort, sound, tuple(label or ()), tuple(severity or ()), tuple(source or ()), tuple(state or ()))
    options.selection  # noqa: B018  # checks what was named
    return options

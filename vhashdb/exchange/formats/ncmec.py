"""The XML of NCMEC's hash sharing."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # for its types; what parses is defusedxml
from collections.abc import Iterator
from typing import Final

import defusedxml
from defusedxml.ElementTree import iterparse

from vhashdb.codes import AGREE, FALSE_POSITIVE
from vhashdb.errors import LimitExceeded
from vhashdb.exchange.formats.item import Entry, Item, ItemOpinion, Refusal
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.reading import Head, Source, entries
from vhashdb.exchange.formats.signals import Signals, kind_of
from vhashdb.exchange.formats.words import external_id, labels_of, opinions_of, organisation
from vhashdb.store.records import Details

_ITEMS: Final = frozenset({"video", "image", "file", "deletedVideo", "deletedImage", "deletedFile"})


def detect(head: Head) -> bool:
    """Tell whether it is XML whose root is ``queryResult``."""
    return head.text.startswith("<") and "queryResult" in head.text


def read(source: Source) -> Iterator[Entry]:
    """Read each video and image as an item; the deleted ones as withdrawals. Documents with DTDs or entities are refused."""
    return entries(_elements(source), lambda number, element: _of_element(number, element, source.limits), source.limits)


def _elements(source: Source) -> Iterator[tuple[int, ET.Element] | Refusal]:
    number, above = 0, []  # type: tuple[int, list[ET.Element]]
    source.item_begins()
    try:
        for event, element in iterparse(source.xml(), events=("start", "end"), forbid_dtd=True):
            if event == "start":
                above.append(element)
                continue
            above.pop()
            if _name(element) in _ITEMS and not any(_name(outer) in _ITEMS for outer in above):
                number += 1
                source.item_begins()
                yield number, element
                # What was read must not be kept; an element alone is cleared, its place in the parent would stay.
                if above:
                    above[-1].clear()
    except defusedxml.DefusedXmlException:
        yield Refusal(number + 1, "the XML has a DTD or an entity, which are never read, so nothing after this is taken")
    except (ET.ParseError, LimitExceeded, UnicodeError) as error:
        yield Refusal(number + 1, f"the XML breaks off: {error}; nothing after this is taken")


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: ET.Element, name: str) -> ET.Element | None:
    return next((child for child in element if _name(child) == name), None)


def _text(element: ET.Element, name: str) -> str:
    child = _child(element, name)
    return (child.text or "").strip() if child is not None else ""


def _of_element(number: int, element: ET.Element, limits: FormatLimits) -> Item:
    member = _child(element, "member")
    owner = organisation(member.text if member is not None else "", limits)
    by, own = member.get("id", "") if member is not None else "", _text(element, "id")
    if not own:
        raise ValueError("it has no id")
    # Ids are a member's own, so that two members may use the same.
    identifier = external_id(f"{by}/{own}", limits)
    if _name(element).startswith("deleted"):
        return Item(number=number, external_id=identifier, owner=owner, withdrawn="deleted where it came from")
    signals, notes = Signals(limits), []  # type: tuple[Signals, list[str]]
    for print_ in _child(element, "fingerprints") or ():
        name, value = _name(print_), (print_.text or "").strip()
        if not value:
            notes.append(f"{name} is only linked to, and not in the file")
        elif kind_of(name) is None:
            notes.append(f"{name} is no kind of hash that is kept")
        else:
            signals.add(name, value)
    classification = _text(element, "classification")
    return Item(
        number=number,
        external_id=identifier,
        details=Details(labels=labels_of([f"ncmec:{classification}"] if classification else [], limits, notes)),
        owner=owner,
        opinions=opinions_of(list(_opinions(element, limits)), limits, notes),
        notes=(*signals.notes, *notes),
        **signals.fields(),
    )


def _opinions(element: ET.Element, limits: FormatLimits) -> Iterator[ItemOpinion]:
    """Of each member that gave feedback, once for each verdict and reason."""
    for given in _child(element, "feedback") or ():
        negative = _name(given) == "negativeFeedback"
        if not negative and _name(given) != "affirmativeFeedback":
            continue
        verdict = FALSE_POSITIVE if negative else AGREE
        groups: list[tuple[str, list[str]]] = []
        for group in _child(given, "reasons") or () if negative else given:
            if _name(group) == "reason":
                groups.append((group.get("name", "")[:280], _members(group, limits)))
            elif _name(group) == "members":
                names = _members(group, limits)
                # Members follow the reason that they give.
                groups = [*groups[:-1], (groups[-1][0], names)] if groups and not groups[-1][1] else [*groups, ("", names)]
        for reason, names in groups or [("", [])]:
            yield from (ItemOpinion(name, verdict, reason) for name in names or [""])


def _members(element: ET.Element, limits: FormatLimits) -> list[str]:
    return [organisation(member.text, limits) for member in element.iter() if _name(member) == "member"]

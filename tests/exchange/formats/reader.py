"""Reading a text or bytes in a test."""

import io

from vhashdb.exchange.formats import Item, Options, Refusal, Remark, opened


def entries(data, name="", **options):
    """Everything that a file of this content gives, and the format it was taken for."""
    raw = data.encode() if isinstance(data, str) else data
    form, source = opened(io.BytesIO(raw), Options(**options), name)
    return form.name, list(form.read(source))


def items(data, name="", **options):
    """The items alone; nothing may have been refused."""
    found = entries(data, name, **options)[1]
    assert not [entry for entry in found if isinstance(entry, Refusal)]
    return [entry for entry in found if isinstance(entry, Item)]


def refused(data, name="", **options):
    """``{number: reason}`` of what was refused."""
    return {e.number: e.reason for e in entries(data, name, **options)[1] if isinstance(e, Refusal)}


def remarks(data, name="", **options):
    """What is said of the file as a whole."""
    return [e.text for e in entries(data, name, **options)[1] if isinstance(e, Remark)]

"""Interchange formats: what others write becomes neutral items, and our records become what others read.

Example::

    with open("page.json", "rb") as file:
        form, source = opened(file)
        for entry in form.read(source):
            ...
"""

from vhashdb.exchange.formats.encodings import ENCODINGS
from vhashdb.exchange.formats.fields import FIELDS
from vhashdb.exchange.formats.item import Entry, Item, ItemOpinion, OtherHash, Refusal, Remark, Sender
from vhashdb.exchange.formats.limits import FormatLimits
from vhashdb.exchange.formats.parquet import write_parquet
from vhashdb.exchange.formats.queries import read_hashes
from vhashdb.exchange.formats.reading import Options, Source
from vhashdb.exchange.formats.registry import FORMATS, READ, WRITTEN, Format, format_named, opened

__all__ = [
    "ENCODINGS",
    "FIELDS",
    "FORMATS",
    "READ",
    "WRITTEN",
    "Entry",
    "Format",
    "FormatLimits",
    "Item",
    "ItemOpinion",
    "Options",
    "OtherHash",
    "Refusal",
    "Remark",
    "Sender",
    "Source",
    "format_named",
    "opened",
    "read_hashes",
    "write_parquet",
]

"""Find links, addresses, accounts, telephone numbers and names of files in free text, none of which a feed may have.

What has a form of its own is found by it. A name of a person has none and is not found: whoever writes the text leaves it out, and
whoever reviews it looks for it. Deliberately strict: a refused sentence can be written again, a published address cannot be called back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from vhashdb.errors import EventInvalid
from vhashdb.exchange.events import Allow, Note, Opinion, Put, Written

_FILE_TYPES: Final = (
    "3gp 7z aac avi bmp csv doc docx eml flac flv gif gz heic htm html jpeg jpg json m4a m4v mkv mov mp3 mp4 mpeg mpg msg ogg "
    "ogv pdf php png pptx rar rtf svg swf tar tif tiff torrent ts txt wav webm webp wmv xls xlsx xml zip"
)
_NO_DATE: Final = r"(?!\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?![\d./-]))"
_PATTERNS: Final = {
    "a URL": r"\b[a-z][a-z0-9+.-]{1,15}://|\bwww\.|\b[a-z0-9-]+\.[a-z]{2,3}/\w"
    r"|\b(?:mailto|magnet|data|tel|skype|xmpp|sip|sips|sms|callto|facetime):\S",
    "an e-mail address": r"[^\s@]+@[^\s@]+\.[^\s@]+|[\w.+-]+@[^\W\d]\w+|\w\s*[\[({<]\s*at\s*[\])}>]\s*\w",
    "an account": r"(?<![\w@])[@\uff20]\w{2,}|\bu/\w{2,}|\b\w{2,32}#\d{4}\b",
    "an IP address": r"\b\d{1,3}(?:\.\d{1,3}){3}\b|(?<![\w:])(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}(?![\w:])"
    r"|(?<![\w:])(?:[0-9a-f]{1,4}:)+:[0-9a-f]*",
    "a file name": r"\b(?:img|vid|dsc|mvi|pxl)[_-]?\d{4,}"
    rf"|\w\.(?:{'|'.join(_FILE_TYPES.split())})\b|\b[a-z]:\\|\\\\\w|(?<![\w/])/(?:\w+/)+\w*|~/\w",
    "a host name": r"\b(?:[a-z0-9-]{2,}\.)+(?:[a-z]{2,3}|info|example|onion|online|shop|site)\b"
    r"|\b(?:[a-z0-9-]{2,}\.)+(?:live|video|media|social|name|mobi|tech|cloud|news)\b",
    # With the sign or zeros for abroad; with the zero for another town, in one or in several groups; as in North America; as in India;
    # and any number after a word for a telephone.
    "a telephone number": rf"(?<![\w.,])(?:\+|00)\d[\d\s()./-]{{6,}}\d|(?<![\w.,:/-])\(?0\d{{2,5}}\)?[\s/-]+\d{{4,}}"
    rf"|(?<![\w.,:/-]){_NO_DATE}\(?0\d(?:[\s().\/-]{{0,2}}\d){{7,}}|(?<![\w.-])(?:\(\d{{3}}\)\s?|\d{{3}}[\s.-])\d{{3}}[\s.-]\d{{4}}(?!\w)"
    r"|(?<![\w.])[6-9]\d{4}\s\d{5}(?!\w)|\b(?:tel|phone|telephone|mobile|cell|fax|whatsapp)\b[.:]?\s*[\d+(][\d\s()./-]{5,}\d",
    "a character that is not text": r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]",
}
_COMPILED: Final = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in _PATTERNS.items()}


def findings(text: str) -> tuple[str, ...]:
    """Say in words what ``text`` contains that no feed may say; empty if nothing was seen."""
    return tuple(f"{name}: {found[0][:40]!r}" for name, pattern in _COMPILED.items() if (found := pattern.search(text)))


def check(event: Written) -> None:
    """Look at every free text of an event.

    Raises:
        EventInvalid: one says what a feed may not say; the message names the field and what was seen.
    """
    for field, text in _texts(event):
        seen = findings(text)
        if seen:
            hint = "say it without them, and without names of people, which are not found by themselves"
            raise EventInvalid(f"the {field} contains {', '.join(seen)}; a feed may have none of these", hint=hint)


def _texts(event: Written) -> Iterator[tuple[str, str]]:
    match event:
        case Put():
            yield "reason", event.reason.text
            yield "policy", event.basis.policy
            yield "law", event.basis.law
            for label in event.labels:
                yield "label", label
        case Allow():
            yield "reason", event.reason.text
        case Opinion():
            yield "reason", event.reason
        case Note():
            yield "note", event.text

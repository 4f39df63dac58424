"""What to do next, in words of the command line: the library knows neither verbs nor options, so its hints name what a program calls."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from .limits import LIMITS

SAID_HERE: Final[Mapping[str, str]] = {
    "list the records to see their ids": "`vhashdb list` shows the ids",
    "`Deployment.start`": "`vhashdb cluster start`",
    "`Deployment.reshard`": "`vhashdb cluster reshard`",
    "`Deployment.status`": "`vhashdb cluster status`",
    "look which shards of the cluster are missing": "`vhashdb cluster status` says which shards are missing",
    "list the videos to see their ids": "`vhashdb video list` shows the ids, and `vhashdb show` those of a record",
    "show the video to see its records": "`vhashdb video show` lists its records",
    "the docstring of what was called": "the help of the command",
    "with `vhashdb.fingerprint`": "with `vhashdb hash`",
    "`vhashdb.fingerprint` makes some": "`vhashdb hash FILE` makes some",
    "`vhashdb.to_bytes` makes one": "`vhashdb hash FILE -o out.vhfp` makes one",
    "`vhashdb.read_hashes` reads all of a file": "`vhashdb match` and `import` read all of a file",
    "unless sound is looked at too": "unless they are listened to, as without --no-sound where records have sound",
    "the file was not listened to": "the file was not listened to (--no-sound, or --effort fast)",
    "give the JSON lines that a run of matching printed": "give what `vhashdb match --json` printed",
    "name the format; `vhashdb.exchange.formats.READ` lists them": "name the format with --format; `vhashdb import --help` lists them",
    "say which name is which field, such as ": "say which is which with --map NAME=FIELD, such as --map ",
    "say which name is which field": "say which is which with --map NAME=FIELD",
    "say which header is which field": "say which is which with --map HEADER=FIELD",
    "say which one it is, and rename": "say which one it is with --map, and rename",
    "say which kind they are": "say which with --signal-type",
    "say which kind it is": "name it with --signal-type",
    "say what encoding it has": "say what it is with --encoding",
    "make one with `vhashdb.create`, or open another": "make one with `vhashdb init`, or name another with --db",
    "made by `vhashdb.create`": "made by `vhashdb init`",
    "with `Database.add`": "with `vhashdb add`",
    "check it with `Database.check`": "run `vhashdb doctor`",
    "check the database with `Database.check`": "run `vhashdb doctor` on the database",
    "a check of the database names": "`vhashdb doctor` names",
    "open it once where it can be written, or copy the folder to such a place and open it there": (
        "run `vhashdb info` on it once where it can be written, or copy the folder to such a place and run it there"
    ),
    "`Reviews.queue` lists what does": "`vhashdb review list` shows what does",
    "count by week or by month, or take": "take --by week or --by month, or",
    "count by month, or take": "take --by month, or",
    "let it begin before it ends": "give --from before --to",
    "`Feeds.set_level`": "`vhashdb trust level`",
    "`Feeds.all` lists the": "`vhashdb trust list` shows the",
    "`Feeds.release`": "`vhashdb trust release`",
    "let `Exchange.move` allow the host {}": "`vhashdb trust move FEED URL --allow-host {}`",
    "open one by its URL; `vhashdb.moving.copy_database` copies": "name its URL with --db; `vhashdb migrate` copies",
    "`Jobs.all` lists the jobs": "`vhashdb jobs list` shows the jobs",
    "`Jobs.retry` lets it": "`vhashdb jobs retry` lets it",
    "make one with `Publisher.init`": "make one with `vhashdb feed init`",
    "call `Publisher.heartbeat`": "run `vhashdb feed heartbeat`",
    "call `Publisher.compact`": "run `vhashdb feed compact`",
}
"""By what the library says; ``{}`` is one word, which stays."""
_WORD: Final = r"(\S+)"
_PATTERNS: Final = [(re.compile(re.escape(words).replace(r"\{\}", _WORD)), said.replace("{}", r"\1")) for words, said in SAID_HERE.items()]
_LIMITS: Final = [(limit.phrase, f"{limit.phrase} (--{name.replace('_', '-')})") for name, limit in LIMITS.items()]


def with_options(words: str) -> str:
    """Return a hint, or another sentence of the library, with the verbs and options that do here what it says.

    A limit gets the option that raises it.
    """
    for pattern, said in _PATTERNS:
        words = pattern.sub(said, words)
    for phrase, said in _LIMITS:
        words = words.replace(phrase, said, 1)
    return words

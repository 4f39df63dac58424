"""Databases about which there is something to count: what happened in them is written down first, and then told to SQLite."""

import datetime
import json
import random
from dataclasses import dataclass, field

import vhashdb
from vhashdb.store import feed_schema, schema

DAY = datetime.timedelta(days=1)
SINCE, UNTIL = datetime.date(2024, 1, 1), datetime.date(2024, 12, 31)
"""The days of `a_year`."""


def noon(day):
    return datetime.datetime.combine(day, datetime.time(12))


@dataclass
class Story:
    """What is in a database and what happened; records are named by their place in the list."""

    records: list = field(default_factory=list)
    """Columns of the record that are not usual, and its ``labels``."""
    hits: list = field(default_factory=list)
    """(record, day, verdict)"""
    asked: list = field(default_factory=list)
    """(day, {verdict: number})"""
    opinions: list = field(default_factory=list)
    """(author, record, verdict, day); one of an author on a record"""
    decided: list = field(default_factory=list)
    """(record, day, action, details)"""
    marks: list = field(default_factory=list)
    """(record, day, name of a file): not this"""

    def id_of(self, place):
        return f"{place + 1:032x}"

    def written(self, path):
        """The database; its path."""
        with vhashdb.create(path) as db, db.store.transactions.writing() as connection:
            for table, rows in self._rows():
                if rows:
                    connection.execute(table.insert(), rows)
        return path

    def _rows(self):
        usual = {"state": "active", "revision": 1, "added_at": noon(SINCE), "duration_s": 30.0, "severity": "unspecified"}
        usual |= dict.fromkeys(("reason", "reason_code", "policy", "law"), "") | dict.fromkeys(("sha256", "review_by", "expires"))
        usual |= {"origin": "own_review", "review_method": "human", "reviewers": 1, "max_action": "review", "source": "local"}
        usual |= {"tlp": "amber", "reshare": True}
        rows = [{**usual, **given, "id": self.id_of(n), "change": n + 1} for n, given in enumerate(self.records)]
        labels = [{"record": n + 1, "label": label} for n, row in enumerate(rows) for label in row.pop("labels", ())]
        yield schema.record, rows
        yield schema.label, labels
        lines = [(day, "queries", None, counts) for day, counts in self.asked]
        lines += [(day, action, self.id_of(n), details) for n, day, action, details in self.decided]
        yield (
            schema.audit,
            [
                {"at": noon(day), "actor": "somebody", "action": action, "record": record, "details": json.dumps(details)}
                for day, action, record, details in lines
            ],
        )
        opinion = {"on_feed": "local", "on_rev": 1, "basis": "metadata", "reason": ""}
        yield (
            feed_schema.opinion,
            [
                {**opinion, "author": author, "on_rid": self.id_of(n), "verdict": verdict, "at": noon(day)}
                for author, n, verdict, day in self.opinions
            ],
        )
        usual = {"score": 0.9, "state": "", "grounds": "", "line": None}
        files = [
            {**usual, "file": f"{number:032x}", "record": self.id_of(n), "verdict": verdict, "at": noon(day)}
            for number, (n, day, verdict) in enumerate(self.hits)
        ]
        marks = [
            {**usual, "file": name, "record": self.id_of(n), "verdict": "", "at": noon(day), "state": "not this"}
            for n, day, name in self.marks
        ]
        yield schema.hit, files + marks


LONG_LABEL = "non-consensual-intimate-imagery/reshared-elsewhere"
HOSTILE_SOURCE = "<script>alert(1)</script>\x1b[31m\u202egnp.elif"


def a_year():
    """A year as one might be: one label far ahead of the others, a long gap, a source that is mostly wrong."""
    rng = random.Random(7)
    labels = ["graphic-violence"] * 80 + ["tvec"] * 12 + [LONG_LABEL] * 3 + [f"label-{n:02d}" for n in range(15)]
    sources = ["local"] * 6 + ["acme-feed"] * 3 + [HOSTILE_SOURCE]
    story = Story()
    for n in range(400):
        story.records.append(
            {
                "labels": {rng.choice(labels), rng.choice(labels)} if n % 9 else (),
                "severity": rng.choice(["unspecified", "low", "medium", "high", "extreme"]),
                "source": rng.choice(sources),
                "origin": rng.choice(["own_review", "own_review", "authority_request"]),
                "state": rng.choices(["active", "held", "disputed", "retracted"], [90, 6, 3, 1])[0],
                "duration_s": rng.lognormvariate(4, 1.5),
                "added_at": noon(SINCE + rng.randrange(300) * DAY),
            }
        )
    days = [SINCE + n * DAY for n in range(366) if not 120 <= n < 180]  # two months without a question
    for day in days:
        found = [rng.choices(["match", "possible"], [5, 1])[0] for _ in range(rng.randrange(1 + (day - SINCE).days // 60))]
        story.hits += [(min(399, int(rng.expovariate(0.05))), day, verdict) for verdict in found]
        story.asked.append((day, {"no-match": rng.randrange(800, 1600), **{v: found.count(v) for v in set(found)}}))
    for n in range(60):
        author = rng.choice(["local", "acme-feed", "acme-feed/somebody"])
        story.opinions.append((author, n, rng.choice(["agree", "agree", "seen", "false_positive"]), rng.choice(days)))
    for n in range(30):
        action, details = rng.choice([("retract", {"code": "error"}), ("retract", {"code": "appeal"}), ("review-accepted", {})])
        story.decided.append((n, rng.choice(days), action, details))
    story.marks = [(3, days[-1], "a" * 64)]
    return story

"""Three members and a federation, from the first record to an attack; a script that runs as it stands.

    python docs/three_members.py [FOLDER]

A publishes, B and C sync and match; B disagrees, and the record becomes disputed everywhere; A retracts it with erasure, and
nobody matches it; C was away for a year; A rotates its keys; an attacker with A's web host but not its keys changes nothing.
What each sentence claims is checked by the line below it.
"""

from __future__ import annotations

import datetime
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

import vhashdb
from vhashdb.errors import FeedSignature
from vhashdb.exchange import Keyring, Policy, Publisher, make_key, roster
from vhashdb.hashing.algorithms import AlgorithmId
from vhashdb.store import Details, State

PASSPHRASE = "five words that nobody guesses"  # noqa: S105  # of an example


def ask(path: Path) -> str:  # noqa: ARG001  # every key of this story has the same
    """The passphrase of a key."""
    return PASSPHRASE


class Company:
    """A member: a database, a folder of keys, and a feed in a folder that its web server shows."""

    def __init__(self, place: Path, name: str) -> None:
        self.name, self.feed = name, f"{name}-tvec"
        self.keys, self.web = place / f"{name}.keys", place / f"{name}.web"
        self.db = vhashdb.create(place / f"{name}.vhdb")
        made = {role: [make_key(self.keys, role, ask).public] for role in ("root", "targets", "online")}
        self.publisher.init(self.feed, made, {}, Policy("amber", "block", "trust and safety desk"))
        self.root = (self.web / "metadata" / "1.root.json").read_bytes()
        self.db.exchange.publishes(self.feed, member=name)

    @property
    def publisher(self) -> Publisher:
        return Publisher(self.web, Keyring.load([self.keys], ask))

    def publish(self) -> None:
        """Whatever the feed does not say yet."""
        self.publisher.publish(self.db.exchange.pending_events(self.publisher.entries()))

    def sync(self) -> dict[str, str]:
        """What came of each feed."""
        for followed in self.db.exchange.refresh_rosters():
            assert followed.error is None, followed.error
        return {done.feed: done.outcome.value for done in self.db.exchange.sync()}

    def sees(self, film: vhashdb.Fingerprint) -> str:
        """What may happen to a film without a person; "nothing" if it is not known."""
        if not len(self.db):
            return "nothing"
        matches = self.db.match(film).matches
        return matches[0].action_cap.action.value if matches else "nothing"


def main(place: Path, say: Callable[[str], None] = print) -> None:
    """The story."""
    a, b, c = (Company(place, name) for name in ("acme", "bold", "calm"))
    by_people = Details(review_method="human", reviewers=2, max_action="block")

    say("A federation lists its members in a small signed file; B and C follow it.")
    federation = place / "federation.web"
    keys = {role: [make_key(place / "federation.keys", role, ask).public] for role in ("root", "targets", "online")}
    secretariat = Publisher(federation, Keyring.load([place / "federation.keys"], ask))
    secretariat.init("federation", keys, {})
    members = [roster.Member(m.name, m.feed, str(m.web), m.root) for m in (a, b, c)]
    secretariat.publish([], taxonomy=roster.to_bytes(members, {"tvec": "produced by perpetrators"}))
    root = (federation / "metadata" / "1.root.json").read_bytes()
    for company in (a, b, c):
        company.db.exchange.join(str(federation), root, level="block")
        company.sync()

    say("A publishes two records. B and C sync, and match.")
    film, other = film_of(1), film_of(2)
    record = a.db.add(film, labels=["tvec"], reason="claimed by its makers", details=by_people).id
    a.db.add(other, labels=["tvec"], details=by_people)
    a.publish()
    assert b.sync()[a.feed] == c.sync()[a.feed] == "updated"
    assert (b.sees(film), c.sees(film)) == ("review", "review")

    say("A block takes two organisations that saw the content, one's own among them: C looks at it and agrees, and then B.")
    c.db.exchange.opinion(f"{a.feed}:{record}", "agree", basis="saw_content")
    c.publish()
    b.sync()
    assert (b.sees(film), c.sees(film)) == ("review", "block")
    b.db.exchange.opinion(f"{a.feed}:{record}", "agree", basis="saw_content")
    assert b.sees(film) == "block"

    say("B learns more, and disagrees. The record becomes disputed everywhere, and drops to review.")
    b.db.exchange.opinion(f"{a.feed}:{record}", "false_positive", basis="saw_content", reason="a news report about it")
    b.publish()
    for company in (a, c):
        company.sync()
    assert [company.sees(film) for company in (a, b, c)] == ["review"] * 3
    assert a.db.get(record).state == "disputed"
    assert a.db.moderation.reviews.queue()[0].why == f"{b.feed}: false_positive (a news report about it)"

    say("A looks again, and retracts it with erasure. Nobody matches it, and nobody has it.")
    a.db.retract(record, reason="B is right", code="appeal", erase=True)
    a.publish()
    b.sync()
    assert [company.sees(film) for company in (a, b)] == ["nothing"] * 2
    assert a.publisher.state().records[record].erased
    assert all(len(company.db.get(found.id).labels) == 0 for company in (a, b) for found in company.db.records(states=[State.RETRACTED]))

    say("C was away for a year: A kept a snapshot and the newest events only. C catches up, retraction included.")
    for seed in range(3, 13):
        a.db.add(film_of(seed), labels=["tvec"], details=by_people)
        a.publish()
    a.publisher.compact(keep_events=1)
    assert c.sees(film) == "review"
    assert c.sync()[a.feed] == "updated"
    assert (c.sees(film), c.sees(other), c.sees(film_of(12))) == ("nothing", "review", "review")

    say("A rotates its keys. Everybody follows, without being told.")
    old = Keyring.load([a.keys], ask)
    for role in ("targets", "online"):
        fresh = make_key(a.keys, role, ask).public
        a.publisher.rotate(role, drop=[file.public.keyid for file in old.of_role(role)], add=[fresh])
    a.db.add(film_of(13), labels=["tvec"], details=by_people)
    a.publish()
    assert b.sync()[a.feed] == c.sync()[a.feed] == "updated"
    assert (b.sees(film_of(13)), c.sees(film_of(13))) == ("review", "review")

    say("An attacker has A's web host, but not its keys: a feed of the same name, signed by other keys.")
    (place / "attacker").mkdir()
    attacker = Company(place / "attacker", a.name)
    attacker.db.add(film_of(66), details=by_people)
    attacker.publish()
    true = shutil.move(a.web, place / "true")
    shutil.copytree(attacker.web, a.web)
    (done,) = b.db.exchange.sync([a.feed])
    assert done.outcome == "failed"
    assert isinstance(done.error, FeedSignature)
    assert (b.sees(film_of(66)), b.sees(other)) == ("nothing", "review")
    assert b.sync()[c.feed] == "unchanged"

    say("A's web host is restored, and everything goes on.")
    shutil.rmtree(a.web)
    shutil.move(true, a.web)
    assert b.sync()[a.feed] == "unchanged"
    for company in (a, b, c, attacker):
        company.db.close()


def film_of(seed: int) -> vhashdb.Fingerprint:
    """A film made of nothing but 24 hashes, each with half of its bits set, as those of pictures have."""
    rng = np.random.default_rng(seed)
    bits = np.zeros((24, 256), np.uint8)
    for row in bits:
        row[rng.choice(256, 128, replace=False)] = 1
    start = np.arange(24) / 4
    whole = np.full(24, 100, np.uint8), np.zeros(24, np.uint16)
    return vhashdb.Fingerprint(AlgorithmId("pdq", 256, 1), start, start + 0.25, np.packbits(bits, axis=1), *whole, duration_s=6.0)


if __name__ == "__main__":
    started = datetime.datetime.now(datetime.UTC)
    with tempfile.TemporaryDirectory(prefix="three-members-") as scratch:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch))
    print(f"All of it in {(datetime.datetime.now(datetime.UTC) - started).total_seconds():.1f} s.")

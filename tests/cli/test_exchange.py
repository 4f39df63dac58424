"""`trust`, `sync`, `opinion`, `review`, `allow`, `audit`, `report`: what a member company types."""

import json
import re

import pytest

from tests.exchange.companies import Company
from tests.exchange.feeds import Feed, put, served
from vhashdb.exchange import roster
from vhashdb.exchange.listing import Policy

from .driver import run


@pytest.fixture
def acme(tmp_path, samples):
    """A company that published one film; ``acme.record`` is how it names it."""
    company = Company(tmp_path, "acme")
    company.begins_to_publish().publish(policy=Policy("amber", "block", "safety desk"))
    company.record = company.db.add(samples / "known" / "valley.mp4", labels=["graphic-violence"], reason="why").id
    company.publishes()
    company.root = tmp_path / "acme-root.json"
    company.root.write_bytes(company.feed.first_root)
    yield company
    company.close()


@pytest.fixture
def db(tmp_path):
    """An empty database of another company."""
    path = tmp_path / "bold.vhdb"
    assert run("init", path).code == 0
    return path


@pytest.fixture
def follower(db, acme):
    """The same, following acme."""
    assert run("trust", "add", acme.feed.folder, "--root", acme.root, "--member", "acme.example", "--db", db).code == 0
    assert run("sync", "--db", db).code == 0
    return db


def the_record(db):
    (line,) = run("list", "--db", db, "--json").json
    return line["record"]


def test_from_nothing_to_a_match(db, acme, samples):
    with served(acme.feed.folder) as server:
        done = run("trust", "add", server.url, "--root", acme.root, "--member", "acme.example", "--level", "block", "--db", db)
        assert (done.code, done.out) == (0, "acme-feed  is trusted up to block; `vhashdb sync` reads it\n")
        assert run("trust", "list", "--db", db).out == f"acme-feed  block   acme.example  {server.url}\n"
        assert run("sync", "--dry-run", "--db", db).out.startswith("acme-feed  would read events 1 to 1, ")
        done = run("sync", "--db", db)
        assert (done.code, done.out) == (0, "acme-feed  events 1 to 1: 1 added\n")
        assert run("sync", "--db", db).out == "acme-feed  up to date at event 1\n"
    clip = samples / "edited" / "valley__clip.mp4"
    head = run("match", clip, "--db", db).lines[0]
    assert re.search(r"MATCH  \d\.\d\d  rec [0-9a-f]{8}  graphic-violence  from acme-feed \(1 agree, 0 dispute\)  → review$", head)
    match = run("match", clip, "--db", db, "--json").of_type("match")[0]
    assert (match["action"], match["agree"], match["dispute"], match["source"]) == ("review", 1, 0, "acme-feed")
    assert match["action_reasons"] == ["set by the record"]
    assert match["exceptions"] == []


def test_a_feed_without_events_has_none_that_are_counted_from_one_to_none(db, tmp_path):
    company = Company(tmp_path, "calm")
    company.begins_to_publish()
    root = tmp_path / "calm-root.json"
    root.write_bytes(company.feed.first_root)
    assert run("trust", "add", company.feed.folder, "--root", root, "--db", db).code == 0
    assert run("sync", "--dry-run", "--db", db).out.startswith("calm-feed  would read no events yet, ")
    assert run("sync", "--db", db).out == "calm-feed  no events yet: nothing that concerns records\n"
    company.adds(1)
    company.publishes()
    assert run("sync", "--db", db).out == "calm-feed  events 1 to 1: 1 added\n"
    company.close()


def test_a_record_is_shown_and_named_as_other_companies_name_it(follower, acme):
    shared = f"acme-feed:{acme.record}"
    assert run("list", "--json", "--db", follower).json[0]["shared_id"] == shared
    assert f"shared id      {shared}" in run("show", shared, "--db", follower).lines
    assert run("label", shared, "--add", "seen", "--db", follower).code == 0
    assert "seen" in run("show", shared, "--db", follower).out
    assert run("show", "acme-feed:0000", "--db", follower).code == 2


def test_a_wrong_root_is_not_trusted(db, acme, tmp_path):
    (tmp_path / "else").mkdir()
    other = Feed(tmp_path / "else", "acme-feed")
    (tmp_path / "other.json").write_bytes(other.first_root)
    done = run("trust", "add", acme.feed.folder, "--root", tmp_path / "other.json", "--db", db)
    assert done.code == 5
    assert "hint:" in done.err
    assert run("trust", "add", acme.feed.folder, "--root", tmp_path / "none.json", "--db", db).code == 2
    assert run("trust", "list", "--db", db).out == "no feed is trusted; `vhashdb trust add` begins\n"


def test_sync_says_what_is_wrong_and_reads_the_others(follower, acme, tmp_path):
    (tmp_path / "calm").mkdir()
    calm = Feed(tmp_path / "calm", "calm-feed")
    calm.publish(put(1))
    (tmp_path / "calm.json").write_bytes(calm.first_root)
    run("trust", "add", calm.folder, "--root", tmp_path / "calm.json", "--db", follower)
    acme.feed.publish(put(2))
    for path in (acme.feed.targets / "segments").iterdir():
        path.write_bytes(b"evil")
    done = run("sync", "--db", follower)
    assert done.code == 5
    assert done.lines[0].startswith("acme-feed  FAILED  segments/")
    assert done.lines[1] == "calm-feed  events 1 to 1: 1 added"
    (line, _) = run("sync", "--db", follower, "--json").json
    assert (line["type"], line["feed"], line["outcome"]) == ("sync", "acme-feed", "failed")
    assert {"error", "message", "hint", "since", "seq", "added", "retracted", "skipped", "elapsed_s"} <= line.keys()


def test_sync_without_feeds(db):
    done = run("sync", "--db", db)
    assert (done.code, done.out) == (0, "")
    assert "warning: no feed is trusted" in done.err
    assert run("sync", "nobody", "--db", db).code == 2


def test_levels_moves_releases_and_removal(follower, acme, samples):
    assert run("trust", "level", "acme-feed", "log", "--db", follower).out == "acme-feed  is trusted up to log\n"
    lines = run("match", samples / "edited" / "valley__clip.mp4", "--db", follower).lines
    assert lines[0].endswith("→ log")
    assert lines[1] == "  maximum automatic action: log (feed acme-feed is trusted up to log)"
    assert run("trust", "level", "acme-feed", "most", "--db", follower).code == 2
    assert run("trust", "move", "acme-feed", "http://127.0.0.1:9", "--db", follower).code == 0
    assert run("sync", "--db", follower).code == 5
    assert run("trust", "move", "acme-feed", acme.feed.folder, "--db", follower).code == 0
    assert run("trust", "release", "acme-feed", "--reason", "x", "--db", follower).code == 2  # it is not in quarantine
    assert run("trust", "remove", "acme-feed", "--db", follower).out == "acme-feed  is trusted no longer; 1 record blanked\n"
    assert run("match", samples / "edited" / "valley__clip.mp4", "--db", follower).code == 4
    assert run("trust", "level", "acme-feed", "log", "--db", follower).code == 2


def test_a_federation(db, acme, tmp_path):
    federation = Feed(tmp_path, "federation")
    listed = [roster.Member("acme.example", "acme-feed", str(acme.feed.folder), acme.feed.first_root)]
    federation.publish(taxonomy=roster.to_bytes(listed))
    (tmp_path / "federation.json").write_bytes(federation.first_root)
    done = run("trust", "federation", federation.folder, "--root", tmp_path / "federation.json", "--db", db)
    assert (done.code, done.out) == (0, "federation  is followed; 1 new feed: acme-feed\n")
    federation.publish(taxonomy=roster.to_bytes([]))
    assert run("sync", "--db", db).lines[0] == "federation  acme-feed left"
    assert run("trust", "list", "--db", db, "--json").json[0]["level"] == "none"


def test_opinions_and_reviews(follower, acme, samples):
    name = f"acme-feed:{acme.record[:8]}"
    done = run("opinion", name, "--verdict", "false_positive", "--reason", "a trailer", "--db", follower)
    assert done.out == f"rec {the_record(follower)[:8]}  false_positive (saw_match)  a trailer  → disputed\n"
    head, why, *_ = run("match", samples / "edited" / "valley__clip.mp4", "--db", follower).lines
    assert "(1 agree, 1 dispute)   (disputed)  → review" in head
    assert why.startswith("  maximum automatic action: review (set by the record; ")
    assert why.endswith("; disputed: 1 for it, 1 against (local))")
    case, count = run("review", "list", "--db", follower).lines
    assert case.startswith(f"rec {the_record(follower)[:8]}  disputed")
    assert case.endswith("from acme-feed  local: false_positive (a trailer)")
    assert count == "1 case to look at"
    shown = run("review", "show", name, "--db", follower).out
    assert f"published as acme-feed:{acme.record} revision 1" in shown
    assert "→ review: set by the record; " in shown
    value = json.loads(run("review", "show", name, "--db", follower, "--json").out)
    assert [opinion["verdict"] for opinion in value["opinions"]] == ["false_positive"]
    assert run("review", "accept", name, "--reason", "looked at it", "--db", follower).out.endswith("accepted  → disputed\n")
    assert run("review", "list", "--db", follower).out == "nothing waits\n"
    assert run("review", "reject", name, "--reason", "no", "--db", follower).out.endswith("rejected  → retracted\n")
    assert run("review", "reject", name, "--reason", "no", "--db", follower).code == 2
    assert run("opinion", name, "--verdict", "nonsense", "--db", follower).code == 2
    assert run("opinion", "acme-feed:ffff", "--verdict", "agree", "--db", follower).code == 2


def test_rules_and_two_people(db, samples):
    assert "two-person  no" in run("trust", "rules", "--db", db).out
    assert run("trust", "rules", "--quorum", "3", "--two-person", "--db", db, "--json").json == [
        {"type": "rules", "quorum": 3, "seen_here": True, "two_person": True}
    ]
    run("add", samples / "known" / "valley.mp4", "--db", db)
    done = run("review", "accept", the_record(db), "--reason", "x", "--db", db)
    assert done.code == 2
    assert "somebody else has to confirm" in done.err


def test_allow_lists(follower, samples):
    film = samples / "known" / "valley.mp4"
    line = run("allow", "add", film, "--reason", "a news intro", "--db", follower, "--json").json[0]
    assert (line["reason"], line["from"]) == ("a news intro", "local")
    assert "a news intro" in run("allow", "list", "--db", follower).out
    match = run("match", samples / "edited" / "valley__clip.mp4", "--db", follower, "--json").of_type("match")[0]
    assert any(why.startswith("on an allow-list: ") for why in match["action_reasons"])
    assert run("allow", "revoke", line["entry"][:8], "--db", follower).code == 0
    assert run("allow", "list", "--db", follower).out == "the lists are empty\n"
    assert run("allow", "revoke", line["entry"][:8], "--db", follower).code == 2


def test_erasure(db, samples):
    run("add", samples / "known" / "valley.mp4", "--label", "x", "--db", db)
    record = the_record(db)
    assert run("retract", record, "--reason", "ticket", "--code", "legal", "--erase", "--db", db).out.endswith("erased\n")
    value = json.loads(run("list", "--db", db, "--json").out)
    assert (value["state"], value["labels"], value["sha256"], value["duration_s"]) == ("retracted", [], None, 0.0)
    assert run("retract", record, "--reason", "x", "--code", "whim", "--db", db).code == 2
    shown = run("show", record, "--db", db)
    assert "hashes         0" in shown.out


def test_audit(follower, acme):
    actions = [line["action"] for line in run("audit", "--db", follower, "--json").json]
    assert actions == ["trust", "sync"]
    text = run("audit", "--db", follower, "--limit", "1").out
    assert '"feed": "acme-feed"' in text
    run("opinion", f"acme-feed:{acme.record}", "--verdict", "agree", "--db", follower)
    assert [line["action"] for line in run("audit", "--record", f"acme-feed:{acme.record}", "--db", follower, "--json").json] == ["opinion"]


@pytest.mark.parametrize(
    ("form", "piece"), [("markdown", "| acme-feed | 1 |"), ("csv", "by_source,acme-feed,1"), ("json", '"acme-feed": 1')]
)
def test_transparency_report(follower, form, piece):
    done = run("report", "transparency", "--from", "2026-01-01", "--format", form, "--db", follower)
    assert done.code == 0
    assert piece in done.out
    assert run("report", "transparency", "--from", "2026-02-01", "--to", "2026-01-01", "--db", follower).code == 2
    assert run("report", "transparency", "--from", "soon", "--db", follower).code == 2
    assert run("report", "transparency", "--format", form, "--db", follower).code == 0


def test_feed_status_says_in_words_how_each_feed_stands(follower, acme, tmp_path):
    lines = run("feed", "status", "--db", follower).lines
    assert lines[0] == "acme-feed  FRESH"
    assert lines[1] == "  read up to event 1; last new events just now; last asked just now"
    assert lines[2].startswith("  signed to be current until ")
    assert lines[3:] == ["  trusted up to review; its own policy allows block; TLP amber", "  contact: safety desk"]
    before = acme.feed.copy(tmp_path / "before")
    acme.feed.publish(put(2))
    run("sync", "--db", follower)
    acme.feed.become(before)
    acme.feed.publish(put(3))
    acme.feed.publish(put(4))
    assert run("sync", "--db", follower).code == 5
    text = run("feed", "status", "acme-feed", "--db", follower).out
    assert text.startswith("acme-feed  QUARANTINED: the history up to event ")
    assert "  its last good state goes on matching, up to review\n" in text
    assert "  read up to event 2, 1 event behind its head; " in text
    assert "  evidence: known chain " in text
    value = run("feed", "status", "--db", follower, "--json").json[0]
    assert (value["status"], value["evidence"]["rule"], value["seq"], value["head_seq"]) == ("quarantined", "FeedFork", 2, 3)
    assert run("trust", "release", "acme-feed", "--reason", "confirmed by telephone", "--db", follower).code == 0
    assert run("sync", "--db", follower).code == 0
    assert run("feed", "status", "nobody", "--db", follower).code == 2


def test_two_companies_from_the_first_record_to_a_dispute_and_an_erasure(tmp_path, samples, monkeypatch):
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", "correct horse battery staple")
    film, clip = samples / "known" / "valley.mp4", samples / "edited" / "valley__clip.mp4"
    for name in ("acme", "bold"):
        assert run("init", f"{name}.vhdb").code == 0
        assert run("feed", "init", name, "--id", f"{name}-tvec").code == 0
    for here, there in (("bold", "acme"), ("acme", "bold")):
        place = ("trust", "add", there, "--root", f"{there}/metadata/1.root.json", "--member", there)
        assert run(*place, "--db", f"{here}.vhdb").code == 0
    run("add", film, "--label", "tvec", "--db", "acme.vhdb")
    record = the_record("acme.vhdb")
    assert run("feed", "publish", "acme", "--db", "acme.vhdb").code == 0
    assert run("sync", "--db", "bold.vhdb").code == 0
    assert run("match", clip, "--db", "bold.vhdb").code == 10
    run("opinion", f"acme-tvec:{record}", "--verdict", "false_positive", "--reason", "a trailer", "--db", "bold.vhdb")
    assert "1 event published" in run("feed", "publish", "bold", "--db", "bold.vhdb").out
    assert run("sync", "--db", "acme.vhdb").out == "bold-tvec  events 1 to 1: 1 opinion\n"
    assert "bold-tvec: false_positive (a trailer)" in run("review", "list", "--db", "acme.vhdb").out
    run("retract", record, "--reason", "they are right", "--code", "appeal", "--erase", "--db", "acme.vhdb")
    run("feed", "publish", "acme", "--db", "acme.vhdb")
    assert run("sync", "--db", "bold.vhdb").out == "acme-tvec  events 2 to 2: 1 retracted, 1 erased\n"
    assert run("match", clip, "--db", "bold.vhdb").code == 4  # nothing is left to match against
    assert run("feed", "verify", "acme").code == 0
    assert [line["action"] for line in run("audit", "--db", "acme.vhdb", "--json").json].count("publish") == 2

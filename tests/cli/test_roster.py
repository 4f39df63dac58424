"""`vhashdb feed roster` and `policy`, and what is asked before members drop much."""

import json

import pytest

from tests.exchange.companies import Company
from vhashdb.exchange.roster import from_bytes

from .driver import run
from .terminal import Terminal


@pytest.fixture
def companies(clean):
    made = {name: Company(clean, name) for name in ("acme", "bold")}
    for company in made.values():
        company.begins_to_publish()
        company.root = clean / f"{company.name}-root.json"
        company.root.write_bytes(company.feed.first_root)
    yield made
    for company in made.values():
        company.close()


@pytest.fixture
def federation(clean, monkeypatch):
    monkeypatch.setenv("VHASHDB_FEED_PASSPHRASE", "correct horse battery staple")
    assert run("feed", "init", "federation", "--id", "federation").code == 0
    return clean / "federation"


def added(federation, company, **how):
    options = {"root": company.root, "member": f"{company.name}.example"} | how
    return run("feed", "roster", "add", federation, company.feed.folder, *(x for k, v in options.items() for x in (f"--{k}", v)))


def test_members_join_are_checked_and_leave(federation, companies, clean):
    acme, bold = companies.values()
    done = added(federation, acme)
    assert done.lines[0] == "acme-feed  of acme.example is listed; 1 feed in the roster"
    assert added(federation, bold).code == 0
    assert added(federation, bold, member="bold.test").lines[0] == "bold-feed  of bold.test is listed; 2 feeds in the roster"
    assert run("init", "calm.vhdb").code == 0
    root = federation / "metadata" / "1.root.json"
    assert "2 new feeds: acme-feed, bold-feed" in run("trust", "federation", federation, "--root", root, "--db", "calm.vhdb").out

    checked = run("feed", "roster", "check", federation)
    assert (checked.code, [line.split("  ")[:2] for line in checked.lines]) == (
        0,
        [["acme-feed", "acme.example"], ["bold-feed", "bold.test"]],
    )
    (bold.feed.folder / "metadata" / "timestamp.json").write_text("{}")
    failing = run("feed", "roster", "check", federation, "--json")
    assert (failing.code, [line["error"] is None for line in failing.json]) == (5, [True, False])

    refused = run("feed", "roster", "remove", federation, "bold-feed")
    assert (refused.code, "stops trusting 1 of its 2 feeds" in refused.err, "--yes" in refused.err) == (2, True, True)
    assert run("feed", "roster", "remove", federation, "bold-feed", "--yes").out == "bold-feed  no longer listed; 1 feed in the roster\n"
    assert "bold-feed" in run("sync", "--db", "calm.vhdb").err + run("trust", "list", "--db", "calm.vhdb").out
    assert run("feed", "roster", "remove", federation, "bold-feed", "--yes").code == 2


def test_a_root_that_does_not_fit_is_not_listed(federation, companies):
    acme, bold = companies.values()
    assert added(federation, acme, root=bold.root).code == 5
    assert added(federation, acme, member=" ").code == 2
    assert added(federation, acme, root=acme.feed.folder / "nothing").code == 2
    assert run("feed", "roster", "check", federation).out == "the roster lists no feed\n"


def test_labels_of_a_roster_that_was_written_by_hand_stay(federation, companies, clean):
    (clean / "roster.json").write_text(json.dumps({"members": [], "labels": {"tvec": "in words"}}))
    assert run("init", "office.vhdb").code == 0
    assert run("feed", "publish", federation, "--taxonomy", "roster.json", "--db", "office.vhdb").code == 0
    assert added(federation, companies["acme"]).code == 0
    documents = [path.read_bytes() for path in (federation / "targets").rglob("*.json")]
    (last,) = [document for document in documents if b"acme-feed" in document]
    assert (json.loads(last)["labels"], len(from_bytes(last))) == ({"tvec": "in words"}, 1)


def test_a_feed_of_records_and_a_taxonomy_are_no_roster(federation, companies, clean):
    acme, bold = companies.values()
    acme.adds(1)
    acme.publishes()
    done = run("feed", "roster", "check", acme.feed.folder)
    assert (done.code, "is a feed of records" in done.err) == (2, True)
    (clean / "criteria.json").write_text("{}")
    assert run("init", "office.vhdb").code == 0
    assert run("feed", "publish", federation, "--taxonomy", "criteria.json", "--db", "office.vhdb").code == 0
    done = added(federation, bold)
    assert (done.code, "is no roster" in done.err) == (2, True)


def test_the_policy_of_a_feed_is_shown_and_changed(federation):
    shown = "TLP             amber\nmaximum action  review\ncontact         nobody is named\n"
    assert run("feed", "policy", federation).out == shown
    done = run("feed", "policy", federation, "--max-action", "block", "--contact", "safety desk", "--json")
    assert done.json[0]["policy"] == {"tlp": "amber", "max_action": "block", "contact": "safety desk"}
    assert "block" in run("feed", "policy", federation).out
    assert run("feed", "policy", federation, "--tlp", "green").lines[0] == "TLP             green"
    assert run("feed", "verify", federation).code == 0


@pytest.fixture
def much(federation, tmp_path):
    """A company whose feed gives eight records, six of which it has retracted since."""
    company = Company(tmp_path, "much")
    identifiers = [company.adds(seed) for seed in range(8)]
    company.close()
    database = tmp_path / "much.vhdb"
    assert run("feed", "publish", federation, "--db", database).code == 0
    for identifier in identifiers[:6]:
        assert run("retract", identifier, "--reason", "x", "--db", database).code == 0
    return database


def test_what_makes_members_drop_much_is_asked_first(federation, much):
    done = run("feed", "publish", federation, "--db", much)
    assert (done.code, "members would drop 6 of the 8 records of this feed" in done.err, "--yes" in done.err) == (2, True, True)
    assert "8 records" not in run("feed", "verify", federation).out
    with Terminal("feed", "publish", str(federation), "--db", str(much), width=100) as terminal:
        terminal.wait_for("Is that meant?")
        terminal.send("n\r")
        assert "nothing was published" in str(terminal.end())
    assert "at event 8 " in run("feed", "compact", federation).out
    assert "6 events published" in run("feed", "publish", federation, "--yes", "--db", much).out
    assert run("feed", "publish", federation, "--db", much).code == 0

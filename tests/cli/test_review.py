"""`vhashdb review`: the walk with answers that are piped in, typed on a terminal, interrupted, and given by two people."""

import csv
import datetime
import io
import json
import re
import shutil
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vhashdb
from tests.examples import examples
from tests.exchange.companies import Company, film
from vhashdb.store import State
from vhashdb.store.settings import Rules

from .driver import run
from .terminal import Terminal, assert_golden

TODAY = datetime.datetime.now(datetime.UTC).date()
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="session")
def queue(tmp_path_factory):
    """A database in which one record is held, one disputed, one due, one expired and one matched; and one is quiet."""
    company = Company(tmp_path_factory.mktemp("queue"), "acme")
    db = company.db
    db.store.audit._actor = "ann"
    company.records = {}
    facts = {
        "held": {"reason": "shown on a march", "severity": "high", "reviewers": 2, "policy": "4b"},
        "disputed": {"reason": "attack of 12 May", "first_seen": TODAY - 40 * DAY},
        "due": {"review_by": TODAY - 10 * DAY},
        "expired": {"expires": TODAY - 3 * DAY},
        "matched": {"max_action": "block"},
        "quiet": {},
    }
    for number, (name, more) in enumerate(facts.items()):
        company.records[name] = company.adds(number, **({"max_action": "review"} | more))
    db.store.set_state(company.records["held"], State.HELD, reason="poor pictures", action="hold")
    company.exchange.opinion(company.records["disputed"], "false_positive", basis="saw_content", reason="a trailer")
    for _ in range(3):
        db.match(film(4))
    company.close()
    return company


@pytest.fixture
def db(queue, tmp_path):
    """A copy of it to write to."""
    return shutil.copytree(queue.path, tmp_path / "queue.vhdb")


def review(db, *lines, options=()):
    """The walk with these answers."""
    return run("review", "--db", db, *options, stdin="".join(f"{line}\n" for line in lines).encode())


def log(db, *, since=0):
    """What was done: (record's name or id, action, reason), without what asks and counts."""
    with vhashdb.open(db) as database:
        entries = [entry for entry in database.audit() if entry.action not in ("match", "queries", "rules")]
    return [(entry.record, entry.action, entry.details.get("reason", "")) for entry in entries[since:]]


def state(db, record):
    with vhashdb.open(db) as database:
        return database.get(record).state


# -- with answers piped in -------------------------------------------------------------------------


SCRIPT = [
    *("r", "", "a film school"),  # held; a rejection needs a reason
    *("a", "still so"),  # due
    *("d", "3", "", "a parody"),  # expired, which an opinion does not settle …
    *("a", "fits again"),  # … and a decision does
    *("s",),  # disputed
    *("g", "", "3", ""),  # matched
]
WRITTEN = [
    ("held", "review-rejected", "a film school"),
    ("due", "review-accepted", "still so"),
    ("expired", "opinion", "a parody"),
    ("expired", "review-accepted", "fits again"),
    ("matched", "opinion", ""),
]


def test_each_case_is_shown_asked_about_and_written(db, queue):
    before = len(log(db))
    done = review(db, *SCRIPT)
    assert done.code == 0
    heads = [line for line in done.lines if " of 5   rec " in line]
    assert [int(line.split("(")[-1].split()[0]) for line in heads] == [5, 4, 3, 3, 2, 2]
    assert [line.split(", ", 1)[1].split("   ")[0] for line in heads[:3]] == ["held", "to be looked at again", "past its last day"]
    assert log(db, since=before) == [(queue.records[name], action, reason) for name, action, reason in WRITTEN]
    assert done.lines[-1] == "5 decided (1 rejected, 2 accepted, 2 with an opinion), 1 left"
    assert "it still waits: accept or reject it" in " ".join(done.out.split())
    assert review(db).out.count(" of 1   rec ") == 1


@pytest.mark.parametrize("lines", [0, 1, 3, 5, 8, 11, 15])
def test_an_input_that_ends_anywhere_loses_nothing_and_the_next_run_goes_on(db, queue, lines):
    before = len(log(db))
    done = review(db, *SCRIPT[:lines])
    assert done.code == 0
    written = log(db, since=before)
    assert written == [(queue.records[name], action, reason) for name, action, reason in WRITTEN[: len(written)]]
    assert done.lines[-1].startswith(f"{len(written)} decided")
    left = int(done.lines[-1].split()[-2])
    again = review(db)
    assert f"1 of {left}   rec " in again.out
    assert log(db, since=before) == written


def test_what_a_case_shows(db, queue):
    text = " ".join(review(db, "s", "s", "s").out.split())
    for piece in (
        "tvec, severity high, held, 00:00:06 long",
        "own review, looked at by 2 people, policy 4b",
        "people here say that it shows nothing harmful (saw the video itself): a trailer",
        "1 opinion against it, since ",
        "review at most: set by the record; held: put aside by a person",
        "was to be reviewed by",
        "(10 days ago)",
        "first seen",
    ):
        assert piece in text, piece
    assert "1 file since" in review(db, "s", "s", "s", "s").out


def test_every_answer_says_what_it_does_before_it_is_taken(db, queue):
    text = " ".join(review(db, "s", "s", "s", "s").out.split())
    for piece in (
        "it is held no longer, and a match may lead to review",
        "its day of review is taken away",
        "is taken away, so that it matches again",
        "a match leads to a review at most while that opinion stands",
        "replaces what was said here on",
        "it never matches here again",
        "nothing is changed or said; it waits again when it matches another file",
    ):
        assert piece in text, piece


def test_the_last_decision_is_taken_back(db, queue):
    before = len(log(db))
    done = review(db, "r", "no", "u", "a", "it is one", "q")
    assert [entry[1] for entry in log(db, since=before)] == ["review-rejected", "undo", "review-accepted"]
    assert state(db, queue.records["held"]) is State.ACTIVE
    assert "taken back, it is held as before; the record's history keeps" in done.out
    assert done.lines[-1] == "1 decided (1 accepted), 4 left"


def test_a_file_is_marked_and_only_its_hash_kept(db, queue, clean):
    (clean / "upload-of-somebody.mp4").write_bytes(b"some film")
    done = review(db, "n", "missing.mp4", "not it", "n", "upload-of-somebody.mp4", "not it", "q")
    assert "nothing was written: missing.mp4: no such file" in done.out
    assert log(db)[-1] == (queue.records["held"], "unmatch", "not it")
    for file in db.rglob("*"):
        assert not file.is_file() or b"upload-of-somebody" not in file.read_bytes()


def test_only_some_cases(db, queue):
    assert "1 of 1   rec" in review(db, options=["--cause", "matched"]).out
    assert "1 of 2   rec" in review(db, options=["--cause", "matched", "--cause", "due"]).out
    assert "1 of 2   rec" in review(db, options=["--limit", "2", "--label", "tvec", "--source", "local"]).out
    assert review(db, options=["--label", "nothing"]).out == "nothing waits\n"
    assert review(db, options=["--since", "2999-01-01", "--cause", "matched"]).out == "nothing waits\n"
    assert len(run("review", "list", "--db", db, "--json").json) == 5
    assert len(run("review", "list", "--db", db, "--json", "--cause", "held").json) == 1
    assert review(db, options=["--since", "yesterday"]).code == 2
    assert review(db, options=["--cause", "whim"]).code == 2


def test_options_before_a_verb_are_not_lost_in_silence(db):
    done = run("review", "--db", db, "--limit", "1", "list")
    assert done.code == 2
    assert "--limit, --db before list has no effect" in done.err


def test_text_that_is_no_text_is_kept_readable(db, queue):
    assert run("review", "--db", db, stdin=b"r\nnot \xff one \x1b[2J\nq\n").code == 0
    assert log(db)[-1] == (queue.records["held"], "review-rejected", "not \\xff one \\x1b[2J")


LINES = st.sampled_from([*"a r g d n l s b u 1 3 ? y".split(), "", "because", "/dev/null"])


@settings(max_examples=examples(8), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=40))
def test_whatever_is_answered_the_log_has_what_was_said_to_be_decided(db, queue, tmp_path_factory, lines):
    own = shutil.copytree(db, tmp_path_factory.mktemp("any") / "queue.vhdb")
    before = len(log(own))
    done = review(own, *lines)
    assert done.code == 0
    actions = [action for _, action, _ in log(own, since=before)]
    assert int(done.lines[-1].split()[0]) == len(actions) - 2 * actions.count("undo")


# -- typed on a terminal ---------------------------------------------------------------------------


class Desk(Terminal):
    """Somebody who types an answer whenever something is asked."""

    def __init__(self, db, *options, who="ann", **more):
        super().__init__("review", "--db", db, *options, LOGNAME=who, **more)
        self._asked = self._worded = 0

    def asked(self):
        """Wait for the next question; the screen then."""
        self._asked += 1
        return self.wait_for(rf"(?s)(?:(?:Your answer|b goes back\)):.*?){{{self._asked}}}")

    def answer(self, *answers):
        """Type each when it is asked for: a key, Enter alone, or text; a reason of one's own begins with the key t."""
        for text in answers:
            question = " ".join(self.asked().text.split()).rpartition("(")[2]
            if len(text) <= 1:
                self.send(text or "\r")
                continue
            if "t for " in question:
                self.send("t")
                self._worded += 1
                self.wait_for(rf"(?s)(?:In your words:.*?){{{self._worded}}}")
            self.send(f"{text}\r")


ASKED = {
    "what": [],
    "verdict": ["d"],
    "basis": ["d", "2"],
    "reason": ["d", "2", ""],
    "file": ["n"],
}


@pytest.mark.parametrize("question", ASKED)
def test_ctrl_c_at_any_question_loses_nothing_and_says_how_many_are_left(db, queue, question):
    before = len(log(db))
    with Desk(db) as desk:
        desk.answer("a", "done before", *ASKED[question])
        desk.asked()
        desk.send("\x03")
        screen = desk.end()
        assert desk.as_before
    assert screen.code == 130
    assert "error: interrupted: 1 decided (1 accepted), 4 left" in screen.text
    assert "hint: what was decided is kept; the same command goes on with the rest" in screen.text
    assert "Traceback" not in screen.text
    assert log(db, since=before) == [(queue.records["held"], "review-accepted", "done before")]


@pytest.mark.parametrize(("width", "locale"), [(80, "C.UTF-8"), (120, "C.UTF-8"), (80, "C")])
def test_a_walk_on_a_terminal(db, queue, width, locale):
    with Desk(db, width=width, locale=locale, no_colour=True) as desk:
        desk.answer("?", "a", "still here", "s", "d", "4", "1", "", "too old", "u", "s", "g", "b")
        desk.asked()
        desk.send("\x04")  # the end of the input, which ends it as q does
        screen = desk.end()
    assert screen.code == 0
    assert screen.widest <= width
    assert not screen.coloured
    assert locale == "C.UTF-8" or screen.text.isascii()
    assert_golden(f"review-{width}{'' if locale == 'C.UTF-8' else '-ascii'}", screen.normalised())


def test_what_cannot_be_written_or_taken_back_is_said_and_stays_open(db, queue):
    with Desk(db) as desk:
        desk.asked()
        assert run("review", "accept", queue.records["held"], "--reason", "meanwhile", "--db", db).code == 0
        desk.send("a")
        desk.answer("mine too")
        desk.wait_for("nothing was written: record [0-9a-f]{8} does not wait for a review")
        desk.wait_for("does not wait any more: somebody decided meanwhile")
        desk.answer("a", "looked")
        desk.asked()
        with vhashdb.open(db) as other:
            other.store.audit.log("publish", feed="acme-feed")
        desk.send("u")
        desk.wait_for("nothing was written: it cannot be taken back: the feed was published since")
        desk.answer("q")
        screen = desk.end()
    assert "decide anew instead" in screen.text
    assert screen.lines[-1] == "1 decided (1 accepted), 3 left"


def test_two_people_decide_together(db, queue):
    with vhashdb.open(db) as database:
        database.moderation.reviews.set_rules(Rules(two_person=True))
    with Desk(db, "--cause", "held") as ann:
        ann.answer("r", "no harm in it")
        ann.wait_for("proposed to be rejected; another person has to confirm it")
        ann.answer("")
        screen = ann.end()
    assert "proposes this, and another person has to confirm it: it never matches" in " ".join(screen.text.split())
    assert screen.lines[-1] == "1 decided (1 proposed to be rejected), 0 left"
    assert state(db, queue.records["held"]) is State.HELD
    with Desk(db, "--cause", "held") as ann:
        screen = ann.end()
    assert screen.lines == ["1 record waits for somebody else to confirm what ann proposed", "nothing waits"]
    with Desk(db, "--cause", "held", who="ben") as ben:
        ben.asked()
        assert "rejected, by ann; another person has to confirm it" in ben.screen.text
        assert "confirms what ann proposed: it never matches here again" in " ".join(ben.screen.text.split())
        ben.send("r")
        ben.answer("seen it too", "")
        assert ben.end().lines[-1] == "1 decided (1 rejected), 0 left"
    assert state(db, queue.records["held"]) is State.RETRACTED
    with vhashdb.open(db) as database:
        actors = [(entry.actor, entry.action) for entry in database.audit(record=queue.records["held"])][-2:]
    assert actors == [("ann", "propose-rejected"), ("ben", "review-rejected")]


# -- the matches of a run --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def verdicts(known, samples, tmp_path_factory):
    """What `match --json` printed of three edited films; the first and the last are the same."""
    films = [samples / "edited" / name for name in ("valley__clip.mp4", "harbour__insert.mp4", "valley__clip.mp4")]
    copy = shutil.copytree(known, tmp_path_factory.mktemp("verdicts") / "known.vhdb")
    path = copy.parent / "verdicts.jsonl"
    path.write_text(run("match", "--json", "--db", copy, *films).out)
    return path


def walk_matches(db, path, *lines, options=()):
    return review(db, *lines, options=["--matches", path, *options])


def test_matches_are_gone_through_by_video_and_decided_for_good(own, ids, verdicts, samples):
    done = walk_matches(own, verdicts, "Y", "as known", "n", "another harbour", "")
    assert done.out.count(" of 2   MATCH ") == 2  # one of the three is the same file again
    assert "valley__clip.mp4" in done.out
    assert "look at   00:00:00.0 – 00:00:04.0   ↔   known 00:00:03.5 – 00:00:07.5" in done.out
    assert done.lines[-1] == "2 decided (1 right, 1 wrong), 0 left"
    assert sorted(log(own)[-3:]) == sorted([
        (ids["valley"], "opinion", "as known"), (ids["valley"], "confirm-match", "as known"), (ids["harbour"], "unmatch", "another harbour")
    ])  # fmt: skip
    with vhashdb.open(own) as database:
        (said,) = database.moderation.opinions.about(database.get(ids["valley"]))
    assert (said.verdict, said.basis) == ("agree", "saw_content")
    assert run("match", "--db", own, samples / "edited" / "harbour__insert.mp4").code == 0
    assert run("match", "--db", own, samples / "edited" / "harbour__speed125.mp4").code == 10
    shown = run("match", "--db", own, samples / "edited" / "valley__clip.mp4", samples / "edited" / "harbour__insert.mp4").out
    assert re.search(r"MATCH .*\n  decided: confirmed by \w+ on \d{4}-\d\d-\d\d \(as known\)\n", shown)
    assert re.search(rf"NO MATCH\n  decided: not rec {ids['harbour'][:8]} by \w+ on \d{{4}}-\d\d-\d\d \(another harbour\)\n", shown)
    digests = {line["sha256"] for line in map(json.loads, verdicts.read_text().splitlines()) if line["type"] == "file"}
    for file in own.rglob("*"):
        assert not file.is_file() or not any(name in file.read_bytes() for name in (b"valley__clip", *map(str.encode, digests)))


def test_what_was_decided_is_not_asked_again(own, verdicts):
    assert walk_matches(own, verdicts, "y", "").lines[-1] == "1 decided (1 right), 1 left"
    again = walk_matches(own, verdicts, "s")
    assert again.err == "1 answer given before\n"
    assert "1 of 1   MATCH" in again.out
    assert walk_matches(own, verdicts, "n", "no harbour", "u").lines[-1] == "0 decided, 1 left"
    assert walk_matches(own, verdicts, "n", "2", "").lines[-1] == "1 decided (1 wrong), 0 left"
    assert log(own)[-1][1:] == ("unmatch", "the same place, another moment")
    assert walk_matches(own, verdicts).out == "nothing to look at\n"


def test_it_is_asked_again_when_the_record_is_another_and_says_what_was_decided_before(own, ids, verdicts):
    walk_matches(own, verdicts, "y", "", "y", "")
    with vhashdb.open(own) as database:
        database.store.set_state(ids["valley"], State.HELD, reason="", action="hold")
    again = walk_matches(own, verdicts, "y", "")
    text = " ".join(again.out.split())
    assert "before: decided: confirmed by" in text
    assert "open again: the record is held now, and was active" in text
    assert walk_matches(own, verdicts).out == "nothing to look at\n"


def test_what_was_passed_on_waits_for_somebody_else(own, verdicts):
    assert walk_matches(own, verdicts, "e", "1", "e", "").lines[-1] == "2 decided (2 passed on), 0 left"
    assert walk_matches(own, verdicts).err == "2 answers to be given by somebody else\n"
    assert [line["cause"] for line in run("review", "list", "--db", own, "--json").json] == ["escalated", "escalated"]
    with Desk(own, "--matches", verdicts, who="ben", no_colour=True) as ben:
        ben.answer("y", "2", "q")
        assert ben.end().lines[-1] == "1 decided (1 right), 1 left"


def lines_of(db, *files):
    """What `match --json` prints of files: (name, seed of the film it shows, or why it cannot be read)."""
    with vhashdb.open(db) as database:
        for number, (name, shows) in enumerate(files):
            sha256 = f"{number:064x}"
            if isinstance(shows, str):
                yield {"type": "file", "path": name, "verdict": "unreadable", "reason": shows, "sha256": sha256}
                continue
            result = database.match(vhashdb.HashQuery(frames=film(shows), sha256=sha256))
            yield result.to_json(name)
            yield from (match.to_json(name) for match in result.matches)


def written(path, lines):
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def test_one_answer_does_for_all_files_of_a_video_but_those_that_are_left_out(db, tmp_path):
    files = [*((f"copy{number}.mp4", 4) for number in range(5)), ("other.mp4", 5)]
    path = written(tmp_path / "list.jsonl", lines_of(db, *files))
    done = walk_matches(db, path, "x 2 9", "x 2, 4", "y", "1", "n", "1", "")
    text = " ".join(done.out.split())
    assert "type x and the numbers of the files that the answer is not about, from 1 to 5" in text
    assert "2 copy1.mp4 MATCH 1.00 00:00:00.0 (left out)" in text
    assert "3 files: noted as right; 2 files left, to be decided now" in text
    assert done.lines[-1] == "2 decided (1 right, 1 wrong), 1 left"
    with vhashdb.open(db) as database:
        keys = {database.store.hits.file(f"{number:064x}"): number for number in range(6)}
        states = {keys[file]: one.state for file, (one,) in database.store.hits.decisions(keys).items()}
    assert states == {0: "confirmed", 1: "not this", 2: "confirmed", 3: "not this", 4: "confirmed"}
    undone = walk_matches(db, path, "y", "", "u", "q")
    assert "1 file: taken back" in undone.out
    assert undone.lines[-1] == "0 decided, 1 left"


def test_one_answer_does_for_all_that_a_file_shows(db, tmp_path):
    lines = list(lines_of(db, ("both.mp4", 4), ("one.mp4", 4)))
    with vhashdb.open(db) as database:
        other = database.match(film(5)).matches[0].to_json("both.mp4")
    path = written(tmp_path / "list.jsonl", [lines[0], lines[1], other, *lines[2:]])
    done = walk_matches(db, path, "y", "1", "q", options=["--by", "file"])
    assert "1 of 2   MATCH 1.00" in done.out
    assert f"also rec {other['record'][:8]}" in " ".join(done.out.split())
    assert [action for _, action, _ in log(db)][-4:] == ["opinion", "opinion", "confirm-match", "confirm-match"]


COPIES, VIDEOS, INNOCENT, DAMAGED = 150, 26, 30, 20


def test_a_day_with_200_uploads_is_decided_in_under_60_key_presses(tmp_path):
    company = Company(tmp_path, "acme")
    for seed in range(VIDEOS):
        company.adds(seed, severity=("high", "medium", "low")[seed % 3])
    company.close()
    why = ("not one frame could be decoded", "the file is damaged, incomplete or not a video")
    files = [(f"upload-{number:03}.mp4", number % VIDEOS) for number in range(COPIES)]
    files += [(f"holiday-{number:02}.mp4", 1000 + number) for number in range(INNOCENT)]
    files += [(f"damaged-{number:02}.mp4", why[number % 2]) for number in range(DAMAGED)]
    path = written(tmp_path / "list.jsonl", lines_of(company.path, *files))
    keys = "y1" * VIDEOS + "l2" + "\r"
    assert len(keys) < 60
    with Desk(company.path, "--matches", path, no_colour=True) as desk:
        desk.asked()
        desk.send(keys)
        screen = desk.end()
    assert screen.lines[-1] == "27 decided (26 right, 1 looked at), 0 left"
    assert walk_matches(company.path, path).err == "170 answers given before\n"
    assert run("review", "list", "--db", company.path).out == "nothing waits\n"


def test_a_file_is_opened_at_its_second_by_the_program_that_is_configured_and_no_shell(db, tmp_path, clean):
    name = "-$(touch taken) film.mp4"
    (clean / name).write_bytes(b"a film")
    path = written(tmp_path / "list.jsonl", lines_of(db, (name, 4)))
    player = tmp_path / "player"
    player.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/said.part; mv {tmp_path}/said.part {tmp_path}/said\n')
    player.chmod(0o755)
    done = walk_matches(db, path, "o", "q", options=["--player", f"{player} --start={{seconds}} {{file}}"])
    assert "opened at 00:00:00.0" in done.out
    until = time.monotonic() + 20
    while not (tmp_path / "said").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert (tmp_path / "said").read_text() == f"--start=0.0\n{clean / name}\n"
    assert not (clean / "taken").exists()
    assert "no player is configured" in walk_matches(db, path, "o", "q").out
    assert "missing-player cannot be started" in walk_matches(db, path, "o", "q", options=["--player", "missing-player"]).out
    (clean / name).unlink()
    assert "is not there any more" in walk_matches(db, path, "o", "q", options=["--player", f"{player}"]).out


def test_reasons_come_from_the_configuration(own, verdicts, clean, monkeypatch):
    monkeypatch.setenv("VHASHDB_CONFIG", str(clean / "config.toml"))
    (clean / "config.toml").write_text('[reasons]\nyes = ["rule 4b", "rule 7"]\n')
    walk_matches(own, verdicts, "y", "2", "q")
    assert log(own)[-1][1:] == ("confirm-match", "rule 7")
    for text, message in (
        ('[reasons]\nmaybe = ["x"]', "reasons for 'maybe', which is no answer"),
        ('[reasons]\nno = "x"', "reasons must be a table of lists of texts"),
        (f"[reasons]\nno = {['x'] * 10}", "10 reasons for 'no'"),
    ):
        (clean / "config.toml").write_text(text)
        assert message in " ".join(walk_matches(own, verdicts).err.split())


def test_matches_of_records_that_are_not_here(db, verdicts):
    done = walk_matches(db, verdicts)
    assert done.out.count("is not in this database") == 2
    assert done.lines[-1] == "0 decided, 0 left"


def test_a_list_that_is_none_is_refused_by_line(db, clean):
    (clean / "list.jsonl").write_text("a film\n")
    done = walk_matches(db, "list.jsonl")
    assert "line 1 is not JSON" in done.err
    assert "hint: give what `vhashdb match --json` printed" in done.err
    assert walk_matches(db, "missing.jsonl").code == 3
    assert walk_matches(db, "list.jsonl", options=["--cause", "held"]).code == 2


def test_matches_on_standard_input_are_answered_on_the_terminal(own, verdicts):
    with verdicts.open("rb") as lines, Desk(own, "--matches", "-", no_colour=True, stdin=lines) as desk:
        desk.answer("y", "", "q")
        screen = desk.end()
    assert screen.lines[-1] == "1 decided (1 right), 1 left"


def test_a_match_on_a_terminal_and_a_handover_also_after_ctrl_c(own, verdicts, samples, clean):
    with Desk(own, "--matches", verdicts, "--export", "handover.md", no_colour=True) as desk:
        desk.answer("n", "a cover", "u", "n", "no valley")
        desk.asked()
        desk.send("\x03")
        screen = desk.end()
    assert screen.code == 130
    assert screen.widest <= 80
    assert_golden("review-matches-80", screen.normalised(samples=samples))
    text = (clean / "handover.md").read_text()
    assert "| wrong | no valley |" in text
    assert "| open |" in text


# -- handing over ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["md", "csv", "jsonl", "html"])
def test_the_next_shift_is_told_what_is_open_and_what_was_decided(db, queue, clean, ending):
    review(db, "a", "poor but right", "q")
    done = run("review", "--export", f"handover.{ending}", "--db", db)
    assert (done.code, done.out) == (0, f"handover.{ending}  4 open, 2 decided\n")  # the opinion that made the dispute is of today
    text = (clean / f"handover.{ending}").read_text()
    for piece in (queue.records["due"][:8], "poor but right", "a trailer"):
        assert piece in text


def test_a_handover_comes_back_as_it_is_in_the_database(db, queue, clean):
    review(db, "a", "=1+1", "q")
    run("review", "--export", "handover.jsonl", "--db", db)
    head, *lines = map(json.loads, (clean / "handover.jsonl").read_text().splitlines())
    assert (head["type"], head["open"], head["decided"], head["matches"]) == ("handover", 4, 2, None)
    listed = run("review", "list", "--json", "--db", db).json
    assert [line for line in lines if line["type"] == "case"] == listed
    said = [(line["record"], line["action"], line["reason"]) for line in lines if line["type"] == "decision"]
    assert said == [entry for entry in log(db) if entry[1] in ("opinion", "review-accepted")]
    run("review", "--export", "handover.csv", "--db", db)
    rows = list(csv.DictReader(io.StringIO((clean / "handover.csv").read_text())))
    assert [row["record"] for row in rows if row["section"] == "open"] == [line["record"] for line in listed]
    assert "'=1+1" in [row["reason"] for row in rows]


def test_a_handover_after_a_list_of_matches_names_files_and_says_so(own, verdicts, clean):
    done = walk_matches(own, verdicts, "Y", "", "q", options=["--export", "handover.md"])
    assert done.lines[-1] == "  it names files, which come from the list of matches"
    text = (clean / "handover.md").read_text()
    assert "valley\\_\\_clip.mp4 | " in text
    assert "| right |" in text
    assert "| open |" in text
    assert "treat this file accordingly" in text
    run("review", "--export", "later.md", "--db", own)
    assert "clip.mp4" not in (clean / "later.md").read_text()


@pytest.mark.parametrize(("path", "why"), [("handover.pdf", "does not end with one of"), ("none/handover.md", "there is no folder")])
def test_a_handover_that_cannot_be_written_is_refused_before_anything_is_asked(db, path, why):
    done = run("review", "--export", path, "--db", db)
    assert done.code == 2
    assert why in done.err


def test_while_another_process_writes_nothing_is_written_and_the_case_stays(db, queue, monkeypatch):
    monkeypatch.setenv("VHASHDB_LOCK_TIMEOUT", "0.1")
    before = log(db)
    with vhashdb.open(db) as other, other.store.transactions.writing():
        done = review(db, "a", "looked", "q")
    assert "another process is writing wait for the other process to finish" in " ".join(done.out.split())
    assert done.lines[-1] == "0 decided, 5 left"
    assert log(db) == before


def test_records_of_one_video_that_matched_are_looked_at_together(tmp_path):
    company = Company(tmp_path, "acme")
    first, second, other = company.adds(1, max_action="review"), company.adds(1, max_action="log"), company.adds(2)
    for seed in (1, 2):
        company.db.match(film(seed))
    company.close()
    assert {line["record"] for line in run("review", "list", "--db", company.path, "--json").json} == {first, second, other}
    done = review(company.path, "l", "", "l", "", "u", "u", "q")
    assert done.out.count("1 of 2   rec ") == 2  # at first, and when it was taken back
    assert "of the same video: l looks at all of them" in " ".join(done.out.split())
    assert len(run("review", "list", "--db", company.path, "--json").json) == 3
    assert review(company.path, "l", "", "l", "", "").lines[-1] == "2 decided (2 looked at), 0 left"
    assert review(company.path).out == "nothing waits\n"


def test_what_waits_and_how_often_something_matched_are_one_number_everywhere(db, queue, clean):
    (clean / "known.vhfp").write_bytes(vhashdb.to_bytes(film(4)))
    for _ in range(2):  # the same file again, which the database knows from before
        assert run("match", "--quiet", "--db", db, "--report", "page.html", "known.vhfp").code == 10
    record = queue.records["matched"]
    listed = run("review", "list", "--db", db, "--json").json
    (why,) = (line["why"] for line in listed if line["record"] == record)
    assert why == "matched 1 file, best score 1.00"
    figures = [line for line in run("stats", "--db", db, "--json").json if line["type"] != "stats"]
    stats = {(line["figure"], row["name"]): row for line in figures for row in line["rows"]}
    waiting = {cause: row["records"] for (figure, cause), row in stats.items() if figure == "waiting"}
    assert waiting == {cause: sum(line["cause"] == cause for line in listed) for cause in waiting}
    assert stats["matches_by_record", record]["match"] == 1
    run("review", "--export", "handover.jsonl", "--db", db)
    head, *lines = map(json.loads, (clean / "handover.jsonl").read_text().splitlines())
    assert head["open"] == len(listed) == sum(waiting.values())
    assert [line for line in lines if line["type"] == "case"] == listed
    page = " ".join(re.sub(r"<[^>]*>", " ", (clean / "page.html").read_text()).split())
    assert f"In the database {len(listed)} cases wait" in page
    assert "Matched lately 1 file since" in page
    shown = review(db, "s", "s", "s", "s").out
    assert "matched   1 file since" in shown


def test_a_file_that_cannot_be_read_is_decided_about_for_good(known, own, not_media):
    def asked(*options):
        return run("match", "--quiet", "--db", own, *options, not_media)

    path = own.parent / "list.jsonl"
    path.write_text(asked("--json").out)
    done = walk_matches(own, path, "l", "2", "")
    assert done.lines[-1] == "1 decided (1 looked at), 0 left"
    (line,) = asked("--json").of_type("file")
    assert (line["decided"], line["decisions"][0]["state"], line["decisions"][0]["record"]) == (True, "looked at", "")
    assert re.search(r"NOT CHECKED .*\n  decided: looked at by \w+ on [\d-]+ \(damaged, nothing can be seen\)\n", asked().out)
    not_media.write_bytes(not_media.read_bytes() + b" and more")
    assert not asked("--json").of_type("file")[0]["decided"]  # another file

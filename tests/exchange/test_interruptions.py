"""Killed at any step, a publisher leaves a feed that members can read, and doing it again gives the same end."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.conftest import ROOT
from vhashdb import errors
from vhashdb.exchange import files
from vhashdb.exchange.limits import FeedLimits

from .feeds import Consumer, Feed, put, retract, served


@pytest.fixture
def killed_at():
    """Do something in a process that kills itself, with SIGKILL, before its n-th change on disk; whether it got there."""
    command = [sys.executable, "-m", "tests.exchange.killed"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:

        def run(step, feed, action, *more):
            process.stdin.write(json.dumps([step, str(feed.folder), str(feed.keys_folder), action, *more]) + "\n")
            process.stdin.flush()
            ending = int(process.stdout.readline())
            assert ending in (0, -signal.SIGKILL)
            return ending != 0

        yield run
        process.stdin.close()


AGAIN = {
    "publish": lambda feed: feed.publish(put(3), put(1, rev=2), retract(2, erase=True)),
    "compact": lambda feed: feed.publisher.compact(keep_events=1),
}


@pytest.mark.parametrize("action", AGAIN)
def test_kill_between_any_two_steps(feed, tmp_path, killed_at, action):
    feed.publish(put(1))
    feed.publish(put(2))
    begin = feed.copy(tmp_path / "begin")
    with served(feed.folder) as server:
        step, ends = 0, set()
        while True:
            feed.become(begin)
            was_killed = killed_at(step, feed, action)
            member = Consumer(server.url, feed.first_root, tmp_path / f"member{step}")
            head = member.sync()
            ends.add(head.seq)
            assert member.rids == ({1, 2} if head.seq == 2 else {1, 3})
            AGAIN[action](feed)  # once more, from where it was left
            again = member.sync()
            assert member.rids == ({1, 2} if again.seq == 2 else {1, 3})
            assert member.state == feed.publisher.state()
            if not was_killed:
                break
            step += 1
    assert step >= 4
    assert ends == ({2, 5} if action == "publish" else {2})


@pytest.mark.parametrize("role", ["root", "targets", "online"])
def test_kill_between_any_two_steps_of_a_rotation(feed, tmp_path, killed_at, role):
    """While the old keys are there, a rotation is invisible to members at every moment."""
    feed.publish(put(1))
    new = feed.new_key(role)
    old = feed.made[role][0].public.keyid
    begin = feed.copy(tmp_path / "begin")
    with served(feed.folder) as server:
        step = 0
        while True:
            feed.become(begin)
            was_killed = killed_at(step, feed, "rotate", role, old, new.public.keyid)
            member = Consumer(server.url, feed.first_root, tmp_path / f"member{step}")
            member.sync()
            if old in feed.publisher.root().roles["timestamp" if role == "online" else role].keyids:
                feed.publisher.rotate(role, drop=[old], add=[new.public])
            feed.publish(put(2))
            member.sync()
            assert member.rids == {1, 2}
            if not was_killed:
                break
            step += 1
    assert step >= 3


def test_a_rotation_of_lost_keys_is_whole_when_it_is_done(feed, tmp_path, member, killed_at):
    feed.publish(put(1))
    member.sync()
    old, new = feed.made["online"][0], feed.new_key("online").public.keyid
    old.path.unlink()
    killed_at(1, feed, "rotate", "online", old.public.keyid, new)  # the root is there, the timestamp is of the lost key
    assert member.sync().unchanged
    with pytest.raises(errors.FeedSignature):
        Consumer(feed.folder, feed.first_root, tmp_path / "new").sync()
    feed.publisher.heartbeat()
    member.sync()
    feed.publish(put(2))
    member.sync()
    assert member.rids == {1, 2}


def test_a_feed_killed_while_it_was_begun_can_be_begun_again(tmp_path, monkeypatch):
    real, left = os.replace, [2]

    def replace(*arguments):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(*arguments)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(KeyboardInterrupt):
        Feed(tmp_path)
    monkeypatch.undo()
    feed = Feed(tmp_path)
    feed.publish(put(1))
    member = Consumer(feed.folder, feed.first_root, tmp_path / "member")
    member.sync()
    assert member.rids == {1}


# -- downloads -------------------------------------------------------------------------------------


def test_a_download_goes_on_where_it_broke_off(feed, member, server):
    feed.publish(*(put(n) for n in range(2000)))
    (segment,) = feed.targets.glob("segments/*")
    server.tricks["segments/"] = lambda handler: handler.answer(segment.read_bytes(), cut=2000)
    with pytest.raises(errors.FeedUnreachable, match="broke off after 2000"):
        member.sync()
    server.tricks.clear()
    server.asked.clear()
    member.sync()
    assert [asked for path, asked in server.asked if "segments" in path] == ["bytes=2000-"]
    assert len(member.rids) == 2000
    assert not list(member.client._folder.glob("files/*"))


def test_a_server_without_ranges_starts_over(feed, member, server):
    feed.publish(*(put(n) for n in range(2000)))
    (segment,) = feed.targets.glob("segments/*")
    server.ranges = False
    server.tricks["segments/"] = lambda handler: handler.answer(segment.read_bytes(), cut=2000)
    with pytest.raises(errors.FeedUnreachable):
        member.sync()
    server.tricks.clear()
    member.sync()
    assert len(member.rids) == 2000


def test_a_part_that_was_damaged_is_fetched_anew(feed, member, server):
    feed.publish(*(put(n) for n in range(2000)))
    (segment,) = feed.targets.glob("segments/*")
    server.tricks["segments/"] = lambda handler: handler.answer(segment.read_bytes(), cut=2000)
    with pytest.raises(errors.FeedUnreachable):
        member.sync()
    (part,) = member.client._folder.glob("files/*.part")
    part.write_bytes(b"\0" * 2000)
    server.tricks.clear()
    member.sync()
    assert len(member.rids) == 2000


def test_what_was_verified_is_not_fetched_twice_after_an_interruption(feed, member, server):
    feed.publish(*(put(n) for n in range(50)))
    member.client.refresh()
    for seq, _, _ in member.client.fetch():
        if seq == 10:
            break
    server.asked.clear()
    member.sync()
    assert not [path for path, _ in server.asked if "segments" in path]
    assert len(member.rids) == 50


def test_a_server_that_fails_is_named(feed, member, server):
    feed.publish(put(1))
    server.tricks["timestamp"] = lambda handler: handler.send_error(500)
    with pytest.raises(errors.FeedUnreachable, match="answers 500"):
        member.sync()
    server.tricks = {"segments": lambda handler: handler.send_error(404)}
    with pytest.raises(errors.FeedUnreachable, match="no such file"):
        member.sync()


def test_redirects_are_few(feed, member, server):
    feed.publish(put(1))

    def round_and_round(handler):
        handler.send_response(302)
        handler.send_header("Location", handler.path)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.tricks["timestamp"] = round_and_round
    with pytest.raises(errors.FeedUnreachable):
        member.sync()
    assert len(server.asked) == 4


def test_a_slow_server_is_given_up(feed, tmp_path, server):
    def slow(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"a")
                handler.wfile.flush()
                time.sleep(0.05)
        except OSError:
            handler.close_connection = True

    member = Consumer(server.url, feed.first_root, tmp_path / "m", FeedLimits(read_s=0.3))
    server.tricks["timestamp"] = slow
    with pytest.raises(errors.FeedUnreachable, match="too slow"):
        member.sync()


def test_credentials_go_into_headers_only(feed, server, tmp_path):
    member = Consumer(server.url, feed.first_root, tmp_path / "m", headers={"Authorization": "Bearer 123"})
    member.sync()
    assert all(seen["Authorization"] == "Bearer 123" for seen in server.headers_seen)
    for url in ("https://user:secret@host", "https://host/?token=1", "ftp://host"):
        with pytest.raises(errors.UsageError) as caught:
            Consumer(url, feed.first_root, tmp_path / "n")
        assert "secret" not in str(caught.value)
        assert "token" not in str(caught.value)


def test_members_of_one_state_folder_take_turns(feed, member, tmp_path):
    member.sync()
    with files.locked(member.client._folder), pytest.raises(errors.FeedBusy):
        member.sync()


def test_a_folder_that_cannot_be_written_is_named(feed, tmp_path):
    (tmp_path / "state").write_text("in the way")
    member = Consumer(feed.folder, feed.first_root, tmp_path / "state")
    with pytest.raises(errors.FeedError, match="exists"):
        member.sync()


def test_retract_is_seen_at_the_next_sync(feed, member):
    feed.publish(put(1))
    member.sync()
    feed.publish(retract(1))
    member.sync()
    assert not member.rids

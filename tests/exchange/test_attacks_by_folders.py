"""A feed in a folder gives regular files of that folder, and nothing that waits, never ends or lies elsewhere."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from vhashdb import errors
from vhashdb.exchange.client import FeedClient
from vhashdb.exchange.limits import FeedLimits

from .feeds import Consumer, put


def fifo(path, elsewhere):
    os.mkfifo(path)


def device(path, elsewhere):
    path.symlink_to("/dev/zero")


def socket_file(path, elsewhere):
    import socket

    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def folder(path, elsewhere):
    path.mkdir()


def link_out(path, elsewhere):
    elsewhere.write_bytes(b"{}")
    path.symlink_to(elsewhere)


def link_to_fifo(path, elsewhere):
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def link_to_itself(path, elsewhere):
    path.symlink_to(path.name)


@pytest.mark.parametrize("put_there", [fifo, device, socket_file, folder, link_out, link_to_fifo, link_to_itself])
@pytest.mark.parametrize("name", ["metadata/timestamp.json", "metadata/1.targets.json", "segment"])
def test_what_is_no_regular_file_of_the_folder_is_refused(feed, tmp_path, name, put_there):
    feed.publish(put(1))
    path = next((feed.targets / "segments").iterdir()) if name == "segment" else feed.folder / name
    if name == "metadata/1.targets.json":
        path = feed.metadata / f"{feed.current()[1]}.json"
    path.unlink()
    put_there(path, tmp_path / "elsewhere")
    script = (
        "import sys, pathlib; from tests.exchange.feeds import Consumer\n"
        "from vhashdb import errors\n"
        "place, root, state = map(pathlib.Path, sys.argv[1:])\n"
        "try: Consumer(place, root.read_bytes(), state).sync()\n"
        "except errors.FeedError as error: print(type(error).__name__, error)\n"
    )
    arguments = [feed.folder, tmp_path / "root.json", tmp_path / "m"]
    (tmp_path / "root.json").write_bytes(feed.first_root)
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.startswith(("FeedUnreachable", "FileMissing")), done.stdout
    assert path.name in done.stdout or "metadata is not accepted" in done.stdout


def test_a_folder_that_leads_out_is_refused(feed, tmp_path):
    feed.publish(put(1))
    (feed.folder / "targets").rename(tmp_path / "moved")
    (feed.folder / "targets").symlink_to(tmp_path / "moved")
    with pytest.raises(errors.FeedUnreachable, match="leads out of the feed's folder"):
        Consumer(feed.folder, feed.first_root, tmp_path / "m").sync()


def test_links_within_the_folder_and_to_it_are_followed(feed, tmp_path):
    feed.publish(put(1))
    (feed.folder / "targets").rename(feed.folder / "store")
    (feed.folder / "targets").symlink_to("store")
    (tmp_path / "link").symlink_to(feed.folder)
    member = Consumer(tmp_path / "link", feed.first_root, tmp_path / "m")
    member.sync()
    assert member.rids == {1}


def test_an_endless_file_costs_no_more_than_its_limit(feed, tmp_path):
    feed.publish(put(1))
    with (feed.metadata / "timestamp.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(errors.FeedOversize, match="larger than the"):
        FeedClient(feed.folder, feed.first_root, tmp_path / "m").refresh()


def test_requests_of_a_folder_are_counted_as_well(feed, tmp_path):
    with pytest.raises(errors.FeedOversize, match="more than the 2 requests"):
        FeedClient(feed.folder, feed.first_root, tmp_path / "m", FeedLimits(requests=2)).refresh()

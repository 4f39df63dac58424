import pytest

from .feeds import Consumer, Feed, served


@pytest.fixture
def feed(tmp_path):
    return Feed(tmp_path)


@pytest.fixture
def server(feed):
    with served(feed.folder) as running:
        yield running


@pytest.fixture
def member(feed, server, tmp_path):
    return Consumer(server.url, feed.first_root, tmp_path / "member")

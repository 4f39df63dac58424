"""What an operator's monitoring reads: counters, times and states, in the text format of Prometheus. No name of a file, no hash."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vhashdb.errors import VhashdbError
from vhashdb.service.service import Service
from vhashdb.store import QuestionState, now_utc

_log: Final = logging.getLogger(__name__)

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OnRequest = Callable[[str, str, int, float], None]
"""Takes the method, the route, the status and the seconds of a request."""
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
_REQUEST_S: Final = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_QUESTION_S: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
OUTCOMES: Final = ("delivered", "failed", "given-up")
"""What comes of an attempt to tell a webhook."""


class Metrics:
    """The metrics of one application, which may be one of several in a process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._questions = Histogram(
            "vhashdb_question_seconds", "Seconds that answering took, without waiting for a turn.", ("verdict", "effort"),
            buckets=_QUESTION_S, registry=self._registry,
        )  # fmt: skip
        self._requests = Histogram(
            "vhashdb_request_seconds", "Seconds until a request was answered whole.", ("method", "route", "status"),
            buckets=_REQUEST_S, registry=self._registry,
        )  # fmt: skip
        self._webhooks = Counter("vhashdb_webhook_attempts", "Attempts to tell a webhook.", ("outcome",), registry=self._registry)
        for outcome in OUTCOMES:
            self._webhooks.labels(outcome)

    def watch(self, service: Service) -> None:
        """Tell of the states of a service from now on."""
        service.asker.on_answer.append(self.answered)
        self._registry.register(_States(service))

    def answered(self, verdict: str, effort: str, took_s: float) -> None:
        """Count an answer."""
        self._questions.labels(verdict, effort).observe(took_s)

    def requested(self, method: str, route: str, status: int, took_s: float) -> None:
        """Count a request; ``status`` is 0 if its client was gone before there was one."""
        method = method if method in _METHODS else "other"
        self._requests.labels(method, route, f"{status // 100}xx" if status else "gone").observe(took_s)

    def told(self, outcome: str) -> None:
        """Count an attempt to tell a webhook, with one of `OUTCOMES`."""
        self._webhooks.labels(outcome).inc()

    def text(self) -> bytes:
        """Return all of them."""
        return generate_latest(self._registry)


class _States(Collector):
    """States, as they are when somebody asks. One that cannot be read is left out; `vhashdb_database_up` tells that."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        """Nothing is read when it is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        up, found = 1, []
        for read in (self._questions, self._uploads, self._index, self._feeds, self._processes):
            try:
                found += list(read())
            except (VhashdbError, OSError) as error:
                _log.warning("some metrics cannot be read: %s", error)
                up = 0
        yield _gauge("vhashdb_database_up", "Whether the database can be read.", up)
        yield from found

    def _questions(self) -> Iterator[Metric]:
        asker = self._service.asker
        waiting, running = asker.under_way()
        family = GaugeMetricFamily("vhashdb_questions", "Questions that are not answered yet.", labels=["state"])
        family.add_metric(["waiting"], waiting + self._service.questions.count(QuestionState.WAITING))
        family.add_metric(["running"], running)
        yield family
        yield _gauge("vhashdb_cases", "Uploads that people had to decide about a minute ago.", asker.open_cases)

    def _uploads(self) -> Iterator[Metric]:
        yield _gauge("vhashdb_uploads_bytes", "Bytes of uploads on disk.", self._service.uploads.used_bytes())
        yield _gauge("vhashdb_uploads_quota_bytes", "Bytes that they may have.", self._service.settings.quota_bytes)

    def _index(self) -> Iterator[Metric]:
        database = self._service.database
        yield _gauge("vhashdb_database_writable", "Whether the database may be written to.", int(not database.read_only))
        yield _gauge("vhashdb_records", "Records that can match.", len(database))
        parts = database.searcher.parts()
        family = GaugeMetricFamily("vhashdb_index_parts", "Parts of the index: one, or its shards in a cluster.", labels=["state"])
        family.add_metric(["answering"], parts.count - len(parts.missing))
        family.add_metric(["missing"], len(parts.missing))
        yield family
        if parts.missing:
            return
        family = GaugeMetricFamily("vhashdb_index_lag_changes", "Changes of records that are not in the index on disk.", labels=["index"])
        for name, state in zip(("hashes", "landmarks"), database.searcher.states(), strict=True):
            family.add_metric([name], state.lag)
        yield family

    def _feeds(self) -> Iterator[Metric]:
        now = now_utc()
        age = GaugeMetricFamily("vhashdb_feed_age_seconds", "Seconds since a feed was last brought up to date.", labels=["feed"])
        left = GaugeMetricFamily("vhashdb_feed_expires_seconds", "Seconds until what a feed said last is too old.", labels=["feed"])
        for feed in self._service.database.exchange.feeds.all():
            if feed.synced_at is not None:
                age.add_metric([feed.id], (now - feed.synced_at).total_seconds())
            if feed.expires_at is not None:
                left.add_metric([feed.id], (feed.expires_at - now).total_seconds())
        yield age
        yield left

    def _processes(self) -> Iterator[Metric]:
        restarts = self._service.database.decoder_restarts
        yield CounterMetricFamily("vhashdb_decoder_restarts", "Decoder processes that ended without being told to.", restarts)


def _gauge(name: str, what: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, what, value)

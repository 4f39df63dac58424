"""Events of every shape, for Hypothesis."""

import datetime

from hypothesis import strategies as st

from vhashdb.exchange import events as e
from vhashdb.store.records import MAX_ACTIONS, ORIGINS, REVIEW_METHODS, SEVERITIES, TLP

rids = st.binary(min_size=16, max_size=16).map(bytes.hex)
instants = st.datetimes(min_value=datetime.datetime(2000, 1, 1), max_value=datetime.datetime(9000, 1, 1)).map(
    lambda t: t.replace(microsecond=0, tzinfo=datetime.UTC)
)
revisions = st.integers(1, e.MAX_SEQ)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
signals = st.one_of(
    st.binary(min_size=32, max_size=32).map(lambda b: e.Signal("sha256", b.hex())),
    st.builds(e.Signal, st.sampled_from(["pdq", "phash", "tmk-pdqf"]), st.from_regex(r"[A-Za-z0-9+/]{4,80}", fullmatch=True)),
)
some_signals = st.lists(signals, min_size=1, max_size=3).map(tuple)
labels = st.lists(st.sampled_from(["graphic-violence", "tvec", "a/b:c.d"]), max_size=3).map(tuple)
reasons = st.builds(e.Reason, st.sampled_from(["", "perpetrator-produced"]), words)
days = st.none() | st.dates()
codes = st.sampled_from(["", "EU", "US-CA", "NZ"])


def puts(rid=rids, rev=revisions):
    return st.builds(
        e.Put, rid, rev, some_signals, st.integers(0, e.MAX_DURATION_MS), labels, st.sampled_from(SEVERITIES), reasons,
        st.builds(e.Basis, st.sampled_from(ORIGINS), words, words, codes),
        st.builds(e.Review, st.sampled_from(REVIEW_METHODS), st.integers(0, 1000), days, st.booleans()),
        st.builds(e.Handling, st.sampled_from(MAX_ACTIONS), st.lists(st.sampled_from(e.EXCEPTIONS)).map(tuple)),
        st.builds(e.Share, st.sampled_from(TLP), st.booleans()),
        st.none() | st.just("2026-11"), days, days, st.booleans(), instants,
    )  # fmt: skip


def retractions(rid=rids, rev=revisions):
    return st.builds(e.Retract, rid, rev, st.sampled_from(e.RETRACTION_REASONS), st.booleans(), instants)


def opinions(rid=rids):
    subject = st.builds(e.Subject, st.sampled_from(["acme-tvec", "b.example"]), rid, revisions)
    return st.builds(e.Opinion, subject, st.sampled_from(e.VERDICTS), st.sampled_from(e.BASES), words, instants)


def allows(rid=rids):
    return st.builds(e.Allow, rid, some_signals, st.integers(0, 10**6), reasons, instants)


def same_videos(rid=rids):
    other = st.builds(e.SharedId, st.sampled_from(["acme-tvec", "b.example"]), rid)
    return st.builds(e.SameVideo, rid, other, st.booleans(), instants)


written = st.one_of(
    puts(), retractions(), opinions(), allows(), st.builds(e.RevokeAllow, rids, instants), st.builds(e.Note, words, instants),
    same_videos(),
    st.builds(e.Redacted, rids, st.binary(min_size=32, max_size=32).map(bytes.hex)),
)  # fmt: skip

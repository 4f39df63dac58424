"""`vhashdb feed status`: how far the trusted feeds can be relied upon, in words."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..common import db_option, json_option, opened
from ..output import counted, emit, emit_json, printable

if TYPE_CHECKING:
    from vhashdb.moderation import FeedTrust
    from vhashdb.store import Feed


@click.command("status", short_help="Say of each trusted feed whether it is fresh, and if not, why.")
@click.argument("feeds", metavar="[FEED]...", nargs=-1)
@db_option
@json_option
def command(feeds: tuple[str, ...], db: Path, as_json: bool) -> None:
    """Say of each trusted feed whether it is fresh, stale or in quarantine, why, and how far behind it is.

    It shows what the last `vhashdb sync` saw, and contacts nobody.

    \b
    Example:
      vhashdb feed status
      vhashdb feed status acme-tvec --json
    """
    from vhashdb.forms import followed_json

    with opened(db) as database:
        exchange, moderation = database.exchange, database.moderation
        chosen = [exchange.feeds.get(feed) for feed in feeds] or exchange.feeds.all()
        found = [(feed, moderation.feed_trust(feed)) for feed in chosen]
    for feed, trust in found:
        if as_json:
            emit_json(followed_json(feed, trust))
        else:
            for line in status_lines(feed, trust):
                emit(line)
    if not found and not as_json:
        emit("no feed is trusted; `vhashdb trust add` begins")


def status_lines(feed: Feed, trust: FeedTrust) -> list[str]:
    """Return one feed in words."""
    lines = [f"{feed.id}  {trust.status.upper()}{f': {printable(trust.why)}' if trust.why else ''}"]
    behind = feed.head_seq - feed.seq
    read = f"read up to event {feed.seq:,}" + (f", {counted(behind, 'event')} behind its head" if behind > 0 else "")
    lines.append(f"  {read}{_ago(feed.synced_at, '; last new events')}{_ago(feed.checked_at, '; last asked')}")
    if feed.expires_at is not None and trust.status == "fresh":
        lines.append(f"  signed to be current until {feed.expires_at:%Y-%m-%d %H:%M} UTC")
    lines.append(f"  trusted up to {feed.trust}; its own policy allows {feed.max_action}; TLP {feed.tlp}")
    if trust.status in ("stale", "quarantined"):
        lines.append("  its last good state goes on matching, up to review")
    if trust.status == "suspected":
        lines.append(f"  its records match up to review; if you go on trusting it: vhashdb trust level {feed.id} {feed.trust}")
    if feed.trouble:
        lines.append(f"  the last sync failed: {printable(feed.trouble)}")
    if feed.skipped:
        lines.append(f"  {counted(feed.skipped, 'event')} that could not be understood")
    lines += [f"  {name}: {printable(text)}" for name, text in _words(feed).items() if text]
    return lines


def _words(feed: Feed) -> dict[str, Any]:
    evidence: dict[str, Any] = json.loads(feed.evidence)
    kept = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in evidence.items())
    return {"contact": feed.contact, "its publisher says": feed.note, "evidence": kept}


def _ago(at: datetime | None, what: str) -> str:
    if at is None:
        return ""
    minutes = int((datetime.now(UTC).replace(tzinfo=None) - at).total_seconds()) // 60
    if minutes < 1:
        return f"{what} just now"
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= 2 * size or size == 1:
            return f"{what} {counted(minutes // size, unit)} ago"
    return ""

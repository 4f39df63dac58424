"""Share records between companies: signed feeds of events, published as static files and pulled by whoever trusts them.

::

    pure    events      one line of a feed: a value, and its only form in bytes   (plain)
            lint        what free text may not say
            signals     fingerprints inside an event
            chain       history was only appended to
            state       what a sequence of events adds up to
            position    where a consumer stands, and whether a head goes on from there
            listing     what the signed metadata say of a feed and its files
            fetch_plan  which of the files to read
            incoming    verified events as rows for the database
            roster      who is a member of a federation
            transparency    figures as a report
            limits      every cap, in one dataclass
            reach       which hosts and addresses a feed may make us speak to
    both    segments    compressed files of lines, read under caps
            files       files of a feed on disk, hashed and locked
    writing publisher   one's own feed: publish, heartbeat, rotate, compact
            archive     its files; repository: its signed metadata; keys: what signs them; verify: looked at as a member
    reading client      a feed somewhere else: verified events, or the rule that was broken
            trust       the one place that asks The Update Framework
            transport   a web server or a folder; download: one file of it, bounded and resumed
            posting     sent to an address that people here named; fetching: a file of a host that they named
            budget      what a feed may still cost; connection: sockets that end when it does

    member  membership  all of it as one company sees it, on its database   (`Database.exchange`)
            sync        feeds brought up to date, read side_by_side; following: rosters
            pending_events  what one's own feed does not say yet
            importing   what a file of another format changes; exporting: which records leave in one

    others  formats     files of other exchanges, read into and written from one neutral value

The modules of a member use the database, which is `vhashdb.store`; the others know nothing of it. What a match may lead to, and
who counts once, is in `vhashdb.moderation`. The form of the files is in
``docs/feed-format.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.exchange.exporting import Export
    from vhashdb.exchange.fetching import fetched
    from vhashdb.exchange.following import Followed
    from vhashdb.exchange.importing import Attribution, Importer, ImportOutcome, Status, read_label_map
    from vhashdb.exchange.keys import ROLES, Keyring, make_key, read_key
    from vhashdb.exchange.limits import FeedLimits
    from vhashdb.exchange.listing import Listing, Policy
    from vhashdb.exchange.membership import Exchange
    from vhashdb.exchange.pending_events import PendingEvents
    from vhashdb.exchange.posting import post
    from vhashdb.exchange.publisher import Publisher
    from vhashdb.exchange.rostering import Checked, Roster, check_roster, listed_member, publish_roster, roster_of
    from vhashdb.exchange.sync import Synced
    from vhashdb.exchange.transparency import TRANSPARENCY_FORMATS
    from vhashdb.exchange.verify import Findings, verify_feed
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "exporting": "Export",
            "fetching": "fetched",
            "following": "Followed",
            "importing": "Attribution ImportOutcome Importer Status read_label_map",
            "rostering": "Checked Roster check_roster listed_member publish_roster roster_of",
            "keys": "Keyring ROLES make_key read_key",
            "limits": "FeedLimits",
            "listing": "Listing Policy",
            "membership": "Exchange",
            "pending_events": "PendingEvents",
            "posting": "post",
            "publisher": "Publisher",
            "sync": "Synced",
            "transparency": "TRANSPARENCY_FORMATS",
            "verify": "Findings verify_feed",
        },
    )

__all__ = [
    "ROLES",
    "TRANSPARENCY_FORMATS",
    "Attribution",
    "Checked",
    "Exchange",
    "Export",
    "FeedLimits",
    "Findings",
    "Followed",
    "ImportOutcome",
    "Importer",
    "Keyring",
    "Listing",
    "PendingEvents",
    "Policy",
    "Publisher",
    "Roster",
    "Status",
    "Synced",
    "check_roster",
    "fetched",
    "listed_member",
    "make_key",
    "post",
    "publish_roster",
    "read_key",
    "read_label_map",
    "roster_of",
    "verify_feed",
]

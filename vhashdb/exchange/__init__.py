"""How companies share records: signed feeds of events, published as static files and pulled by whoever trusts them.

::

    pure    events      one line of a feed: a value, and its only form in bytes   (checks, plain)
            lint        what free text may not say
            signals     fingerprints inside an event
            chain       history was only appended to
            state       what a sequence of events adds up to
            position    where a consumer stands, and whether a head goes on from there
            listing     what the signed metadata say of a feed and its files
            cover       which of the files to read
            outbox      own records that the feed has not told yet
            limits      every cap, in one dataclass
    both    segments    compressed files of lines, read under caps
            files       files that are whole or absent
    writing publisher   one's own feed: publish, heartbeat, rotate, compact
            archive     its files; repository: its signed metadata; keys: what signs them; verify: looked at as a member
    reading client      a feed somewhere else: verified events, or the rule that was broken
            trust       the one place that asks The Update Framework
            transport   a web server or a folder; download: one file of it, bounded and resumed

Nothing here knows the database. The form of the files is in ``docs/feed-format.md``.
"""

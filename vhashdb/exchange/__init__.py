"""How companies share records: signed feeds of events, published as static files and pulled by whoever trusts them.

::

    events     one line of a feed: a value, and its only form in bytes
    checks     what a value in it may be; plain: dataclasses as JSON values
    lint       what free text may not say
    signals    fingerprints inside an event
    chain      history was only appended to
    position   where a consumer is in a history, and whether a head goes on from there
    state      what a sequence of events adds up to
    segments   compressed files of lines, read under caps
    limits     every cap, in one dataclass
    keys       key files and signer URIs
    publisher  a feed on disk: a TUF repository
    client     a feed somewhere else: verified lines, or the rule that was broken
    formats    files of other exchanges: read into, and written from, one neutral value
    importing  what such a file changes in the database; exporting: which records leave it

Nothing but the last line knows the database. The form of the files is in ``docs/feed-format.md``.
"""

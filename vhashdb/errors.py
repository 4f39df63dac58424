"""Every error vhashdb raises, in one tree.

::

    VhashdbError
    ├── UsageError (ValueError)                 the call itself is wrong
    │   ├── RecordNotFound (LookupError)        no record has that id
    │   ├── EventInvalid                        not what a feed may say
    │   └── KeyUnusable                         a signing key cannot be used
    ├── FingerprintError (ValueError)           bytes or text that are no fingerprint
    │   └── AlgorithmMismatch                   two algorithms or versions mixed
    ├── FormatError (ValueError)                a file of others that cannot be read
    ├── MediaError                              one input cannot be fingerprinted
    │   ├── MediaNotFound (FileNotFoundError)   no such file
    │   ├── NotMedia (ValueError)               the file is not a video or an image
    │   ├── UnreadableMedia (ValueError)        a video, but no frame can be decoded
    │   ├── LimitExceeded                       larger than the limits allow
    │   └── DecoderFailed                       the decoder process died or hung
    ├── DatabaseError                           the database cannot be used
    │   ├── DatabaseNotFound (FileNotFoundError)
    │   ├── DatabaseExists (FileExistsError)
    │   ├── DatabaseEmpty
    │   ├── NotADatabase (ValueError)
    │   ├── SchemaTooNew
    │   ├── DatabaseLocked (TimeoutError)
    │   ├── DatabaseUnreachable (ConnectionError)
    │   ├── IndexUnavailable (ConnectionError)  not all of a shared index answers
    │   └── DatabaseDamaged
    └── FeedError                               a feed breaks a rule of the exchange
        ├── FeedUnreachable (ConnectionError)   it cannot be read at all
        ├── FeedSignature                       too few valid signatures of its keys
        ├── FeedExpired                         its statement of what is current is too old
        ├── FeedRollback                        it shows an older state than before
        ├── FeedFork                            it shows another history than before
        ├── FeedGap                             sequence numbers with a gap, a repeat or out of order
        ├── FeedDigest                          a file is not the one that was signed
        ├── FeedOversize                        larger than the limits allow
        ├── FeedBusy (TimeoutError)             another process publishes or fetches it
        ├── FeedIllegalStub                     an erased line without the retraction that allows it
        └── FeedMalformed (ValueError)          bytes that are no feed

An error's message says what happened and to what; its ``hint`` says what to do next. Each error that has a built-in counterpart is
also that built-in, so ``except FileNotFoundError`` works as one would expect.
"""

from __future__ import annotations

__all__ = [
    "AlgorithmMismatch",
    "DatabaseDamaged",
    "DatabaseEmpty",
    "DatabaseError",
    "DatabaseExists",
    "DatabaseLocked",
    "DatabaseNotFound",
    "DatabaseUnreachable",
    "DecoderFailed",
    "EventInvalid",
    "FeedBusy",
    "FeedDigest",
    "FeedError",
    "FeedExpired",
    "FeedFork",
    "FeedGap",
    "FeedIllegalStub",
    "FeedMalformed",
    "FeedOversize",
    "FeedRollback",
    "FeedSignature",
    "FeedUnreachable",
    "FingerprintError",
    "FormatError",
    "IndexUnavailable",
    "KeyUnusable",
    "LimitExceeded",
    "MediaError",
    "MediaNotFound",
    "NotADatabase",
    "NotMedia",
    "RecordNotFound",
    "SchemaTooNew",
    "UnreadableMedia",
    "UsageError",
    "VhashdbError",
]


class VhashdbError(Exception):
    """Base of all errors of this library."""

    hint: str = ""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:  # KeyError and OSError would format their arguments differently
        return self.message


class UsageError(VhashdbError, ValueError):
    """An argument has a value that cannot be used."""

    hint = "the docstring of what was called says what is accepted"


class RecordNotFound(UsageError, LookupError):
    """No record has the given id, or a shortened id fits more than one."""

    hint = "list the records to see their ids"


class EventInvalid(UsageError):
    """An event breaks the closed schema of feeds, or its text says what a feed may not say."""

    hint = "correct what is said of the record; docs/feed-format.md has the rules"


class KeyUnusable(UsageError):
    """A signing key is missing, its passphrase is wrong, or it is not a key of the feed."""

    hint = "check the key's path and passphrase"


class FingerprintError(VhashdbError, ValueError):
    """Bytes or text are not a fingerprint, or are a damaged one."""

    hint = "make the fingerprint again with `vhashdb.fingerprint`"


class AlgorithmMismatch(FingerprintError):
    """Two fingerprints of different algorithms, bit counts or spec versions were mixed."""

    hint = "fingerprint the video again with the algorithm of the database"


class FormatError(VhashdbError, ValueError):
    """A file to be imported is of no known format, or is damaged as a whole."""

    hint = "name the format; `vhashdb.exchange.formats.READ` lists them"


class MediaError(VhashdbError):
    """One input cannot be fingerprinted; other inputs are not affected."""

    hint = "check the file, or get it again; a person has to look at it until then"


class MediaNotFound(MediaError, FileNotFoundError):
    """The input file does not exist or cannot be opened."""

    hint = "check the path and its permissions"


class NotMedia(MediaError, ValueError):
    """The input is not a video or an image in any known format."""

    hint = "give a video or an image file"


class UnreadableMedia(MediaError, ValueError):
    """The input is a media file, but not one picture of it can be decoded."""

    hint = "check that the file is complete and not encrypted"


class LimitExceeded(MediaError):
    """The input exceeds one of the configured limits."""

    hint = "raise the limit if the file is meant to be this large"


class DecoderFailed(MediaError):
    """The isolated decoder process died or stopped answering on this input."""

    hint = "the file may be damaged or hostile; the rest of the batch is not affected"


class DatabaseError(VhashdbError):
    """The database cannot be used."""

    hint = "check the path, its permissions and the disk"


class DatabaseNotFound(DatabaseError, FileNotFoundError):
    """There is nothing at the database's path."""

    hint = "make one with `vhashdb.create`, or open another"


class DatabaseExists(DatabaseError, FileExistsError):
    """There is already something at the path of a database to be made."""

    hint = "choose another path; an existing database is never overwritten"


class DatabaseEmpty(DatabaseError):
    """The database holds no active record, so an answer would mean nothing."""

    hint = "add known videos first with `Database.add`"


class NotADatabase(DatabaseError, ValueError):
    """The path exists but is not a vhashdb database."""

    hint = "a database is a folder made by `vhashdb.create`"


class SchemaTooNew(DatabaseError):
    """The database was written by a newer version of vhashdb."""

    hint = "upgrade vhashdb to open it"


class DatabaseLocked(DatabaseError, TimeoutError):
    """Another process is writing to the database."""

    hint = "wait for the other process to finish, or raise the lock timeout"


class DatabaseUnreachable(DatabaseError, ConnectionError):
    """The server that has the database does not answer, or went away."""

    hint = "check the server, the URL and the password"


class IndexUnavailable(DatabaseError, ConnectionError):
    """The index, or a part of it on another machine, does not answer, or has not what was written last."""

    hint = "ask again; if it goes on, look which shards of the cluster are missing"


class DatabaseDamaged(DatabaseError):
    """The database file is corrupt."""

    hint = "check it with `Database.check`, or restore the folder from a backup"


class FeedError(VhashdbError):
    """A feed breaks a rule of the exchange; what was accepted from it before stays as it was.

    Each subclass is one rule, and its first sentence says in words which.
    """

    hint = "tell the publisher; what was accepted from the feed before goes on matching"

    @property
    def rule(self) -> str:
        """The rule that was broken, in one sentence."""
        return (type(self).__doc__ or "").partition("\n")[0]


class FeedBusy(FeedError, TimeoutError):
    """Another process works on the same feed."""

    hint = "wait for it to finish"


class FeedUnreachable(FeedError, ConnectionError):
    """The feed, or one file of it, cannot be read."""

    hint = "check the address and the network; a later run goes on where this one ended"


class FeedSignature(FeedError):
    """Fewer valid signatures than the feed's root of trust demands."""

    hint = "do not trust this copy; ask the publisher over another channel"


class FeedExpired(FeedError):
    """The feed's signed statement of what is current is out of date, so a retraction may be missing."""

    hint = "the publisher has to call `Publisher.heartbeat`; also check the clock of this machine"


class FeedRollback(FeedError):
    """The feed shows an older state than was seen before."""

    hint = "ask the publisher over another channel; a mirror may be stale"


class FeedFork(FeedError):
    """The feed shows a history that differs from the one seen before."""

    hint = "keep the evidence and ask the publisher over another channel"


class FeedGap(FeedError):
    """Sequence numbers of the feed have a gap, a repeat, or are out of order."""

    hint = "tell the publisher; nothing of this download was used"


class FeedDigest(FeedError):
    """A file of the feed is not the one that was signed."""

    hint = "the copy or the transfer is damaged; try again, or another mirror"


class FeedOversize(FeedError):
    """A file, a line or a count of the feed is larger than the limits allow."""

    hint = "raise the limit in `vhashdb.exchange.FeedLimits` only if the publisher confirms the size"


class FeedIllegalStub(FeedError):
    """The feed erased a line without the retraction that allows it."""

    hint = "keep the evidence and ask the publisher over another channel"


class FeedMalformed(FeedError, ValueError):
    """Bytes of the feed are not of the form that `docs/feed-format.md` describes."""

    hint = "tell the publisher; a newer vhashdb may be needed"

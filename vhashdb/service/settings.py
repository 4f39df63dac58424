"""What an operator chooses about a service, with units."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vhashdb.limits import Limits
from vhashdb.review import REASONS, Act


@dataclass(frozen=True)
class ServiceSettings:
    """Say how one database is served."""

    database: Path | str
    """A folder, or the URL of a database on PostgreSQL, which several services may serve at the same time: its fronts."""
    local: Path | None = None
    """Folder that has what this machine keeps of a database on PostgreSQL; None: the usual one."""
    uploads: Path | None = None
    """Folder of uploads of such a database, which fronts may share; None: within `local`. A folder has its own."""
    gone_s: float = 30.0
    """Seconds without a sign of another front after which it is taken for gone. Engineering bound: a server has a successor by then."""
    limits: Limits = field(default_factory=Limits)
    """Of decoding one file."""
    cluster: str | None = None
    """Address of the cluster whose shards are asked, such as ``10.0.0.1:6379``; None: indexes of this machine."""
    partial: bool = False
    """Of a cluster: answer without shards that are missing, and say so in the answer; else such a question is not answered."""
    lock_timeout_s: float = 10.0
    """How long a request waits while another process writes."""
    cache: Path | None = None
    """Folder for fingerprints of files that were asked about; None: none are kept."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Files that are decoded at the same time."""
    lookup_processes: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes that answer questions about hashes; 0: they are answered in this one."""
    most_waiting: int = 256
    """Uploads and questions that wait for a worker; more are turned away, to come again."""
    upload_bytes: int = 2 << 30
    """Bytes of one upload, whatever its key allows."""
    quota_bytes: int = 20 << 30
    """Bytes of all uploads on disk."""
    slowest_bytes_per_s: int = 1 << 10
    """Of an upload: slower ones are ended, after half a minute."""
    kept_s: float = 24 * 3600.0
    """For how long an answer can be fetched that nobody has to decide about."""
    undo_s: float = 15 * 60.0
    """For how long the file of a decided case stays, so that the decision can be taken back."""
    webhook_hosts: tuple[str, ...] = ()
    """Hosts, as ``host`` or ``host:port``, that webhooks may lead to although they are inside: of this machine or its network."""
    fetch_hosts: tuple[str, ...] = ()
    """Hosts, as ``host`` or ``host:port``, from which a file is fetched that a client of HMA names by its address; none unless named."""
    roots: tuple[Path, ...] = ()
    """Folders of this machine whose files may be asked about by path; none unless named."""
    require_key: bool = True
    """Whether every request needs a key. Without it whoever reaches the port may do everything."""
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """Names under which the service is reached; a request to another is turned away. ``*``: any."""
    secure: bool = False
    """Whether browsers reach it over TLS alone, so that cookies may say so."""
    session_idle_s: float = 30 * 60.0
    """After which a session that is not used ends."""
    session_s: float = 12 * 3600.0
    """After which a session ends."""
    severe_reminder: int = 20
    """Severe cases in one sitting after which a moderator is reminded to pause; 0: never."""

    reasons: Mapping[Act, Sequence[str]] = field(default_factory=lambda: REASONS)
    """Reasons for decisions to choose from, by act."""

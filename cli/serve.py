"""`vhashdb serve`: the database over HTTP."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from vhashdb.errors import DatabaseNotFound, UsageError

from .common import cache_option, cluster_address, db_option, local_folder, lock_timeout_s, warn_of_variables, workers_option
from .limits import Amount, limit_options, limits
from .output import say
from .settings import CLUSTER_VARIABLE, NO_CACHE, read_reasons

_BYTES: Final = Amount({"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}, 1, "2G")


@click.command(short_help="Serve the database over HTTP, for programs and for people in a browser.")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, metavar="N", help="Port to listen on; 0: any.")
@click.option("--name", "names", multiple=True, metavar="HOST", help="Name under which it is reached; may be given several times.")
@click.option("--tls-certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help="Certificate (PEM).")
@click.option("--tls-key", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE", help="Its private key, in PEM.")
@click.option("--behind-tls", is_flag=True, help="A proxy in front speaks TLS with whoever asks, so that cookies may say so.")
@click.option("--proxy", "proxies", multiple=True, metavar="ADDRESS", help="Proxy whose word for who asks is taken.")
@click.option("--no-keys", is_flag=True, help="Whoever reaches it may do everything; only on 127.0.0.1.")
@click.option(
    "--allow-path", "roots", multiple=True, type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR",
    help="Folder whose files may be asked about by path.",
)  # fmt: skip
@click.option("--max-upload", type=_BYTES, default="2G", show_default=True, metavar="SIZE", help="Bytes of one upload.")
@click.option("--quota", type=_BYTES, default="20G", show_default=True, metavar="SIZE", help="Bytes of all uploads that are kept.")
@click.option(
    "--uploads", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="Folder of uploads, with --db URL; fronts that share it show each other's.",
)  # fmt: skip
@click.option(
    "--pause-after", type=click.IntRange(0), default=20, show_default=True, metavar="N",
    help="Severe cases after which the console reminds a moderator to pause; 0: never.",
)  # fmt: skip
@click.option(
    "--cluster", metavar="ADDRESS", default=cluster_address, show_default=CLUSTER_VARIABLE,
    help="Ask the shards of this cluster, such as 10.0.0.1:6379, and keep no index here.",
)  # fmt: skip
@click.option("--partial", is_flag=True, help="Of a cluster: answer without missing shards, and say that it is incomplete.")
@click.option("--webhook-host", "webhook_hosts", multiple=True, metavar="HOST", help="Host of the own network that webhooks may lead to.")
@click.option("--fetch-host", "fetch_hosts", multiple=True, metavar="HOST", help="Host of which HMA's clients may have files fetched.")
@click.option("--log", "log_form", type=click.Choice(("text", "json")), default="text", show_default=True, help="Form of the log.")
@db_option
@cache_option
@workers_option
@limit_options
def command(
    db: Path | str,
    cache: str,
    workers: int,
    host: str,
    port: int,
    names: tuple[str, ...],
    tls_certificate: Path | None,
    tls_key: Path | None,
    behind_tls: bool,
    proxies: tuple[str, ...],
    no_keys: bool,
    roots: tuple[Path, ...],
    max_upload: int,
    quota: int,
    uploads: Path | None,
    pause_after: int,
    cluster: str | None,
    partial: bool,
    webhook_hosts: tuple[str, ...],
    fetch_hosts: tuple[str, ...],
    log_form: str,
) -> None:
    """Serve the database over HTTP: an API for programs, and a console for people in a browser.

    Requests need a key, which `vhashdb key add` makes. Without one, on this machine alone, there is --no-keys.
    SIGTERM ends it, once what is being answered is answered. Of a database on PostgreSQL
    several may run at the same time, behind a balancer. With --cluster, questions go to the
    shards that `vhashdb cluster start` runs.

    \b
    Example:
      vhashdb serve --no-keys
      vhashdb serve --db postgresql+psycopg://db.example.org/hashes --cluster 10.0.0.1:6379
      vhashdb serve --host 0.0.0.0 --name hashes.example.org --tls-certificate chain.pem --tls-key key.pem
    """
    warn_of_variables()
    if isinstance(db, Path) and not db.exists():
        raise DatabaseNotFound(f"there is no database at {db}")
    if isinstance(db, Path) and uploads is not None:
        raise click.UsageError("--uploads belongs to a database on PostgreSQL; a folder has its uploads in it")
    if partial and cluster is None:
        raise click.UsageError(f"--partial is of a cluster: name it with --cluster or {CLUSTER_VARIABLE}")
    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key belong together")
    try:
        from vhashdb.service import Listening, ServiceSettings, log_to, serve
    except ImportError as error:
        raise UsageError(f"the service is not installed: {error}", hint="pip install 'vhashdb[serve]'") from error
    from .review.running import reasons_of

    usual, local = ServiceSettings(db), local_folder()
    settings = ServiceSettings(
        db.resolve() if isinstance(db, Path) else db,
        local=Path(local) if local is not None else None,
        uploads=uploads.absolute() if uploads is not None else None,
        cluster=cluster,
        partial=partial,
        limits=limits(),
        lock_timeout_s=lock_timeout_s(),
        cache=None if cache == NO_CACHE else Path(cache),
        workers=workers,
        lookup_processes=workers,
        upload_bytes=max_upload,
        quota_bytes=quota,
        webhook_hosts=webhook_hosts,
        fetch_hosts=fetch_hosts,
        roots=roots,
        require_key=not no_keys,
        hosts=(*usual.hosts, host, *names),
        severe_reminder=pause_after,
        secure=tls_certificate is not None or behind_tls,
        reasons=reasons_of(read_reasons()),
    )
    listening = Listening(host, port, tls_certificate, tls_key, proxies)
    with log_to(sys.stderr, as_json=log_form == "json"):
        serve(settings, listening, started=lambda address: say(f"serving {db} at {address}; Ctrl-C ends it"))

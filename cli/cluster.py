"""`vhashdb cluster`: the index of a database on several machines."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from .common import cluster_address, db_option
from .help import Group
from .limits import Amount
from .output import counted, emit, printable, say
from .settings import CLUSTER_VARIABLE

if TYPE_CHECKING:
    from vhashdb.cluster import Deployment, Generation, Layout

_BYTES: Final = Amount({"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}, 0, "24G")
_SECONDS: Final = Amount({"": 1, "s": 1, "m": 60, "h": 3600}, 1, "2h")


@click.group(cls=Group, short_help="Spread the index of a database over several machines.")
def command() -> None:
    """Spread the index of a database over several machines, with Ray.

    Who sets VHASHDB_CLUSTER to the cluster's address asks the shards that run there, with any verb; `match` first of all.

    \b
    Example:
      vhashdb cluster status
    """


def _deployment_options(function: Callable[..., None]) -> Callable[..., None]:
    """The cluster and the database, for a function that takes the deployment there."""

    @click.option(
        "--address", metavar="ADDRESS", default=cluster_address, show_default=CLUSTER_VARIABLE, help="The cluster, such as 10.0.0.1:6379."
    )
    @db_option
    @functools.wraps(function)
    def with_deployment(address: str | None, db: Path | str, **options: object) -> None:
        from vhashdb.cluster import Deployment
        from vhashdb.errors import UsageError

        if not address:
            raise UsageError("no cluster is named", hint=f"give --address, or set {CLUSTER_VARIABLE}")
        function(Deployment(address, str(db)), **options)

    return with_deployment


def _layout_options(function: Callable[..., None]) -> Callable[..., None]:
    """How the index is to be spread, for a function that takes a deployment, the layout and the seconds to wait for it."""

    @click.option("--shards", type=click.IntRange(1, 1000), required=True, metavar="N", help="Parts that the index is divided into.")
    @click.option("--replicas", type=click.IntRange(1, 100), default=2, show_default=True, metavar="N", help="Copies of each.")
    @click.option("--cpus", type=click.FloatRange(0), default=1.0, show_default=True, metavar="N", help="Processors for each copy.")
    @click.option("--memory", type=_BYTES, default=None, metavar="SIZE", help="Memory set aside for each copy.")
    @click.option("--apart", is_flag=True, help="Never two copies of one shard on one machine.")
    @click.option("--wait", type=_SECONDS, default="24h", show_default=True, metavar="TIME", help="Time until all have to answer.")
    @_deployment_options
    @functools.wraps(function)
    def with_layout(deployment: Deployment, shards: int, replicas: int, cpus: float, memory: int | None, apart: bool, wait: int) -> None:
        from vhashdb.cluster import Layout

        function(deployment, Layout(shards, replicas, cpus, memory or 0, apart), wait)

    return with_layout


def _progress(generation: Generation) -> None:
    say(f"generation {generation.number}: {len(generation.ready)} of {counted(generation.shards, 'shard')} answer")


@command.command("start", short_help="Run the index in shards.")
@_layout_options
def start(deployment: Deployment, layout: Layout, wait: int) -> None:
    """Run the index in shards, and wait until all of them answer.

    Each machine makes its own on its disk, from the records; where they are there from before, only what is new is read.

    \b
    Example:
      vhashdb cluster start --shards 4 --address 10.0.0.1:6379
      vhashdb cluster start --shards 10 --replicas 2 --cpus 4 --memory 16G --apart
    """
    _said(deployment.start(layout, wait_s=wait, progress=_progress))


@command.command("reshard", short_help="Divide the index anew while it is asked.")
@_layout_options
def reshard(deployment: Deployment, layout: Layout, wait: int) -> None:
    """Run the index in other shards beside the ones that answer, and stop these when all of the new ones do.

    Until then there has to be room for both. If the new ones are not ready in time, everything stays as it was.

    \b
    Example:
      vhashdb cluster reshard --shards 8 --address 10.0.0.1:6379
      vhashdb cluster reshard --shards 8 --replicas 3 --apart
    """
    _said(deployment.reshard(layout, wait_s=wait, progress=_progress))


@command.command("upgrade", short_help="Replace all copies by new ones, shard after shard.")
@_layout_options
def upgrade(deployment: Deployment, layout: Layout, wait: int) -> None:
    """Replace all copies by new ones, of the version that is installed now, shard after shard while they are asked.

    A new copy answers before an old one ends, so there has to be room for the copies of one shard twice.

    \b
    Example:
      vhashdb cluster upgrade --shards 4 --address 10.0.0.1:6379
      vhashdb cluster upgrade --shards 10 --replicas 2 --cpus 4 --memory 16G --apart
    """
    _said(deployment.upgrade(layout, wait_s=wait, progress=_progress))


@command.command("status", short_help="Show which shards run.")
@_deployment_options
def status(deployment: Deployment) -> None:
    """Show which shards run, and how many copies of each.

    A shard is ready if one copy of it answers. Shards of a generation that is being made are not asked until all of them are ready.

    \b
    Example:
      vhashdb cluster status --address 10.0.0.1:6379
    """
    lines = deployment.status()
    for line in lines:
        asked = "" if line["asked"] else "  not asked"
        why = f"  {printable(line['message'])}" if line["message"] and not line["ready"] else ""
        ready = "READY" if line["ready"] else "MISSING"
        emit(f"generation {line['generation']}  shard {line['shard']} of {line['shards']}  {ready:<7}  "
             f"copies: {line['replicas']}{asked}{why}")  # fmt: skip
    if not lines:
        say("no shard of this database runs in the cluster")


@command.command("stop", short_help="Stop all shards of the database.")
@_deployment_options
def stop(deployment: Deployment) -> None:
    """Stop all shards of the database.

    Their files stay on the machines' disks for the next start. Whoever asks meanwhile gets an error, and never "no match".

    \b
    Example:
      vhashdb cluster stop --address 10.0.0.1:6379
    """
    deployment.stop()


def _said(generation: Generation) -> None:
    emit(f"generation {generation.number} answers in {counted(generation.shards, 'shard')}")

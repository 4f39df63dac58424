"""Spread the work of one database over several machines, with Ray; PostgreSQL stays the only truth.

::

    shard        `IndexShard`: the index of a share of the records, which follows the store
    sharded      `ShardedSearcher`: all shards asked, and what they answer merged
    generations  names of what runs, and which of it is asked                             pure
    deploying    `Deployment`: shards run on Ray Serve: start, reshard, upgrade, stop
    asking       `connect`: the shards of a cluster for `vhashdb.open`
    ray_cluster  a cluster joined

Nothing here is needed on one machine, and Ray is loaded only when a cluster is joined: install `vhashdb[cluster]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.cluster.asking import connect
    from vhashdb.cluster.deploying import Deployment, Layout
    from vhashdb.cluster.generations import Generation
else:
    __getattr__ = lazy_names(__name__, {"asking": "connect", "deploying": "Deployment Layout", "generations": "Generation"})

__all__ = ["Deployment", "Generation", "Layout", "connect"]

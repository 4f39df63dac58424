"""Spread the work of one database over several machines; PostgreSQL stays the only truth.

::

    shard        `IndexShard`: the index of a share of the records, which follows the store
    sharded      `ShardedSearcher`: all shards asked, and what they answer merged
    generations  names of what runs, and which of it is asked                             pure
    deploying    `Deployment`: shards run on Ray Serve: start, reshard, upgrade, stop
    patience     how long each shard is waited for                                        pure
    asking       `connect`: the shards of a cluster for `vhashdb.open`
    ray_cluster  a cluster joined
    places       buckets, addresses and folders that files are read from
    worker       one file of a job after the other
    bulk         jobs over many files: begun, run by workers here or on Ray, finished
    results      the answers of a job, written once

Nothing here is needed on one machine, and Ray is loaded only when a cluster is joined: install `vhashdb[cluster]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vhashdb.lazy import lazy_names

if TYPE_CHECKING:
    from vhashdb.cluster.asking import connect
    from vhashdb.cluster.bulk import Crew, begin, finish, run
    from vhashdb.cluster.deploying import Deployment, Layout
    from vhashdb.cluster.generations import Generation
    from vhashdb.cluster.places import is_place
    from vhashdb.cluster.results import write_results
    from vhashdb.cluster.worker import options_of_adding, options_of_asking
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "asking": "connect",
            "bulk": "Crew begin finish run",
            "deploying": "Deployment Layout",
            "generations": "Generation",
            "places": "is_place",
            "results": "write_results",
            "worker": "options_of_adding options_of_asking",
        },
    )

__all__ = [
    "Crew", "Deployment", "Generation", "Layout", "begin", "connect", "finish", "is_place", "options_of_adding", "options_of_asking",
    "run", "write_results",
]  # fmt: skip

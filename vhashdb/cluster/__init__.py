"""Spread the work of one database over several machines, with Ray; PostgreSQL stays the only truth.

Nothing here is needed on one machine, and `ray` is loaded only when something here is used: install `vhashdb[cluster]`.
"""

from __future__ import annotations

__all__: list[str] = []

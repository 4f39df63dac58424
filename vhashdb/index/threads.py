"""How many threads FAISS may take."""

from __future__ import annotations

from typing import Final

import faiss

ALL: Final = faiss.omp_get_max_threads()
_MANY_PAIRS: Final = 1 << 30


def for_pairs(count: int) -> None:
    """Allow the next scan of this thread one thread, or all for very many pairs of hashes.

    Files are searched for in parallel already; waking more threads for a small scan costs more than it saves.
    """
    faiss.omp_set_num_threads(1 if count < _MANY_PAIRS else ALL)

"""Turn pictures into hashes, through many views of each, and say how alike two hashes are."""

from vhashdb.hashing.algorithms import NAMES, AlgorithmId, Pdq, PdqHash

__all__ = ["NAMES", "AlgorithmId", "Pdq", "PdqHash"]

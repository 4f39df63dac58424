"""Turn pictures into hashes, through many views of each, and say how alike two hashes are."""

from vhashdb.hashing.algorithms import NAMES, AlgorithmId, Pdq, PdqHash
from vhashdb.hashing.outline import Outline

__all__ = ["NAMES", "AlgorithmId", "Outline", "Pdq", "PdqHash"]

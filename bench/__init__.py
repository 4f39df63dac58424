"""Benchmarks; see README.md."""

import os

# As in the decoder process. Has to be said before NumPy is loaded.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

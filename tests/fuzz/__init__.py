"""Mutated files of every kind that vhashdb reads, given to the real program; ``python -m tests.fuzz`` runs it."""

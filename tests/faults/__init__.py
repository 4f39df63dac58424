"""Faults on purpose: killed processes, full disks, read-only file systems, wrong clocks, crowds. `make faults` runs many."""

"""Benchmarks: each measures our work and the limit of this machine for it, turn by turn in one run."""

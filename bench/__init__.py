"""Measures polis beside its peers, in one run, on one machine."""

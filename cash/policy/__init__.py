"""Policies: rules in YAML, and the pure function that judges by them.

Importing this is light: what judges is in cash.policy.judge, what loads in cash.policy.load.
"""

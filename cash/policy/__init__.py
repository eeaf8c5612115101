"""Policies: rules in YAML, and the pure function that judges by them."""

from __future__ import annotations

from cash.policy.judgement import judge_line, judging
from cash.policy.policy import Policy

__all__ = ["Policy", "judge_line", "judging"]

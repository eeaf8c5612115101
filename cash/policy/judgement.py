"""The former name of cash.policy.judge."""

from __future__ import annotations

from cash.policy.judge import judge_line, judging

__all__ = ["judge_line", "judging"]

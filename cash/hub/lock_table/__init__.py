"""The lock table: what each git operation writes of what worktrees share (seen by strace, git
2.39). What is not listed is not known, and needs everything.

Index, HEAD, MERGE_HEAD and the like belong to one worktree and loose objects to nobody: they need
no lock.
"""

from __future__ import annotations

from cash.hub.lock_table.case import Surroundings
from cash.hub.lock_table.table import need_of

__all__ = ["Surroundings", "need_of"]

"""The rewriters rules may name: `rewrite: NAME`."""

from __future__ import annotations

from cash.policy.rewriters.node import rewrite_to_pnpm
from cash.policy.rewriters.result import Rewriter

REWRITERS: dict[str, Rewriter] = {
    "pnpm": rewrite_to_pnpm,
}

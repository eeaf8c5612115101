"""polis approvals: the table of its commands."""

from __future__ import annotations

from cash.cli.table import Table

command = Table(
    name="approvals",
    help="See and answer what agents ask. Without a command: list.",
    entries={
        "list": "cash.cli.approvals.list",
        "allow": "cash.cli.approvals.allow",
        "deny": "cash.cli.approvals.deny",
    },
    default="list",
    examples=("polis approvals", "polis approvals allow q1", "polis approvals deny q2"),
)

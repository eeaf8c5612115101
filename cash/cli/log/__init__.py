"""polis log: the table of its commands."""

from __future__ import annotations

from cash.cli.table import Table

command = Table(
    name="log",
    help="Read the journal. Without a command: show it.",
    entries={
        "show": "cash.cli.log.show",
        "verify": "cash.cli.log.verify",
        "prune": "cash.cli.log.prune",
    },
    default="show",
    examples=("polis log", "polis log --agent alice --follow", "polis log verify"),
)

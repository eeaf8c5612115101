"""polis config: the table of its commands."""

from __future__ import annotations

from cash.cli.table import Table

command = Table(
    name="config",
    help="See and change settings. Without a command: list.",
    entries={
        "list": "cash.cli.config.list",
        "get": "cash.cli.config.get",
        "set": "cash.cli.config.set",
        "unset": "cash.cli.config.unset",
    },
    default="list",
    examples=(
        "polis config --origin",
        "polis config set ask-seconds 300",
        "polis config unset ask-seconds",
        "POLIS_ASK_SECONDS=5 polis up",
    ),
)

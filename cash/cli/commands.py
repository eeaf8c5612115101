"""All commands of `polis`, in the order in which a newcomer meets them."""

from __future__ import annotations

from cash.cli.table import Table
from cash.cli.version import version_option

polis = Table(
    name="polis",
    help="A governed shell for coding agents, and the workspaces they run in.",
    entries={
        "init": "cash.cli.init",
        "agents": "cash.cli.agents",
        "shell": "cash.cli.shell",
        "exec": "cash.cli.exec",
        "git": "cash.cli.git",
        "write": "cash.cli.write",
        "approvals": "cash.cli.approvals",
        "reserve": "cash.cli.reserve",
        "release": "cash.cli.release",
        "locks": "cash.cli.locks",
        "conflicts": "cash.cli.conflicts",
        "policy": "cash.cli.policy",
        "hook": "cash.cli.hook",
        "mcp": "cash.cli.mcp",
        "log": "cash.cli.log",
        "undo": "cash.cli.undo",
        "blame": "cash.cli.blame",
        "doctor": "cash.cli.doctor",
        "up": "cash.cli.up",
        "down": "cash.cli.down",
        "config": "cash.cli.config",
        "completion": "cash.cli.completion",
        "uninstall": "cash.cli.uninstall",
        "version": "cash.cli.version",
        "tour": "cash.cli.tour",
        "cash": "cash.cli.cash",
    },
    # make demo's, and what the program `cash` stands for.
    hidden_entries=frozenset({"tour", "cash"}),
    examples=(
        "polis init                    # adopt the repository you stand in",
        "polis agents add alice",
        "polis shell alice",
    ),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
version_option(polis)

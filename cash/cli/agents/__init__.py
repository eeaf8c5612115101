"""polis agents: the table of its commands."""

from __future__ import annotations

from cash.cli.table import Table

command = Table(
    name="agents",
    help="Add, see and remove agents.",
    entries={
        "add": "cash.cli.agents.add",
        "setup": "cash.cli.agents.setup",
        "list": "cash.cli.agents.list",
        "show": "cash.cli.agents.show",
        "explain": "cash.cli.agents.explain",
        "path": "cash.cli.agents.path",
        "shell": "cash.cli.agents.shell",
        "diff": "cash.cli.agents.diff",
        "merge": "cash.cli.agents.merge",
        "pr": "cash.cli.agents.pr",
        "discard": "cash.cli.agents.discard",
        "stop": "cash.cli.agents.stop",
        "remove": "cash.cli.agents.remove",
        "providers": "cash.cli.agents.providers",
        "login": "cash.cli.agents.login",
        "logout": "cash.cli.agents.logout",
        "accounts": "cash.cli.agents.accounts",
    },
    examples=("polis agents add alice", "polis agents list", "cd $(polis agents path alice)"),
)

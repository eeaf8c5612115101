"""polis agents: the table of its commands."""

from __future__ import annotations

from cash.cli.table import Table

command = Table(
    name="agents",
    help="Add agents, put them to work, see what they do.",
    entries={
        "add": "cash.cli.agents.add",
        "setup": "cash.cli.agents.setup",
        "list": "cash.cli.agents.list",
        "show": "cash.cli.agents.show",
        "explain": "cash.cli.agents.explain",
        "path": "cash.cli.agents.path",
        "locks": "cash.cli.locks",
        "shell": "cash.cli.agents.shell",
        "run": "cash.cli.agents.run",
        "prompt": "cash.cli.agents.prompt",
        "attach": "cash.cli.agents.attach",
        "watch": "cash.cli.agents.watch",
        "logs": "cash.cli.agents.logs",
        "wait": "cash.cli.agents.wait",
        "start": "cash.cli.agents.start",
        "diff": "cash.cli.agents.diff",
        "merge": "cash.cli.agents.merge",
        "pr": "cash.cli.agents.pr",
        "discard": "cash.cli.agents.discard",
        "stop": "cash.cli.agents.stop",
        "pause": "cash.cli.agents.pause",
        "resume": "cash.cli.agents.resume",
        "broadcast": "cash.cli.agents.broadcast",
        "multi": "cash.cli.agents.multi",
        "fanout": "cash.cli.agents.fanout",
        "remove": "cash.cli.agents.remove",
        "providers": "cash.cli.agents.providers",
        "login": "cash.cli.agents.login",
        "logout": "cash.cli.agents.logout",
        "accounts": "cash.cli.agents.accounts",
    },
    examples=(
        "polis agents add alice --provider claude",
        'polis agents run alice "fix the login bug"',
        "polis agents list",
        "cd $(polis agents path alice)",
    ),
)

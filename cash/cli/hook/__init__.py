"""polis hook: the table of its commands."""

from __future__ import annotations

from cash.cli.table import Table

command = Table(
    name="hook",
    help="Hooks of agents' own programs and of your shell: put them in, and what they run.",
    entries={
        "install": "cash.cli.hook.install",
        "remove": "cash.cli.hook.remove",
        "shell": "cash.cli.hook.shell",
        "claude": "cash.cli.hook.events:claude",
        "codex": "cash.cli.hook.events:codex",
        "gemini": "cash.cli.hook.events:gemini",
        "cursor": "cash.cli.hook.events:cursor",
        "copilot": "cash.cli.hook.events:copilot",
    },
    examples=(
        "polis hook install claude --agent alice",
        "polis hook remove claude --agent alice",
        "polis hook install claude --user   # in your own settings",
        'eval "$(polis hook shell bash)"     # your own git, under the mutex',
    ),
)

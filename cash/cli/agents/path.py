"""polis agents path: where an agent's tree is."""

from __future__ import annotations

from cash.cli.calls import agent_argument, ask
from cash.cli.printing import print_text
from cash.cli.table import command as make_command


@make_command("cd $(polis agents path alice)", name="path")
@agent_argument
def command(name: str) -> None:
    """Print the folder in which the agent NAME works."""
    print_text(ask("asking polisd", "agents.show", agent=name)["path"])

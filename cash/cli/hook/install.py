"""polis hook install."""

from __future__ import annotations

from cash.cli.hook.place import agent_option, change, provider_argument, user_option
from cash.cli.printing import json_option
from cash.cli.table import command as make_command


@make_command(
    "polis hook install claude --agent alice", "polis hook install gemini --user", name="install"
)
@provider_argument
@agent_option
@user_option
@json_option
def command(provider: str, agent: str | None, user: bool, as_json: bool) -> None:
    """Put hooks into PROVIDER's settings, that tell polis of each tool call."""
    change(provider, agent, user=user, install=True, as_json=as_json)

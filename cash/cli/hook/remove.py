"""polis hook remove."""

from __future__ import annotations

from cash.cli.hook.place import agent_option, change, provider_argument, user_option
from cash.cli.printing import json_option
from cash.cli.table import command as make_command


@make_command(
    "polis hook remove claude --agent alice", "polis hook remove gemini --user", name="remove"
)
@provider_argument
@agent_option
@user_option
@json_option
def command(provider: str, agent: str | None, user: bool, as_json: bool) -> None:
    """Take the hooks of polis out of PROVIDER's settings; all else stays."""
    change(provider, agent, user=user, install=False, as_json=as_json)

"""polis hook install."""

from __future__ import annotations

from typing import Any

from cash.cli.calls import ask
from cash.cli.hook.place import agent_option, change_own, check, provider_argument, user_option
from cash.cli.printing import json_option, print_json, print_text
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
    check(agent, user=user)
    if user:
        files = change_own(provider, install=True)
        done: dict[str, Any] = {"agent": None, "provider": provider, "files": files}
    else:
        done = ask("writing", "hook.install", agent=agent, provider=provider)
    if as_json:
        print_json(done)
    else:
        print_text("\n".join(f"written: {file}" for file in done["files"]) or "nothing to change")

"""polis hook remove."""

from __future__ import annotations

from typing import Any

from cash.cli.calls import ask
from cash.cli.hook.place import agent_option, change_own, check, provider_argument, user_option
from cash.cli.printing import json_option, print_json, print_text
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
    check(agent, user=user)
    if user:
        files = change_own(provider, install=False)
        done: dict[str, Any] = {"agent": None, "provider": provider, "files": files}
    else:
        done = ask("writing", "hook.remove", agent=agent, provider=provider)
    if as_json:
        print_json(done)
    else:
        print_text("\n".join(f"changed: {file}" for file in done["files"]) or "nothing to change")

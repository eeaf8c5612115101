"""What install and remove share: whose settings are meant, and how they are changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import click

from cash.cli.calls import ask, complete_agents
from cash.cli.printing import print_json, print_text
from cash.content import content_folder
from cash.faults import Fault, UsageFault
from cash.hub.adoption import write_whole
from cash.providers.hooks import PROTOCOLS
from cash.providers.hooks.settings import put_in, take_out

provider_argument = click.argument(
    "provider", metavar="PROVIDER", type=click.Choice(sorted(PROTOCOLS))
)
agent_option = click.option(
    "--agent",
    metavar="NAME",
    shell_complete=complete_agents,
    help="In this agent's private home.",
)
user_option = click.option("--user", is_flag=True, help="In your own settings instead.")


def change(provider: str, agent: str | None, *, user: bool, install: bool, as_json: bool) -> None:
    """Puts the hooks in or takes them out, and says what was changed. UsageFault unless just one
    place is meant."""
    if bool(agent) == user:
        raise UsageFault("say whose settings: --agent NAME or --user")
    if user:
        files = _change_own(provider, install=install)
        done: dict[str, Any] = {"agent": None, "provider": provider, "files": files}
    else:
        verb = "hook.install" if install else "hook.remove"
        done = ask("writing", verb, agent=agent, provider=provider)
    if as_json:
        print_json(done)
        return
    word = "written" if install else "changed"
    print_text("\n".join(f"{word}: {file}" for file in done["files"]) or "nothing to change")


def _change_own(provider: str, *, install: bool) -> list[str]:
    """Changes the user's own settings; what was changed. UsageFault when they cannot be read,
    Fault when they cannot be written."""
    protocol = PROTOCOLS[provider]
    # A link stays one: dotfiles are often kept elsewhere, on another disk perhaps.
    place = Path(os.path.realpath(Path.home() / protocol.place))
    current = place.read_bytes() if place.exists() else b""
    try:
        if install:
            template = (content_folder("hooks") / protocol.template).read_bytes()
            wanted = put_in(current, template, _own_program())
        else:
            wanted = take_out(current) if current else b""
    except UsageFault as fault:
        raise UsageFault(f"{place}: {fault.message}", hint=fault.hint) from fault
    if wanted == current:
        return []
    try:
        if wanted:
            place.parent.mkdir(parents=True, exist_ok=True)
            mode = place.stat().st_mode & 0o777 if place.exists() else 0o600
            write_whole(place, wanted, mode)
        else:
            place.unlink()
    except OSError as fault:
        raise Fault(f"{place} cannot be written: {fault.strerror}") from fault
    return [str(place)]


def _own_program() -> str:
    found = shutil.which("polis")
    if found is None or " " in found:
        raise UsageFault("polis is not on your PATH", hint="see README.md, Install")
    return found

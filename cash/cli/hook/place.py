"""What install and remove share: whose settings are meant."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from cash.cli.calls import complete_agents
from cash.content import content_folder
from cash.faults import UsageFault
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


def check(agent: str | None, *, user: bool) -> None:
    """UsageFault unless just one place is meant."""
    if bool(agent) == user:
        raise UsageFault("say whose settings: --agent NAME or --user")


def change_own(provider: str, *, install: bool) -> list[str]:
    """Changes the user's own settings; what was changed. UsageFault when they cannot be read."""
    protocol = PROTOCOLS[provider]
    place = Path.home() / protocol.place
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
    if wanted:
        place.parent.mkdir(parents=True, exist_ok=True)
        half = place.with_name(f".{place.name}.polis")
        half.write_bytes(wanted)
        half.chmod(place.stat().st_mode & 0o777 if place.exists() else 0o600)
        # A link stays one: dotfiles are often kept elsewhere.
        os.replace(half, os.path.realpath(place))
    else:
        place.unlink()
    return [str(place)]


def _own_program() -> str:
    found = shutil.which("polis")
    if found is None or " " in found:
        raise UsageFault("polis is not on your PATH", hint="see README.md, Install")
    return found

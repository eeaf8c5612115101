"""Calls to polisd, from where the caller stands."""

from __future__ import annotations

import os
from typing import Any

import click

from cash.faults import Fault, UsageFault
from cash.places import Places, find_places
from cash.shell.progress import progress


def places() -> Places:
    """This user's places."""
    return find_places(os.environ)


def here() -> str:
    """The working directory; UsageFault when it was deleted under the caller."""
    try:
        return os.getcwd()
    except FileNotFoundError as gone:
        raise UsageFault("this directory no longer exists", hint="cd into one that does") from gone


def ask(doing: str, verb: str, **fields: Any) -> dict[str, Any]:
    """Calls `verb` with the working directory; `doing` is shown when it takes long."""
    from cash.daemon.client import call, ensure_running

    user, cwd = places(), here()
    with progress("starting polisd"):
        ensure_running(user)
    with progress(doing):
        return call(user, verb, cwd=cwd, **fields)


def complete_agents(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The agents of this repository for the shell's completion; none when polisd is down."""
    from cash.daemon.client import call

    try:
        answer = call(places(), "agents.list", start=False, cwd=here())
    except (Fault, OSError):
        return []
    return [agent["name"] for agent in answer["agents"] if agent["name"].startswith(incomplete)]


agent_argument = click.argument("name", metavar="NAME", shell_complete=complete_agents)

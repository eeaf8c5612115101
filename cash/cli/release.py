"""polis release: gives back what was reserved."""

from __future__ import annotations

import click

from cash.cli.calls import ask, complete_agents, here, places
from cash.cli.locks import shown_paths
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.faults import Fault


def complete_reserved(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The globs that are reserved, for the shell's completion; none when polisd is down."""
    from cash.daemon.client import call

    try:
        held = call(places(), "locks.list", start=False, cwd=here())["locks"]
    except (Fault, OSError):
        return []
    agent = context.params.get("agent") or None
    found = {
        path
        for claim in held
        if claim["kind"] == "reservation" and agent in (None, claim["agent"])
        for path in claim["paths"]
    }
    return sorted(path for path in found if path.startswith(incomplete))


@make_command(
    "polis release 'src/**' --agent alice", "polis release --all --agent alice", name="release"
)
@click.argument("globs", metavar="[GLOB…]", nargs=-1, shell_complete=complete_reserved)
@click.option("--all", "everything", is_flag=True, help="All that it has reserved.")
@click.option(
    "--agent",
    metavar="NAME",
    default="",
    is_eager=True,
    shell_complete=complete_agents,
    help="Whose; without it, the agent's whose tree you stand in, else your own.",
)
@json_option
def command(globs: tuple[str, ...], everything: bool, agent: str, as_json: bool) -> None:
    """Give back reservations: those made with one of the globs, or all."""
    fields = {"globs": list(globs), "agent": agent, "all": everything}
    released = ask("giving back", "locks.release", **fields)["released"]
    if as_json:
        print_json(released)
    elif not released:
        print_text("nothing was reserved")
        _tell_of_others()
    for claim in () if as_json else released:
        print_text(f"released: {shown_paths(claim['paths'])}")


def _tell_of_others() -> None:
    """Who has reserved something, with the command that gives it back."""
    held = ask("asking polisd", "locks.list")["locks"]
    agents = {one["agent"] for one in held if one["kind"] == "reservation" and one["agent"]}
    for agent in sorted(agents):
        print_text(f"{agent} has reserved something: polis release --all --agent {agent}")

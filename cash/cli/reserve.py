"""polis reserve: files that nobody else writes for a while."""

from __future__ import annotations

import click

from cash.cli.calls import ask, complete_agents
from cash.cli.locks import shown_paths
from cash.cli.measures import clock
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.table import command as make_command


@make_command(
    "polis reserve 'src/**' --agent alice --for 2h --why 'moving it to TypeScript'",
    "polis reserve 'src/**' '!src/generated/**'",
    "polis reserve migrations/          # for yourself: no agent writes there",
    name="reserve",
)
@click.argument("globs", metavar="GLOB…", nargs=-1, required=True, type=click.Path(path_type=str))
@click.option(
    "--agent",
    metavar="NAME",
    default="",
    shell_complete=complete_agents,
    help="For whom; without it, the agent whose tree you stand in, else yourself.",
)
@click.option("--for", "lasting", metavar="1h", default="1h", show_default=True, help="How long.")
@click.option("--why", metavar="TEXT", default="", help="What others are told.")
@json_option
def command(globs: tuple[str, ...], agent: str, lasting: str, why: str, as_json: bool) -> None:
    """Keep all others from writing what the globs name.

    They are relative to where you stand. `*` and `?` stay within a name, `**` crosses folders, a
    name that ends in a slash is the folder and all below it; `!` before a glob takes out. Whoever
    else writes there is told who holds it, and the write fails.
    """
    fields = {"globs": list(globs), "agent": agent, "for": lasting, "why": why}
    claim = ask("reserving", "locks.reserve", **fields)
    if as_json:
        print_json(claim)
        return
    holder = claim["agent"] or "you"
    verb = "has" if claim["agent"] else "have"
    print_text(f"{holder} {verb} {shown_paths(claim['paths'])} until {clock(claim['until'])}")
    for note in claim["notes"]:
        print_text(f"note: {one_line(note)}")

"""polis agents wait: returns when agents have got somewhere."""

from __future__ import annotations

from typing import get_args

import click

from cash.cli.agents.waiting import status_of, timeout_option, wait_for
from cash.cli.calls import complete_agents
from cash.cli.printing import json_option, print_columns, print_json
from cash.cli.table import command as make_command
from cash.sessions.signal import Status


@make_command(
    "polis agents wait alice",
    "polis agents wait alice bob --for completed --timeout 10m",
    name="wait",
)
@click.argument("names", metavar="NAME…", nargs=-1, required=True, shell_complete=complete_agents)
@click.option(
    "--for",
    "states",
    multiple=True,
    type=click.Choice(get_args(Status)),
    metavar="STATE",
    help=f"Until this state; may be given several times [any in which it does no more]. One of: "
    f"{', '.join(get_args(Status))}.",
)
@timeout_option("90, 10m, 2h [none].")
@json_option
def command(
    names: tuple[str, ...], states: tuple[str, ...], timeout: float | None, as_json: bool
) -> int:
    """Wait until each agent NAME rests: idle, waiting for input, completed, error, stopped or
    paused.

    Exits 0 when all of them got there, 124 when time is up, 1 when one has ended elsewhere, or
    in error without --for error.
    """
    waited = wait_for(names, states, timeout)
    if as_json:
        print_json(waited)
    else:
        print_columns(("name", "status"), [list(one) for one in waited["states"].items()])
    return status_of(waited, states)

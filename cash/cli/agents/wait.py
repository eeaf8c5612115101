"""polis agents wait: returns when agents have got somewhere."""

from __future__ import annotations

from typing import get_args

import click

from cash.cli.agents.waiting import wait_for
from cash.cli.calls import complete_agents
from cash.cli.printing import json_option, print_columns, print_json
from cash.cli.table import command as make_command
from cash.faults import UNANSWERED
from cash.sessions.signal import Status

_ELSEWHERE = 1


@make_command(
    "polis agents wait alice",
    "polis agents wait alice bob --for completed --timeout 600",
    name="wait",
)
@click.argument("names", metavar="NAME…", nargs=-1, required=True, shell_complete=complete_agents)
@click.option(
    "--for",
    "states",
    multiple=True,
    type=click.Choice(get_args(Status)),
    help="This state; may be given several times [any in which it does no more].",
)
@click.option("--timeout", type=click.FloatRange(min=0), default=None, help="Seconds [none].")
@json_option
def command(
    names: tuple[str, ...], states: tuple[str, ...], timeout: float | None, as_json: bool
) -> int:
    """Wait until each agent NAME rests: idle, waiting for input, completed, error or stopped.

    Exits 0 when all of them got there, 1 when one has ended elsewhere, 124 when time is up.
    """
    waited = wait_for(names, states, timeout)
    if as_json:
        print_json(waited)
    else:
        print_columns(("name", "status"), [list(one) for one in waited["states"].items()])
    if waited["reached"]:
        return 0
    return UNANSWERED if waited["late"] else _ELSEWHERE

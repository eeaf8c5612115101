"""polis agents list: the agents of this repository, and what each is doing."""

from __future__ import annotations

import click

from cash.cli.agents.listing import HEADS, Described, cells_of, grouped, trouble_of
from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text, style
from cash.cli.table import command as make_command


@make_command(
    "polis agents list",
    "polis agents list --watch",
    "polis agents list --json | jq -r '.[] | select(.status == \"running\") | .name'",
    name="list",
)
@click.option("--watch", "-w", is_flag=True, help="Go on showing it as it changes; Ctrl-C leaves.")
@json_option
def command(watch: bool, as_json: bool) -> None:
    """List the agents of this repository, and what each is doing.

    `provider` is whose program the agent is (polis agents providers), `for` how long the status has
    held, `by` who says so: a protocol, a hook, the processes or the screen (polis agents explain
    NAME says more). With --watch and --json: one line each time something has changed.
    """
    if watch:
        from cash.cli.agents.watching import watch_agents

        watch_agents(as_json=as_json)
        return
    agents = ask("asking polisd", "agents.list")["agents"]
    if as_json:
        print_json(agents)
    elif not agents:
        print_text("no agents yet; next: polis agents add alice")
    else:
        _print_groups(agents)


def _print_groups(agents: list[Described]) -> None:
    rows = [cells_of(agent) for agent in agents]
    widths = [max(len(row[place]) for row in (HEADS, *rows)) for place in range(len(HEADS))]

    def line(cells: tuple[str, ...]) -> str:
        return "  ".join(map(str.ljust, cells, widths)).rstrip()

    lines = [style(line(HEADS), bold=True)]
    for batch, members in grouped(agents):
        lines += [style(f"batch {batch}", bold=True)] if batch else []
        lines += [line(cells_of(agent)) for agent in members]
    lines += [trouble_of(agent) for agent in agents if agent["trouble"]]
    print_text("\n".join(lines))

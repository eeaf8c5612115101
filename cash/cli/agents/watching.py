"""polis agents list --watch: the list on a terminal, drawn anew as it changes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from cash.cli.agents.listing import (
    HEADS,
    STATUS_COLOURS,
    Described,
    cells_of,
    grouped,
    summary,
)
from cash.cli.calls import here, places
from cash.cli.printing import flush_output, print_text, shows_colour
from cash.daemon.client import follow
from cash.faults import Fault, UsageFault

_PER_SECOND = 4
# What is left out first where the terminal is too narrow for all.
_DISPENSABLE = ("ports", "mode", "cpu", "memory", "branch", "by", "provider", "runs")


def watch_agents(*, as_json: bool) -> None:
    """Shows the list until Ctrl-C; Fault when polisd ends before."""
    told = (answer["agents"] for answer in follow(places(), "agents.follow", cwd=here()))
    if as_json:
        _print_lines(told)
    elif not sys.stdout.isatty():
        raise UsageFault("--watch needs a terminal", hint="polis agents list --watch --json")
    else:
        _draw(told)
    raise Fault("polisd has ended", hint="polis agents list --watch")


def _print_lines(told: Iterator[list[Described]]) -> None:
    for agents in told:
        print_text(json.dumps(agents))
        flush_output()


def _draw(told: Iterator[list[Described]]) -> None:
    view = _View()
    console = Console(no_color=not shows_colour(), highlight=False)
    with Live(view, console=console, screen=True, refresh_per_second=_PER_SECOND) as live:
        for agents in told:
            view.show(agents)
            live.refresh()


@dataclass
class _View:
    """What is shown: it fits itself to the terminal each time it is drawn."""

    agents: list[Described] = field(default_factory=list)
    heard: float = field(default_factory=time.monotonic)

    def show(self, agents: list[Described]) -> None:
        self.agents, self.heard = agents, time.monotonic()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.size.height
        yield Text(f"{summary(self.agents)} · Ctrl-C leaves", no_wrap=True, overflow="ellipsis")
        yield self._table(width, height - 2)

    def _table(self, width: int, most: int) -> Table:
        rows = list(self._rows())
        heads = _fitting(rows, width)
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        for head in heads:
            table.add_column(head, no_wrap=True, overflow="ellipsis")
        shown = rows if len(rows) <= most else rows[: most - 1]
        for cells in shown:
            table.add_row(*[_coloured(head, cells[head]) for head in heads])
        if len(shown) < len(rows):
            table.add_row(f"… {len(rows) - len(shown)} more")
        return table

    def _rows(self) -> Iterator[dict[str, str]]:
        passed = time.monotonic() - self.heard
        for batch, members in grouped(self.agents):
            if batch:
                yield dict.fromkeys(HEADS, "") | {"name": f"batch {batch}"}
            for agent in members:
                yield dict(zip(HEADS, cells_of(_aged(agent, passed)), strict=True))


def _aged(agent: Described, seconds: float) -> dict[str, Any]:
    """The same agent a moment later: how long its status has held goes on between two words."""
    state = dict(agent["state"])
    if state["age_seconds"] is not None:
        state["age_seconds"] += seconds
    return {**agent, "state": state}


def _fitting(rows: list[dict[str, str]], width: int) -> list[str]:
    heads = list(HEADS)
    for head in _DISPENSABLE:
        if sum(_width(name, rows) for name in heads) <= width:
            break
        heads.remove(head)
    return heads


def _width(head: str, rows: list[dict[str, str]]) -> int:
    return max([len(head), *(len(cells[head]) for cells in rows)]) + 2


def _coloured(head: str, text: str) -> Text:
    return Text(text, style=STATUS_COLOURS.get(text, "") if head == "status" else "")

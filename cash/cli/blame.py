"""polis blame: which command wrote each line of a file."""

from __future__ import annotations

import os
from typing import Any

import click

from cash.cli.calls import ask, complete_agents, here
from cash.cli.measures import clock
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.table import command as make_command

_LONGEST_LINE = 40


@make_command(
    "polis blame --agent alice src/shop.py",
    "polis blame --agent alice src/shop.py --json",
    name="blame",
)
@click.argument("file", metavar="FILE")
@click.option(
    "--agent",
    metavar="NAME",
    default="",
    shell_complete=complete_agents,
    help="In whose tree. Default: the one you stand in.",
)
@json_option
def command(file: str, agent: str, as_json: bool) -> None:
    """Show which command of an agent's last wrote each line of FILE, and who let it through.

    It goes back as far as polis undo does. What was there before, or is somebody else's, has no
    command; git blame tells of commits.
    """
    path = os.path.normpath(os.path.join(here(), file))
    answer = ask("looking who wrote it", "blame", agent=agent, path=path)
    if as_json:
        print_json(answer)
        return
    heads = {id: _head(id, known) for id, known in answer["commands"].items()}
    width = max(map(len, heads.values()), default=1)
    digits = len(str(len(answer["lines"])))
    for number, line in enumerate(answer["lines"], 1):
        head = heads.get(line["id"], "-")
        print_text(f"{head:<{width}}  {number:>{digits}}  {one_line(line['text'])}".rstrip())


def _head(id: str, known: dict[str, Any]) -> str:
    if known["line"] is None:
        return id
    line = one_line(known["line"])
    short = line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
    return f"{id}  {clock(known['time'])}  {known['approval']}  {short}"

"""polis agents logs: what an agent's program wrote."""

from __future__ import annotations

import sys

import click

from cash.cli.agents.waiting import show_mends
from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text, write_raw
from cash.cli.table import command as make_command


@make_command("polis agents logs alice", "polis agents logs alice -n 500 | less", name="logs")
@agent_argument
@click.option(
    "--lines", "-n", type=click.IntRange(1), default=50, show_default=True, help="How many."
)
@click.option("--raw", is_flag=True, help="As it was written: colours, cursor movements and all.")
@json_option
def command(name: str, lines: int, raw: bool, as_json: bool) -> None:
    """Show the last lines that the program of the agent NAME wrote, also when it has ended.

    Secrets are left out, as in the journal. Of a program that works without a dialogue: its
    messages, and a line for each call of a tool; --json has the lines that it wrote.
    """
    told = not (raw or as_json)
    answer = ask("reading", "agents.logs", agent=name, lines=lines, raw=raw, told=told)
    if as_json:
        print_json(answer)
        return
    for line in answer["lines"]:
        if raw:  # click would take the colours out where nobody sees them
            write_raw(f"{line}\n")
        else:
            print_text(line)
    if not answer["lines"]:
        print(f"polis: {name} has not written anything", file=sys.stderr)
    elif answer["reason"] and not answer["living"]:
        print(f"polis: {name} has ended: {answer['reason']}", file=sys.stderr)
    show_mends(answer)

"""polis uninstall: undo what init and agents add did."""

from __future__ import annotations

import click

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis uninstall", "polis uninstall --purge", name="uninstall")
@click.option("--purge", is_flag=True, help="Also delete the journal.")
@json_option
def command(purge: bool, as_json: bool) -> None:
    """Remove polis from this repository.

    Agents' branches stay, and what was on no branch becomes branches polis-saved/…. Then every
    agent, its walls and its state are removed; the journal stays unless purged.
    """
    answer = ask("removing", "uninstall", purge=purge)
    if as_json:
        print_json(answer)
        return
    for branch in answer["branches"]:
        print_text(f"kept: branch {branch}")
    if answer["journal"]:
        print_text(f"kept: the journal, {answer['journal']}")
    print_text("polis is removed from this repository")

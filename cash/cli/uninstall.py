"""polis uninstall: undo what init and agents add did."""

from __future__ import annotations

import click

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis uninstall", "polis uninstall --purge", name="uninstall")
@click.option("--purge", is_flag=True, help="Also delete the journal, answers and settings.")
@json_option
def command(purge: bool, as_json: bool) -> None:
    """Remove polis from this repository.

    Work that is not merged is exported first, as branches agent/NAME and as patch files of what
    was not committed. Then every agent, its walls and its state are removed.
    """
    answer = ask("removing", "uninstall", purge=purge)
    if as_json:
        print_json(answer)
        return
    for path in answer.get("exported", ()):
        print_text(f"exported {path}")
    print_text("polis is removed from this repository")

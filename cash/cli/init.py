"""polis init: adopt a repository."""

from __future__ import annotations

import os

import click

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis init", "polis init ~/src/shop", name="init")
@click.argument("repository", metavar="[REPO]", required=False, default=".")
@json_option
def command(repository: str, as_json: bool) -> None:
    """Adopt the git repository at REPO (here, if left out).

    Nothing is added to the repository's files; adopting twice changes nothing.
    """
    answer = ask("adopting the repository", "init", path=os.path.abspath(repository))
    if as_json:
        print_json(answer)
        return
    for note in answer["notes"]:
        print_text(f"note: {note}")
    if answer["fresh"]:
        print_text(f"{answer['root']} is adopted, under {answer['rules']} rules")
        print_text("next: polis agents add alice")
    else:
        print_text(f"{answer['root']} was adopted before, under {answer['rules']} rules")

"""polis agents add: a new agent with its own tree."""

from __future__ import annotations

import click

from cash.cli.calls import ask
from cash.cli.printing import flush_output, json_option, print_json, print_text
from cash.cli.providers import complete_providers
from cash.cli.setting_up import set_up
from cash.cli.table import command as make_command


@make_command(
    "polis agents add alice",
    "polis agents add bob --provider claude --from origin/main",
    name="add",
)
@click.argument("name", metavar="NAME")
@click.option(
    "--provider",
    "--base",
    default=None,
    metavar="P",
    shell_complete=complete_providers,
    help="The program it is: claude, codex, … (polis agents providers lists them).",
)
@click.option(
    "--from", "start", default=None, metavar="REF", help="Its branch begins there [HEAD]."
)
@click.option("--branch", default=None, metavar="B", help="Its branch [agent/NAME].")
@click.option(
    "--mode",
    type=click.Choice(["auto", "full", "rootless"]),
    default="auto",
    help="Which walls: full needs root, rootless needs user namespaces.",
)
@json_option
def command(
    name: str, provider: str | None, start: str | None, branch: str | None, mode: str, as_json: bool
) -> None:
    """Add the agent NAME: a tree of its own on a branch of its own.

    NAME is a lower-case letter, then 1 to 30 of a-z, 0-9 and -.
    """
    fields = {"provider": provider, "from": start, "branch": branch, "mode": mode}
    given = {key: value for key, value in fields.items() if value is not None}
    answer = ask(f"adding {name}", "agents.add", name=name, **given)
    if not as_json:
        print_text(f"{name} works on {answer['branch']} in {answer['path']}")
        for note in answer["notes"]:
            click.echo(f"polis: {note['message']}\nhint: {note['hint']}", err=True)
        flush_output()  # before what its setup has to say
    ready = not answer["has_setup"]
    try:
        ready = ready or set_up(name, yes=False) is not None
    finally:
        if as_json:
            print_json({**answer, "set_up": ready})

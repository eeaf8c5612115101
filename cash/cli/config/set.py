"""polis config set: change one setting."""

from __future__ import annotations

import click

from cash.cli.calls import places
from cash.cli.config.get import name_argument
from cash.cli.config.layers import repository_here, settings_here
from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.faults import UsageFault
from cash.settings import repository_file, user_file, write_setting


@make_command(
    "polis config set ask-seconds 300",
    "polis config set --repository provider claude",
    name="set",
)
@name_argument
@click.argument("value", metavar="VALUE")
@click.option("--repository", is_flag=True, help="In this checkout's .polis/config.yaml.")
def command(name: str, value: str, repository: bool) -> None:
    """Set SETTING to VALUE, for this user or for this repository."""
    path = user_file(places())
    if repository:
        found = repository_here()
        if found is None:
            raise UsageFault("this is no git repository", hint="cd into one, or: git init")
        path = repository_file(found.root)
    write_setting(path, name, value)
    print_text(f"{name} is {value} in {path}")
    chosen = settings_here()[name]
    if chosen.origin != str(path):
        print_text(f"here {name} stays {chosen.text}, which comes from {chosen.origin}")

"""polis config set: change one setting."""

from __future__ import annotations

import click

from cash.cli.calls import places
from cash.cli.config.get import name_argument
from cash.cli.config.layers import checked_repository, settings_here
from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.settings import check_name, repository_file, user_file, write_setting


@make_command(
    "polis config set ask-seconds 300",
    "polis config set --repository provider claude",
    name="set",
)
@name_argument
@click.argument("value", metavar="VALUE")
@click.option("--repository", is_flag=True, help="In this checkout's .polis/config.yaml.")
def command(name: str, value: str, repository: bool) -> None:
    """Set SETTING to VALUE, for this user or for this repository.

    polis config says what each setting means. ask-seconds 0 is not no time: a command then waits
    as long as its agent's program allows, the 110 s of most; ask-seconds 0.1 hardly waits.
    """
    path = repository_file(checked_repository().root) if repository else user_file(places())
    write_setting(path, name, value)
    setting, chosen = check_name(name), settings_here()[name]
    print_text(f"{name} is {setting.shown(value)} in {path}")
    if chosen.origin != str(path):
        print_text(f"here {name} stays {chosen.text}, which comes from {chosen.origin}")

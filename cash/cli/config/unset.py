"""polis config unset: forget one setting."""

from __future__ import annotations

import click

from cash.cli.calls import places
from cash.cli.config.get import name_argument
from cash.cli.config.layers import checked_repository, repository_here, settings_here
from cash.cli.printing import print_text
from cash.cli.table import command as make_command
from cash.hub.adoption import hub_folder
from cash.settings import answers_file, check_name, remove_setting, repository_file, user_file


@make_command(
    "polis config unset ask-seconds",
    "polis config unset --repository provider",
    name="unset",
)
@name_argument
@click.option("--repository", is_flag=True, help="In this checkout's .polis/config.yaml.")
def command(name: str, repository: bool) -> None:
    """Forget what SETTING was set to, for this user or for this repository.

    What this user has answered to a question about it in this repository is forgotten as well.
    """
    check_name(name)
    if repository:
        paths = [repository_file(checked_repository().root)]
    else:
        found = repository_here()
        answers = [answers_file(hub_folder(found, places()))] if found else []
        paths = [user_file(places()), *answers]
    gone = [path for path in paths if remove_setting(path, name)]
    for path in gone:
        print_text(f"{name} is no longer set in {path}")
    if not gone:
        print_text(f"{name} was not set in {paths[0]}")
    chosen = settings_here()[name]
    text = check_name(name).shown(chosen.text) or "empty"
    print_text(f"here {name} is {text}, which comes from {chosen.origin}")

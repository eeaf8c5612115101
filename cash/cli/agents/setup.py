"""polis agents setup: copy files into an agent's tree and run its setup commands."""

from __future__ import annotations

import click

from cash.cli.calls import agent_argument
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.setting_up import set_up
from cash.cli.table import command as make_command
from cash.cli.work import counted


@make_command("polis agents setup alice", "polis agents setup alice --yes", name="setup")
@agent_argument
@click.option("--yes", is_flag=True, help="Agree to what the repository wants to be done.")
@json_option
def command(name: str, yes: bool, as_json: bool) -> None:
    """Make the tree of the agent NAME ready: files first, then commands.

    The files are those that git ignores and .worktreeinclude names; the commands are the list
    `setup` of the settings, run inside the walls. You are asked once for what they say now.
    """
    done = set_up(name, yes=yes)
    if as_json:
        print_json({"name": name, "done": done is not None, **(done or {})})
    elif done is not None:
        files, commands = counted(len(done["copied"]), "file"), counted(done["ran"], "command")
        print_text(f"{name} is set up: {files} copied, {commands} run")

"""polis agents remove: an agent and its tree; its branch stays."""

from __future__ import annotations

import click

from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.table import command as make_command


@make_command("polis agents remove alice", "polis agents remove alice --force", name="remove")
@agent_argument
@click.option("--force", is_flag=True, help="Even with uncommitted work or running commands.")
@json_option
def command(name: str, force: bool, as_json: bool) -> None:
    """Remove the agent NAME and its tree. Its branch stays in the repository.

    What it had not committed, and commits on no branch, are kept as refs below refs/polis/trash;
    git for-each-ref refs/polis lists what polis keeps. Work in a submodule that was not pushed is
    refused, and kept as an archive with --force.
    """
    answer = ask(f"removing {name}", "agents.remove", name=name, force=force)
    if as_json:
        print_json(answer)
    else:
        for saved in answer["saved"]:
            print_text(f"kept: {saved}  (git show {saved}; git update-ref -d {saved} drops it)")
        if answer["ignored"]:
            archive = one_line(answer["ignored"])
            print_text(f"kept for 30 days: what git ignores, in {archive} (tar -tf lists it)")
        if answer["parts"]:
            archive = one_line(answer["parts"])
            print_text(f"kept for 30 days: its submodules, in {archive} (tar -tf lists it)")
        for path in answer["left_out"]:
            print_text(f"not kept: {one_line(path)}")
        print_text(f"{name} is removed; its commits stay on {answer['branch']}")

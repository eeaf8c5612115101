"""polis approvals allow: answer a question."""

from __future__ import annotations

import click

from cash.cli.approvals.answer import (
    complete_choices,
    give_answer,
    id_argument,
    scope_option,
)
from cash.cli.printing import json_option
from cash.cli.table import command as make_command
from cash.faults import UsageFault


@make_command(
    "polis approvals allow q1",
    "polis approvals allow q1 --for session",
    "polis approvals allow q2 --choose pnpm",
    name="allow",
)
@id_argument
@scope_option
@click.option(
    "--choose",
    "choice",
    metavar="WORD",
    default="",
    shell_complete=complete_choices,
    help="Where the question offers a choice: which. It is kept for the repository.",
)
@json_option
def command(number: str, scope: str, choice: str, as_json: bool) -> None:
    """Allow what question ID asks."""
    if choice and scope != "once":
        raise UsageFault(
            "a choice is kept for the repository, not for a time", hint="leave --for away"
        )
    give_answer(number, "allow", scope, choice=choice, as_json=as_json)

"""polis approvals allow: answer a question."""

from __future__ import annotations

from cash.cli.approvals.answer import give_answer, id_argument, scope_option
from cash.cli.printing import json_option
from cash.cli.table import command as make_command


@make_command("polis approvals allow q1", "polis approvals allow q1 --for session", name="allow")
@id_argument
@scope_option
@json_option
def command(number: str, scope: str, as_json: bool) -> None:
    """Allow what question ID asks."""
    give_answer(number, "allow", scope, as_json=as_json)

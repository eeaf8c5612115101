"""polis approvals deny: answer a question."""

from __future__ import annotations

from cash.cli.approvals.answer import give_answer, id_argument, scope_option
from cash.cli.printing import json_option
from cash.cli.table import command as make_command


@make_command("polis approvals deny q1", "polis approvals deny q1 --for session", name="deny")
@id_argument
@scope_option
@json_option
def command(number: str, scope: str, as_json: bool) -> None:
    """Deny what question ID asks."""
    give_answer(number, "deny", scope, as_json=as_json)

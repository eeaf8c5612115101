"""polis approvals list: the open questions."""

from __future__ import annotations

import time

from cash.cli.calls import ask
from cash.cli.printing import json_option, one_line, print_json, print_text, style
from cash.cli.table import command as make_command


@make_command("polis approvals list", "polis approvals list --json", name="list")
@json_option
def command(as_json: bool) -> None:
    """List the open questions, oldest first."""
    questions = ask("asking polisd", "approvals.list")["questions"]
    if as_json:
        print_json(questions)
        return
    if not questions:
        print_text("nothing is asked")
    for question in questions:
        waited = f"{max(0.0, time.time() - question['asked']):.0f} s ago"
        held = ", waiting" if question.get("waits") else ""
        print_text(
            f"{style(question['id'], bold=True)}  {question['agent']}  {waited}{held}\n"
            f"    {one_line(question.get('rewritten') or question['line'])}\n"
            f"    {question['rule']}: {question['reason']}"
        )
        for one in question.get("commands") or ():
            print_text(f"    which runs: {one_line(one)}")

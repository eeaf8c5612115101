"""What allow and deny share: an id, how long the answer holds, the call."""

from __future__ import annotations

from typing import Literal

import click

from cash.cli.calls import ask, here, places
from cash.cli.printing import one_line, print_json, print_text
from cash.faults import Fault


def complete_questions(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The ids of open questions for the shell's completion; none when polisd is down."""
    from cash.daemon.client import call

    try:
        open_ones = call(places(), "approvals.list", start=False, cwd=here())["questions"]
    except (Fault, OSError):
        return []
    return [found["id"] for found in open_ones if found["id"].startswith(incomplete)]


id_argument = click.argument("number", metavar="ID", shell_complete=complete_questions)
scope_option = click.option(
    "--for",
    "scope",
    type=click.Choice(["once", "session", "1h"]),
    default="once",
    show_default=True,
    help="How long the same line of the same agent is answered so.",
)


def give_answer(
    number: str, decision: Literal["allow", "deny"], scope: str, *, as_json: bool
) -> None:
    """Answers the question and says what became of it."""
    answer = ask("answering", "approvals.answer", id=number, decision=decision, scope=scope)
    if as_json:
        print_json(answer)
        return
    line = one_line(answer.get("line", ""))
    done = {"allow": "allowed", "deny": "denied"}[decision]
    print_text(f"{done}: {line}" if line else done)

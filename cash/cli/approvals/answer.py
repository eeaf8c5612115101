"""What allow and deny share: an id, how long the answer holds, the call."""

from __future__ import annotations

from typing import Any, Literal

import click

from cash.cli.calls import ask, here, places
from cash.cli.printing import one_line, print_json, print_text
from cash.faults import Fault


def complete_questions(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """The ids of open questions for the shell's completion; none when polisd is down."""
    return [found["id"] for found in _open_ones() if found["id"].startswith(incomplete)]


def complete_choices(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    """What the question named on the line, or any, offers."""
    number = context.params.get("number")
    offered = {
        choice["word"]
        for found in _open_ones()
        if number in (None, found["id"])
        for choice in found["choices"]
    }
    return sorted(word for word in offered if word.startswith(incomplete))


def _open_ones() -> list[dict[str, Any]]:
    from cash.daemon.client import call

    try:
        found: list[dict[str, Any]] = call(places(), "approvals.list", start=False, cwd=here())[
            "questions"
        ]
    except (Fault, OSError):
        return []
    return found


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
    number: str,
    decision: Literal["allow", "deny"],
    scope: str,
    *,
    choice: str = "",
    as_json: bool,
) -> None:
    """Answers the question and says what became of it."""
    answering = {"decision": decision, "scope": scope, "choice": choice}
    answer = ask("answering", "approvals.answer", id=number, **answering)
    if as_json:
        print_json(answer)
        return
    line = one_line(answer.get("line", ""))
    done = {"allow": "allowed", "deny": "denied"}[decision]
    if choice:
        done = next(one["meaning"] for one in answer["choices"] if one["word"] == choice)
    print_text(f"{done}: {line}" if line else done)

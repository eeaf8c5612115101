"""polis agents run: gives an agent a task."""

from __future__ import annotations

import sys
from typing import Any

import click

from cash.cli.agents.waiting import (
    show_end,
    show_last_lines,
    show_run,
    status_of,
    timeout_option,
    wait_for,
)
from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.faults import EndedFault, UsageFault


@make_command(
    'polis agents run alice "fix the login bug"',
    'polis agents run alice "write the tests" --wait --timeout 30m && polis agents logs alice',
    'polis agents run alice --headless "list what is unused"',
    name="run",
)
@agent_argument
@click.argument("task", metavar="TASK")
@click.option("--resume", is_flag=True, help="Take up its last conversation.")
@click.option("--headless", is_flag=True, help="Without a dialogue: it ends when the task is done.")
@click.option("--model", default=None, metavar="M", help="The model its program is to use.")
@click.option("--anyway", is_flag=True, help="Even where the account was used up a moment ago.")
@click.option("--wait", is_flag=True, help="Return when it rests; exit 1 when it ended badly.")
@timeout_option("With --wait: 90, 10m, 2h; then exit 124, and the agent goes on.")
@json_option
def command(
    name: str,
    task: str,
    resume: bool,
    headless: bool,
    model: str | None,
    anyway: bool,
    wait: bool,
    timeout: float | None,
    as_json: bool,
) -> int:
    """Give the agent NAME a TASK. Its program is started if it is not at work, and prompted if
    it is; this returns at once.

    With --headless --wait, what it says is printed at the end: its messages, and a line for each
    call of a tool. --json has the lines that it wrote.
    """
    if timeout is not None and not wait:
        raise UsageFault("--timeout is for --wait", hint=f"polis agents run {name} … --wait")
    fields = {"resume": resume, "headless": headless, "model": model, "anyway": anyway}
    try:
        answer = ask(
            f"starting {name}", "agents.run", agent=name, task=task, needs_task=True, **fields
        )
    except EndedFault:
        show_last_lines(name)
        raise
    for note in answer["notes"]:
        print(f"polis: {note}", file=sys.stderr)
    if wait:
        return _wait(name, timeout, answer, headless=headless, as_json=as_json)
    if as_json:
        print_json(answer)
    else:
        print_text(f"{name} {_WORDS[answer['how']]}; polis agents watch {name}")
    return 0


def _wait(
    name: str, timeout: float | None, answer: dict[str, Any], *, headless: bool, as_json: bool
) -> int:
    waited = wait_for([name], (), timeout)
    told = None
    if as_json:
        print_json(answer | waited | (_written(name) if headless else {}))
    else:
        told = show_run(name) if headless else None
        print_text(f"{name}: {waited['states'][name]}")
    status = status_of(waited)
    if waited["late"]:
        print(f"polis: time is up; {name} goes on: polis agents wait {name}", file=sys.stderr)
    elif status:
        show_end(name, told)
    return status


def _written(name: str) -> dict[str, Any]:
    """What its program wrote, as it is."""
    return {"lines": ask("reading", "agents.logs", agent=name, lines=_MOST_LINES)["lines"]}


_MOST_LINES = 10_000
_WORDS = {
    "started": "is at work",
    "asking": "asks before it begins (polis approvals)",
    "prompted": "was at work already, and has the task as a prompt",
}

"""polis undo: take back what a command of an agent's has changed."""

from __future__ import annotations

from typing import Any

import click

from cash.cli.calls import ask, complete_agents
from cash.cli.measures import clock
from cash.cli.printing import json_option, one_line, print_columns, print_json, print_text
from cash.cli.table import command as make_command
from cash.cli.work import counted, tell
from cash.faults import FAILED_CLOSED, UsageFault

_ID = 12
_LONGEST_LINE = 60


@make_command(
    "polis undo --agent alice             # the last command that changed anything",
    "polis undo --agent alice --list",
    "polis undo --agent alice 3f2a9c --dry-run",
    name="undo",
)
@click.option(
    "--agent",
    metavar="NAME",
    default="",
    shell_complete=complete_agents,
    help="Whose command. Default: whose tree you stand in.",
)
@click.argument("id", metavar="[ID]", default="")
@click.option("--list", "listing", is_flag=True, help="Which commands could be taken back.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
def command(agent: str, id: str, listing: bool, dry_run: bool, as_json: bool) -> int:
    """Take back the last command of an agent that changed anything, or the one called ID.

    Files of its tree and git's state (HEAD, index, refs, stash) become what they were. A file that
    somebody has changed since stays, and is named; then the status is 125. An undo is a command
    too: its own ID takes it back.
    """
    if listing:
        if id or dry_run:
            raise UsageFault("--list stands alone", hint="polis undo --agent NAME --list")
        _show_list(ask("reading", "undo.list", agent=agent)["steps"], as_json=as_json)
        return 0
    done = ask("undoing", "undo", agent=agent, id=id, dry_run=dry_run)
    if as_json:
        print_json(done)
    else:
        _show(done)
    return FAILED_CLOSED if done["refused"] else 0


def _show(done: dict[str, Any]) -> None:
    for file in done["files"]:
        print_text(f"  {file['what']:<8}  {one_line(file['path'])}")
    for file in done["refused"]:
        tell(f"{one_line(file['path'])} stays: {one_line(file['why'])}")
    count = counted(len(done["files"]), "file")
    if done["dry_run"]:
        print_text(f"{done['id']} would be taken back: {count}")
    elif done["undo"] is None:
        print_text(f"nothing of {done['id']} was taken back")
    else:
        print_text(f"{done['id']} is taken back: {count}")
        print_text(f"the way back: polis undo --agent {done['agent']} {done['undo']}")


def _show_list(steps: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(steps)
        return
    rows = [
        (step["id"], clock(step["time"]), str(step["files"]), _state(step), _line(step))
        for step in steps
    ]
    print_columns(("ID", "TIME", "FILES", "", "COMMAND"), rows)


def _state(step: dict[str, Any]) -> str:
    if step["undone"]:
        return "taken back"
    return "runs" if step["ended"] is None else ""


def _line(step: dict[str, Any]) -> str:
    if step["undoes"]:
        return f"polis undo {step['undoes']}"
    line = one_line(step["line"] or "-")
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"

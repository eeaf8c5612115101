"""polis conflicts: whose work would conflict with whose, and the best order to merge it in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from cash.cli.calls import ask
from cash.cli.following import show_changes_of
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.table import command as make_command
from cash.cli.work import counted, tell
from cash.hub.forecast import tell_kind

_MOST_FILES = 10


@make_command(
    "polis conflicts",
    "polis conflicts --into main --watch",
    "polis conflicts --json | jq -r '.conflicts[] | .agents | join(\" and \")'",
    name="conflicts",
)
@click.option("--into", metavar="BRANCH", help="The branch all is merged into [the current one].")
@click.option("--watch", "-w", is_flag=True, help="Go on showing it as it changes; Ctrl-C leaves.")
@json_option
def command(into: str | None, watch: bool, as_json: bool) -> None:
    """Show whose work would conflict with whose, before anything is merged.

    What agents have not committed is looked at too, and their new files; ignored files are not.
    Then the order in which the fewest merges conflict, which `polis agents merge --all` follows.
    Agents are compared two by two. With --watch and --json: one line each time it has changed.
    """
    if watch:
        again = "polis conflicts --watch"
        show_changes_of("conflicts.follow", _show, again, as_json=as_json, into=into)
    found = ask("comparing the agents' work", "conflicts.look", into=into)
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: Mapping[str, Any]) -> None:
    for trouble in found["troubles"]:
        tell(f"{trouble['agent']} is left out: {one_line(trouble['why'])}")
    for meeting in found["conflicts"]:
        for line in _lines(meeting["agents"], meeting["files"], found["into"]):
            print_text(line)
    print_text(_order(found))
    if found["uncommitted"]:
        names = ", ".join(found["uncommitted"])
        tell(f"not all committed: {names} (merge leaves that behind, unless --commit TEXT)")


def _lines(agents: Sequence[str], files: Sequence[Mapping[str, str]], into: str) -> Iterable[str]:
    other = agents[1] if len(agents) > 1 else f"your {into}"
    paths = {file["path"] for file in files}
    if paths == {""}:
        yield f"{agents[0]} and {other}: {tell_kind(files[0]['kind'])}"
        return
    yield f"{agents[0]} and {other}: {counted(len(paths), 'file')}"
    for file in files[:_MOST_FILES]:
        yield f"  {one_line(file['path'])}: {tell_kind(file['kind'])}"
    if len(files) > _MOST_FILES:
        yield f"  … {len(files) - _MOST_FILES} more (--json has all)"


def _order(found: Mapping[str, Any]) -> str:
    order, conflicting = found["order"], found["conflicting"]
    if not order:
        return f"no agent has anything that is not in {found['into']}"
    if not conflicting:
        words = f"nothing conflicts; merge in any order: {', '.join(order)}"
    else:
        first = [name for name in order if name not in conflicting]
        start = f"merge {', '.join(first)} first; then " if first else ""
        words = f"{start}{', '.join(conflicting)} will conflict"
    return f"{words}  (polis agents merge --all)"

"""Conflicts, file by file: who changed what, and the lines that meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import click

from cash.cli.printing import one_line
from cash.cli.work import style_id
from cash.hub.changes import Commit
from cash.hub.forecast import Conflict, Hunk
from cash.hub.merging import Plan

_MOST_FILES = 20


def show_conflicts(plan: Plan) -> None:
    """All that is known of them, on standard error."""
    mine, theirs = plan.target.branch, plan.wish.agent
    width = max(len(mine), len(theirs))
    for conflict in plan.conflicts[:_MOST_FILES]:
        for line in _lines(conflict, mine.ljust(width), theirs.ljust(width)):
            click.echo(line, err=True)
    if len(plan.conflicts) > _MOST_FILES:
        click.echo(f"… {len(plan.conflicts) - _MOST_FILES} more conflicts", err=True)


def _lines(conflict: Conflict, mine: str, theirs: str) -> Iterable[str]:
    yield f"{one_line(conflict.path)}: {conflict.meaning}"
    for side, commits in ((mine, conflict.mine), (theirs, conflict.theirs)):
        yield from (f"  {side}  {_commit(commit)}" for commit in commits)
    if conflict.kind != "contents":
        yield f"  {one_line(conflict.said)}"
    for hunk in conflict.hunks:
        yield from _hunk(hunk, mine, theirs)


def _commit(commit: Commit) -> str:
    return f"{style_id(commit.id)} {one_line(commit.subject)} ({one_line(commit.author)})"


def _hunk(hunk: Hunk, mine: str, theirs: str) -> Iterable[str]:
    yield f"  line {hunk.line}:"
    yield from _side(mine, hunk.mine)
    yield from _side(theirs, hunk.theirs)


def _side(name: str, lines: Sequence[str]) -> Iterable[str]:
    for line in lines or ("(removed)",):
        yield f"    {name} | {one_line(line)}"

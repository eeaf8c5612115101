"""polis locks, polis agents locks: what is held of this repository's files, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import click

from cash.cli.calls import ask
from cash.cli.following import show_changes_of
from cash.cli.measures import age, clock
from cash.cli.printing import (
    json_option,
    one_line,
    print_columns,
    print_json,
    print_text,
)
from cash.cli.table import command as make_command

_HEADS = ("paths", "held by", "as", "since", "until", "why")


@make_command(
    "polis locks",
    "polis locks --watch",
    "polis locks --json | jq -r '.locks[] | select(.kind == \"reservation\") | .agent'",
    name="locks",
)
@click.option("--watch", "-w", is_flag=True, help="Go on showing it as it changes; Ctrl-C leaves.")
@json_option
def command(watch: bool, as_json: bool) -> None:
    """Show what agents hold of this repository's files.

    Reservations (polis reserve) keep others from writing what their globs name; locks are those of
    polis' own writers, for one write. With --watch and --json: one line each time something has
    changed.
    """
    if watch:
        show = partial(_show, as_json=False)
        show_changes_of("locks.follow", show, "polis locks --watch", as_json=as_json)
    _show(ask("asking polisd", "locks.list"), as_json=as_json)


def _show(held: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(held)
    elif not held["locks"]:
        print_text("nobody holds anything")
    else:
        print_columns(_HEADS, [_cells(claim) for claim in held["locks"]])
    if not as_json:
        if held["waiting"]:
            print_text(f"waiting: {_waiting(held['waiting'])}")
        for clash in held["clashes"]:
            both = " and ".join(clash["agents"])
            print_text(f"written by {both}, {age(clash['time'])}: {one_line(clash['path'])}")


def _cells(claim: Mapping[str, Any]) -> tuple[str, ...]:
    until = claim["until"]
    return (
        shown_paths(claim["paths"]),
        claim["agent"] or "you",
        claim["kind"],
        age(claim["since"]),
        "-" if until is None else clock(until),
        one_line(claim["why"]) or "-",
    )


def _waiting(wishes: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['agent'] or 'you'} ({shown_paths(one['paths'])})" for one in wishes)


def shown_paths(paths: Sequence[str]) -> str:
    """On one line, as they would be typed but for what moves a cursor."""
    return one_line(" ".join(paths))

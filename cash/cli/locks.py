"""polis locks, polis agents locks: what is held of this repository's files, and by whom."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from cash.cli.calls import ask, here, places
from cash.cli.measures import age, clock
from cash.cli.printing import (
    flush_output,
    json_option,
    one_line,
    print_columns,
    print_json,
    print_text,
)
from cash.cli.table import command as make_command
from cash.faults import Fault

_HEADS = ("paths", "held by", "as", "since", "until", "why")
# On a terminal what is shown is drawn anew: the screen is cleared, the cursor goes home.
_ANEW = "\x1b[2J\x1b[H"


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
        _watch(as_json=as_json)
        return
    _show(ask("asking polisd", "locks.list"), as_json=as_json)


def _watch(*, as_json: bool) -> None:
    from cash.daemon.client import follow

    told: Iterator[dict[str, Any]] = follow(places(), "locks.follow", cwd=here())
    for held in told:
        if as_json:
            print_text(json.dumps(held))
        else:
            if sys.stdout.isatty():
                sys.stdout.write(_ANEW)
            print_text(time.strftime("%H:%M:%S"))
            _show(held, as_json=False)
        flush_output()
    raise Fault("polisd has ended", hint="polis locks --watch")


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

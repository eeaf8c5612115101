"""Waiting for agents, as several commands do, and what is said when one has ended badly."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import click

from cash.cli.calls import ask, here, places
from cash.cli.measures import read_duration
from cash.cli.printing import one_line, print_text
from cash.faults import ENDED_BADLY, UNANSWERED
from cash.shell.progress import progress

# How often somebody at a terminal is told what the agents do.
_LOOK: Final = 2.0
_LAST_LINES: Final = 8
# Of one run; who wants more has polis agents logs.
_MOST_LINES: Final = 1000


def wait_for(names: Sequence[str], states: Sequence[str], seconds: float | None) -> dict[str, Any]:
    """polisd's answer: states by name, reached, late. What the agents do is shown meanwhile, on a
    terminal."""
    from cash.daemon.client import call

    deadline = time.monotonic() + seconds if seconds is not None else None
    doing = f"waiting for {', '.join(names)}"
    with progress(lambda: doing):
        while True:
            left = max(0.0, deadline - time.monotonic()) if deadline is not None else None
            look = _LOOK if sys.stderr.isatty() else left
            fields: dict[str, Any] = {"agents": list(names), "for": list(states)}
            if look is not None:
                fields["seconds"] = look if left is None else min(look, left)
            answer = call(places(), "agents.wait", cwd=here(), **fields)
            if not answer["late"] or (deadline is not None and time.monotonic() >= deadline):
                return answer
            doing = ", ".join(f"{name} is {state}" for name, state in answer["states"].items())


def status_of(waited: dict[str, Any], states: Sequence[str] = ()) -> int:
    """The exit code: 0 when all got there, 124 when time is up, 1 when one ended elsewhere; an
    error is no good end for whoever has not asked for it."""
    if waited["late"]:
        return UNANSWERED
    failed = not states and "error" in waited["states"].values()
    return ENDED_BADLY if failed or not waited["reached"] else 0


def show_last_lines(name: str) -> dict[str, Any]:
    """The last lines of the agent's screen on standard error; what else is known of its program."""
    told: dict[str, Any] = ask("reading", "agents.logs", agent=name, lines=50, told=True)
    shown = [line for line in told["lines"] if line.strip()]
    for line in shown[-_LAST_LINES:]:
        print(f"  {one_line(line)}", file=sys.stderr)
    show_mends(told)
    return told


def show_mends(told: dict[str, Any]) -> None:
    """The command of polis' that does what an agent's program asks its person for, on standard
    error. told: what polisd says of what it wrote."""
    if told["mends"]:
        print(f"hint: {told['mends']}", file=sys.stderr)


def show_run(name: str) -> dict[str, Any]:
    """What the agent's program has said without a dialogue; what else is known of it."""
    told: dict[str, Any] = ask("reading", "agents.logs", agent=name, lines=_MOST_LINES, told=True)
    for line in told["lines"]:
        print_text(one_line(line))
    return told


def show_end(name: str, told: dict[str, Any] | None = None) -> None:
    """Why an agent's task has failed, on standard error, as far as it can be known. told: where
    what its program wrote was shown already."""
    if told is None:
        told = show_last_lines(name)
    else:
        show_mends(told)
    found = ask("looking", "agents.explain", agent=name)["state"]
    said = found["reason"] if told["living"] or not told["reason"] else told["reason"]
    print(f"polis: {name}: {one_line(said)}", file=sys.stderr)


def timeout_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """--timeout DURATION, in seconds; None where it is not given."""
    return click.option(
        "--timeout", metavar="DURATION", default=None, callback=_read_timeout, help=help
    )


def _read_timeout(_context: click.Context, _option: click.Parameter, value: str | None) -> Any:
    try:
        return None if value is None else read_duration(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no duration: 90, 90s, 10m or 2h") from None

"""polis log show: what agents asked for, what was decided, what ran."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from cash.cli.calls import ask, complete_agents, here, places
from cash.cli.measures import clock, duration
from cash.cli.printing import (
    DECISION_COLOURS,
    flush_output,
    json_option,
    one_line,
    print_json,
    print_text,
    style,
)
from cash.cli.table import command as make_command


@make_command(
    "polis log",
    "polis log --agent alice --limit 20",
    "polis log --follow --json",
    "polis log --files 3f2a9c      # what a command has changed",
    name="show",
)
@click.option(
    "--agent",
    default=None,
    metavar="NAME",
    shell_complete=complete_agents,
    help="Only what is about this agent.",
)
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many, the newest."
)
@click.option("--follow", "-f", is_flag=True, help="Go on as events come.")
@click.option("--files", "id", metavar="ID", default="", help="What the command ID has changed.")
@json_option
def command(agent: str | None, limit: int, follow: bool, id: str, as_json: bool) -> None:
    """Show the journal's events, oldest first. With --json: one event a line."""
    if id:
        _show_files(ask("looking what it changed", "undo.files", id=id), as_json=as_json)
        return
    for event in _events(agent, limit, follow=follow):
        if as_json:
            print_json_line(event)
        else:
            print_text(describe(event))


def _events(agent: str | None, limit: int, *, follow: bool) -> Iterator[dict[str, Any]]:
    from cash.daemon.client import follow as follow_verb

    if follow:
        yield from follow_verb(places(), "log.follow", cwd=here(), name=agent, limit=limit)
    else:
        yield from ask("reading the journal", "log", name=agent, limit=limit)["entries"]


def _show_files(step: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(step)
        return
    for file in step["files"]:
        kept = f"  (not kept: {file['unsaved']})" if file["unsaved"] else ""
        print_text(f"{file['what']:<8}  {one_line(file['path'])}{kept}")


def print_json_line(event: dict[str, Any]) -> None:
    """One event, one line, at once: a reader of --follow must not wait for a full buffer."""
    print_text(json.dumps(event))
    flush_output()


def describe(event: dict[str, Any]) -> str:
    """An event for people: when, who, what."""
    when = clock(event["time"])
    return f"{when}  {event.get('agent') or '-':<10}  {event['kind']:<13}  {_words(event)}".rstrip()


def _words(event: dict[str, Any]) -> str:
    body = {key: value for key, value in event["body"].items() if value not in (None, "", [])}
    if "rule" in body:  # a question names the first, and explains itself with all
        body.pop("rules", None)
    said = []
    if event["kind"] in ("asked", "answered") and "id" in body:
        said.append(style(str(body["id"]), bold=True))
    if decision := body.get("decision"):
        said.append(style(str(decision), fg=DECISION_COLOURS.get(decision)))
    if body.get("approval") not in (None, "policy"):
        said.append(f"({body['approval']})")
    if "line" in body or "argv" in body:
        said.append(one_line(str(body.get("line") or " ".join(body["argv"]))))
    if event["kind"] == "wrote":
        said.append(_some([os.path.basename(path) for path, _ in body.get("files", ())], body))
    if event["kind"] == "execs":
        said.append(_some([argv[0] for argv, _, _ in body.get("execs", ())], body))
    said += [f"{key}={one_line(_short(key, body[key]))}" for key in _SHOWN if key in body]
    return " ".join(said)


def _some(names: Sequence[str], body: Mapping[str, Any]) -> str:
    """The first of many; --json has them all."""
    more = len(names) - _MOST_NAMES + int(body.get("more", 0))
    return one_line(" ".join([*names[:_MOST_NAMES], *([f"and {more} more"] if more > 0 else [])]))


# Of what a command wrote and started.
_MOST_NAMES = 5
# What of an event's body is shown besides its line, in this order.
_SHOWN = (
    *(
        "path",
        "program",
        "rewritten",
        "rule",
        "rules",
        "host",
        "port",
        "branch",
        "commits",
        "scope",
        "chosen",
    ),
    *("status", "seconds", "level", "version", "refused"),
)


# How much of a policy's fingerprint tells one from another.
_FINGERPRINT = 12


def _short(key: str, value: Any) -> str:
    if key == "seconds":
        return duration(value)
    if key == "version":
        return str(value)[:_FINGERPRINT]
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

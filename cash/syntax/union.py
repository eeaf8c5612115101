"""One list of commands out of what several readers found; and whether they agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from cash.syntax.command import Command


def unite(
    first: Sequence[Command], second: Sequence[Command]
) -> tuple[tuple[Command, ...], tuple[Command, ...]]:
    """All commands, those of the first reader first; and those only one of the two found.

    Commands are the same when words, assignments and redirects are; where in the line they were
    found is taken from the first reader.
    """
    if first == second:
        return tuple(first), ()
    missing = Counter(_key(command) for command in second)
    alone: list[Command] = []
    for command in first:
        key = _key(command)
        if missing[key]:
            missing[key] -= 1
        else:
            alone.append(command)
    added = _add(first, second, missing)
    return (*first, *added), (*alone, *added)


def add_findings(commands: tuple[Command, ...], findings: Sequence[Command]) -> tuple[Command, ...]:
    """The commands, and what a reader that does not decide has found besides, by its words; not
    what it found inside a word that the deciding readers know to be literal."""
    literals = [
        word.span
        for command in commands
        for word in (*command.argv, *(one.value for one in command.assignments))
        if word.literal and word.span is not None
    ]
    known = {tuple([word.text for word in command.argv]) for command in commands}
    pipelines = 1 + max((command.pipe[0] for command in commands if command.pipe), default=-1)
    added: list[Command] = []
    for command in findings:
        words = tuple([word.text for word in command.argv])
        if words in known or _is_within(command.span, literals):
            continue
        known.add(words)
        pipe = command.pipe and (command.pipe[0] + pipelines, command.pipe[1])
        added.append(replace(command, within=None, pipe=pipe))
    return (*commands, *added) if added else commands


def _is_within(span: tuple[int, int] | None, others: Sequence[tuple[int, int]]) -> bool:
    return span is not None and any(
        start <= span[0] and span[1] <= end for start, end in others if (start, end) != span
    )


def _key(command: Command) -> tuple[object, ...]:
    return (
        tuple([word.parts for word in command.argv]),
        tuple([(one.name, one.append, one.value.parts) for one in command.assignments]),
        tuple([(one.operator, one.fd, one.target.parts, one.body) for one in command.redirects]),
    )


def _add(
    first: Sequence[Command], second: Sequence[Command], missing: Counter[tuple[object, ...]]
) -> list[Command]:
    """The second reader's commands that the first has not, with their indices made right."""
    indices = {_key(command): index for index, command in enumerate(first)}
    pipelines = 1 + max((command.pipe[0] for command in first if command.pipe), default=-1)
    place: dict[int, int] = {}
    added: list[Command] = []
    for index, command in enumerate(second):
        key = _key(command)
        if not missing[key]:
            place[index] = indices.get(key, 0)
            continue
        missing[key] -= 1
        place[index] = len(first) + len(added)
        within = None if command.within is None else place[command.within]
        pipe = command.pipe and (command.pipe[0] + pipelines, command.pipe[1])
        added.append(replace(command, within=within, pipe=pipe))
    return added

"""What a line does: its commands, and the writes, git operations and connections they imply."""

from __future__ import annotations

from collections.abc import Iterator

from cash.policy.action import Action, Exec
from cash.policy.actions.connects import connects_of
from cash.policy.actions.directory import directories_of
from cash.policy.actions.git import git_of
from cash.policy.actions.writes import writes_of
from cash.policy.context import Context
from cash.policy.subject import Scene
from cash.syntax.command import Command, Line

__all__ = ["actions_of", "implied_actions"]


def actions_of(line: Line, context: Context) -> tuple[Action, ...]:
    """An Exec for every command, in the line's order (so that `Command.within` is an index
    among them), then what those imply. Pure; never raises."""
    directories = directories_of(line, context)
    execs = tuple(
        Exec(command, program_of(command), cwd)
        for command, cwd in zip(line.commands, directories, strict=True)
    )
    return (*execs, *implied_actions(execs, context))


def implied_actions(execs: tuple[Exec, ...], context: Context) -> Iterator[Action]:
    """Writes, git operations and connections of commands that are about to run here. What runs
    on another host (ssh) changes nothing here."""
    scene = Scene(execs, context)
    for one in execs:
        subject = scene.subject(one)
        if one.command.remote is None:
            yield from writes_of(subject)
            yield from git_of(subject)
        yield from connects_of(subject)


def program_of(command: Command) -> str | None:
    """The last path component of the command's name, or None when it is not known."""
    name = command.name
    return name.rpartition("/")[2] if name else None

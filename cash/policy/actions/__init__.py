"""What a line does: its commands, and the writes, git operations and connections they imply."""

from __future__ import annotations

from collections.abc import Iterator

from cash.policy.action import Action, Exec, Start
from cash.policy.actions.connects import TALKERS, connects_of
from cash.policy.actions.directory import directories_of
from cash.policy.actions.git import git_of
from cash.policy.actions.git_line import line_config_of
from cash.policy.actions.writes import WRITERS, writes_of
from cash.policy.context import Context
from cash.policy.scripts import Scripts
from cash.policy.subject import Scene
from cash.syntax.command import Command, Line

__all__ = ["actions_of", "implied_actions", "stage"]


# A script may configure git for the line around it, which then may run further scripts.
_MOST_PASSES = 3
_IMPLYING = WRITERS.keys() | TALKERS.keys()


def actions_of(line: Line, context: Context, scripts: Scripts | None = None) -> tuple[Action, ...]:
    """An Exec for every command, in the line's order (so that `Command.within` is an index
    among them), then what those imply. Pure; never raises."""
    return stage(line, context, scripts=scripts)[0]


def stage(
    line: Line,
    context: Context,
    *,
    surprise: bool = False,
    scripts: Scripts | None = None,
    start: Start | None = None,
) -> tuple[tuple[Action, ...], Scene]:
    """actions_of with the scene that was built for it, so that judging need not build another.
    surprise: the line was predicted by nothing. scripts: what its commands hand to a shell;
    those that are wanted and not read are noted there, and asked about. start: how the first
    command starts now; the others only may."""
    directories = directories_of(line, context)
    execs = tuple(
        [
            Exec(command, program_of(command), cwd, None, None, surprise)
            for command, cwd in zip(line.commands, directories, strict=True)
        ]
    )
    if start is not None and execs:
        execs = (_started(execs[0], start), *execs[1:])
    scene = Scene(execs, context, scripts)
    implied = tuple(_implied(execs, scene))
    for _ in range(_MOST_PASSES):
        if not any([isinstance(one, Exec) for one in implied]):
            # The usual line: what was worked out for it once is kept.
            return (*execs, *implied), scene
        wider = Scene((*execs, *implied), context, scripts)
        if line_config_of(wider) == line_config_of(scene):
            return (*execs, *implied), wider
        implied, scene = tuple(_implied(execs, wider)), wider
    return (*execs, *implied), Scene((*execs, *implied), context, scripts)


def _started(one: Exec, start: Start) -> Exec:
    return Exec(one.command, start.program, one.cwd, start.resolved, start.inode, start.surprise)


def implied_actions(execs: tuple[Exec, ...], context: Context) -> Iterator[Action]:
    """Writes, git operations and connections of commands that are about to run: for who meets
    execs one by one."""
    return _implied(execs, Scene(execs, context))


def _implied(execs: tuple[Exec, ...], scene: Scene) -> Iterator[Action]:
    """What runs on another host (ssh) changes nothing here."""
    for one in execs:
        subject = scene.subject(one)
        if not one.command.redirects and not _implies(subject.key.names):
            continue
        if one.command.remote is None:
            yield from writes_of(subject)
            yield from git_of(subject)
        yield from connects_of(subject)


def _implies(names: tuple[str, ...]) -> bool:
    """Whether a program of these names does any of this; most do not."""
    return any([name in _IMPLYING or name.startswith("git") for name in names])


def program_of(command: Command) -> str | None:
    """The last path component of the command's name, or None when it is not known."""
    name = command.name
    return name.rpartition("/")[2] if name else None

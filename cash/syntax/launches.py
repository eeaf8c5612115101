"""What a command starts besides itself: the command behind sudo, the text behind `bash -c`."""

from __future__ import annotations

from collections.abc import Iterator

from cash.syntax.command import Command, Expansion
from cash.syntax.launch import GIVEN, Finder, Launch, Starts
from cash.syntax.multiplexers import MULTIPLEXERS
from cash.syntax.projects import PROJECTS
from cash.syntax.runners import RUNNERS
from cash.syntax.sed import SED
from cash.syntax.shells import SHELL_TEXTS, shell_launches
from cash.syntax.wrappers import OTHER_SHELLS, SHELLS, WRAPPERS, Wrapper
from cash.syntax.wrapping import WRAPPING, wrapper_launches

_FINDERS: dict[str, Finder] = {
    **WRAPPING,
    **SHELL_TEXTS,
    **RUNNERS,
    **PROJECTS,
    **MULTIPLEXERS,
    **SED,
}

_STARTING = _FINDERS.keys() | SHELLS | OTHER_SHELLS | WRAPPERS.keys()


def starts_others(program: str) -> bool:
    """Whether a program of that name may start what its words name."""
    return program in _STARTING


def launches_of(command: Command) -> Iterator[Launch]:
    """Everything the command's words start."""
    if not (all([word.literal for word in command.argv]) and not command.assignments):
        yield from _prompts(command)
    name = command.name
    if name is None:
        return
    base = name.rpartition("/")[2]
    if base not in _STARTING and not base.startswith("ld"):
        return  # as most
    find = _FINDERS.get(base)
    if find is not None:
        yield from find(base, command.argv)
    elif base in SHELLS or base in OTHER_SHELLS:
        yield from shell_launches(base, command.argv)
    elif base in WRAPPERS:
        yield from wrapper_launches(base, WRAPPERS[base], command.argv)
    elif base.startswith("ld-linux") or base in ("ld.so", "ld-musl-x86_64.so.1"):
        yield from wrapper_launches(
            base, Wrapper(long=("--library-path", "--preload")), command.argv
        )


def _prompts(command: Command) -> Iterator[Launch]:
    """`${x@P}` runs the substitutions in the value of x, quoted or not."""
    for word in (*command.argv, *[one.value for one in command.assignments]):
        if word.literal:
            continue
        for part in word.parts:
            if isinstance(part, Expansion) and part.text.endswith("@P}"):
                yield Starts((GIVEN,), "prompt expansion")

"""In which directory each command of a line runs: `cd X && rm -rf .` removes X."""

from __future__ import annotations

from dataclasses import dataclass

from cash.policy.context import Context
from cash.policy.glob import has_holes
from cash.policy.paths import locate
from cash.policy.value import Variables, value_of
from cash.policy.variables import variables_of
from cash.syntax.command import Command, Line, Word

_CHANGING = frozenset(("cd", "chdir", "pushd", "popd"))
# Constructs that run in a process of their own: a cd in them ends with them.
_SEPARATE = ("subshell", "substitution", "process substitution", "coproc", "background")
# Wrappers with a flag for the directory of what they run.
_ELSEWHERE = {
    "env": ("-C", "--chdir"),
    "sudo": ("-D", "--chdir"),
    "systemd-run": ("--working-directory",),
    "nsenter": ("-w", "--wd", "--wdns"),
}

_MOVING = _CHANGING | {"builtin", "command", *_ELSEWHERE}

Scope = tuple[tuple[str, ...], "tuple[int, int] | None", "int | None"]


@dataclass(slots=True)
class _Shell:
    """One shell process of the line. end: byte offset of its last command seen."""

    cwd: str | None
    previous: str | None
    start: str | None
    end: int = 0


def directories_of(line: Line, context: Context) -> tuple[str | None, ...]:
    """The directory of each command of line.commands; None where it is not known. A literal cd
    is taken to succeed."""
    if not any([_may_move(command) for command in line.commands]):
        return (context.cwd,) * len(line.commands)
    variables: Variables | None = None
    text = line.text.encode("utf-8", "surrogateescape")
    shells: dict[Scope, _Shell] = {}
    found: list[str | None] = []
    for command in line.commands:
        scope = _scope_of(command)
        shell = shells.get(scope)
        if shell is None or (scope[0] and _has_left(command, shell, text)):
            # A second `( … )` at the same depth is another process.
            start = _start(command, scope, shells, line, found, context)
            shell = shells[scope] = _Shell(start, start, start)
        found.append(shell.cwd)
        if command.span is not None:
            shell.end = max(shell.end, command.span[1])
        words = _without_builtin(command.argv)
        if words and words[0].text in _CHANGING:
            if variables is None and not all([word.literal for word in words]):
                variables = variables_of(line.commands, {"HOME": context.home})
            target = _target(words, shell, context, variables or {})
            shell.previous, shell.cwd = shell.cwd, target
    return tuple(found)


def _may_move(command: Command) -> bool:
    """Whether it is a cd, or a wrapper that may change directories: most lines have neither."""
    return bool(command.argv) and command.argv[0].text.rpartition("/")[2] in _MOVING


def _scope_of(command: Command) -> Scope:
    separate = tuple([one for one in command.inside if one.startswith(_SEPARATE)])
    return separate, command.pipe, command.within


def _has_left(command: Command, shell: _Shell, text: bytes) -> bool:
    if command.span is None:
        return False
    depth = 0
    for byte in text[shell.end : command.span[0]]:
        depth += (byte == 0x28) - (byte == 0x29)
        if depth < 0:
            return True
    return False


def _start(
    command: Command,
    scope: Scope,
    shells: dict[Scope, _Shell],
    line: Line,
    found: list[str | None],
    context: Context,
) -> str | None:
    """Where a shell begins: where the command that launches it is, else the shell around it."""
    if command.within is not None and 0 <= command.within < len(found):
        return _changed_by(line.commands[command.within], found[command.within], context)
    separate, pipe, within = scope
    for outer in (
        (separate, None, within),
        (separate[:-1], pipe, within),
        (separate[:-1], None, within),
    ):
        if outer != scope and outer in shells:
            return shells[outer].cwd
    base = shells.get(((), None, None))
    return base.cwd if base is not None else context.cwd


def _changed_by(launcher: Command, cwd: str | None, context: Context) -> str | None:
    flags = _ELSEWHERE.get((launcher.name or "").rpartition("/")[2])
    if flags is None:
        return cwd
    words = launcher.argv[1:]
    for place, word in enumerate(words):
        name, equals, rest = word.text.partition("=")
        if name not in flags:
            continue
        if equals:
            return _join(Word((rest,), rest), cwd, context) if word.literal else None
        return _join(words[place + 1], cwd, context) if place + 1 < len(words) else None
    return cwd


def _join(word: Word, cwd: str | None, context: Context) -> str | None:
    text = value_of(word, {"HOME": context.home}).text
    path = locate(text, cwd)
    return None if has_holes(path) else path


def _without_builtin(argv: tuple[Word, ...]) -> tuple[Word, ...]:
    """`builtin cd x` and `command -p cd x` move the shell like `cd x`."""
    if not argv or argv[0].text not in ("builtin", "command"):
        return argv
    return next((argv[at:] for at in range(1, len(argv)) if argv[at].text[:1] != "-"), ())


def _target(
    argv: tuple[Word, ...], shell: _Shell, context: Context, variables: Variables
) -> str | None:
    name = argv[0].text
    if name == "popd":
        return None
    words = [word for word in argv[1:] if not _is_option(word)]
    if not words:
        return context.home if name != "pushd" else None
    if words[0].text == "-":
        return shell.previous
    path = locate(value_of(words[0], {**variables, "PWD": shell.cwd}).text, shell.cwd)
    return None if has_holes(path) else path


def _is_option(word: Word) -> bool:
    return word.text in ("-L", "-P", "-e", "-@", "--", "-LP", "-PL", "-n")

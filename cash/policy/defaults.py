"""What no rule names: the level decides."""

from __future__ import annotations

from collections.abc import Set
from typing import Final

from cash.policy.action import Connect, Exec, GitOp, ToolCall, Write
from cash.policy.glob import has_holes
from cash.policy.hosts import is_loopback, normalise_host
from cash.policy.paths import is_below, locate
from cash.policy.subject import Subject
from cash.policy.value import value_of
from cash.policy.verdict import Decision, Level, Match
from cash.policy.wording import words_of
from cash.syntax.launches import starts_others

NOT_UNDERSTOOD: Final = "not-understood"
DYNAMIC: Final = "dynamic-command"
UNNAMED_PROGRAM: Final = "unnamed-program"
UNNAMED_WRITE: Final = "unnamed-write"
UNNAMED_TOOL: Final = "unnamed-tool"
NEW_HOST: Final = "new-host"
REWRITE_LOOP: Final = "rewrite-loop"
UNCLEAR_GIT: Final = "unclear-git"
BUILTIN_RULES: Final = frozenset(
    (
        *(NOT_UNDERSTOOD, DYNAMIC, UNNAMED_PROGRAM, UNNAMED_WRITE, UNNAMED_TOOL, NEW_HOST),
        *(REWRITE_LOOP, UNCLEAR_GIT),
    )
)

# Builtins that change nothing outside the shell itself: no reason to ask even when strict.
_HARMLESS: Final = frozenset(
    (
        *(":", "[", "[[", "test", "true", "false", "echo", "printf", "cd", "pwd", "pushd", "popd"),
        *("dirs", "set", "shopt", "unset", "export", "declare", "typeset", "local", "readonly"),
        *("read", "shift", "return", "exit", "break", "continue", "wait", "jobs", "fg", "bg"),
        *("type", "let", "getopts", "mapfile", "readarray", "umask", "ulimit", "times", "hash"),
        *("disown", "logout", "suspend", "caller", "fc", "history", "help", "alias", "unalias"),
    )
)
_STRICT = Level.STRICT
_HTTPS: Final = 443


def default_match(subject: Subject, named: Set[int]) -> Match | None:
    """What the level says of an action that no rule named; None: it is allowed.

    named: id() of every action, and of every command, that some rule spoke of."""
    action = subject.action
    if isinstance(action, Exec) and is_dynamic(subject):
        return _dynamic(subject)
    if isinstance(action, GitOp) and action.unclear:
        return _unclear(subject, action.unclear)
    if id(action) in named:
        return None
    level = subject.scene.context.level
    match action:
        case Exec():
            if level is _STRICT and id(action.command) not in named:
                return _unnamed_program(subject)
        case Write():
            if level is _STRICT and id(action.command) not in named:
                return _unnamed_write(subject, action)
        case Connect():
            return _new_host(subject, action, level)
        case ToolCall():
            if level is _STRICT:
                reason = "no rule names this tool, and the level is strict"
                return Match(UNNAMED_TOOL, Decision.ASK, reason, None, words_of(subject))
        case _:
            pass
    return None


def is_dynamic(subject: Subject) -> bool:
    """Whether the program is known only when the line runs."""
    values = subject.values
    if not values or not subject.namings:
        return bool(values)
    # `S=sudo; $S rm …`: the line's reader has not seen that this starts another program.
    return values[0].assumed and any(starts_others(one.name) for one in subject.namings)


def _dynamic(subject: Subject) -> Match | None:
    if subject.scene.context.enforced:
        return None
    reason = "which program this is shows only when it runs"
    hint = "name the program literally"
    return Match(DYNAMIC, Decision.ASK, reason, hint, words_of(subject))


def _unclear(subject: Subject, reason: str) -> Match | None:
    if subject.scene.context.enforced:
        return None
    hint = "send the git command as a line of its own, with its operation spelled out"
    return Match(UNCLEAR_GIT, Decision.ASK, reason, hint, words_of(subject))


def _unnamed_program(subject: Subject) -> Match | None:
    command = subject.command
    if command is None or not command.argv or command.name in _HARMLESS:
        return None
    reason = "no rule names this program, and the level is strict"
    return Match(UNNAMED_PROGRAM, Decision.ASK, reason, None, words_of(subject))


def _unnamed_write(subject: Subject, action: Write) -> Match | None:
    path = locate(value_of(action.path, subject.scene.variables).text, subject.cwd)
    context = subject.scene.context
    if not has_holes(path) and not is_below(path, context.tree):
        return None  # the walls answer
    reason = "no rule names this file, and the level is strict"
    return Match(UNNAMED_WRITE, Decision.ASK, reason, None, words_of(subject))


def _new_host(subject: Subject, action: Connect, level: Level) -> Match | None:
    host = normalise_host(action.host)
    if level is Level.RELAXED or is_loopback(host):
        return None
    if host in subject.scene.context.hosts and action.port == _HTTPS:
        return None
    decision = Decision.DENY if level is _STRICT else Decision.ASK
    reason = "no rule names this host"
    return Match(NEW_HOST, decision, reason, None, words_of(subject))


def not_understood(trouble: str, text: str) -> Match:
    """The match for a line the readers could not agree on."""
    hint = "write it more simply, or as several lines"
    return Match(NOT_UNDERSTOOD, Decision.ASK, trouble, hint, text)

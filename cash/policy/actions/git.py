"""Git operations with what configures them: not what flags say alone, but what git will do."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cash.policy.action import Action, Connect, Exec, GitOp
from cash.policy.actions.connects import parse_location
from cash.policy.actions.git_config import environment_config, normalise_key, split_setting
from cash.policy.actions.refspecs import branches_of, refspecs_of, remote_of
from cash.policy.arguments import split_arguments
from cash.policy.glob import UNKNOWN, has_holes
from cash.policy.programs import UNKNOWN_PROGRAM, USAGES
from cash.policy.subject import Subject
from cash.policy.value import Value
from cash.syntax.command import Expansion, Line, Word

# Global flags whose value is the next word (git 2.39).
_GLOBAL_VALUES = frozenset(
    ("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix", "--config-env")
)
_DEEPEST_ALIAS = 5


@dataclass(slots=True)
class _Call:
    """A git command taken apart."""

    config: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    words: list[Value] = field(default_factory=list)


def git_of(subject: Subject) -> Iterator[Action]:
    """The git operation of one command, where it connects to, and what a `!` alias runs."""
    for naming in subject.namings:
        if naming.name == "git":
            values = subject.values[naming.skip :]
        elif naming.name.startswith("git-") and f"git {naming.name[4:]}" in USAGES:
            # git's own programs (libexec/git-core/git-push) are the operation itself.
            name = naming.name[4:]
            values = [Value(name, Word((name,), name)), *subject.values[naming.skip :]]
        else:
            continue
        yield from _operations(subject, values)
        return


def _operations(subject: Subject, values: Sequence[Value]) -> Iterator[Action]:
    call = _split(values)
    command = subject.command
    if command is not None:
        call.config = {**environment_config(command.assignments), **call.config}
    effective = {**subject.scene.context.facts.git_config, **call.config}
    script = _resolve_alias(call, effective)
    if script is not None:
        yield from _shell_actions(script, subject)
    if not call.words:
        return
    operation, rest = call.words[0].text, call.words[1:]
    usage = USAGES.get(f"git {operation}", UNKNOWN_PROGRAM)
    arguments = split_arguments(rest, usage)
    flags = call.flags | {flag.name for flag in arguments.flags}
    branch = subject.scene.context.branch
    refspecs = refspecs_of(operation, arguments, effective, branch)
    if any(one.startswith("+") for one in refspecs):
        flags.add("+refspec")
    if operation == "config":
        call.config.update(_set_by(arguments_words(arguments.positionals)))
    remote = remote_of(operation, arguments, effective, branch)
    yield GitOp(
        operation,
        tuple(value.word for value in rest),
        frozenset(flags),
        remote,
        refspecs,
        branches_of(operation, arguments, refspecs),
        call.config,
        command,
    )
    yield from _connections(
        operation, remote, arguments_words(arguments.positionals), effective, subject
    )


def arguments_words(positionals: Sequence[tuple[Value, bool]]) -> list[str]:
    """The texts of positional arguments."""
    return [value.text for value, _ in positionals]


def _split(values: Sequence[Value]) -> _Call:
    call = _Call()
    index = 0
    while index < len(values):
        text = values[index].text
        if not text.startswith("-"):
            call.words = list(values[index:])
            break
        name, equals, rest = text.partition("=")
        if name == "-c" or name in _GLOBAL_VALUES:
            if not equals or name == "-c":
                index += 1
                rest = values[index].text if index < len(values) else ""
            _add_setting(call, name, rest)
        call.flags.add(name)
        index += 1
    return call


def _add_setting(call: _Call, name: str, text: str) -> None:
    if name == "-c":
        key, value = split_setting(text)
        call.config[key] = value
    elif name == "--config-env":
        call.config[normalise_key(text.partition("=")[0])] = UNKNOWN


def _resolve_alias(call: _Call, effective: Mapping[str, str]) -> str | None:
    """Puts aliases in place of call.words; the shell text of one that begins with `!`. Git does
    not let an alias hide one of its own commands."""
    for _ in range(_DEEPEST_ALIAS):
        if not call.words or f"git {call.words[0].text}" in USAGES:
            return None
        alias = effective.get(f"alias.{call.words[0].text.lower()}")
        if alias is None:
            return None
        if alias.startswith("!"):
            rest = " ".join(shlex.quote(value.text) for value in call.words[1:])
            call.words = []
            return f"{alias[1:]} {rest}".strip()
        try:
            words = shlex.split(alias)
        except ValueError:
            return None
        inner = _split([Value(word, Word((word,), word)) for word in words])
        call.config.update(inner.config)
        call.flags |= inner.flags
        call.words = [*inner.words, *call.words[1:]]
    return None


def _shell_actions(script: str, subject: Subject) -> Iterator[Action]:
    from cash.policy.actions import actions_of
    from cash.syntax import read

    if has_holes(script):
        return
    line: Line = read(script, entry=False)
    command = subject.command
    if line.trouble is not None and command is not None:
        # Not understood is never allowed: a program that is not known is asked about.
        word = Word((Expansion("unknown", script),), script)
        yield Exec(replace(command, argv=(word,)), None, subject.cwd)
    yield from actions_of(line, subject.scene.context)


def _set_by(words: Sequence[str]) -> dict[str, str]:
    """`git config KEY VALUE`, and the newer `git config set KEY VALUE`."""
    rest = words[1:] if words[:1] == ["set"] else words
    if len(rest) < 2 or "." not in rest[0]:
        return {}
    return {normalise_key(rest[0]): rest[1]}


_CONNECTING = frozenset(("clone", "fetch", "pull", "push", "ls-remote", "archive", "submodule"))


def _connections(
    operation: str,
    remote: str | None,
    words: Sequence[str],
    effective: Mapping[str, str],
    subject: Subject,
) -> Iterator[Connect]:
    if operation not in _CONNECTING:
        return
    places = [remote] if remote is not None else []
    places += [word for word in words if "://" in word and word != remote]
    for place in places:
        url = effective.get(f"remote.{place.lower()}.url", place)
        endpoint = parse_location(url)
        if endpoint is not None and endpoint[0] and not has_holes(endpoint[0]):
            yield Connect(endpoint[0], endpoint[1], subject.command)

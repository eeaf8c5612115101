"""Git operations with what configures them: not what flags say alone, but what git will do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from cash.policy.action import Action, Connect, GitOp
from cash.policy.actions.connects import parse_location
from cash.policy.actions.git_call import Call, call_of, resolve_alias, settings_of
from cash.policy.actions.git_config import assigned, environment_config
from cash.policy.actions.git_line import LineConfig, line_config_of
from cash.policy.actions.refspecs import branches_of, refspecs_of, remote_of
from cash.policy.arguments import Arguments, split_arguments
from cash.policy.glob import has_holes
from cash.policy.programs import UNKNOWN_PROGRAM, USAGES
from cash.policy.subject import Subject

_NOT_SEEN = "what this alias hands to a shell cannot be understood"
_WRITTEN = "the line writes a file that configures git"


def git_of(subject: Subject) -> Iterator[Action]:
    """The git operation of one command, where it connects to, and what a `!` alias runs. When
    the line itself configures git, each of those it may turn out to be."""
    call = call_of(subject)
    if call is None:
        return
    line = line_config_of(subject.scene)
    own = dict(call.config)
    if subject.command is not None and subject.command.assignments:
        own = {**environment_config(assigned(subject.command.assignments)), **own}
    found: list[list[Action]] = []
    for state in line.states(subject.scene.context.facts.git_config):
        shown = {key: state[key] for key, _ in line.environment if key in state}
        here = call
        if shown or own != call.config:
            here = Call({**shown, **own}, call.flags, call.words, call.script, call.unclear)
        actions = list(_operations(subject, here, state, line))
        if actions not in found:
            found.append(actions)
            yield from actions


def _operations(
    subject: Subject, call: Call, config: Mapping[str, str], line: LineConfig
) -> Iterator[Action]:
    """What a call does under a configuration; what the call brings itself wins over that."""
    if not call.is_builtin:
        call = resolve_alias(call, {**config, **call.config})
    effective = {**config, **call.config}
    if call.script is not None:
        yield from _shell_actions(call, call.script, effective, subject)
    if not call.words:
        return
    operation, rest = call.operation, call.words[1:]
    arguments = split_arguments(rest, USAGES.get(f"git {operation}", UNKNOWN_PROGRAM))
    branch = subject.scene.context.branch
    refspecs = refspecs_of(operation, arguments, effective, branch)
    remote = remote_of(operation, arguments, effective, branch)
    yield GitOp(
        operation,
        tuple(value.word for value in rest),
        call.flags | _flags_of(operation, arguments, refspecs, effective),
        remote,
        refspecs,
        branches_of(operation, arguments, refspecs),
        {**call.config, **dict(settings_of(call))},
        subject.command,
        _unclear(call, line),
    )
    words = [value.text for value, _ in arguments.positionals]
    yield from _connections(operation, remote, words, effective, subject)


def _unclear(call: Call, line: LineConfig) -> str:
    if call.unclear:
        return call.unclear
    if line.written and call.operation != "config":
        return _WRITTEN
    return "" if call.is_builtin else line.unclear


def _flags_of(
    operation: str, arguments: Arguments, refspecs: Sequence[str], config: Mapping[str, str]
) -> frozenset[str]:
    """The flags given, and those that the configuration stands for."""
    flags = {flag.name for flag in arguments.flags}
    if any(one.startswith("+") for one in refspecs):
        flags.add("+refspec")
    required = config.get("clean.requireforce", "true").lower()
    if operation == "clean" and required not in ("true", "yes", "on", "1"):
        flags.add("--force")
    if operation == "gc" and ("gc.pruneexpire" in config or _has_reflog_expiry(config)):
        flags.add("--prune=")
    return frozenset(flags)


def _has_reflog_expiry(config: Mapping[str, str]) -> bool:
    return any(key.startswith("gc.") and "reflogexpire" in key for key in config)


def _shell_actions(
    call: Call, script: str, effective: Mapping[str, str], subject: Subject
) -> Iterator[Action]:
    """What the script of a `!` alias does; git hands its configuration on to it."""
    from cash.policy.actions import actions_of

    scene = subject.scene
    line = None if has_holes(script) else scene.scripts.take(script)
    if line is None or line.trouble is not None:
        # Not understood is never allowed.
        config = call.config
        yield GitOp("", (), call.flags, config=config, command=subject.command, unclear=_NOT_SEEN)
    if line is not None:
        facts = replace(scene.context.facts, git_config=effective)
        context = replace(scene.context, facts=facts)
        yield from actions_of(line, context, scene.scripts.inside())


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
    carried = subject.scene.context.facts.carried
    places = [remote] if remote is not None else []
    places += [word for word in words if "://" in word and word != remote]
    for place in places:
        url = effective.get(f"remote.{place.lower()}.url", place)
        # polisd's own way out: nothing connects from here.
        is_carried = url.startswith("polis::") or url in carried
        endpoint = None if is_carried else parse_location(url)
        if endpoint is not None and endpoint[0] and not has_holes(endpoint[0]):
            yield Connect(endpoint[0], endpoint[1], subject.command)

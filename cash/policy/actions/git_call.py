"""A git command taken apart: what stands before its operation, and aliases resolved."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cash.policy.actions.git_config import add_setting, normalise_key, split_setting
from cash.policy.arguments import split_arguments
from cash.policy.glob import UNKNOWN, has_holes
from cash.policy.programs import UNKNOWN_PROGRAM, USAGES
from cash.policy.subject import Subject
from cash.policy.value import Value
from cash.syntax.command import Word

# Global flags whose value is the next word (git 2.45).
_GLOBAL_VALUES = frozenset(
    (
        *("-C", "-c", "--git-dir", "--work-tree", "--namespace", "--super-prefix"),
        *("--config-env", "--attr-source"),
    )
)
_DEEPEST_ALIAS = 5
# The operations that `settings_of` knows to configure git.
SETTING = frozenset(("clone", "init", "config"))
_UNSETTING = frozenset(("--get", "--get-all", "--get-regexp", "--list", "--unset", "--unset-all"))


@dataclass(frozen=True, slots=True)
class Call:
    """config: its own `-c`. flags: before the operation. words: the operation and what follows.
    script: what an alias that begins with `!` hands to a shell; then there are no words.
    unclear: why it is not known what the operation is, or ""."""

    config: Mapping[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()
    words: tuple[Value, ...] = ()
    script: str | None = None
    unclear: str = ""

    @property
    def operation(self) -> str:
        """Its name, "" when there is none."""
        return self.words[0].text if self.words else ""

    @property
    def is_builtin(self) -> bool:
        """Whether it is git's own, which no alias can hide."""
        return f"git {self.operation}" in USAGES


def call_of(subject: Subject) -> Call | None:
    """The git command that a subject is; None when it is another one."""
    for naming in subject.namings:
        if naming.name == "git":
            return _split(subject.values[naming.skip :])
        if naming.name.startswith("git-") and f"git {naming.name[4:]}" in USAGES:
            # git's own programs (libexec/git-core/git-push) are the operation itself.
            name = naming.name[4:]
            return _split([_word(name), *subject.values[naming.skip :]])
    return None


def _word(text: str) -> Value:
    return Value(text, Word((text,), text), holes=has_holes(text))


def _split(values: Sequence[Value]) -> Call:
    config: dict[str, str] = {}
    flags: set[str] = set()
    words: tuple[Value, ...] = ()
    index = 0
    while index < len(values):
        text = values[index].text
        if not text.startswith("-"):
            words = tuple(values[index:])
            break
        name, equals, rest = text.partition("=")
        if name == "-c" or name in _GLOBAL_VALUES:
            if not equals or name == "-c":
                index += 1
                rest = values[index].text if index < len(values) else ""
            if name == "-c":
                add_setting(config, *split_setting(rest))
            elif name == "--config-env":
                config[normalise_key(rest.partition("=")[0])] = UNKNOWN
        flags.add(name)
        index += 1
    return Call(config, frozenset(flags), words)


def resolve_alias(call: Call, config: Mapping[str, str]) -> Call:
    """The call with aliases put in their place. config: everything in effect, the call's own
    first. Git does not let an alias hide one of its own commands."""
    for _ in range(_DEEPEST_ALIAS):
        if not call.words or call.is_builtin:
            return call
        if has_holes(call.operation):
            return replace(call, unclear="which operation of git this is shows only when it runs")
        alias = config.get(f"alias.{call.operation.lower()}")
        if alias is None:
            return call
        if has_holes(alias):
            call = replace(call, unclear="what this alias stands for shows only when it runs")
        if alias.startswith("!"):
            rest = " ".join(shlex.quote(value.text) for value in call.words[1:])
            return replace(call, words=(), script=f"{alias[1:]} {rest}".strip())
        try:
            words = shlex.split(alias)
        except ValueError:
            return call
        inner = _split([_word(word) for word in words])
        call = Call(
            {**call.config, **inner.config},
            call.flags | inner.flags,
            (*inner.words, *call.words[1:]),
            unclear=call.unclear,
        )
    return call


def settings_of(call: Call) -> Iterator[tuple[str, str]]:
    """What the operation puts into a configuration file: `git config KEY VALUE`, the newer `git
    config set KEY VALUE`, `git clone -c KEY=VALUE`. What is not known is UNKNOWN."""
    if call.operation not in SETTING:
        return
    usage = USAGES.get(f"git {call.operation}", UNKNOWN_PROGRAM)
    if call.operation in ("clone", "init"):
        for flag in split_arguments(call.words[1:], usage).flags:
            if flag.value is not None and flag.name in ("-c", "--config"):
                yield split_setting(flag.value.text)
            elif flag.value is not None and flag.name == "--template":
                yield "init.templatedir", flag.value.text
    else:
        arguments = split_arguments(call.words[1:], usage)
        flags = {flag.name for flag in arguments.flags}
        values = [value for value, _ in arguments.positionals]
        if "--rename-section" in flags or (values and values[0].text == "rename-section"):
            # `git config --rename-section foo alias` makes aliases of what foo held.
            yield UNKNOWN, UNKNOWN
        elif flags.isdisjoint(_UNSETTING):
            yield from _set_by(values)


def _set_by(values: Sequence[Value]) -> Iterator[tuple[str, str]]:
    for place, value in enumerate(values):
        last = place + 1 == len(values)
        if value.holes and "." not in value.text:
            if value.loose or not last:
                yield UNKNOWN, UNKNOWN if last else values[place + 1].text
                return
        elif "." in value.text and not last:
            yield normalise_key(value.text), values[place + 1].text
            return

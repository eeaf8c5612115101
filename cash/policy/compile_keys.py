"""The keys of rules and conditions: from YAML nodes to tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeVar

from cash.policy import action_tests, circumstances, command_tests
from cash.policy.arguments import ArgsTest, FlagPattern, FlagTest
from cash.policy.document import Node
from cash.policy.hosts import HostPattern, compile_host, compile_port
from cash.policy.matcher import Choices, Matcher, Test
from cash.policy.paths import PathPattern, compile_paths
from cash.policy.pattern import Pattern, PatternError, compile_pattern, expand, split_alternatives
from cash.policy.pipe import Pipe
from cash.policy.quantified import Quantified
from cash.policy.subject import PIPED, REDIRECTED, REMOTE, SETTING
from cash.policy.usage import Usage
from cash.policy.verdict import Level

A = TypeVar("A")
T = TypeVar("T")
KINDS_OF_WRITE: Final = ("create", "overwrite", "append", "delete", "rename", "metadata")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a file gives its rules. all_by_default: plain values of a key with several elements
    must all fit (in `unless`)."""

    sets: Mapping[str, Sequence[str]]
    usages: Mapping[str, Usage] = field(default_factory=dict)
    all_by_default: bool = False
    condition: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's value with the scope it was written in (an override mixes two files)."""

    key: Node
    value: Node
    scope: Scope


def guard(node: Node, compile_one: Callable[[A], T], argument: A) -> T:
    """compile_one(argument); its PatternError becomes a fault at the right column of node."""
    try:
        return compile_one(argument)
    except PatternError as error:
        raise node.fault(error.message, at=error.at) from None


def _texts(node: Node, scope: Scope) -> Iterator[tuple[Node, str]]:
    """The alternatives of one pattern or of a list of them, sets replaced by their members."""
    for one in node.one_or_more():
        for text in guard(one, partial(expand, sets=scope.sets), one.filled()):
            yield one, text


def compile_patterns(node: Node, scope: Scope) -> Pattern:
    """One pattern or a list of them."""
    compile_one = partial(compile_pattern, sets=scope.sets)
    found = [guard(one, compile_one, one.text()) for one in node.one_or_more()]
    return Pattern(
        frozenset().union(*(one.exact for one in found)),
        tuple(glob for one in found for glob in one.globs),
        tuple(text for one in found for text in one.named),
        tuple(regex for one in found for regex in one.regexes),
    )


def _paths(node: Node, scope: Scope) -> PathPattern:
    texts = list(_texts(node, scope))
    for one, text in texts:
        guard(one, compile_paths, text)
    return compile_paths([text for _, text in texts])


def _hosts(node: Node, scope: Scope) -> tuple[HostPattern, ...]:
    return tuple(guard(one, compile_host, text) for one, text in _texts(node, scope))


def _quantified(node: Node, scope: Scope, compile_one: Callable[[Node, Scope], T]) -> Quantified[T]:
    if not node.is_map:
        pattern = compile_one(node, scope)
        return Quantified(all=pattern) if scope.all_by_default else Quantified(any=pattern)
    entries = node.known_entries(("any", "all", "none"))
    found = {name: compile_one(value, scope) for name, (_, value) in entries.items()}
    if not found:
        raise node.fault("expected any, all or none")
    return Quantified(found.get("any"), found.get("all"), found.get("none"))


def _pairs(node: Node, scope: Scope, *, lower: bool = False) -> tuple[tuple[Pattern, Pattern], ...]:
    found = []
    for key, value in node.entries().values():
        text = key.filled()
        name = guard(
            key, partial(compile_pattern, sets=scope.sets), text.lower() if lower else text
        )
        found.append((name, compile_patterns(value, scope)))
    if not found:
        raise node.fault("expected at least one entry")
    return tuple(found)


def _args(node: Node, scope: Scope) -> Test:
    items = node.items()
    choices = [one.items() for one in items] if items and items[0].is_list else [items]
    return command_tests.Args(ArgsTest(tuple(_arg_patterns(one, scope) for one in choices)))


def _arg_patterns(nodes: list[Node], scope: Scope) -> tuple[Pattern | None, ...]:
    found: list[Pattern | None] = []
    for node in nodes:
        text = node.filled()
        if text.startswith("-") and text != "-":
            raise node.fault("a flag has its place in `flags:`", hint=f"flags: {{all: [{text}]}}")
        found.append(None if text == "..." else compile_patterns(node, scope))
    return tuple(found)


def _flags(node: Node, scope: Scope) -> Test:
    if not node.is_map:
        return command_tests.Flags(FlagTest(any=_flag_patterns(node, scope)))
    entries = node.known_entries(("any", "all", "none", "only"))
    if not entries:
        raise node.fault("expected any, all, none or only")
    given = {name: value for name, (_, value) in entries.items()}
    every: tuple[tuple[FlagPattern, ...], ...] = ()
    if "all" in given:
        every = tuple(_flag_patterns(one, scope) for one in given["all"].one_or_more())
    return command_tests.Flags(
        FlagTest(
            _flag_patterns(given["any"], scope) if "any" in given else (),
            every,
            _flag_patterns(given["none"], scope) if "none" in given else (),
            _only(given["only"], scope) if "only" in given else None,
        )
    )


def _only(node: Node, scope: Scope) -> tuple[FlagPattern, ...]:
    if node.is_list and not node.items():
        return ()  # no flags at all
    return _flag_patterns(node, scope)


def _flag_patterns(node: Node, scope: Scope) -> tuple[FlagPattern, ...]:
    found: list[FlagPattern] = []
    for one in node.one_or_more():
        whole = guard(one, _whole, one.filled())
        for text in guard(one, partial(expand, sets=scope.sets), whole):
            found.append(guard(one, _flag, text))
    return tuple(found)


def _whole(source: str) -> tuple[str, ...] | str:
    # The value of `--output=a|b` has alternatives of its own.
    return (source,) if "=" not in source else tuple(_by_flag(source))


def _by_flag(source: str) -> list[str]:
    found: list[str] = []
    for text in split_alternatives(source):
        if text[:1] in ("-", "+") or not found:
            found.append(text)
        else:
            found[-1] += "|" + text
    return [one.replace("|", "\\|") for one in found]


def _flag(text: str) -> FlagPattern:
    name, equals, value = text.replace("\\|", "|").partition("=")
    if name[:1] not in ("-", "+") or len(name) < 2:
        raise PatternError(f"a flag begins with - or +, not {name!r}")
    names = compile_pattern(name, {}) if any(char in name for char in "*?[") else None
    return FlagPattern(name, names, compile_pattern(value, {}) if equals else None)


def _pipe(node: Node, scope: Scope) -> Test:
    entries = node.known_entries(("from", "into"))
    for name in ("from", "into"):
        if name not in entries:
            raise node.fault(f"`pipe` needs {name!r}")
    return Pipe(
        compile_patterns(entries["from"][1], scope), compile_patterns(entries["into"][1], scope)
    )


def _remote(node: Node, scope: Scope) -> Test:
    if node.is_text and node.text() in ("true", "false"):
        return command_tests.Remote(node.truth())
    hosts: list[HostPattern] = []
    for _, text in _texts(node, scope):
        with suppress(PatternError):  # a URL: only git has such remotes
            hosts.append(compile_host(text))
    return command_tests.Remote(None, tuple(hosts), compile_patterns(node, scope))


def _arguments(node: Node, scope: Scope) -> Test:
    found = []
    for key, value in node.entries().values():
        name = guard(key, partial(compile_pattern, sets=scope.sets), key.filled())
        texts = [one.filled() for one in value.one_or_more()]
        path = None if any(text.startswith("re:") for text in texts) else _paths(value, scope)
        found.append((name, compile_patterns(value, scope), path))
    return action_tests.ToolArguments(tuple(found))


def _levels(node: Node, _scope: Scope) -> Test:
    names = [level.value for level in Level]
    return circumstances.AtLevel(frozenset(Level(one.choice(names)) for one in node.one_or_more()))


def _kind(node: Node, _scope: Scope) -> Test:
    return action_tests.Change(frozenset(one.choice(KINDS_OF_WRITE) for one in node.one_or_more()))


def _ports(node: Node, _scope: Scope) -> Test:
    return action_tests.Port(
        tuple(guard(one, compile_port, one.filled()) for one in node.one_or_more())
    )


def _from_paths(source: str) -> Callable[[Node, Scope], Test]:
    return lambda node, scope: command_tests.Paths(_quantified(node, scope, _paths), source)


def _has(source: str) -> Callable[[Node, Scope], Test]:
    return lambda node, scope: circumstances.Has(compile_patterns(node, scope), source)


# Every key a matcher may have, cheapest test first: that is the order they run in.
KEYS: Final[dict[str, Callable[[Node, Scope], Test]]] = {
    "kind": _kind,
    "remote": _remote,
    "port": _ports,
    "tool": lambda node, scope: action_tests.Tool(compile_patterns(node, scope)),
    "inside": lambda node, scope: command_tests.Inside(compile_patterns(node, scope)),
    "args": _args,
    "flags": _flags,
    "host": lambda node, scope: action_tests.Host(_quantified(node, scope, _hosts)),
    "refspec": lambda node, scope: action_tests.References(
        _quantified(node, scope, compile_patterns)
    ),
    "branch": lambda node, scope: action_tests.Branch(_quantified(node, scope, compile_patterns)),
    "config": lambda node, scope: action_tests.Configuration(_pairs(node, scope, lower=True)),
    "env": lambda node, scope: command_tests.Environment(_pairs(node, scope)),
    "arguments": _arguments,
    "path": lambda node, scope: action_tests.Target(_quantified(node, scope, _paths)),
    "paths": _from_paths("paths"),
    "redirect": _from_paths("redirect"),
    "reads": _from_paths("reads"),
    "text": lambda node, scope: command_tests.Text(compile_patterns(node, scope)),
    "pipe": _pipe,
}
CONDITION_KEYS: Final[dict[str, Callable[[Node, Scope], Test]]] = {
    "level": _levels,
    "agent": lambda node, scope: circumstances.Agent(compile_patterns(node, scope)),
    "adopted": _has("adopted"),
    "lockfile": _has("lockfile"),
    "has": _has("has"),
    "surprise": lambda node, _scope: circumstances.Surprise(node.truth()),
    "cwd": lambda node, scope: circumstances.Directory(_quantified(node, scope, _paths)),
}
MATCHER_KEYS: Final = ("program", "operation", *KEYS, "any")


def compile_matcher(entries: Mapping[str, Entry], *, condition: bool) -> Matcher:
    """entries: keys among MATCHER_KEYS, and CONDITION_KEYS in a condition."""
    table = {**CONDITION_KEYS, **KEYS} if condition else KEYS
    tests = tuple(
        build(entries[name].value, entries[name].scope)
        for name, build in table.items()
        if name in entries
    )
    choices = Choices()
    if "any" in entries:
        one = entries["any"]
        choices = Choices([compile_condition(node, one.scope) for node in one.value.items()])
        if not choices:
            raise one.value.fault("expected at least one entry")
    usages: dict[str, Usage] = {}
    for entry in entries.values():
        usages.update(entry.scope.usages)
    needs = 0
    for test in tests:
        needs |= needs_of(test)
    return Matcher(
        _optional(entries.get("program")),
        _optional(entries.get("operation")),
        tests,
        choices,
        condition,
        usages,
        needs,
    )


def _optional(entry: Entry | None) -> Pattern | None:
    return None if entry is None else compile_patterns(entry.value, entry.scope)


def needs_of(test: Test) -> int:
    """The features without which a test cannot hold."""
    match test:
        case Pipe():
            return PIPED
        case command_tests.Remote(wanted=wanted) if wanted is not False:
            return REMOTE
        case command_tests.Paths(source="redirect"):
            return REDIRECTED
        case command_tests.Environment():
            return SETTING
        case _:
            return 0


def compile_condition(node: Node, scope: Scope) -> Matcher:
    """One mapping of `when`, `unless` or `any`."""
    known = (*MATCHER_KEYS, *CONDITION_KEYS)
    entries = {
        name: Entry(key, value, scope) for name, (key, value) in node.known_entries(known).items()
    }
    if not entries:
        raise node.fault("an empty condition always holds")
    return compile_matcher(entries, condition=True)


def compile_locks(node: Node) -> Matcher:
    """`while: {locked_by_other: true}`."""
    entries = node.known_entries(("locked_by_other",))
    if not entries:
        raise node.fault("expected locked_by_other")
    return Matcher(tests=(circumstances.Locked(entries["locked_by_other"][1].truth()),))

"""The keys of rules and conditions: from YAML nodes to tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

from cash.policy import action_tests, circumstances, command_tests
from cash.policy.arguments import ArgsTest, FlagPattern, FlagTest
from cash.policy.compile_values import (
    Entry,
    Scope,
    alternatives_of,
    compile_hosts,
    compile_named,
    compile_pairs,
    compile_path_patterns,
    compile_patterns,
    compile_quantified,
    guard,
)
from cash.policy.document import Node
from cash.policy.features import CHANGES, PIPED, REDIRECTED, REMOTE, SETTING, UNCONFIGURED
from cash.policy.hosts import HostPattern, compile_host, compile_port
from cash.policy.matcher import Matcher, Test
from cash.policy.paths import PATH_NAMES
from cash.policy.pattern import (
    NAMES,
    Pattern,
    PatternError,
    compile_pattern,
    expand,
    join_patterns,
    split_alternatives,
)
from cash.policy.pipe import Pipe
from cash.policy.usage import Usage
from cash.policy.verdict import Level

KINDS_OF_WRITE: Final = ("create", "overwrite", "append", "delete", "rename", "metadata")


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
        found.append(None if text == "..." else compile_named(node, scope))
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
    for _, text in alternatives_of(node, scope, NAMES):
        with suppress(PatternError):  # a URL: only git has such remotes
            hosts.append(compile_host(text))
    return command_tests.Remote(None, tuple(hosts), compile_named(node, scope))


def _arguments(node: Node, scope: Scope) -> Test:
    found = []
    for key, value in node.entries().values():
        name = guard(key, partial(compile_pattern, sets=scope.sets), key.filled())
        texts = [one.filled() for one in value.one_or_more()]
        path = (
            None
            if any(text.startswith("re:") for text in texts)
            else compile_path_patterns(value, scope)
        )
        found.append((name, compile_patterns(value, scope, PATH_NAMES), path))
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
    return lambda node, scope: command_tests.Paths(
        compile_quantified(node, scope, compile_path_patterns), source
    )


def _has(source: str) -> Callable[[Node, Scope], Test]:
    return lambda node, scope: circumstances.Has(compile_patterns(node, scope), source)


# Every key a matcher may have, cheapest test first: that is the order they run in.
KEYS: Final[dict[str, Callable[[Node, Scope], Test]]] = {
    "kind": _kind,
    "more_than": lambda node, _scope: action_tests.MoreThan(node.number()),
    "remote": _remote,
    "port": _ports,
    "tool": lambda node, scope: action_tests.Tool(compile_patterns(node, scope)),
    "inside": lambda node, scope: command_tests.Inside(compile_patterns(node, scope)),
    "args": _args,
    "flags": _flags,
    "host": lambda node, scope: action_tests.Host(compile_quantified(node, scope, compile_hosts)),
    "refspec": lambda node, scope: action_tests.References(
        compile_quantified(node, scope, compile_named)
    ),
    "branch": lambda node, scope: action_tests.Branch(
        compile_quantified(node, scope, compile_named)
    ),
    "config": lambda node, scope: action_tests.Configuration(
        compile_pairs(node, scope, lower=True)
    ),
    "env": lambda node, scope: command_tests.Environment(compile_pairs(node, scope)),
    "arguments": _arguments,
    "path": lambda node, scope: action_tests.Target(
        compile_quantified(node, scope, compile_path_patterns)
    ),
    "paths": _from_paths("paths"),
    "redirect": _from_paths("redirect"),
    "reads": _from_paths("reads"),
    "text": lambda node, scope: command_tests.Text(compile_named(node, scope)),
    "pipe": _pipe,
}
CONDITION_KEYS: Final[dict[str, Callable[[Node, Scope], Test]]] = {
    "level": _levels,
    "agent": lambda node, scope: circumstances.Agent(compile_named(node, scope)),
    "adopted": _has("adopted"),
    "lockfile": _has("lockfile"),
    "has": _has("has"),
    "surprise": lambda node, _scope: circumstances.Surprise(node.truth()),
    "cwd": lambda node, scope: circumstances.Directory(
        compile_quantified(node, scope, compile_path_patterns)
    ),
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
    choices: tuple[Matcher, ...] = ()
    if "any" in entries:
        one = entries["any"]
        choices = tuple([compile_condition(node, one.scope) for node in one.value.items()])
        if not choices:
            raise one.value.fault("expected at least one entry")
        choices = _join_texts(choices)
    usages: dict[str, Usage] = {}
    for entry in entries.values():
        usages.update(entry.scope.usages)
    needs = bars = 0
    for test in tests:
        needs |= needs_of(test)
        bars |= bars_of(test)
    return Matcher(
        _optional(entries.get("program")),
        _optional(entries.get("operation")),
        tests,
        choices,
        condition,
        usages,
        needs,
        bars,
    )


def _join_texts(choices: Sequence[Matcher]) -> tuple[Matcher, ...]:
    """Choices that differ in their `text` alone become one, looked for in one go."""
    found: list[Matcher] = []
    texts: list[tuple[int, list[Pattern]]] = []
    for one in choices:
        if len(one.tests) != 1 or not isinstance(one.tests[0], command_tests.Text):
            found.append(one)
            continue
        for place, patterns in texts:
            if replace(one, tests=found[place].tests) == found[place]:
                patterns.append(one.tests[0].asked)
                break
        else:
            texts.append((len(found), [one.tests[0].asked]))
            found.append(one)
    for place, patterns in texts:
        tests = (command_tests.Text(join_patterns(patterns)),)
        found[place] = replace(found[place], tests=tests)
    return tuple(found)


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


def bars_of(test: Test) -> int:
    """The features with which a test cannot hold: only actions that it speaks of have them."""
    match test:
        case action_tests.Configuration(asked=asked) if asked:
            return UNCONFIGURED
        case action_tests.Change(asked=asked):
            return sum([bit for kind, bit in CHANGES.items() if kind not in asked])
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


_CIRCUMSTANCES: Final[Mapping[str, Callable[[bool], Test]]] = {
    "locked_by_other": circumstances.Locked,
    "conflicts_with_other": circumstances.Conflicting,
}


def compile_circumstance(node: Node) -> Matcher:
    """`while: {locked_by_other: true}`, `while: {conflicts_with_other: true}`, or both."""
    entries = node.known_entries(tuple(_CIRCUMSTANCES))
    if not entries:
        raise node.fault(f"expected {' or '.join(_CIRCUMSTANCES)}")
    tests: list[Test] = [
        _CIRCUMSTANCES[name](value.truth()) for name, (_, value) in entries.items()
    ]
    return Matcher(tests=tuple(tests))

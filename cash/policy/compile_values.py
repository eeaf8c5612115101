"""The values of keys: patterns, paths, hosts and quantities, from YAML nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from cash.policy.document import Node
from cash.policy.hosts import HostPattern, compile_host
from cash.policy.paths import PATH_NAMES, PathPattern, compile_paths
from cash.policy.pattern import NAMES, Pattern, PatternError, compile_pattern, expand
from cash.policy.quantified import Quantified
from cash.policy.usage import Usage

A = TypeVar("A")
T = TypeVar("T")


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


def alternatives_of(
    node: Node, scope: Scope, names: Sequence[str] = ()
) -> Iterator[tuple[Node, str]]:
    """The alternatives of one pattern or of a list of them, sets replaced by their members."""
    for one in node.one_or_more():
        for text in guard(one, partial(expand, sets=scope.sets, names=names), one.filled()):
            yield one, text


def compile_patterns(node: Node, scope: Scope, names: Sequence[str] = ()) -> Pattern:
    """One pattern or a list of them. names: those that are put in when judging."""
    compile_one = partial(compile_pattern, sets=scope.sets, names=names)
    found = [guard(one, compile_one, one.text()) for one in node.one_or_more()]
    return Pattern(
        frozenset().union(*(one.exact for one in found)),
        tuple(glob for one in found for glob in one.globs),
        tuple(text for one in found for text in one.named),
        tuple(regex for one in found for regex in one.regexes),
    )


def compile_path_patterns(node: Node, scope: Scope) -> PathPattern:
    texts = list(alternatives_of(node, scope, PATH_NAMES))
    for one, text in texts:
        guard(one, compile_paths, text)
    return compile_paths([text for _, text in texts])


def compile_hosts(node: Node, scope: Scope) -> tuple[HostPattern, ...]:
    return tuple(guard(one, compile_host, text) for one, text in alternatives_of(node, scope))


def compile_named(node: Node, scope: Scope) -> Pattern:
    """compile_patterns for keys in which `$agent` and `$branch` may stand."""
    return compile_patterns(node, scope, NAMES)


def compile_quantified(
    node: Node, scope: Scope, compile_one: Callable[[Node, Scope], T]
) -> Quantified[T]:
    if not node.is_map:
        pattern = compile_one(node, scope)
        return Quantified(all=pattern) if scope.all_by_default else Quantified(any=pattern)
    entries = node.known_entries(("any", "all", "none"))
    found = {name: compile_one(value, scope) for name, (_, value) in entries.items()}
    if not found:
        raise node.fault("expected any, all or none")
    return Quantified(found.get("any"), found.get("all"), found.get("none"))


def compile_pairs(
    node: Node, scope: Scope, *, lower: bool = False
) -> tuple[tuple[Pattern, Pattern], ...]:
    found = []
    for key, value in node.entries().values():
        text = key.filled()
        name = guard(
            key, partial(compile_pattern, sets=scope.sets), text.lower() if lower else text
        )
        found.append((name, compile_named(value, scope)))
    if not found:
        raise node.fault("expected at least one entry")
    return tuple(found)

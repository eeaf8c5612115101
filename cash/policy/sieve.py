"""Rules sorted so that most are never asked: those that need the same sort of thing are asked
together whether it is there.

Whatever the program, a dozen rules want to know whether it reads a key file or a device, and
whatever is written, whether that is a hook, a policy, a start-up file. One look at all their
patterns at once says that it is none of them. The same goes for words, flags and variables: see
cash.policy.gate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cash.policy.action_tests import Target
from cash.policy.certainty import NO
from cash.policy.command_tests import Paths
from cash.policy.gate import Gate, make_gate, words_needed
from cash.policy.matcher import Narrow
from cash.policy.paths import PathPattern
from cash.policy.paths import join_patterns as join_paths
from cash.policy.rule import NarrowRule
from cash.policy.subject import OUTPUTS, Key, Subject, usage_name
from cash.policy.usage import Usage

Something = TypeVar("Something")


@dataclass(frozen=True, slots=True)
class Sieve:
    """The rules for one key. asked: of every action. choosy: of those alone that change (a write)
    or may read or redirect into (a command) one of `paths`. gates: around the other rules."""

    asked: tuple[NarrowRule, ...]
    choosy: tuple[NarrowRule, ...] = ()
    paths: PathPattern | None = None
    gates: tuple[Gate, ...] = ()

    def rules(self, subject: Subject) -> tuple[NarrowRule, ...]:
        """The rules that may speak of the subject."""
        found = self.asked
        if self.paths is not None and _touches(subject, self.paths):
            found += self.choosy
        for gate in self.gates:
            if gate.opens(subject):
                found += gate.rules
        return found


def _touches(subject: Subject, paths: PathPattern) -> bool:
    if subject.kind == "write":
        found = subject.targets
    elif subject.command is not None:
        found = subject.reads(subject.first, {})
        if subject.command.redirects:
            found = found + subject.redirected(OUTPUTS)
    else:
        return False
    if not found:
        return False
    bound = paths.bind(subject.scene.ground, subject.cwd)
    return bound.best([value.text for value in found]) != NO


def make_sieve(rules: Sequence[NarrowRule], key: Key) -> Sieve:
    """rules: narrowed to this key."""
    choosy, paths, rest = _parted(rules, key, None, _paths_needed)
    if len(choosy) < 2:  # asking the rule itself is as cheap
        choosy, paths, rest = [], [], list(rules)
    gates: list[Gate] = []
    name = usage_name(key)
    ways = [None, *[rule.body.usages.get(name) for rule in rest]]
    for usage in {id(one): one for one in ways}.values():
        gated, needs, rest = _parted(rest, key, usage, words_needed)
        if gated:
            gates.append(make_gate(gated, needs, name, usage))
    joined = join_paths(paths) if paths else None
    return Sieve(tuple(rest), tuple(choosy), joined, tuple(gates))


def _parted(
    rules: Sequence[NarrowRule],
    key: Key,
    usage: Usage | None,
    find: Callable[[object, Key], list[Something] | None],
) -> tuple[list[NarrowRule], list[Something], list[NarrowRule]]:
    """The rules that need one of several things, these things, and the other rules."""
    needing: list[NarrowRule] = []
    needs: list[Something] = []
    others: list[NarrowRule] = []
    for rule in rules:
        needed = _needed(rule.body, key, usage, find)
        if needed is None:
            others.append(rule)
        else:
            needing.append(rule)
            needs += needed
    return needing, needs, others


def _needed(
    body: Narrow,
    key: Key,
    usage: Usage | None,
    find: Callable[[object, Key], list[Something] | None],
) -> list[Something] | None:
    """Things of which one must be there for the body to hold; None: it does not hang on that.
    usage: with which the program's flags are read. find: the same for one of its tests."""
    if len(key.names) > 1 and (body.names is not None or body.usages):
        return None  # under another of its names the program may have other arguments
    if body.usages.get(usage_name(key)) is not usage:
        return None
    for test in body.tests:
        found = find(getattr(test, "__self__", None), key)
        if found is not None:
            return found
    if not body.choices:
        return None
    needed: list[Something] = []
    for one in body.choices:
        found = _needed(one, key, usage, find)
        if found is None:
            return None
        needed += found
    return needed


def _paths_needed(test: object, key: Key) -> list[PathPattern] | None:
    match test:
        case Paths(source="reads" | "redirect", asked=asked) if key.kind != "write":
            pass
        case Target(asked=asked):
            pass
        case _:
            return None
    if asked.any is not None and asked.all is None and asked.none is None:
        return [asked.any]
    return None

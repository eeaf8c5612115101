"""What a keeper is given to judge by: the policy in force, for one agent."""

from __future__ import annotations

import functools
from collections.abc import Container
from dataclasses import dataclass, replace

from cash.keeper.link import Snapshot
from cash.policy.certainty import NO
from cash.policy.circumstances import Conflicting, Has, Locked
from cash.policy.context import Context, Facts
from cash.policy.matcher import Matcher
from cash.policy.pattern import Pattern
from cash.policy.policy import Policy
from cash.policy.rule import Rule
from cash.policy.verdict import Decision


def snapshot_of(policy: Policy, context: Context) -> Snapshot:
    """The snapshot for an agent. context: of any of its judgements."""
    # What lies in the tree changes under the keeper: rules that ask for it are polisd's to judge.
    plain = replace(
        context, cwd=context.tree, facts=Facts(), enforced=False, locks={}, conflicts=frozenset()
    )
    return Snapshot(_without_facts(policy), plain, informed_programs(policy).exact)


def is_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether there is nothing to tell a keeper that has the other one."""
    return one.policy.version == other.policy.version and one.context == other.context


@dataclass(frozen=True, slots=True)
class Informed(Container[str]):
    """Programs about which rules ask for more than their words: how the repository installs, what
    lies in the tree, how git is configured. exact: by name; patterns: others (None: all)."""

    exact: frozenset[str]
    patterns: tuple[Pattern | None, ...]

    def __contains__(self, name: object) -> bool:
        if name in self.exact:
            return True
        return any(one is None or one.test(str(name)) != NO for one in self.patterns)


# Tests that ask for what changes under a keeper.
_INFORMED = (Has, Locked, Conflicting)


@functools.lru_cache(maxsize=8)
def informed_programs(policy: Policy) -> Informed:
    """Those of a policy."""
    exact = {"git"}
    patterns = []
    for rule in policy.rules:
        if not _asks_for_facts(rule):
            continue
        for matcher in rule.matchers():
            if matcher.program is not None:
                exact |= matcher.program.exact
        if not _is_told_by_name(rule):
            patterns.append(rule.body.program)
    return Informed(frozenset(exact), tuple(patterns))


@functools.lru_cache(maxsize=8)
def _without_facts(policy: Policy) -> Policy:
    """The same for a judge who knows nothing of the tree, and asks where a rule would. Without what
    judging has found of these rules so far, which grows and would be sent along."""
    rules = [_guarded(rule) for rule in policy.rules]
    return Policy(rules, policy.version, policy.notes, policy.clashes)


def _guarded(rule: Rule) -> Rule:
    """A rule that speaks wherever this one might, if facts decide on that and no program's name
    tells beforehand."""
    if not _asks_for_facts(rule) or _is_told_by_name(rule):
        return rule
    body = replace(
        rule.body,
        tests=tuple([test for test in rule.body.tests if not isinstance(test, _INFORMED)]),
        choices=() if any(_asks(one) for one in rule.body.choices) else rule.body.choices,
    )
    return replace(
        rule, body=body, when=None, unless=(), decision=Decision.ASK, levels={}, rewrite=None
    )


def _is_told_by_name(rule: Rule) -> bool:
    """Whether it speaks of execs of programs with certain names alone."""
    program = rule.body.program
    if program is None or program.globs or program.named or program.regexes:
        return False
    return rule.kinds <= {"exec", "git"}


def _asks_for_facts(rule: Rule) -> bool:
    return rule.rewrite is not None or any(isinstance(test, _INFORMED) for test in rule.tests())


def _asks(matcher: Matcher) -> bool:
    return _asks_itself(matcher) or any(map(_asks, matcher.choices))


def _asks_itself(matcher: Matcher) -> bool:
    return any(isinstance(test, _INFORMED) for test in matcher.tests)

"""What a keeper is given to judge by: the policy in force, for one agent."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace

from cash.keeper.link import Snapshot
from cash.policy.circumstances import Has
from cash.policy.context import Context, Facts
from cash.policy.matcher import Matcher
from cash.policy.policy import Policy
from cash.policy.rule import Rule


def snapshot_of(policy: Policy, context: Context) -> Snapshot:
    """The snapshot for an agent. context: of any of its judgements."""
    # What lies in the tree changes under the keeper: rules that ask for it are polisd's to judge.
    plain = replace(context, cwd=context.tree, facts=Facts(), enforced=False)
    return Snapshot(_unused(policy), plain, informed_programs(policy))


def is_same(one: Snapshot, other: Snapshot) -> bool:
    """Whether there is nothing to tell a keeper that has the other one."""
    return one.policy.version == other.policy.version and one.context == other.context


@functools.lru_cache(maxsize=8)
def _unused(policy: Policy) -> Policy:
    """The same rules without what judging has found of them so far, which grows and would be
    sent along."""
    return Policy(policy.rules, policy.version, policy.notes)


@functools.lru_cache(maxsize=8)
def informed_programs(policy: Policy) -> frozenset[str]:
    """The programs whose rules ask for more than their words: how the repository installs, what
    lies in the tree, how git is configured."""
    found = {"git"}
    for rule in policy.rules:
        if rule.rewrite is not None or any(_asks_for_facts(one) for one in _matchers(rule)):
            for matcher in _matchers(rule):
                if matcher.program is not None:
                    found |= matcher.program.exact
    return frozenset(found)


def _asks_for_facts(matcher: Matcher) -> bool:
    return any(isinstance(test, Has) for test in matcher.tests)


def _matchers(rule: Rule) -> Iterator[Matcher]:
    waiting: list[Matcher] = [rule.body, *rule.unless]
    if rule.when is not None:
        waiting.append(rule.when)
    while waiting:
        matcher = waiting.pop()
        waiting.extend(matcher.choices)
        yield matcher

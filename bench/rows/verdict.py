"""A verdict on lines never seen: with both readers, without shfmt's start, by number of rules."""

from __future__ import annotations

import time
from pathlib import Path

from bench.home import Home
from bench.lines import new_lines
from bench.measure import Budget, Row, Turn, compare, ratio
from cash.places import find_places
from cash.policy.context import Context
from cash.policy.judge import judge_line
from cash.policy.layers import Layer, find_layers
from cash.policy.load import load_policy
from cash.policy.policy import Policy
from cash.syntax import read

_LINES = 32  # for each round asked for: every shape of line once


def measure_verdict(home: Home, rounds: int) -> Row:
    """Reading and judging in one warm process, with the shipped rules."""
    policy = load_policy(find_layers(find_places(home.environment), None, None, lambda _: False))
    # One after the other: the shfmt that is started for the next line takes time from this one.
    figures = {
        **compare({"both readers": _judging(policy, entry=True)}, rounds * _LINES),
        **compare({"tree-sitter alone": _judging(policy, entry=False)}, rounds * _LINES),
    }
    whole, nested = (found.median * 1000 for found in figures.values())
    return Row(
        name="verdict",
        title=f"A verdict on a line never seen, {len(policy.rules)} shipped rules",
        figures=figures,
        budgets=[
            Budget("with shfmt's start, p50", whole, 5, "ms"),
            Budget("without it, p50", nested, 0.2, "ms"),
        ],
    )


def measure_rules(home: Home, rounds: int) -> Row:
    """The same lines under 10 rules and under 1,000."""
    policies = {f"{count:,} rules": _generate(home.folder, count) for count in (10, 1000)}
    figures = compare(
        {name: _judging(policy, entry=False) for name, policy in policies.items()}, rounds * _LINES
    )
    return Row(
        name="rules",
        title="The same with 10 and with 1,000 rules",
        figures=figures,
        budgets=[Budget("1,000 rules / 10 rules", ratio(figures, "1,000 rules", "10 rules"), 1.5)],
    )


def _judging(policy: Policy, *, entry: bool) -> Turn:
    lines = new_lines()
    context = Context(tree="/home/user/project", home="/home/user", cwd="/home/user/project")

    def turn() -> float:
        text = next(lines)
        began = time.perf_counter()
        judge_line(policy, read(text, entry=entry), context, read=read)
        return time.perf_counter() - began

    return turn


def _generate(folder: Path, count: int) -> Policy:
    """Rules about programs of many names, some of which the lines do start."""
    names = ["git", "npm", "curl", "make", "find"] + [f"program-{n}" for n in range(count - 5)]
    rules = "".join(
        f"  - id: rule-{number}\n    program: {name}\n    flags: [--forbidden-{number}]\n"
        f"    decide: deny\n    reason: Generated.\n"
        f"    examples: {{deny: [{name} --forbidden-{number}], pass: [{name} x]}}\n"
        for number, name in enumerate(names)
    )
    path = folder / f"{count}-rules.yaml"
    path.write_text(f"version: 1\nrules:\n{rules}")
    return load_policy((Layer("generated", (path,), tighten_only=False),))

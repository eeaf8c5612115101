"""A keeper knows nothing of the tree: where a rule asks for that, it asks polisd."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from cash.daemon.enforcing import informed_programs, snapshot_of
from cash.keeper.faces import Face
from cash.keeper.judging import Judging, exec_of
from cash.policy.context import Context, Facts
from cash.policy.load import Layer, read_policy
from cash.policy.policy import Policy
from cash.policy.verdict import Level

KNOWING = Context(tree="/t", cwd="/t", facts=Facts(programs=frozenset(("npm",)), adopted="npm"))


def load(folder: Path, rule: str) -> Policy:
    path = folder / "p.yaml"
    path.write_text(
        f"version: 1\nrules:\n- {{id: r, {rule}, reason: No., examples: {{pass: [true]}}}}\n"
    )
    return read_policy((Layer("test", (path,)),)).policy


def goes_on(policy: Policy, *argv: str, level: Level = Level.BALANCED) -> bool:
    """Whether a keeper lets it run by itself."""
    face = Face(tuple(word.encode() for word in argv), argv[0], f"/usr/bin/{argv[0]}", None)
    context = Context(tree="/t", cwd="/t", level=level, facts=KNOWING.facts)
    return Judging(snapshot_of(policy, context)).allows((face,), "/t", surprise=False)


@pytest.mark.parametrize(
    ("rule", "asked", "unasked"),
    [
        ("program: lint, when: {has: npm}, decide: deny", "lint", "date"),
        ("program: 'lint*', when: {has: npm}, decide: deny", "linter", "date"),
        ("program: 're:lint|date', when: {adopted: npm}, decide: ask", "lint", "true"),
        ("paths: x, when: {lockfile: package-lock.json}, decide: deny", "cat x", "cat y"),
        ("program: 'lint*', unless: {has: yarn}, decide: deny", "linter", "date"),
        ("program: 'grep*', rewrite: rg $args", "grepper x", "date"),
    ],
)
def test_a_rule_that_asks_for_the_tree_is_polisds(
    tmp_path: Path, rule: str, asked: str, unasked: str
) -> None:
    policy = load(tmp_path, rule)
    assert not goes_on(policy, *asked.split())
    assert goes_on(policy, *unasked.split())
    # What polisd then allows, the keeper does not remember: the tree may change.
    assert asked.split()[0] in informed_programs(policy)


def test_what_may_loosen_does_not_where_the_tree_is_not_known(tmp_path: Path) -> None:
    policy = load(tmp_path, "program: 'lint*', unless: {has: npm}, decide: allow")
    assert not goes_on(policy, "linter", level=Level.STRICT)


def test_other_rules_are_the_keepers(tmp_path: Path) -> None:
    policy = load(tmp_path, "program: 'lint*', when: {branch: main}, decide: deny")
    assert goes_on(policy, "linter")
    assert "linter" not in informed_programs(policy)


def test_what_was_judged_already_is_not_sent_along(tmp_path: Path) -> None:
    policy = load(tmp_path, "program: 'lint*', decide: deny")
    before = len(pickle.dumps(snapshot_of(policy, KNOWING)))
    unused = len(pickle.dumps(policy))
    for number in range(200):
        name = f"x{number}"
        face = Face((name.encode(),), name, f"/usr/bin/{name}", None)
        policy.judge((exec_of(face, "/t", surprise=False),), KNOWING)
    assert len(pickle.dumps(policy)) > 2 * unused
    assert len(pickle.dumps(snapshot_of(policy, KNOWING))) == before

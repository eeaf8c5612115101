from __future__ import annotations

from pathlib import Path

import pytest

from cash.policy.layers import Layer
from cash.policy.lint import lint
from cash.policy.load import read_policy

HEAD = "version: 1\nrules:\n"


def _rule(name: str, program: str, rest: str = "", examples: str = "deny: [P], pass: [ok]") -> str:
    shown = examples.replace("P", program)
    return (
        f"  - id: {name}\n    program: {program}\n    decide: deny\n    reason: r\n"
        f"    examples: {{{shown}}}\n{rest}"
    )


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (_rule("a", "x"), []),
        (_rule("a", "x", examples="deny: [P]"), ["3 a: no example shows what it lets `pass`"]),
        (
            _rule("a", "x", examples="pass: [ok]"),
            ["3 a: no example shows the rule at work"],
        ),
        (_rule("a", "x", "    hint: rm -rf build\n"), []),
        (_rule("a", "x", "    hint: Ask the maintainers first.\n"), []),
        (
            _rule("a", "x", "    hint: x --safely\n"),
            ["3 a: its hint is itself denied by a: x --safely"],
        ),
        (
            _rule("a", "x", "    hint: git push origin $agent\n")
            + "  - id: b\n    on: git\n    operation: push\n    decide: ask\n    reason: r\n"
            "    examples: {ask: [git push], pass: [git log]}\n",
            ["3 a: its hint is itself asked about by b: git push origin alice"],
        ),
        (
            _rule("a", "x") + _rule("b", "x", "    args: [y]\n", "deny: [P y], pass: [P]"),
            ["8 b: every example is decided as strictly by a"],
        ),
    ],
)
def test_remarks(tmp_path: Path, rules: str, expected: list[str]) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(HEAD + rules)
    remarks = lint(read_policy([Layer("test", (path,))]))
    assert [f"{one.line} {one.rule}: {one.message}" for one in remarks] == expected
    assert {one.file for one in remarks} <= {str(path)}


def test_what_an_untrusted_file_shows_is_seen(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(HEAD + _rule("a", "x"))
    theirs = tmp_path / "theirs.yaml"
    theirs.write_text(
        HEAD + _rule("b", "y") + "  - override: a\n    reason: Ours.\n    args: [z]\n"
        "    examples: {deny: [x z], pass: [x]}\n"
    )
    layers = [Layer("user", (mine,)), Layer("repository", (theirs,), tighten_only=True)]
    remarks = [(Path(one.file).name, one.rule, one.message) for one in lint(read_policy(layers))]
    assert remarks == [("theirs.yaml", "a", "every example is decided as strictly by a")]


def test_an_override_need_not_show_what_was_shown_before(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.yaml", tmp_path / "theirs.yaml"
    mine.write_text(HEAD + _rule("a", "x").replace("deny", "ask"))
    theirs.write_text(
        HEAD + "  - override: a\n    decide: deny\n    reason: r\n    examples: {deny: [x]}\n"
    )
    for untrusted in (False, True):
        layers = [Layer("mine", (mine,)), Layer("theirs", (theirs,), tighten_only=untrusted)]
        assert lint(read_policy(layers)) == []

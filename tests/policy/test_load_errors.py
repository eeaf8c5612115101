# ruff: noqa: E501
"""What a policy author reads: whole messages, with their places."""

from __future__ import annotations

from pathlib import Path

import pytest

from cash.policy.layers import Layer
from cash.policy.load import PolicyFault, load_policy

HEAD = "version: 1\nrules:\n"
RULE = "  - id: a\n    program: x\n    decide: deny\n    reason: r\n    examples: {deny: [x]}\n"


def _fault(folder: Path, *texts: str) -> str:
    paths = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.yaml"
        path.write_text(text)
        paths.append(path)
    with pytest.raises(PolicyFault) as caught:
        load_policy([Layer("test", tuple(paths))])
    assert "\n" not in caught.value.message
    hint = f" | {caught.value.hint}" if caught.value.hint else ""
    return caught.value.message.replace(f"{folder}/", "") + hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "0.yaml: is empty | a policy begins with `version: 1`"),
        ("- a", "0.yaml:1:1: expected a mapping, not a list"),
        ("rules: []", "0.yaml:1:1: no version | a policy begins with `version: 1`"),
        ("version: 2\nrules: []", "0.yaml:1:10: only version 1 is known"),
        ("version: 1", "0.yaml:1:1: no rules"),
        (
            "version: 1\nrules: []",
            "no policy has any rule | polis never runs without one; restore policies/",
        ),
        ("version: 1\nrulez: []", "0.yaml:2:1: unknown key 'rulez' (did you mean 'rules'?)"),
        ("version: 1\nversion: 1", "0.yaml:2:1: version is given twice (first in line 1)"),
        ("a: [b", "0.yaml:2:1: did not find expected ',' or ']'"),
        ("a: *b", "0.yaml:1:4: found undefined alias"),
        ("a: \x00", "0.yaml: is no YAML text: unacceptable character #x0000: control characters are not allowed"),
        (
            "version: 1\nrules: [&a {id: a}, *a]",
            "0.yaml:2:9: YAML aliases are not read | name a list under `sets:` and use it as $name",
        ),
        (HEAD + RULE + RULE, "0.yaml:8:9: rule a stands in 0.yaml:3 already | to change that rule: `override: a`"),
        (HEAD + "  - decide: deny", "0.yaml:3:5: a rule without an id"),
        (HEAD + "  - id: A b", "0.yaml:3:9: 'A b' is no id: lower-case words with dashes"),
        (HEAD + "  - id: new-host", "0.yaml:3:9: new-host is a rule of polis itself"),
        (HEAD + RULE.replace("    examples: {deny: [x]}\n", ""), "0.yaml:3:5: rule a has no examples"),
        (HEAD + RULE.replace("{deny: [x]}", "{}"), "0.yaml:7:15: rule a has no examples"),
        (HEAD + RULE.replace("    reason: r\n", ""), "0.yaml:3:5: rule a has no reason"),
        (HEAD + RULE.replace("reason: r", "reason: ''"), "0.yaml:6:13: expected text, not nothing"),
        (HEAD + RULE.replace("    decide: deny\n", ""), "0.yaml:3:5: rule a has neither `decide` nor `rewrite`"),
        (HEAD + RULE + "    rewrite: y $args\n", "0.yaml:8:5: rule a has both `decide` and `rewrite`"),
        (HEAD + RULE.replace("deny\n", "denied\n"), "0.yaml:5:13: 'denied' is not one of allow, ask, deny (did you mean 'deny'?)"),
        (HEAD + RULE + "    prgram: y\n", "0.yaml:8:5: unknown key 'prgram' (did you mean 'program'?)"),
        (HEAD + RULE + "    on: [exec, writes]\n", "0.yaml:8:16: 'writes' is not one of exec, write, git, connect, tool (did you mean 'write'?)"),
        (HEAD + RULE + "    path: y\n", "0.yaml:8:5: `path` needs `on: write`"),
        (HEAD + RULE + "    operation: push\n", "0.yaml:8:5: `operation` needs `on: git`"),
        (HEAD + RULE.replace("program: x", "on: [git, connect]\n    operation: x"), "0.yaml:4:9: no key says which connect is meant: it would be every one"),
        (HEAD + RULE + "    args: install\n", "0.yaml:8:11: expected a list, not text"),
        (HEAD + RULE + "    args: [-f]\n", "0.yaml:8:12: a flag has its place in `flags:` | flags: {all: [-f]}"),
        (HEAD + RULE + "    flags: {any: [force]}\n", "0.yaml:8:19: a flag begins with - or +, not 'force'"),
        (HEAD + RULE + "    flags: {some: [-f]}\n", "0.yaml:8:13: unknown key 'some'"),
        (HEAD + RULE + "    flags: {}\n", "0.yaml:8:12: expected any, all, none or only"),
        (HEAD + RULE + "    text: 're:(ab'\n", "0.yaml:8:15: bad regular expression: missing ): (ab"),
        (HEAD + RULE + "    text: \"re:a[z-b]\"\n", "0.yaml:8:17: bad regular expression: invalid character class range: z-b"),
        (HEAD + RULE + "    inside: a||b\n", "0.yaml:8:15: an empty alternative"),
        (HEAD + RULE + "    inside: x$agnt\n", "0.yaml:8:14: unknown name $agnt"),
        (HEAD + RULE + "    paths: re:x\n", "0.yaml:8:12: a path pattern is a glob, not a regular expression"),
        (HEAD + RULE + "    paths: []\n", "0.yaml:8:12: expected at least one entry"),
        (HEAD + RULE + "    locked: yes\n", "0.yaml:8:13: expected true or false"),
        (HEAD + RULE + "    off: true\n", "0.yaml:8:5: `off` goes with `override`"),
        (HEAD + RULE + "    level: {strikt: deny}\n", "0.yaml:8:13: unknown key 'strikt' (did you mean 'strict'?)"),
        (HEAD + RULE + "    unless: {}\n", "0.yaml:8:13: an empty condition always holds"),
        (HEAD + RULE + "    when: {on: exec}\n", "0.yaml:8:12: unknown key 'on'"),
        (HEAD + RULE + "    pipe: {from: y}\n", "0.yaml:8:11: `pipe` needs 'into'"),
        (HEAD + RULE.replace("decide: deny", "rewrite: nothing"), "0.yaml:5:14: no rewriter is called 'nothing' | a template has several words: `rewrite: rg $args`"),
        (HEAD + RULE.replace("decide: deny", "rewrite: rg $arg"), "0.yaml:5:14: a template knows $args and $rest, not '$arg'"),
        (HEAD + RULE.replace("decide: deny", "rewrite: rg 'x y"), "0.yaml:5:14: bad template: no closing quotation"),
        (HEAD + RULE.replace("[x]", "[y]"), "0.yaml:7:23: rule a: example 'y' is not matched, not 'deny'"),
        (HEAD + RULE.replace("{deny: [x]}", "{pass: [x]}"), "0.yaml:7:23: rule a: example 'x' gives 'deny', not 'pass'"),
        (HEAD + RULE.replace("[x]", "['x \"']"), "0.yaml:7:23: the example cannot be read: "),
        (HEAD + RULE.replace("{deny: [x]}", "{cases: [{line: x}]}"), "0.yaml:7:24: a case says what it is to `expect`"),
        (HEAD + RULE.replace("{deny: [x]}", "{cases: [{expect: deny}]}"), "0.yaml:7:24: a case is one of line, host, write or tool"),
        (HEAD + RULE.replace("decide: deny", "rewrite: y $args").replace("{deny: [x]}", "{rewrite: {x b: y c}}"), "0.yaml:7:26: rule a: example 'x b' becomes 'y b', not 'y c'"),
        ("version: 1\nsets: {agent: [a]}\nrules: []", "0.yaml:2:8: 'agent' cannot name a set"),
        ("version: 1\nsets: {a: [$b]}\nrules: []", "0.yaml:2:11: unknown set $b"),
        ("version: 1\n", "0.yaml:1:1: no rules"),
        ("version: 1\nlocks: [{paths: a}]", "0.yaml:2:9: an entry of `locks` without clash"),
        ("version: 1\nlocks: [{clash: lock}]", "0.yaml:2:9: an entry of `locks` without paths"),
        ("version: 1\nlocks: [{paths: a, clash: deny}]", "0.yaml:2:27: 'deny' is not one of ignore, warn, lock"),
        ("version: 1\nlocks: [{path: a, clash: lock}]", "0.yaml:2:10: unknown key 'path' (did you mean 'paths'?)"),
        ("version: 1\nlocks: [{paths: $x, clash: lock}]", "0.yaml:2:17: unknown name $x"),
        ("version: 1\nprograms: {a: {value: [-x]}}\nrules: []", "0.yaml:2:16: unknown key 'value' (did you mean 'values'?)"),
    ],
)  # fmt: skip
def test_mistakes(tmp_path: Path, text: str, expected: str) -> None:
    found = _fault(tmp_path, text)
    assert found.startswith(expected) if expected.endswith(": ") else found == expected


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("  - override: b\n    reason: r\n", "1.yaml:3:15: no earlier rule is called 'b'"),
        (
            "  - override: new-host\n    reason: r\n",
            "1.yaml:3:15: new-host is a rule of polis itself, which no file changes | add a rule of your own: the strictest counts, and new-host goes by `polis policy level`",
        ),
        ("  - override: a\n    off: true\n", "1.yaml:3:5: the override of a has no reason"),
        (
            "  - override: a\n    id: b\n    reason: r\n",
            "1.yaml:4:5: an override has the id of the rule it changes",
        ),
        (
            "  - override: locked-rule\n    off: true\n    reason: r\n",
            "1.yaml:3:15: rule locked-rule is locked (0.yaml:8)",
        ),
        (
            "  - override: locked-ruel\n    off: true\n    reason: r\n",
            "1.yaml:3:15: no earlier rule is called 'locked-ruel' (did you mean 'locked-rule'?)",
        ),
    ],
)
def test_overrides(tmp_path: Path, second: str, expected: str) -> None:
    locked = RULE.replace("id: a", "id: locked-rule") + "    locked: true\n"
    assert _fault(tmp_path, HEAD + RULE + locked, HEAD + second) == expected


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PolicyFault) as caught:
        load_policy([Layer("test", (tmp_path / "none.yaml",))])
    assert (
        caught.value.message == f"{tmp_path}/none.yaml: cannot be read: no such file or directory"
    )


def test_a_file_of_a_megabyte(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(PolicyFault) as caught:
        load_policy([Layer("test", (path,))])
    assert caught.value.message == f"{path}: larger than 1 MB"


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Each rule's own mistakes, in every file; what only follows from another mistake is not told."""
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(
        HEAD
        + RULE.replace("program", "prgram").replace("reason", "raeson")
        + RULE.replace("id: a", "id: b")
        .replace("deny\n", "denied\n")
        .replace("reason: r", "reason: ''")
        + RULE.replace("id: a", "id: c")
        + "  - override: a\n    reason: r\n"
        + "    level: {strikt: deny, relaxt: ask}\n"
        + RULE.replace("id: a", "ID: d")
    )
    second.write_text("version: 1\nrulez: []\nprogramms: {}\n")
    with pytest.raises(PolicyFault) as caught:
        load_policy([Layer("test", (first, second, tmp_path / "third.yaml"))])
    told = [one.message.replace(f"{tmp_path}/", "") for one in (caught.value, *caught.value.more)]
    assert told == [
        "first.yaml:4:5: unknown key 'prgram' (did you mean 'program'?)",
        "first.yaml:6:5: unknown key 'raeson' (did you mean 'reason'?)",
        "first.yaml:10:13: 'denied' is not one of allow, ask, deny (did you mean 'deny'?)",
        "first.yaml:11:13: expected text, not nothing",
        "first.yaml:21:5: unknown key 'ID' (did you mean 'id'?)",
        "second.yaml:2:1: unknown key 'rulez' (did you mean 'rules'?)",
        "second.yaml:3:1: unknown key 'programms' (did you mean 'programs'?)",
        "third.yaml: cannot be read: no such file or directory",
    ]


def test_all_examples_that_fail_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(
        HEAD
        + RULE.replace("[x]", "[x, y, z]")
        + RULE.replace("id: a", "id: b").replace("{deny: [x]}", "{deny: [x], pass: [x y]}")
    )
    with pytest.raises(PolicyFault) as caught:
        load_policy([Layer("test", (path,))])
    told = [one.message.replace(f"{tmp_path}/", "") for one in (caught.value, *caught.value.more)]
    assert told == [
        "a.yaml:7:26: rule a: example 'y' is not matched, not 'deny'",
        "a.yaml:7:29: rule a: example 'z' is not matched, not 'deny'",
        "a.yaml:12:34: rule b: example 'x y' gives 'deny', not 'pass'",
    ]

"""What holds for every line and every policy."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules import policy_of, read_nested

from cash.policy.actions import actions_of
from cash.policy.examples import USUAL
from cash.policy.explain import explain, question_text, refusal_text
from cash.policy.judge import judge_line
from cash.policy.policy import Policy
from cash.policy.quoting import join_words, quote
from cash.policy.rewriters.result import literal_word
from cash.policy.verdict import Decision, Level, Verdict
from cash.syntax.command import (
    Assignment,
    Command,
    Expansion,
    ExpansionKind,
    Line,
    Redirect,
    Word,
)

RULES: list[dict[str, Any]] = [
    {"id": "a", "program": "rm|git*|$shell", "decide": "deny", "flags": ["-r", "--force=*x"]},
    {"id": "b", "decide": "ask", "paths": ["$above", "$system", ".env"], "unknown": "ask"},
    {"id": "c", "program": "npm", "args": ["i", "..."], "rewrite": "pnpm add $rest"},
    {"id": "d", "pipe": {"from": "$fetcher", "into": "$interpreter"}, "decide": "deny"},
    {"id": "e", "on": "write", "path": ["/etc/**", "*.lock"], "decide": "ask"},
    {"id": "f", "on": "git", "operation": "push", "refspec": "+*", "decide": "deny"},
    {"id": "g", "on": "connect", "host": [".example.org", "10.0.0.0/8"], "decide": "allow"},
    {"id": "h", "text": "re:(ev|ex)al?", "decide": "ask", "unless": {"cwd": "$tree/**"}},
    {"id": "i", "program": "ls", "decide": "allow", "args": ["..."]},
    {"id": "j", "env": {"LD_*": "*"}, "decide": "deny", "when": {"level": ["strict", "balanced"]}},
]
POLICY = policy_of(*RULES)

_PIECES = st.sampled_from(
    [
        *("rm", "-rf", "/", "~", "git", "push", "-f", "npm", "i", "curl", "https://a.example", "|"),
        *("bash", "-c", "sh", "$X", '"$X"', "$(", ")", "`", "'", '"', ";", "&&", ">", ">>", "<<E"),
        *("\n", "E", "X=/", "cd", "..", "{a,b}", "*", "?", "[a]", "sudo", "xargs", "find", "-exec"),
        *("{}", "\\;", "env", "--", "=", "-", "\\", "if", "then", "fi", "(", "}", "{", "eval", "é"),
        *("\x00", "\udcff", "\ue000", "\ue003", "-C", "x", "+main", ":", "@", "<(", "export"),
    ]
)
_LINES = st.one_of(
    st.lists(_PIECES, max_size=14).map(" ".join),
    st.lists(_PIECES, max_size=8).map("".join),
    st.text(max_size=30),
)


@settings(max_examples=400, deadline=None)
@given(_LINES, st.sampled_from(Level), st.booleans())
def test_every_line_gets_a_verdict(text: str, level: Level, enforced: bool) -> None:
    context = replace(USUAL, level=level, enforced=enforced)
    line = read_nested(text)
    verdict = judge_line(POLICY, line, context, read=read_nested)
    explain(verdict, line, context)
    for shown in (refusal_text(verdict), question_text(verdict)):
        assert all(one.isprintable() for one in shown.split("\n"))
    if line.trouble is not None and level is not Level.OBSERVE:
        assert verdict.decision >= Decision.ASK


_KINDS: list[ExpansionKind] = [
    *("parameter", "command", "arithmetic", "process", "tilde", "glob", "brace", "unknown")
]
_EXPANSIONS = st.builds(
    Expansion, st.sampled_from(_KINDS), st.text("{,}$~*.abX", max_size=8), st.text("X", max_size=1)
)
_WORDS = st.builds(
    Word,
    st.lists(st.one_of(_PIECES, _EXPANSIONS), max_size=3).map(tuple),
    st.text('"$X', max_size=5),
    st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
_COMMANDS = st.builds(
    Command,
    argv=st.lists(_WORDS, max_size=4).map(tuple),
    assignments=st.lists(st.builds(Assignment, st.sampled_from("XY"), _WORDS), max_size=1).map(
        tuple
    ),
    redirects=st.lists(
        st.builds(Redirect, st.sampled_from([">", ">>", "<", "<<<", "<<", ">&"]), _WORDS),
        max_size=1,
    ).map(tuple),
    span=st.none() | st.tuples(st.integers(0, 9), st.integers(0, 9)),
    inside=st.lists(st.sampled_from(["subshell", "sudo", "xargs", "pipeline"]), max_size=2).map(
        tuple
    ),
    within=st.none() | st.integers(-1, 5),
    pipe=st.none() | st.tuples(st.integers(0, 1), st.integers(0, 2)),
    remote=st.none() | st.just("h"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_COMMANDS, max_size=5).map(tuple))
def test_even_a_strange_line_gets_a_verdict(commands: tuple[Command, ...]) -> None:
    line = Line("rm -rf / x", commands=commands)
    judge_line(POLICY, line, USUAL, read=read_nested)


def _decide(policy: Policy, text: str) -> Verdict:
    return policy.judge(actions_of(read_nested(text), USUAL), USUAL)


@settings(max_examples=100, deadline=None)
@given(_LINES, st.permutations(list(range(len(RULES)))), st.integers(0, len(RULES)))
def test_order_means_nothing_and_more_rules_never_loosen(
    text: str, order: list[int], kept: int
) -> None:
    rules = POLICY.rules
    shuffled = Policy([rules[place] for place in order])
    assert _decide(shuffled, text) == _decide(POLICY, text)
    fewer = Policy([rules[place] for place in order[:kept]])
    without_allows = [rules[place] for place in order if rules[place].decision > Decision.ALLOW]
    assert _decide(Policy([*fewer.rules, *without_allows]), text).decision >= (
        _decide(fewer, text).decision
    )


@settings(max_examples=100, deadline=None)
@given(_LINES)
def test_a_verdict_is_the_strictest_match(text: str) -> None:
    verdict = _decide(POLICY, text)
    decisions = [one.decision for one in verdict.matches]
    assert verdict.decision == max(decisions, default=Decision.ALLOW)
    assert decisions == sorted(decisions, reverse=True)


@settings(max_examples=100, deadline=None)
@given(_LINES, _LINES)
def test_a_second_command_never_loosens(first: str, second: str) -> None:
    alone, both = read_nested(first), read_nested(f"{first}\n{second}")
    if (
        alone.trouble is None
        and both.trouble is None
        and both.commands[: len(alone.commands)] == (alone.commands)
    ):
        before = judge_line(POLICY, alone, USUAL, read=read_nested)
        after = judge_line(POLICY, both, USUAL, read=read_nested)
        assert after.decision >= min(before.decision, Decision.ASK)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), max_size=4))
def test_quoted_words_are_what_bash_reads(texts: list[str]) -> None:
    words = join_words([literal_word("printf"), literal_word("%s\\0"), *map(literal_word, texts)])
    ran = subprocess.run(
        ["bash", "--norc", "-c", words], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}
    )
    assert ran.stdout == b"".join(text.encode() + b"\0" for text in texts or [""])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ls", "ls"), ("if", "'if'"), ("{", "'{'"), ("a=b", "'a=b'"), ("~x", "'~x'"), ("", "''")],
)
def test_a_command_name_stays_one(text: str, expected: str) -> None:
    assert quote(text, first=True) == expected

from __future__ import annotations

import json

from rules import judge, policy_of, read_nested, rule_of

from cash.policy.examples import USUAL
from cash.policy.explain import explain, explain_batch, question_text, refusal_text
from cash.policy.verdict import Decision, Match, Verdict

POLICY = policy_of(
    {
        "id": "a",
        "program": "npm",
        "args": ["install|i", "..."],
        "rewrite": "pnpm add $rest",
        "reason": "One store.",
    },
    {"id": "b", "program": "rm", "decide": "deny", "reason": "No.", "hint": "mv x trash/"},
    {"id": "c", "program": "pnpm", "decide": "ask", "reason": "Sure?"},
)


def test_the_json_of_a_verdict() -> None:
    text = "npm i left-pad; rm x; rm y"
    verdict = judge(POLICY, text)
    assert explain(verdict, read_nested(text), USUAL) == {
        "decision": "deny",
        "outcome": "deny",
        "rewritten": "pnpm add left-pad; rm x; rm y",
        "rules": [
            {
                "id": "b",
                "reason": "No.",
                "hint": "mv x trash/",
                "decision": "deny",
                "words": "rm x",
                "choices": [],
            },
            {
                "id": "c",
                "reason": "Sure?",
                "hint": None,
                "decision": "ask",
                "words": "pnpm add left-pad",
                "choices": [],
            },
            {
                "id": "a",
                "reason": "One store.",
                "hint": None,
                "decision": "rewrite",
                "words": "npm i left-pad",
                "choices": [],
            },
        ],
        "commands": [["pnpm", "add", "left-pad"], ["rm", "x"], ["rm", "y"]],
        "readers": {"tree-sitter": "ok"},
        "surprises": [],
        "level": "balanced",
        "trouble": None,
        "broken": None,
        "incomplete": False,
    }
    json.dumps(explain(verdict, read_nested(text), USUAL))


def test_a_refusal_is_two_lines() -> None:
    assert refusal_text(judge(POLICY, "npm i x; rm x")) == (
        "polis: denied by b: No.\nhint: mv x trash/\n"
    )
    assert refusal_text(judge(rule_of(program="x", reason="r"), "x")) == (
        "polis: denied by rule: r\n"
    )


def test_a_question_shows_what_would_run() -> None:
    assert question_text(judge(POLICY, "npm i x")) == (
        "polis: c asks: Sure?\n  about: pnpm add x\n  runs as: pnpm add x\n"
    )
    assert question_text(judge(POLICY, "$X y")) == (
        "polis: dynamic-command asks: which program this is shows only when it runs\n"
        "  about: $X y\n"
        "hint: name the program literally\n"
    )


def test_nothing_an_agent_writes_reaches_the_terminal_raw() -> None:
    evil = "a\x1b[2Jb\r\nc\x00\u202ed\udcff"
    match = Match("rule", Decision.DENY, f"because {evil}", f"try {evil}", evil)
    assert refusal_text(Verdict(Decision.DENY, (match,))) == (
        "polis: denied by rule: because a\\x1b[2Jb␍⏎c\\x00\\u202ed\\xff\n"
        "hint: try a\\x1b[2Jb␍⏎c\\x00\\u202ed\\xff\n"
    )
    verdict = judge(POLICY, "rm 'x\x1b[2J\ny' ; $X '\x1b'")
    assert verdict.matches[0].words == "rm 'x\\x1b[2J⏎y'"
    asked = Verdict(Decision.ASK, (Match("a", Decision.ASK, "r"),), rewritten="x\n\x1b[2J")
    assert question_text(asked) == "polis: a asks: r\n  runs as: x⏎\\x1b[2J\n"


def test_batches_keep_their_order_and_survive_bad_rows() -> None:
    rows = [
        '{"id": 1, "command": "ls"}',
        "",
        '{"id": "two", "command": "rm x"}\n',
        "{",
        '{"id": 3}',
        "[1]",
        '{"id": 4, "command": "npm i \\udcff\\ud800"}',
        b'{"id": 5, "command": "$X"}',
        "[" * 100_000,
    ]
    found = list(explain_batch(rows, POLICY, USUAL, read_nested))
    assert [row["id"] for row in found] == [1, "two", None, 3, None, 4, 5, None]
    assert found[0] == {"id": 1, "decision": "allow", "rules": [], "commands": [["ls"]]}
    assert found[1] == {"id": "two", "decision": "deny", "rules": ["b"], "commands": [["rm", "x"]]}
    assert found[2] == {"id": None, "error": "row 4 is not JSON"}
    assert found[3] == {"id": 3, "error": "row 5 has no text under 'command'"}
    assert found[4] == {"id": None, "error": "row 6 has no text under 'command'"}
    assert found[5]["decision"] == "ask"
    assert found[6]["rules"] == ["dynamic-command"]

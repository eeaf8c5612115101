"""What a question shows of a text that an agent chose."""

from __future__ import annotations

import pytest

from cash.shell.question import Question, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("git push", "git push"),
        ("a\nb", "a\n  b"),
        ("\x1b[2Jgone", "^[[2Jgone"),
        ("rm x\rls y", "rm x^Mls y"),
        ("\x7f\x08", "^?^H"),
        ("caf\udce9", "caf\\udce9"),
        ("a\u202eb", "a\\u202eb"),
        ("\x9bK", "\\x9bK"),
        ("größe ✓", "größe ✓"),
    ],
)
def test_nothing_moves_the_cursor(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_a_question_shows_what_would_run() -> None:
    body = {"id": "q1", "line": "npm i x", "rewritten": "pnpm add x", "rule": "r", "reason": "Why."}
    question = Question.read(body)
    assert question == Question("q1", "pnpm add x", "r", "Why.", None, rewritten=True)
    assert question.describe() == "polis: r asks: Why.\n  rewritten to: pnpm add x\n"
    plain = Question.read({**body, "rewritten": None, "hint": "ask first"})
    assert plain.describe() == "polis: r asks: Why.\n  wants to run: npm i x\n"
    assert plain.hint == "ask first"

"""What a question shows of a text that an agent chose."""

from __future__ import annotations

import os
import threading
import time

import pytest

from cash.shell.question import Answer, Question, printable, put_question


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


def test_what_was_redacted_hides_no_command() -> None:
    body = {"id": "q1", "line": "x [redacted:key]", "rule": "r", "reason": "Why."}
    question = Question.read({**body, "commands": ["rm -rf build"]})
    assert "\n  which runs: rm -rf build\n" in question.describe()


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ([b"y"], Answer("allow", spoken="yes, once")),
        ([b"S"], Answer("allow", "session", spoken="yes, this session")),
        ([b"n"], Answer("deny")),
        ([b"e", b"y"], Answer("allow", spoken="yes, once")),
        ([b"yarn install\r", b"n"], Answer("deny")),
        ([b"git clean -f y", b"\x03"], Answer("deny")),
        ([b"s\r", b"n"], Answer("deny")),
        ([b"y\r"], Answer("allow", spoken="yes, once")),
        ([b"Y\n"], Answer("allow", spoken="yes, once")),
        ([b"n\r"], Answer("deny")),
        ([b"y\rls\r", b"n"], Answer("deny")),
        ([b"ls\ry\r", b"n"], Answer("deny")),
        ([b"y\x03"], Answer("deny")),
        ([b"yy", b"n"], Answer("deny")),
    ],
)
def test_only_keys_that_are_meant_answer(typed: list[bytes], answer: Answer) -> None:
    assert press(typed, Question("q1", "ls", "r", "Why.")) == answer


def press(typed: list[bytes], question: Question) -> Answer | None:
    """What a person answers who types; each text comes at once, the next after a pause."""
    person, terminal = os.openpty()

    def sit() -> None:
        for text in typed:
            time.sleep(1)
            os.write(person, text)

    sitting = threading.Thread(target=sit)
    sitting.start()
    with open(os.devnull, "wb") as screen:
        heard = put_question(
            question, keyboard=terminal, screen=screen.fileno(), elsewhere=(), explain=str
        )
    sitting.join()
    os.close(person)
    os.close(terminal)
    return heard


CHOICES = {
    "id": "q1",
    "line": "npm install",
    "rule": "npm-to-pnpm",
    "reason": "Which?",
    "rules": [{"id": "npm-to-pnpm", "reason": "Which?", "hint": None}],
    "choices": [
        {"word": "pnpm", "key": "p", "meaning": "adopt pnpm", "effect": "pnpm installs"},
        {"word": "npm", "key": "k", "meaning": "keep npm", "effect": "npm runs"},
    ],
}


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        ([b"p"], Answer("allow", choice="pnpm", spoken="adopt pnpm")),
        ([b"e", b"k"], Answer("allow", choice="npm", spoken="keep npm")),
        ([b"y", b"s", b"n"], Answer("deny")),
    ],
)
def test_a_choice_takes_no_plain_yes(typed: list[bytes], answer: Answer) -> None:
    assert press(typed, Question.read(CHOICES)) == answer


def test_a_choice_names_its_keys_and_commands_and_explains_itself() -> None:
    question = Question.read(CHOICES)
    assert question.keys == "[p] adopt pnpm  [k] keep npm  [n] not now  [e] explain "
    assert question.ways == [
        "polis approvals allow q1 --choose pnpm",
        "polis approvals allow q1 --choose npm",
    ]
    assert question.explain() == (
        "  npm-to-pnpm: Which?\n  adopt pnpm: pnpm installs\n  keep npm: npm runs\n"
    )

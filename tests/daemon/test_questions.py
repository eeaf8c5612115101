from __future__ import annotations

import asyncio

import pytest

from cash.daemon.questions import MOST_OPEN, MOST_TEXT, Answer, Question, Questions
from cash.daemon.shown import Reason, Shown
from cash.faults import Fault, UsageFault


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def ask(questions: Questions, exact: str = "git push -f") -> Question:
    return questions.ask(
        agent="alice",
        incarnation="i1",
        subject=exact.encode(),
        shown=Shown("git push -f", (Reason("no-force-push", "It overwrites.", None),)),
    )


def test_an_answer_reaches_everyone_who_waits() -> None:
    async def story() -> list[Answer | None]:
        questions = Questions()
        question = ask(questions)
        waiting = [asyncio.create_task(questions.wait(question, 5)) for _ in range(3)]
        await asyncio.sleep(0)
        assert questions.holds(question)
        questions.take("q1").answered.set_result(Answer(allow=True, scope="once"))
        return [await task for task in waiting]

    assert asyncio.run(story()) == [Answer(allow=True, scope="once")] * 3


def test_the_same_question_is_asked_once() -> None:
    async def story() -> None:
        questions = Questions()
        assert ask(questions) is ask(questions)
        assert ask(questions, "s2").id == "q2"
        assert [question.id for question in questions.waiting()] == ["q1", "q2"]

    asyncio.run(story())


def test_an_unanswered_question_stays_open_for_a_day() -> None:
    async def story() -> None:
        clock = Clock()
        questions = Questions(clock)
        question = ask(questions)
        assert await questions.wait(question, 0.01) is None
        clock.now += 24 * 3600 - 1
        assert list(questions.waiting()) == [question]
        clock.now += 2
        assert list(questions.waiting()) == []
        with pytest.raises(UsageFault, match="no open question q1"):
            questions.take("q1")

    asyncio.run(story())


def test_a_question_is_answered_once() -> None:
    async def story() -> None:
        questions = Questions()
        ask(questions)
        questions.take("q1")
        with pytest.raises(UsageFault):
            questions.take("q1")

    asyncio.run(story())


def test_an_agent_that_is_gone_leaves_no_question() -> None:
    async def story() -> None:
        questions = Questions()
        waiting = asyncio.create_task(questions.wait(ask(questions), 5))
        await asyncio.sleep(0)
        questions.withdraw("alice")
        assert await waiting == Answer(allow=False, scope="once", withdrawn=True)
        assert list(questions.waiting()) == []

    asyncio.run(story())


def test_an_agent_cannot_bury_its_person_in_questions() -> None:
    async def story() -> None:
        questions = Questions()
        for number in range(MOST_OPEN):
            ask(questions, f"line {number}")
        with pytest.raises(Fault, match="open questions already"):
            ask(questions, "one more")
        assert ask(questions, "line 7").id == "q8"

    asyncio.run(story())


def test_an_agent_cannot_fill_the_disk_with_one_question() -> None:
    async def story() -> None:
        questions = Questions()
        long = Shown("x" * (MOST_TEXT - 100), (Reason("r", "Why.", None),))
        questions.ask(agent="alice", incarnation="i1", subject=b"1", shown=long)
        with pytest.raises(Fault, match="too much text in open questions"):
            questions.ask(agent="alice", incarnation="i1", subject=b"2", shown=long)
        assert questions.ask(agent="bob", incarnation="i2", subject=b"3", shown=long).id == "q2"

    asyncio.run(story())

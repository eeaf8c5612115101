"""Open questions: what a policy asks a person, held by polisd for whoever answers first.

What is shown and stored is redacted; the exact line stays in memory. What lets a later identical
line pass is a keyed hash of it (cash.store.state), never the line.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from cash.faults import Fault, UsageFault

Scope = Literal["once", "session", "1h"]
SCOPES: tuple[Scope, ...] = ("once", "session", "1h")

# design §1: a question that outlived its call waits one hour for the answer.
OPEN_SECONDS = 3600.0
# Of one agent.
MOST_OPEN = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """allow or deny, and for how long an identical line need not ask again. withdrawn: nobody
    answered; the agent was stopped or removed."""

    allow: bool
    scope: Scope
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """line and rewritten are redacted. commands: each command of the line, redacted by itself,
    where redaction took something out of the line. key: unique for all time, for the
    journal; id: short, for people. exact: the line itself, in memory only, to know it again."""

    id: str
    key: str
    agent: str
    line: str
    commands: tuple[str, ...]
    rewritten: str | None
    rule: str
    reason: str
    hint: str | None
    incarnation: str
    exact: str = field(repr=False)
    asked: float
    answered: asyncio.Future[Answer] = field(compare=False, repr=False)

    def describe(self, *, waits: bool) -> dict[str, object]:
        """The JSON of one question; waits: whether a command is held by it right now."""
        return {
            "id": self.id,
            "agent": self.agent,
            "line": self.line,
            "commands": list(self.commands),
            "rewritten": self.rewritten,
            "rule": self.rule,
            "reason": self.reason,
            "hint": self.hint,
            "asked": self.asked,
            "waits": waits,
        }


class Questions:
    """The open ones of one repository. An identical question that is open already is joined,
    not asked twice: an agent that sends a line again must not flood its person."""

    def __init__(
        self, clock: Callable[[], float] = time.time, *, numbers: Iterator[int] | None = None
    ) -> None:
        """numbers: for ids; they go on where an earlier polisd stopped, so that a late answer
        cannot meet another question."""
        self._open: dict[str, Question] = {}
        self._holding: dict[str, int] = {}
        self._numbers = numbers or itertools.count(1)
        self._clock = clock

    def ask(
        self,
        *,
        agent: str,
        line: str,
        commands: tuple[str, ...] = (),
        rewritten: str | None,
        rule: str,
        reason: str,
        hint: str | None,
        incarnation: str,
        exact: str,
    ) -> Question:
        """The agent's open question about exactly this line, made if there is none. Fault when
        it has too many open: questions without end would bury the one that matters."""
        for question in self.waiting():
            if (question.incarnation, question.exact) == (incarnation, exact):
                return question
        if sum(question.agent == agent for question in self._open.values()) >= MOST_OPEN:
            raise Fault(
                f"{agent} has {MOST_OPEN} open questions already", hint="polis approvals list"
            )
        question = Question(
            id=f"q{next(self._numbers)}",
            key=uuid.uuid4().hex,
            agent=agent,
            line=line,
            commands=commands,
            rewritten=rewritten,
            rule=rule,
            reason=reason,
            hint=hint,
            incarnation=incarnation,
            exact=exact,
            asked=self._clock(),
            answered=asyncio.get_running_loop().create_future(),
        )
        self._open[question.id] = question
        return question

    async def wait(self, question: Question, seconds: float) -> Answer | None:
        """The answer, or None when none came in time; the question then stays open."""
        self._holding[question.id] = self._holding.get(question.id, 0) + 1
        try:
            return await asyncio.wait_for(asyncio.shield(question.answered), seconds)
        except TimeoutError:
            return None
        finally:
            self._holding[question.id] -= 1

    def holds(self, question: Question) -> bool:
        """Whether a command waits on this question now."""
        return self._holding.get(question.id, 0) > 0

    def answer(self, number: str, answer: Answer) -> Question:
        """Settles a question and closes it. UsageFault when there is none of that id."""
        question = self.find(number)
        del self._open[number]
        question.answered.set_result(answer)
        return question

    def find(self, number: str) -> Question:
        """The open question of that id. UsageFault when there is none."""
        for question in self.waiting():
            if question.id == number:
                return question
        raise UsageFault(
            f"there is no open question {number}", hint="list them: polis approvals list"
        )

    def waiting(self) -> Iterator[Question]:
        """The open questions, oldest first; those older than an hour are dropped."""
        now = self._clock()
        for number, question in list(self._open.items()):
            if now - question.asked > OPEN_SECONDS and not self.holds(question):
                del self._open[number]
                self._holding.pop(number, None)
            else:
                yield question

    def withdraw(self, agent: str) -> None:
        """Drops the questions of an agent that is gone; what waits on them is refused."""
        for question in list(self._open.values()):
            if question.agent == agent:
                del self._open[question.id]
                question.answered.set_result(Answer(allow=False, scope="once", withdrawn=True))

"""Open questions: what a policy asks a person, held by polisd for whoever answers first.

What is shown and kept is redacted. What lets a later identical line pass is a keyed hash of it
(cash.store.state), never the line. The store keeps a copy (cash.daemon.answering), so that a
question outlives polisd.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from cash.daemon.shown import Shown
from cash.faults import Fault, UsageFault
from cash.store.state import OPEN_SECONDS

Scope = Literal["once", "session", "1h"]
SCOPES: tuple[Scope, ...] = ("once", "session", "1h")

# Of one agent: how many, and how many characters they may fill.
MOST_OPEN = 100
MOST_TEXT = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """allow or deny, and for how long an identical line need not ask again. chosen: neither; the
    line is to be judged again. withdrawn: nobody answered; the agent was stopped or removed."""

    allow: bool
    scope: Scope
    chosen: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """key: unique for all time, for the journal; id: short, for people. subject: the keyed hash
    of what is asked about, to know it again. answered: settled once."""

    id: str
    key: str
    agent: str
    incarnation: str
    subject: bytes = field(repr=False)
    shown: Shown
    asked: float
    answered: asyncio.Future[Answer] = field(compare=False, repr=False)

    def describe(self, *, waits: bool) -> dict[str, object]:
        """The JSON of one question; waits: whether a command is held by it right now."""
        about = {"id": self.id, "agent": self.agent, "asked": self.asked, "waits": waits}
        return about | self.shown.describe()

    @property
    def ways(self) -> str:
        """The commands that let what is asked go on."""
        words = [choice.word for choice in self.shown.choices]
        choose = [f"polis approvals allow {self.id} --choose {word}" for word in words]
        return " or ".join(choose) or f"polis approvals allow {self.id}"


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
        # Whose asker was told to send it again when it is allowed.
        self._told: set[str] = set()
        self._numbers = numbers or itertools.count(1)
        self._clock = clock

    def ask(self, *, agent: str, incarnation: str, subject: bytes, shown: Shown) -> Question:
        """The open question about exactly this, made if there is none. Fault when the agent has
        too many open: questions without end would bury the one that matters."""
        for question in self.waiting():
            if question.subject == subject:
                return question
        own = [question for question in self._open.values() if question.agent == agent]
        text = sum(question.shown.size for question in own) + shown.size
        if len(own) >= MOST_OPEN or text > MOST_TEXT:
            much = "too much text in" if len(own) < MOST_OPEN else str(MOST_OPEN)
            raise Fault(f"{agent} has {much} open questions already", hint="polis approvals list")
        question = Question(
            id=f"q{next(self._numbers)}",
            key=uuid.uuid4().hex,
            agent=agent,
            incarnation=incarnation,
            subject=subject,
            shown=shown,
            asked=self._clock(),
            answered=asyncio.get_running_loop().create_future(),
        )
        self.put_back(question)
        return question

    def put_back(self, question: Question) -> None:
        """Opens a question that was asked before: an earlier polisd's, or one whose answer could
        not be written."""
        self._open[question.id] = question

    async def wait(self, question: Question, seconds: float) -> Answer | None:
        """The answer, or None when none came in time; the question then stays open."""
        self._holding[question.id] = self._holding.get(question.id, 0) + 1
        try:
            return await asyncio.wait_for(asyncio.shield(question.answered), seconds)
        except TimeoutError:
            self.note_told(question)
            return None
        finally:
            self._holding[question.id] -= 1

    def note_told(self, question: Question) -> None:
        """Its asker knows that nobody has answered, and to send it again when it is allowed."""
        self._told.add(question.id)

    def left(self, agent: str, since: float) -> list[Question]:
        """What the agent has asked since then, and waits for no more without having been told."""
        return [
            one
            for one in self.waiting()
            if one.agent == agent and one.asked >= since and not self.holds(one)
            if one.id not in self._told
        ]

    def holds(self, question: Question) -> bool:
        """Whether a command waits on this question now."""
        return self._holding.get(question.id, 0) > 0

    def take(self, number: str) -> Question:
        """Closes a question for the one who answers it. UsageFault when there is none."""
        question = self.find(number)
        del self._open[number]
        self._told.discard(number)
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
        """The open questions, oldest first; those that nobody answered in a day are dropped."""
        now = self._clock()
        for number, question in list(self._open.items()):
            if now - question.asked > OPEN_SECONDS and not self.holds(question):
                del self._open[number]
                self._holding.pop(number, None)
                self._told.discard(number)
            else:
                yield question

    def withdraw(self, agent: str) -> None:
        """Drops the questions of an agent that is gone; what waits on them is refused."""
        for question in list(self._open.values()):
            if question.agent == agent:
                del self._open[question.id]
                self._told.discard(question.id)
                question.answered.set_result(Answer(allow=False, scope="once", withdrawn=True))

"""How a repository's questions are opened, kept, answered, and taken up by a later polisd."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cash.daemon.questions import Answer, Question, Questions, Scope
from cash.daemon.shown import Shown, read_shown, show
from cash.faults import Fault, UsageFault
from cash.policy.verdict import Choice, Verdict
from cash.settings import answers_file, write_setting
from cash.store.records import Asked
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


class Answering:
    """questions: those open now; the store has a copy of each."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self.questions = Questions(numbers=self._numbers())

    def _numbers(self) -> Iterator[int]:
        while True:
            number = int(self._hosted.state.setting("questions") or 0) + 1
            self._hosted.state.set_setting("questions", str(number))
            yield number

    def take_up(self) -> None:
        """Opens what an earlier polisd left open, but for agents that are gone."""
        names = {agent.incarnation: agent.name for agent in self._hosted.agents()}
        for kept in self._hosted.state.questions(time.time()):
            if kept.agent not in names:
                self._hosted.state.drop_questions(kept.agent)
                continue
            question = Question(
                id=kept.id,
                key=kept.key,
                agent=names[kept.agent],
                incarnation=kept.agent,
                subject=kept.subject,
                shown=read_shown(kept.shown),
                asked=kept.asked,
                answered=asyncio.get_running_loop().create_future(),
            )
            self.questions.put_back(question)
            self.questions.note_told(question)  # what waited has ended, with that hint

    def earlier(self, agent: Agent, subject: str, *, keep: bool = False) -> bool | None:
        """What a person said to the identical line before; an answer for once is used up. keep:
        it is not, since another is going to ask."""
        state = self._hosted.state
        found = state.recall_answer(
            state.sign_line(agent.incarnation, subject),
            now=time.time(),
            session=self._hosted.session(agent.name),
            keep=keep,
        )
        return None if found is None else found.decision == "allow"

    async def open(self, agent: Agent, subject: str, text: str, verdict: Verdict) -> Question:
        """Opens (or joins) the question a verdict asks. text: what people read."""
        return await self.ask(agent, subject, show(text, verdict))

    async def ask(self, agent: Agent, subject: str, shown: Shown) -> Question:
        """Opens (or joins) a question; durable before anybody is asked. subject: what an answer
        is for. Fault when it cannot be kept."""
        hosted = self._hosted
        question = self.questions.ask(
            agent=agent.name,
            incarnation=agent.incarnation,
            subject=hosted.state.sign_line(agent.incarnation, subject),
            shown=shown,
        )
        try:
            body = question.describe(waits=True)
            await hosted.journal(agent, f"{question.key}:asked", "asked", body)
            hosted.state.keep_question(
                Asked(
                    id=question.id,
                    key=question.key,
                    agent=question.incarnation,
                    subject=question.subject,
                    asked=question.asked,
                    shown=question.shown.describe(),
                )
            )
        except Fault:
            if not self.questions.holds(question):
                self.questions.take(question.id)
            raise
        return question

    async def answer(self, number: str, allow: bool, scope: Scope) -> Question:
        """Settles a question. An answer nobody waits for is kept for the line's next coming.
        UsageFault when it offers a choice and gets a plain yes."""
        question = self.questions.find(number)
        if allow and question.shown.choices:
            words = " or ".join(choice.word for choice in question.shown.choices)
            raise UsageFault(f"{number} asks for a choice: {words}", hint=question.ways)
        held = self.questions.holds(question)
        self.questions.take(number)
        body = {"decision": "allow" if allow else "deny", "scope": scope}
        try:
            await self._hosted.rejoined()  # a session is that of walls
            await self._journal(question, body)
            if scope != "once" or not held:
                self._remember(question, allow, scope)
            self._hosted.state.drop_question(question.key)
        except Fault:
            self.questions.put_back(question)
            raise
        question.answered.set_result(Answer(allow, scope))
        return question

    async def choose(self, number: str, word: str) -> Question:
        """Settles a question by one of its choices, and with it whatever else asks for the same:
        it is kept for the repository, and lines that wait are judged again."""
        question = self.questions.find(number)
        choice = _find_choice(question, word)
        same = [
            one
            for one in self.questions.waiting()
            if any(choice.setting == other.setting for other in one.shown.choices)
        ]
        body = {"decision": "chosen", "setting": choice.setting, "chosen": choice.word}
        await self._journal(question, body)
        path = answers_file(self._hosted.folder)
        try:
            await asyncio.to_thread(write_setting, path, choice.setting, choice.word)
        except OSError as fault:
            raise Fault(f"{path} cannot be written: {fault.strerror}") from fault
        for one in same:
            self._hosted.state.drop_question(one.key)
            if not one.answered.done():
                self.questions.take(one.id)
                one.answered.set_result(Answer(allow=True, scope="once", chosen=True))
        return question

    def withdraw(self, agent: Agent) -> None:
        """Drops the questions of an agent that was stopped or removed."""
        self.questions.withdraw(agent.name)
        self._hosted.state.drop_questions(agent.incarnation)

    async def abandon(self, agent: Agent, since: float) -> None:
        """Closes what the agent's program has asked since then, where it ended while it waited:
        an answer would be for nobody."""
        for question in self.questions.left(agent.name, since):
            self.questions.take(question.id)
            question.answered.set_result(Answer(allow=False, scope="once", withdrawn=True))
            self._hosted.state.drop_question(question.key)
            await self._journal(question, {"decision": "abandoned"})

    async def _journal(self, question: Question, answer: dict[str, str]) -> None:
        about = {"id": question.id, "line": question.shown.line}
        rule = {"rule": question.shown.reasons[0].rule}
        agent = next(
            (one for one in self._hosted.agents() if one.incarnation == question.incarnation), None
        )
        await self._hosted.journal(agent, uuid.uuid4().hex, "answered", about | answer | rule)

    def _remember(self, question: Question, allow: bool, scope: Scope) -> None:
        """Keeps an answer for the identical line. "session" lasts as long as the walls stand;
        where they do not, it can only mean once."""
        session = self._hosted.session(question.agent) if scope == "session" else ""
        self._hosted.state.remember_answer(
            question.incarnation,
            question.subject,
            "allow" if allow else "deny",
            scope if session or scope != "session" else "once",
            now=time.time(),
            session=session,
        )


def _find_choice(question: Question, word: str) -> Choice:
    for choice in question.shown.choices:
        if choice.word == word:
            return choice
    if not question.shown.choices:
        raise UsageFault(f"{question.id} offers no choice", hint=question.ways)
    raise UsageFault(f"{question.id} does not offer {word!r}", hint=question.ways)

"""Starting agents' own programs: what is run is decided here, and runs in a window as any command
does: judged, journaled, inside the walls."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cash.daemon.launching import prepare_launch
from cash.daemon.prompting import Prompting, short
from cash.faults import EndedFault, Fault, UsageFault
from cash.providers.facets import Purpose
from cash.providers.launch import Launch
from cash.sessions.log import Log, log_file
from cash.sessions.session import End, Session
from cash.store.redaction import redact_text
from cash.workspace.agent import Agent, AgentFault

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Raising walls, judging and starting one takes a processor some tenths of a second.
_AT_ONCE: Final = 4
_BEGIN_SECONDS: Final = 20.0
# A program that ends so soon, and not well, is told at once.
_SHORTEST_LIFE: Final = 0.5
_LOOK: Final = 0.05
_MOST_SAID: Final = 3


@dataclass(frozen=True, slots=True)
class Task:
    """What an agent is to do. text: "" for nothing yet. headless: without waiting for more.
    resume: take up its last conversation. batch: of those that are started
    together. anyway: also while the account is used up."""

    text: str = ""
    headless: bool = False
    resume: bool = False
    model: str = ""
    batch: str = ""
    anyway: bool = False

    @property
    def purpose(self) -> Purpose:
        """How the program is started for it."""
        if self.headless:
            return "resumed-headless" if self.resume else "headless"
        if self.resume:
            return "resumed"
        return "prompt" if self.text else "interactive"


@dataclass(frozen=True, slots=True)
class Started:
    """session: its id. how: "started", "asking" when a question stands in its
    window first, or "prompted" when it lived already. notes: what its
    program cannot do, a line each."""

    session: Session
    how: str
    notes: tuple[str, ...] = ()

    def describe(self) -> dict[str, object]:
        """As JSON values."""
        return {
            "name": self.session.agent.name,
            "session": self.session.number,
            "batch": self.session.batch or None,
            "how": self.how,
            "notes": list(self.notes),
        }


class Starting:
    """Starts the agents of one repository."""

    def __init__(self, hosted: Hosted, prompting: Prompting) -> None:
        self._hosted = hosted
        self._prompting = prompting
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._turns: dict[str, asyncio.Lock] = {}

    async def run(self, agent: Agent, task: Task) -> Started:
        """Gives an agent a task: starts its program with it, or, where that lives, prompts it.
        AgentFault when it lives and the task needs a program of its own: two in one workspace
        would undo each other's work."""
        await self._hosted.sessions.ready()
        self._check_account(agent, task)
        async with self._turns.setdefault(agent.incarnation, asyncio.Lock()):
            living = self._hosted.sessions.of(agent)
            if living is None:
                return await self._start(agent, task)
            if not task.text or task.headless or task.resume:
                raise AgentFault(
                    "AGENT_BUSY",
                    f"{agent.name} is at work already",
                    hint=f"polis agents attach {agent.name}, or polis agents stop {agent.name}",
                )
            await self._prompting.prompt(agent, task.text)
            return Started(living, "prompted")

    async def _start(self, agent: Agent, task: Task) -> Started:
        hosted = self._hosted
        hosted.sessions.stillness.check(agent)
        async with self._slots:
            last = hosted.sessions.last(agent)
            conversation = str(uuid.uuid4())
            if task.resume:  # of one in which polis said nothing, the program knows better
                conversation = last.conversation if last and last.prompted else ""
            launch = await self._plan(agent, task, conversation)
            if not any(conversation in word for word in launch.argv):
                conversation = ""  # its program gives the id, or could not be told
            await hosted.enter(agent)
            session = Session(
                number=uuid.uuid4().hex[:12],
                agent=agent,
                purpose=task.purpose,
                log=Log(log_file(agent.folder)),
                launch=launch,
                task=short(redact_text(task.text)),
                batch=task.batch,
                conversation=conversation,
            )
            await hosted.sessions.open(session)
            body = {"session": session.number, "purpose": task.purpose, "batch": task.batch or None}
            hosted.note(agent, f"{session.number}:session", "session", body)
            if task.text:
                await self._prompting.journal(agent, "task", task.text, batch=task.batch)
            await self._wait_until_it_runs(session)
        if launch.typed:
            hosted.spawn(self._prompting.type_when_ready(session, launch.typed))
        elif task.text and task.purpose == "resumed":
            hosted.spawn(self._prompting.type_when_ready(session, task.text))
        how = "started" if session.begun.is_set() or session.ended.done() else "asking"
        return Started(session, how, launch.notes)

    async def _plan(self, agent: Agent, task: Task, conversation: str) -> Launch:
        """What is run, with the settings it needs in the agent's home."""
        prepared = await prepare_launch(
            self._hosted,
            agent,
            task.purpose,
            prompt="" if task.purpose == "resumed" else task.text,
            model=task.model,
            resume=conversation if task.resume else "",
            session="" if task.resume else conversation,
        )
        return prepared.launch

    async def _wait_until_it_runs(self, session: Session) -> None:
        """Returns when its program runs, or a question stands in its window. Fault when it does
        not start, with what it said; EndedFault when it has and ends badly at once."""
        deadline = time.monotonic() + _BEGIN_SECONDS
        asked, name = self._hosted.answering.questions, session.agent.name
        while not session.begun.is_set() and not session.ended.done():
            if any(one.agent == name and asked.holds(one) for one in asked.waiting()):
                return
            if time.monotonic() > deadline:
                return  # a machine that is this busy; its window says what comes of it
            await asyncio.sleep(_LOOK)
        try:
            end = await asyncio.wait_for(asyncio.shield(session.ended), _SHORTEST_LIFE)
        except TimeoutError:
            return
        logs = f"polis agents logs {name}"
        if end.status != 0 and session.begun.is_set():
            raise EndedFault(f"{name}: {_reason(end)} after {session.lasted:.1f} s", hint=logs)
        if end.status != 0:
            raise Fault(f"{name} did not start: {_reason(end)}", hint=logs)

    def _check_account(self, agent: Agent, task: Task) -> None:
        if task.anyway:
            self._hosted.quotas.forget(agent.provider)
        elif task.text:
            self._hosted.quotas.check(agent.provider)

    def check(self, agent: Agent, task: Task) -> None:
        """AgentFault when a task of its own cannot be given to the agent now."""
        if self._hosted.sessions.of(agent) is not None:
            raise AgentFault(
                "AGENT_BUSY",
                f"{agent.name} is at work already",
                hint=f"polis agents prompt {agent.name} TEXT, or polis agents stop {agent.name}",
            )
        if not agent.tree.is_dir():
            raise UsageFault(f"the tree of {agent.name} is gone: {agent.tree}")
        self._hosted.sessions.stillness.check(agent)
        self._check_account(agent, task)


def _reason(end: End) -> str:
    return end.reason or f"it ended with {end.status}"

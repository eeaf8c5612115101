"""The sessions of one repository's agents: polisd's one connection to their tmux, and what it
tells (docs/decisions/0014-sessions.md)."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol, cast

from cash.daemon.stillness import Stillness
from cash.faults import Fault
from cash.providers.facets import HEADLESS
from cash.sessions import window as windows
from cash.sessions.ansi import PasteMode
from cash.sessions.control import ControlFault, Heard, Left, Output, WindowGone
from cash.sessions.log import Log, forget_screen, log_file
from cash.sessions.record import Record, read_session, write_session
from cash.sessions.server import Server
from cash.sessions.session import End, Session
from cash.sessions.signal import Status
from cash.sessions.window import Window
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# A command whose terminal is gone is hung up, and killed after two seconds (cash/keeper/runner.py).
_HANGING_UP: Final = 4.0
_TMUX_GONE: Final = "its terminal is gone: tmux has ended"
_WINDOW_GONE: Final = "its window was closed"

# What a hung-up program ends with, where nobody knows better.
_HUNG_UP: Final = 129

Listener = Callable[[Session, bytes], None]


class Observer(Protocol):
    """Who is told what becomes of agents' programs (cash/daemon/states.py)."""

    def begin_program(self, agent: Agent, *, headless: bool) -> None:
        """polis starts the agent's own program, or has found it living."""

    def end_program(self, agent: Agent, code: int, status: Status) -> None:
        """It ended with `code`, which means `status`."""

    def pause(self, agent: Agent, *, paused: bool) -> None:
        """All of its processes stand still, or go on."""


class Sessions:
    """See the module. living: by the agent's name."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._living: dict[str, Session] = {}
        # Each agent's record, which nobody else writes: a list of a hundred asks for a hundred.
        self._last: dict[str, Record | None] = {}
        self.server = Server(hosted.places.runtime, hosted.repository.id, self._hear)
        self._listeners: list[Listener] = []
        self.observers: list[Observer] = []
        self._closing = False
        self._taking_up: asyncio.Task[object] | None = None
        self.stillness = Stillness(hosted)

    # What there is

    def of(self, agent: Agent) -> Session | None:
        """The agent's living session."""
        found = self._living.get(agent.name)
        return found if found and found.agent.incarnation == agent.incarnation else None

    def living(self) -> tuple[Session, ...]:
        """All that have their window."""
        return tuple(one for one in self._living.values() if one.placed.is_set())

    def find(self, number: str) -> Session:
        """The living session of that id. Fault when there is none."""
        for session in self._living.values():
            if session.number == number:
                return session
        raise Fault("there is no such session", hint="polis agents start NAME")

    def last(self, agent: Agent) -> Record | None:
        """The agent's newest session, living or not."""
        if agent.incarnation not in self._last:
            found = read_session(agent.folder)
            is_its = found is not None and found.incarnation == agent.incarnation
            self._last[agent.incarnation] = found if is_its else None
        return self._last[agent.incarnation]

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Has what programs write told, until the answer is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def sweep(self) -> tuple[Window, ...]:
        """All windows, by one question to tmux; nothing is forked. None while it is not there."""
        with contextlib.suppress(ControlFault):
            return await self.server.sweep()
        return ()

    async def screen(self, session: Session, above: int = 0) -> list[str]:
        """What stands on a session's screen, and so many lines that have left it."""
        return await self.server.screen(session.pane, above)

    async def screens(self, sessions: Sequence[Session]) -> list[tuple[Session, list[str]]]:
        """What stands on those that are there still."""
        found = await self.server.screens([one.pane for one in sessions])
        return [(one, found[one.pane]) for one in sessions if one.pane in found]

    # Beginning

    def begin(self) -> None:
        """Starts taking up what outlived an earlier polisd."""
        self._taking_up = self._hosted.spawn(self._rejoin())

    async def ready(self) -> None:
        """Waits until it is known what outlived an earlier polisd."""
        if self._taking_up is not None:
            await asyncio.wait({self._taking_up})

    async def _rejoin(self) -> None:
        await self._hosted.rejoined()
        with contextlib.suppress(Fault, OSError):
            if await self.server.rejoin():
                for one in await self.server.sweep():
                    self._adopt(one)
        for agent in self._hosted.agents():
            record = self.last(agent)
            if record and not record.ended and self.of(agent) is None:
                self._write(agent, record, End(None, "it ended while polisd was away"))
            self.stillness.take_up(agent)

    def _adopt(self, one: Window) -> None:
        agents = {agent.incarnation: agent for agent in self._hosted.agents()}
        agent = agents.get(one.incarnation)
        if agent is None:
            return
        record = self.last(agent)
        session = Session(
            number=one.number,
            agent=agent,
            purpose=record.purpose if record else "interactive",
            log=Log(log_file(agent.folder)),
            task=record.task if record else "",
            batch=record.batch if record else "",
            conversation=record.conversation if record else "",
            prompted=record is not None and record.prompted,
            command=one.command,
            paste=PasteMode(is_on=one.pastes),
        )
        session.window, session.pane, session.pid = one.window, one.pane, one.pid
        session.began = record.began if record else session.began
        session.placed.set()
        if one.command:
            session.begun.set()
        self._living[agent.name] = session
        self._tell_begin(session)

    async def open(self, session: Session) -> None:
        """Gives a session its window; the client in it asks for what to run. MachineFault when
        there is no tmux, Fault when it cannot be reached."""
        self._living[session.agent.name] = session
        try:
            self._write(session.agent, _record_of(session), None)
            forget_screen(session.agent.folder)
            client = (sys.executable, "-I", "-m", "cash.shell.window", session.number)
            session.window, session.pane, session.pid = await self.server.open(
                session.agent.name, str(session.agent.tree), client
            )
            for option, value in (
                (windows.AGENT, session.agent.name),
                (windows.INCARNATION, session.agent.incarnation),
                (windows.NUMBER, session.number),
            ):
                self.server.keep(session.window, option, value)
        except BaseException:
            self._forget(session)
            raise
        session.placed.set()
        self._tell_begin(session)

    def _tell_begin(self, session: Session) -> None:
        for observer in self.observers:
            observer.begin_program(session.agent, headless=session.purpose in HEADLESS)

    def note_begin(self, session: Session, command: str) -> None:
        """Its program runs. command: its id in the journal."""
        session.command = command
        self.server.keep(session.window, windows.COMMAND, command)
        session.begun.set()

    def note_prompt(self, session: Session) -> None:
        """It is told something."""
        if not session.prompted:
            session.prompted = True
            self._write(session.agent, _record_of(session), None)

    # What is heard

    def _hear(self, heard: Heard) -> None:
        match heard:
            case Output(pane, data):
                session = next((one for one in self._living.values() if one.pane == pane), None)
                if session is not None:
                    self._take_output(session, data)
            case WindowGone():
                self._hosted.spawn(self._look_for_windows())
            case Left():
                if not self._closing:
                    for session in [one for one in self._living.values() if one.placed.is_set()]:
                        self._hosted.spawn(self._lose(session))
            case _:
                pass

    def _take_output(self, session: Session, data: bytes) -> None:
        session.written = time.monotonic()
        session.log.write(data)
        if session.paste.feed(data):
            self.server.keep(session.window, windows.PASTES, "1" if session.paste.is_on else "0")
        for listener in list(self._listeners):
            listener(session, data)

    async def _look_for_windows(self) -> None:
        """tmux tells a window's end also when only somebody's look at it has ended."""
        asked = [one for one in self._living.values() if one.placed.is_set()]
        with contextlib.suppress(ControlFault):  # then all of them have ended, which is told
            there = {one.window for one in await self.server.sweep()}
            for session in asked:
                if session.window not in there:
                    await self.end(session, End(None, _WINDOW_GONE))

    # Ending

    async def end(self, session: Session, end: End) -> None:
        """The session is over; again is fine. What its program left running is ended."""
        if self._forget(session):
            if session.why:
                end = End(end.status, session.why)
            session.log.end()
            session.lasted = time.time() - session.began
            self._write(session.agent, _record_of(session), end)
            body = {
                "session": session.number,
                "status": end.status,
                "reason": end.reason,
                "seconds": round(session.lasted, 3),
            }
            session.ended.set_result(end)
            self._tell_end(session, end)
            abandon = self._hosted.answering.abandon
            await abandon(session.agent, session.began)
            if not session.why:
                await self.stillness.end_leftovers(session)
                await abandon(session.agent, session.began)
            await self._hosted.journal(session.agent, uuid.uuid4().hex, "session-ended", body)

    def _tell_end(self, session: Session, end: End) -> None:
        manifest = self._hosted.manifests.get(session.agent.provider)
        code = _HUNG_UP if end.status is None else end.status
        meant = manifest.exits.get(code, "error") if manifest else "error"
        for observer in self.observers:
            # What a manifest may say there is checked when it is read.
            status = cast(Status, "stopped" if session.why or end.status is None else meant)
            observer.end_program(session.agent, code, status)

    async def _lose(self, session: Session) -> None:
        """tmux was killed. Its clients are hung up, and so is what they ran."""
        await self.end(session, End(None, _TMUX_GONE))
        household = self._hosted.keeping.standing(self._hosted.key_of(session.agent))
        deadline = time.monotonic() + _HANGING_UP
        while household and session.command in household.running and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        await self._hosted.leave(session.agent, _TMUX_GONE)

    def _forget(self, session: Session) -> bool:
        """Whether it was still living."""
        name = session.agent.name
        if self._living.get(name) is not session:
            return False
        del self._living[name]
        return True

    def _write(self, agent: Agent, record: Record, end: End | None) -> None:
        if end is not None:
            record = replace(record, ended=time.time(), status=end.status, reason=end.reason)
        self._last[agent.incarnation] = record
        with contextlib.suppress(OSError):  # its folder goes with it
            write_session(agent.folder, record)

    async def close(self) -> None:
        """polisd ends, and takes all walls down: no terminal is left."""
        self._closing = True
        for agent in self._hosted.agents():
            await self.stillness.resume(agent)
        await self.server.close()


def _record_of(session: Session) -> Record:
    return Record(
        number=session.number,
        incarnation=session.agent.incarnation,
        purpose=session.purpose,
        task=session.task,
        batch=session.batch,
        conversation=session.conversation,
        began=session.began,
        prompted=session.prompted or bool(session.task),
    )

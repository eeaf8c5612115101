"""Calls about many agents, with news while they go on: tasks begun together, and watching."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cash import wire
from cash.daemon import agent_calls
from cash.daemon.caller import Caller, Fields
from cash.daemon.describing import describe_agent
from cash.daemon.fanout import Wanted, plan_fanout
from cash.daemon.hosting import Hosted
from cash.daemon.session_calls import stop_agent, task_of
from cash.daemon.starting import Task
from cash.faults import EndedFault, Fault, UsageFault
from cash.sessions.log import log_file, read_events
from cash.sessions.session import Session
from cash.sessions.streams.telling import last_run, tell_line
from cash.store.redaction import redact_text
from cash.workspace.agent import Agent

# A program that writes is looked at when it pauses, and so often at most.
_LOOK_SECONDS: Final = 0.3
_STATE_SECONDS: Final = 0.5
# Lines that have left the screen between two looks.
_ABOVE: Final = 200
# An event that is longer is shown as far as that.
_LONGEST_LINE: Final = 1 << 20

Tell = Callable[[Mapping[str, object]], Awaitable[None]]


def _teller(caller: Caller) -> Tell:
    async def tell(news: Mapping[str, object]) -> None:
        await caller.connection.send(wire.REPLY, json.dumps(news).encode())

    return tell


async def multi(caller: Caller, fields: Fields) -> None:
    """Begins several tasks together: either all of them begin, or none goes on."""
    hosted = caller.hosted(fields)
    batch = uuid.uuid4().hex[:8]
    tasks: dict[Agent, Task] = {}
    for one in fields["tasks"]:
        _, agent, _ = caller.agent({**fields, "agent": str(one["agent"])})
        if agent in tasks:
            raise UsageFault(f"{agent.name} is named twice", hint="one task for each agent")
        tasks[agent] = task_of({**fields, "needs_task": True}, str(one["task"]), batch)
    await _begin(hosted, tasks, batch, _teller(caller))


async def _begin(hosted: Hosted, tasks: Mapping[Agent, Task], batch: str, tell: Tell) -> None:
    await hosted.sessions.ready()
    for agent, task in tasks.items():  # before anything is started
        hosted.starting.check(agent, task)
    body = {"batch": batch, "agents": [agent.name for agent in tasks]}
    await hosted.journal(None, uuid.uuid4().hex, "batch", body)
    started: list[Agent] = []

    async def begin(agent: Agent, task: Task) -> None:
        try:
            done = await hosted.starting.run(agent, task)
        except EndedFault as ended:
            words = f"{agent.name} did not start: {ended.message.removeprefix(f'{agent.name}: ')}"
            raise Fault(words, hint=ended.hint) from ended
        started.append(agent)
        await tell({"agent": agent.name, "event": "started", "notes": list(done.notes)})

    work = [asyncio.ensure_future(begin(agent, task)) for agent, task in tasks.items()]
    try:
        await asyncio.gather(*work)
    except BaseException as trouble:
        await _take_back(hosted, list(tasks), work, tell)
        if isinstance(trouble, Fault):
            words = f"none of the batch was left running: {trouble.message}"
            raise type(trouble)(words, hint=trouble.hint) from trouble
        raise
    await tell({"batch": batch, "agents": [agent.name for agent in tasks], "event": "begun"})


async def _take_back(
    hosted: Hosted, agents: Sequence[Agent], work: Sequence[asyncio.Task[None]], tell: Tell
) -> None:
    """Ends whatever of a batch has begun, whoever still listens."""
    for one in work:
        one.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    living = [agent for agent in agents if hosted.sessions.of(agent)]
    why = "another of its batch did not start"
    await asyncio.gather(
        *(stop_agent(hosted, agent, why) for agent in living), return_exceptions=True
    )
    with contextlib.suppress(wire.ConnectionEnded):
        for agent in living:
            await tell({"agent": agent.name, "event": "stopped", "reason": why})


async def fanout(caller: Caller, fields: Fields) -> None:
    """Adds so many agents and gives each the same task. When one cannot begin, none is left, nor
    its branch."""
    hosted, tell = caller.hosted(fields), _teller(caller)
    batch = uuid.uuid4().hex[:8]
    given = task_of({**fields, "needs_task": True}, str(fields["task"]), batch)
    await hosted.sessions.ready()
    wanted = Wanted(
        count=int(fields["count"]),
        prefix=str(fields.get("prefix") or "agent"),
        provider=str(fields.get("provider") or ""),
        start=fields.get("from"),
        task=given,
    )
    names = await plan_fanout(hosted, wanted)
    added: list[str] = []
    try:
        for name in names:
            await agent_calls.agents_add(caller, {**fields, "name": name})
            added.append(name)
            await tell({"agent": name, "event": "added"})
        agents = {one.name: one for one in hosted.agents()}
        await _begin(hosted, {agents[name]: given for name in added}, batch, tell)
    except BaseException:
        await _remove(caller, fields, added, tell)
        raise


async def _remove(caller: Caller, fields: Fields, names: Sequence[str], tell: Tell) -> None:
    """Takes away what a fanout has added, whoever still listens."""
    for name in names:
        gone = {**fields, "name": name, "force": True, "delete_branch": True}
        with contextlib.suppress(Fault):
            await agent_calls.agents_remove(caller, gone)
            with contextlib.suppress(wire.ConnectionEnded, OSError):
                await tell({"agent": name, "event": "removed"})


async def watch(caller: Caller, fields: Fields) -> None:
    """Tells what agents write and what becomes of them, until the caller hangs up."""
    hosted = caller.hosted(fields)
    await hosted.sessions.ready()
    names = fields.get("agents") or [agent.name for agent in hosted.agents()]
    agents = [caller.agent({**fields, "agent": name})[1] for name in names]
    watching = _Watching(hosted, agents, _teller(caller), told=bool(fields.get("told")))
    hanging = asyncio.ensure_future(caller.connection.gone())
    going = asyncio.ensure_future(watching.live())
    try:
        await asyncio.wait({hanging, going}, return_when=asyncio.FIRST_COMPLETED)
        if going.done():
            going.result()
    finally:
        for one in (hanging, going):
            one.cancel()
        watching.close()


@dataclass(slots=True)
class _Stream:
    """What a program tells, an event a line. number: of its session. rest: of a line that has not
    ended. lines: to be shown. last: what was shown last: a message may be its result as well."""

    number: str
    output: str
    rest: bytes = b""
    lines: list[str] = field(default_factory=list)
    last: str = ""

    def take(self, data: bytes) -> None:
        *whole, rest = (self.rest + data).split(b"\n")
        self.rest = rest[:_LONGEST_LINE]
        self.lines += [line.decode("utf-8", "backslashreplace").rstrip() for line in whole]


class _Watching:
    """One person's look at some agents. told: of those that tell an event a line, what people
    read of it."""

    def __init__(self, hosted: Hosted, agents: Sequence[Agent], tell: Tell, *, told: bool) -> None:
        self._hosted = hosted
        self._agents = agents
        self._tell = tell
        self._told = told
        self._states: dict[str, str] = {}
        self._shown: dict[str, list[str]] = {}
        self._fresh = {agent.name for agent in agents}
        self._streams: dict[str, _Stream] = {}
        for session in hosted.sessions.living():
            if session.agent in agents:
                self._take_up(session)
        self._close = hosted.sessions.listen(self._hear)

    def _hear(self, session: Session, data: bytes) -> None:
        name = session.agent.name
        if session.agent not in self._agents:
            return
        self._fresh.add(name)
        stream = self._streams.get(name)
        if stream is None or stream.number != session.number:
            output = self._output_of(session)
            if not output:
                self._streams.pop(name, None)
                return
            stream = self._streams[name] = _Stream(session.number, output)
        stream.take(data)

    def _output_of(self, session: Session) -> str:
        manifest = self._hosted.manifests.get(session.agent.provider)
        return manifest.stream_of(session.purpose) if manifest else ""

    def _take_up(self, session: Session) -> None:
        """What a session that lives already has told is in its log."""
        if output := self._output_of(session):
            lines = last_run(output, read_events(log_file(session.agent.folder)))
            name = session.agent.name
            self._streams[name] = _Stream(session.number, output, session.log.rest, list(lines))

    def close(self) -> None:
        """Nobody looks any more."""
        self._close()

    async def live(self) -> None:
        """Tells what changes."""
        looked = 0.0
        while True:
            now = time.monotonic()
            for agent in self._agents:
                if agent.name in self._fresh:
                    self._fresh.discard(agent.name)
                    await self._show(agent)
                if now - looked >= _STATE_SECONDS:
                    await self._show_state(agent)
            looked = now if now - looked >= _STATE_SECONDS else looked
            await asyncio.sleep(_LOOK_SECONDS)

    async def _show(self, agent: Agent) -> None:
        if stream := self._streams.get(agent.name):
            await self._show_events(agent, stream)
            return
        session = self._hosted.sessions.of(agent)
        if session is None or not session.placed.is_set():
            return
        try:
            lines = await self._hosted.sessions.screen(session, above=_ABOVE)
        except Fault:
            return  # it has just ended, which is told
        before = set(self._shown.get(agent.name, ()))
        self._shown[agent.name] = lines
        for line in lines:
            if line.strip() and line not in before:
                await self._say_line(agent, line)

    async def _show_events(self, agent: Agent, stream: _Stream) -> None:
        lines, stream.lines = stream.lines, []
        for line in lines:
            for said in tell_line(stream.output, line) if self._told else [line]:
                if said.strip() and said != stream.last:
                    await self._say_line(agent, said)
                stream.last = said

    async def _say_line(self, agent: Agent, line: str) -> None:
        manifest = self._hosted.manifests.get(agent.provider)
        mends = (manifest.mends([line]) if manifest else "") or None
        await self._say(agent, "output", text=redact_text(line), mends=mends)

    async def _show_state(self, agent: Agent) -> None:
        if agent.name not in {one.name for one in self._hosted.agents()}:
            return
        state = str(describe_agent(self._hosted, agent)["status"])
        if self._states.get(agent.name) == state:
            return
        self._states[agent.name] = state
        record = self._hosted.sessions.last(agent)
        over = record is not None and self._hosted.sessions.of(agent) is None
        reason = record.reason if record is not None and over else ""
        await self._say(agent, "state", state=state, reason=reason)

    async def _say(self, agent: Agent, event: str, **more: Any) -> None:
        await self._tell({"time": time.time(), "agent": agent.name, "event": event, **more})

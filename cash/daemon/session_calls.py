"""Calls about sessions: start, run, prompt, pause, and what an agent's window asks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Any, Final

from cash.daemon.caller import Caller, Fields
from cash.daemon.hosting import Hosted
from cash.daemon.starting import Task
from cash.faults import Fault, UsageFault
from cash.sessions.log import log_file, read_events, read_log, read_screen, write_screen
from cash.sessions.session import End, Session
from cash.sessions.streams.telling import tell_run
from cash.store.redaction import redact_text
from cash.workspace.agent import Agent

# A program that was asked to end has so long before its walls are taken down.
_STOP_SECONDS: Final = 5.0
# A shell that stands at its prompt after so much of that is hung up, and again.
_HANG_UP_SECONDS: Final = 0.5
_REASON_LINES: Final = 40
_KEPT_LINES: Final = 2000


async def run(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Starts the agent's program, with a task where one is given, or prompts it."""
    hosted, agent, _ = caller.agent(fields)
    started = await hosted.starting.run(agent, task_of(fields, str(fields.get("task") or "")))
    return started.describe()


def task_of(fields: Fields, text: str, batch: str = "") -> Task:
    """The task a call means. UsageFault for one that says nothing."""
    if fields.get("needs_task") and not text.strip():
        raise UsageFault("the task is empty", hint='polis agents run NAME "what it is to do"')
    if "\0" in text:
        raise UsageFault("a task holds no NUL")
    return Task(
        text=text,
        headless=bool(fields.get("headless")),
        resume=bool(fields.get("resume")),
        model=str(fields.get("model") or ""),
        batch=batch,
        anyway=bool(fields.get("anyway")),
    )


async def prompt(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    seen = await hosted.prompting.prompt(agent, str(fields["text"]))
    return {"name": agent.name, "seen": seen}


async def broadcast(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The same prompt for every living agent of the repository."""
    hosted = caller.hosted(fields)
    await hosted.sessions.ready()
    text = str(fields["text"])
    agents = [agent for agent in hosted.agents() if hosted.sessions.of(agent)]
    if not agents:
        raise UsageFault("no agent is at work", hint="polis agents run NAME TASK")

    async def tell(agent: Agent) -> dict[str, Any]:
        try:
            return {"name": agent.name, "seen": await hosted.prompting.prompt(agent, text)}
        except Fault as fault:
            return {"name": agent.name, "seen": None, "message": fault.message, "hint": fault.hint}

    return {"agents": await asyncio.gather(*map(tell, agents))}


async def stop(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Asks the agent's program to end, then takes its walls down with all that runs in them."""
    hosted, agent, _ = caller.agent(fields)
    return {"name": agent.name, "stopped": await stop_agent(hosted, agent, "stopped")}


async def stop_agent(hosted: Hosted, agent: Agent, why: str) -> bool:
    """Whether there was anything to stop."""
    await hosted.sessions.ready()
    await hosted.sessions.stillness.resume(agent)
    session = hosted.sessions.of(agent)
    if session is not None:
        session.why = why
        await _ask_to_end(hosted, session)
    if hosted.is_inside(agent):
        await hosted.importing.import_last_changes(agent)
    left = await hosted.leave(agent, why)
    if session is not None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(session.ended), _STOP_SECONDS)
    return left or session is not None


async def _ask_to_end(hosted: Hosted, session: Session) -> None:
    """As `kill` would: the client in the window passes it on. A shell at its prompt ignores that,
    but not that its terminal hangs up."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _STOP_SECONDS
    number = signal.SIGTERM
    while not session.ended.done() and (left := deadline - loop.time()) > 0:
        if number is signal.SIGTERM or await _is_at_prompt(hosted, session):
            with contextlib.suppress(ProcessLookupError):
                os.kill(session.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(session.ended), min(left, _HANG_UP_SECONDS))
        number = signal.SIGHUP


async def _is_at_prompt(hosted: Hosted, session: Session) -> bool:
    with contextlib.suppress(UsageFault):
        return bool(await hosted.prompting.shell_in_front(session))
    return False


async def pause(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    await hosted.sessions.ready()
    return {"name": agent.name, "how": await hosted.sessions.stillness.pause(agent)}


async def resume(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    await hosted.sessions.ready()
    if not await hosted.sessions.stillness.resume(agent):
        raise UsageFault(f"{agent.name} is not paused")
    return {"name": agent.name}


async def attach(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Where the agent's window is, for a client that shows it."""
    hosted, agent, _ = caller.agent(fields)
    await hosted.sessions.ready()
    session = hosted.sessions.of(agent)
    if session is None:
        record = hosted.sessions.last(agent)
        ended = f" ({record.reason})" if record and record.reason else ""
        raise UsageFault(
            f"{agent.name} is not at work{ended}",
            hint=f"polis agents start {agent.name}; polis agents logs {agent.name} shows the last",
        )
    place = hosted.sessions.server.place
    return {
        "name": agent.name,
        "program": place.program,
        "socket": str(place.socket),
        "configuration": str(place.configuration),
        "session": place.session,
        "window": session.window,
    }


async def logs(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The last lines of what the agent's program wrote. Of one that lives: as they stand on its
    screen and above; raw, and of one that has ended: as they were written. Of one that tells an
    event a line: these, or with `told` what people read of its last run."""
    hosted, agent, _ = caller.agent(fields)
    await hosted.sessions.ready()
    count, raw = int(fields.get("lines") or 50), bool(fields.get("raw"))
    session, record = hosted.sessions.of(agent), hosted.sessions.last(agent)
    manifest = hosted.manifests.get(agent.provider)
    stream = manifest.stream_of(record.purpose) if manifest and record and not raw else ""
    if stream:
        told = bool(fields.get("told"))
        lines = await asyncio.to_thread(_read_stream, agent, stream, count, told=told)
    elif session is not None and session.placed.is_set() and not raw:
        shown = await hosted.sessions.screen(session, above=count)
        lines = [redact_text(line) for line in shown][-count:]
    else:
        lines = [] if raw or session else read_screen(agent.folder, count)
        if not lines:
            lines = await asyncio.to_thread(read_log, log_file(agent.folder), count, raw=raw)
    return {
        "name": agent.name,
        "living": session is not None,
        "lines": lines,
        "status": record.status if record else None,
        "reason": record.reason if record else None,
        "ended": (record.ended or None) if record else None,
        "mends": (manifest.mends(lines) if manifest else "") or None,
    }


def _read_stream(agent: Agent, stream: str, count: int, *, told: bool) -> list[str]:
    lines = read_events(log_file(agent.folder))
    if told:  # what JSON has escaped could hide a secret
        lines = [redact_text(line) for line in tell_run(stream, lines)]
    return lines[-count:]


# What the client in a window asks and tells (cash/shell/window.py).


async def launch(caller: Caller, fields: Fields) -> dict[str, Any]:
    session, _ = _session(caller, fields)
    await session.placed.wait()
    if session.launch is None or session.begun.is_set():
        raise Fault("this session has begun already")
    found = session.launch
    given = found.given.decode("utf-8", "surrogateescape") if found.given is not None else None
    return {
        "agent": session.agent.name,
        "argv": list(found.argv),
        "environment": [f"{name}={value}" for name, value in found.environment],
        "given": given,
    }


async def begun(caller: Caller, fields: Fields) -> dict[str, Any]:
    session, hosted = _session(caller, fields)
    hosted.sessions.note_begin(session, str(fields["command"]))
    return {}


async def ended(caller: Caller, fields: Fields) -> dict[str, Any]:
    session, hosted = _session(caller, fields)
    status = int(fields["status"])
    with contextlib.suppress(Fault):
        shown = await hosted.sessions.screen(session, above=_KEPT_LINES)
        await asyncio.to_thread(write_screen, session.agent.folder, shown)
    if not hosted.sessions.server.is_there:
        return {}  # hung up with tmux, which is told of all of its windows
    await hosted.sessions.end(session, End(status, await _reason(hosted, session, status)))
    return {}


async def _reason(hosted: Hosted, session: Session, status: int) -> str:
    """What it ended with; of one that never ran, what stands in its window."""
    if session.begun.is_set():
        return "" if status == 0 else f"its program ended with {status}"
    with contextlib.suppress(Fault):
        shown = [line for line in await hosted.sessions.screen(session, _REASON_LINES) if line]
        said = [line for line in shown if line.startswith("polis: ")] or shown
        if said:
            return redact_text(said[-1].removeprefix("polis: "))
    return f"it ended with {status}"


def _session(caller: Caller, fields: Fields) -> tuple[Session, Hosted]:
    number = str(fields["number"])
    for hosted in caller.repositories.all():
        with contextlib.suppress(Fault):
            return hosted.sessions.find(number), hosted
    raise Fault("there is no such session", hint="polis agents start NAME")

"""What becomes of a hook's event: it is judged, journaled, and tells the agent's state.

Whoever sends it is the agent: an event lets nothing through, and what it leaves out is judged by
the walls all the same.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cash.daemon.foretelling import foretell_write
from cash.daemon.stages import Asking, again_text, judge_request, reason_text, syntax_text
from cash.pipeline import Approved, Refused, Request
from cash.policy.action import Exec, ToolCall, Write, WriteKind
from cash.policy.explain import refusal_text
from cash.policy.verdict import Decision, Verdict
from cash.providers.hooks.event import NO_OPINION, HookEvent, Kind, Ruling
from cash.sessions.signal import Signal, Source, Status
from cash.syntax.command import Command
from cash.syntax.word import literal_word
from cash.walls import syscalls
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

_STATES: Final[Mapping[Kind, Status]] = {
    "session-begins": "idle",
    "prompted": "running",
    "tool-begins": "running",
    "tool-ends": "running",
    "asks-permission": "waiting_approval",
    "waits-for-input": "waiting_input",
    "turn-ends": "idle",
    "session-ends": "completed",
    "failed": "error",
}


# Then no tool call is under way, whatever became of those that nobody has told the end of.
_NOTHING_RUNS: Final = ("session-begins", "prompted", "turn-ends", "session-ends", "failed")


def signal_of(event: HookEvent, at: float) -> Signal | None:
    """What an event tells of the state its agent is in."""
    status = _STATES.get(event.kind)
    if status is None:
        return None
    reason = " ".join(filter(None, (event.name, event.tool, event.intent or event.note)))
    return Signal(Source.HOOK, status, reason, at, event.call)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """A ruling, with what the journal says of it."""

    ruling: Ruling
    verdict: Verdict | None = None
    approval: str = "policy"


@dataclass(frozen=True, slots=True)
class Hooking:
    """The hooks of one agent's program."""

    hosted: Hosted
    agent: Agent
    provider: str

    async def hear(self, event: HookEvent) -> Ruling:
        """Judges what is about to be done; a refusal is journaled before it is told."""
        if signal := signal_of(event, time.time()):
            self.hosted.states.hear(self.agent, signal)
        step = uuid.uuid4().hex[:16]
        self._note_call(event, step)
        await self._end_locks(event)
        if event.kind != "tool-begins" or not event.tool:
            body = {"provider": self.provider, "event": event.name, "session": event.session}
            self.hosted.note(self.agent, uuid.uuid4().hex, "hook", body | self._about(event))
            return NO_OPINION
        outcome = await self._judge(event)
        if outcome.ruling.decision == "none" and event.call:
            outcome = await self._lock(event, outcome)
        await self._journal(event, outcome, step)
        return outcome.ruling

    async def _lock(self, event: HookEvent, outcome: _Outcome) -> _Outcome:
        """What a tool of its own is to write, it has to itself until the call has ended."""
        paths = [self._place(event, path) for path in event.writes]
        held = await self.hosted.tool_locks.begin(self.agent, event.call, event.tool, paths)
        if held is None:
            return outcome
        told = f"polis: {held.tell(held.paths)}\nhint: {held.hint()}\n"
        return _Outcome(Ruling("deny", told), outcome.verdict, "refused")

    def _note_call(self, event: HookEvent, step: str) -> None:
        """step: of a call that begins, a name for what it changes."""
        calls, name = self.hosted.tool_calls, self.agent.name
        if event.kind == "tool-begins" and event.call:
            files = tuple(self._place(event, path) for path in event.writes)
            calls.begin(
                name, event.call, files if event.line is None else (event.line, *files), step
            )
        elif event.kind == "tool-ends" and event.call:
            calls.end(name, event.call)
        elif event.kind in ("turn-ends", "session-ends"):
            calls.end_all(name)
        else:
            return
        self.hosted.hearing.begin_step(self.agent, next(reversed(calls.steps(name)), ""))

    async def _end_locks(self, event: HookEvent) -> None:
        if event.kind == "tool-ends":
            await self.hosted.tool_locks.end(self.agent, event.call)
        elif event.kind in _NOTHING_RUNS:
            await self.hosted.tool_locks.end_all(self.agent)

    # Judging

    async def _judge(self, event: HookEvent) -> _Outcome:
        if event.line is not None:
            return await self._judge_line(event, event.line)
        return await self._judge_tool(event)

    async def _judge_line(self, event: HookEvent, line: str) -> _Outcome:
        """What a shell tool is to run. The walls judge it again when it starts, and rewrite it."""
        cwd = self._cwd(event)
        request = Request(id=uuid.uuid4().hex[:16], mode="line", arguments=(line,), cwd=cwd)
        judged = await judge_request(self.hosted, request, self.hosted.context_of(self.agent, cwd))
        verdict = judged.verdict
        match verdict.decision:
            case Decision.DENY:
                return _Outcome(Ruling("deny", refusal_text(verdict)), verdict, "refused")
            case Decision.ASK if judged.line.broken:
                return _Outcome(Ruling("deny", syntax_text(judged.line)), verdict, "refused")
            case Decision.ASK if event.can_ask:
                return await self._show_question(line, verdict, cwd)
            case _:
                return _Outcome(NO_OPINION, verdict)

    async def _show_question(self, line: str, verdict: Verdict, cwd: str) -> _Outcome:
        """The question in the agent's own window. The answer that counts is given to polis: what
        is confirmed there comes to the walls, and waits for it."""
        asking = Asking(self.hosted, self.agent, cwd)
        if asking.expects(line, verdict) is not None:
            return _Outcome(NO_OPINION, verdict)
        question = await asking.open(line, verdict)
        way = f"hint: allow it outside first: {question.ways}; then confirm it here\n"
        return _Outcome(Ruling("ask", reason_text(question) + way), verdict, "asked")

    async def _judge_tool(self, event: HookEvent) -> _Outcome:
        """A tool of its own: by what it is called with, and by the files it is to change."""
        context = self.hosted.context_of(self.agent, self._cwd(event))
        policy = await self.hosted.in_force.current()
        called = policy.judge((ToolCall(event.tool, event.arguments),), context)
        program = Command((literal_word(event.tool),))
        launch = Exec(program, event.tool, None, event.tool)
        writes = [
            (path, policy.judge_write(self._write(path, program), launch, context))
            for path in (self._place(event, one) for one in event.writes)
        ]
        strictest = max((called, *(verdict for _, verdict in writes)), key=lambda v: v.decision)
        if strictest.decision is Decision.DENY:
            return _Outcome(Ruling("deny", refusal_text(strictest)), strictest, "refused")
        asking = [pair for pair in writes if pair[1].decision is Decision.ASK]
        for path, verdict in asking:
            outcome = await self._ask_about_write(path, verdict)
            if outcome.ruling.decision != "none":
                return outcome
        if called.decision is Decision.ASK and not asking:
            return await self._ask_about_call(event, called)
        return _Outcome(NO_OPINION, strictest)

    def _write(self, path: str, program: Command) -> Write:
        kind: WriteKind = "overwrite" if self._is_there(path) else "create"
        return Write(literal_word(path), kind, program)

    def _is_there(self, path: str) -> bool:
        """In its own tree alone, and by no link: nothing is told of what is elsewhere."""
        inner = path.removeprefix(f"{self.agent.tree}/")
        resolve = syscalls.RESOLVE_BENEATH | syscalls.RESOLVE_NO_SYMLINKS
        try:
            tree = os.open(self.agent.tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            os.close(syscalls.openat2(tree, inner, os.O_PATH | os.O_CLOEXEC, resolve))
        except (OSError, ValueError):
            return False
        finally:
            os.close(tree)
        return True

    async def _ask_about_write(self, path: str, verdict: Verdict) -> _Outcome:
        foretold = await foretell_write(self.hosted, self.agent, path, verdict)
        ruling = Ruling("deny", foretold.why_not) if foretold.why_not else NO_OPINION
        return _Outcome(ruling, verdict, foretold.approval)

    async def _ask_about_call(self, event: HookEvent, verdict: Verdict) -> _Outcome:
        """A call that no wall meets again: the answer is used up here."""
        words = json.dumps(dict(event.arguments), sort_keys=True)
        asking, text = Asking(self.hosted, self.agent, ""), f"tool {event.tool} {words}"
        match asking.earlier_answer(text, verdict):
            case Approved():
                return _Outcome(NO_OPINION, verdict, "earlier answer")
            case Refused(text=why):
                return _Outcome(Ruling("deny", why), verdict, "refused")
            case _:
                question = await asking.open(text, verdict)
                told = reason_text(question) + again_text(question)
                return _Outcome(Ruling("deny", told), verdict, "unanswered")

    def _cwd(self, event: HookEvent) -> str:
        return event.cwd if os.path.isabs(event.cwd) else str(self.agent.tree)

    def _place(self, event: HookEvent, path: str) -> str:
        return os.path.normpath(os.path.join(self._cwd(event), path))

    # Journal

    async def _journal(self, event: HookEvent, outcome: _Outcome, step: str) -> None:
        verdict = outcome.verdict
        body: dict[str, object] = {
            "provider": self.provider,
            "event": event.name,
            "decision": verdict.decision.word if verdict else "allow",
            "approval": outcome.approval,
            "rules": [match.rule for match in verdict.matches] if verdict else [],
            "reason": verdict.matches[0].reason if verdict and verdict.matches else None,
        }
        key, whole = f"{step}:line", body | self._about(event)
        if outcome.ruling.decision == "none":
            self.hosted.note(self.agent, key, "tool", whole)
        else:
            await self.hosted.journal(self.agent, key, "tool", whole)

    def _about(self, event: HookEvent) -> dict[str, object]:
        """What a call is about; not what it writes, nor any other argument."""
        found = {
            "tool": event.tool,
            "call": event.call,
            "line": event.line,
            "paths": [self._place(event, path) for path in event.writes],
            "intent": event.intent,
            "note": event.note,
        }
        return {name: value for name, value in found.items() if value}

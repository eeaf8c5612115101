"""What keepers tell of one repository's agents, and what shells tell of their lines."""

from __future__ import annotations

import contextlib
import json
import uuid
from typing import TYPE_CHECKING

from cash.daemon.exec_judging import ExecJudging
from cash.daemon.household import Household
from cash.daemon.write_judging import WriteJudging
from cash.keeper.link import NOTHING, Asked, Ended, Prediction, Ready, Seen, Wrote
from cash.store.event import Event
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


class Hearing:
    """See the module."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted

    async def note_exec(
        self, agent: Agent, household: Household, message: Asked | Seen | Wrote | Ready
    ) -> None:
        """Something was started or written inside: to be judged, or to be journaled. Ready: the
        keeper was killed, and another has its place."""
        match message:
            case Asked(question):
                if "clash" in question:
                    self._hosted.locks.note_clash(agent, question)
                elif "write" in question:
                    await WriteJudging(self._hosted, agent, household).hear(question)
                else:
                    await ExecJudging(self._hosted, agent, household, household.link).hear(question)
            case Seen(command, execs, more):
                body = {"command": command, "execs": execs, "more": more, **self._calls(agent)}
                self._hosted.note(agent, uuid.uuid4().hex, "execs", body)
            case Wrote(command, files, more, moved):
                body = {"command": command, "files": files, "more": more, **self._calls(agent)}
                self._hosted.note(agent, uuid.uuid4().hex, "wrote", body)
                own = [(path, kind) for path, kind in files if path not in moved]
                await self._hosted.lock_sessions.wrote(agent, command, own)
            case Ready(died=died):
                # Nobody tells any more when what was let through ends: it is asked about again.
                for line in household.granted.values():
                    for number in line:
                        self._hosted.promises.end(number)
                household.granted.clear()
                self._hosted.note(agent, uuid.uuid4().hex, "keeper-replaced", {"died": died})

    def _calls(self, agent: Agent) -> dict[str, list[str]]:
        """The tool calls during which it was: what hooks have told of."""
        calls = self._hosted.tool_calls.recent(agent.name)
        return {"calls": calls} if calls else {}

    def begin_line(self, agent: Agent, number: str, predicted: Prediction) -> None:
        """A line of a resident shell is about to run."""
        household = self._hosted.keeping.standing(self._hosted.key_of(agent))
        if household is not None:
            household.lines.add(number)
            self._tell_shells(household, predicted, number)

    def begin_step(self, agent: Agent, step: str) -> None:
        """What its own program changes from now on belongs to a tool call; "": to none."""
        household = self._hosted.keeping.standing(self._hosted.key_of(agent))
        session = self._hosted.sessions.of(agent)
        if household is not None:
            commands = {session.command} if session else household.running - household.shells
            for command in commands:
                with contextlib.suppress(OSError):
                    household.link.predict(command, NOTHING, step)

    def end_line(self, agent: Agent, number: str) -> None:
        """A line of a resident shell has ended."""
        self._hosted.promises.end(number)
        household = self._hosted.keeping.standing(self._hosted.key_of(agent))
        if household is not None:
            household.lines.discard(number)
            self._tell_shells(household, NOTHING, "")

    @staticmethod
    def _tell_shells(household: Household, predicted: Prediction, step: str) -> None:
        for shell in household.shells:
            with contextlib.suppress(OSError):
                household.link.predict(shell, predicted, step)

    async def note_end(self, agent: Agent, ended: Ended) -> None:
        """A command ended: the journal learns it (and of its line, should polisd have died in
        between), then its commits are carried to the hub."""
        if ended.report:
            report = json.loads(ended.report)
            line = Event(f"{ended.id}:line", report["time"], agent.name, "line", report["line"])
            self._hosted.writer.note(line)
        self._hosted.promises.end(ended.id)
        if not self._hosted.is_running(
            agent
        ):  # nor does a shell whose lines nobody reports any more
            self._hosted.promises.end_all(agent.incarnation)
        body = {"id": ended.id, "status": ended.status, "seconds": round(ended.seconds, 4)}
        await self._hosted.journal(agent, f"{ended.id}:ran", "ran", body)
        # Not waited for: the keeper stays until its word was taken, and an agent can hold its
        # import up.
        self._hosted.import_soon(agent)

    async def note_loss(self, agent: Agent, reason: str) -> None:
        """The walls fell, and what ran in them with them; so did answers "for the session"."""
        self._hosted.state.forget_answers(agent.incarnation, sessions_only=True)
        await self._hosted.journal(agent, uuid.uuid4().hex, "lost", {"reason": reason})
        self._hosted.states.fall(agent)

"""polisd on a write that a keeper's policy does not plainly allow (cash/keeper/writes.py)."""

from __future__ import annotations

import sys
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cash.daemon.promises import Promise
from cash.daemon.stages import Asking
from cash.faults import Fault
from cash.guard.naming import meant
from cash.keeper.judging import counts
from cash.pipeline import Approved
from cash.policy.action import Exec, Write
from cash.policy.defaults import UNNAMED_WRITE
from cash.policy.verdict import Decision, Verdict
from cash.syntax.command import Command
from cash.syntax.word import literal_word
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted
    from cash.daemon.household import Household


@dataclass(frozen=True, slots=True)
class WriteJudging:
    """The writes of one agent whose walls stand. A write cannot wait for a person: what asks is
    refused, and goes through when it comes again after the answer."""

    hosted: Hosted
    agent: Agent
    household: Household

    async def hear(self, asked: Mapping[str, Any]) -> None:
        """Answers the keeper about one write."""
        held = ""
        try:
            allowed = await self._decide(asked)
            if allowed and asked.get("session"):
                held = await self._begin_session(asked)
        except Fault:
            allowed = False
        except Exception as fault:
            traceback.print_exception(fault, file=sys.stderr)
            allowed = False
        try:
            self.household.link.settle_write(asked["number"], allowed=allowed, held=held)
        except OSError:
            return  # the keeper is gone, and who waited with it

    async def _begin_session(self, asked: Mapping[str, Any]) -> str:
        """What its program is told where the file is somebody else's just now; "": its own."""
        place, command = str(asked["session"]), str(asked["command"])
        held = await self.hosted.lock_sessions.begin(self.agent, command, place)
        if held is None:
            return ""
        news = {"clash": place, "kind": asked["kind"], "command": command, "done": "refused"}
        more = {"fence": held.fence, "holder": held.holder, "held": [held.paths]}
        self.hosted.locks.note_clash(self.agent, news | more)
        return f"polis: {held.tell(place)}\nhint: {held.hint()}\n"

    async def _decide(self, asked: Mapping[str, Any]) -> bool:
        verdict = self._judge(asked)
        if verdict.decision in (Decision.ALLOW, Decision.REWRITE):
            return True
        if verdict.decision is Decision.DENY:
            await self._journal(asked, verdict, "refused")
            return False
        rules = frozenset(one.rule for one in verdict.matches if one.decision is Decision.ASK)
        lines = self.household.lines_of(asked["command"])
        if self.hosted.promises.permits(self.agent.incarnation, lines, rules):
            return True
        return await self._ask(asked, verdict, rules)

    def _judge(self, asked: Mapping[str, Any]) -> Verdict:
        """The policy on the write alone: that no rule names the file is not asked about here."""
        program = Command((literal_word(asked["program"]),))
        name = str(asked["program"]).rpartition("/")[2]
        identity = asked.get("identity")  # a keeper of an earlier polis says none
        inode = (int(identity[0]), int(identity[1])) if identity else None
        launch = Exec(program, name, None, asked["program"], inode)
        path = literal_word(asked["write"])
        write = Write(path, asked["kind"], program, None, int(asked["count"]))
        context = self.hosted.context_of(self.agent, str(self.agent.tree))
        return self.hosted.in_force.policy().judge_write(write, launch, context)

    def _is_bulk(self, rules: frozenset[str]) -> bool:
        policy = self.hosted.in_force.policy()
        return any(rule.id in rules and counts(rule) for rule in policy.rules)

    async def _ask(self, asked: Mapping[str, Any], verdict: Verdict, rules: frozenset[str]) -> bool:
        program = str(asked["program"]).rpartition("/")[2]
        is_bulk = self._is_bulk(rules)
        # Of many files one question, and one answer for the whole command.
        file = meant(asked["write"])
        text = f"{program}: {asked['kind']} many files" if is_bulk else f"write {file}"
        leave, command = self.hosted.write_leave, asked["command"]
        if not is_bulk and leave.holds(command, file, rules):
            return True
        asking = Asking(self.hosted, self.agent, "")
        earlier = asking.earlier_answer(text, verdict)
        if earlier is not None:
            allowed = isinstance(earlier, Approved)
            if allowed and is_bulk:
                line = f"{asked['command']}/writes"
                promise = Promise(rules=rules)
                self.hosted.promises.allow(line, self.agent.incarnation, promise)
                self.household.grant(asked["command"], line)
            elif allowed and file != asked["write"]:
                leave.give(command, file, rules)
            await self._journal(asked, verdict, "earlier answer" if allowed else "refused")
            return allowed
        await asking.open(text, verdict)
        await self._journal(asked, verdict, "unanswered")
        return False

    async def _journal(self, asked: Mapping[str, Any], verdict: Verdict, approval: str) -> None:
        body = {
            "command": asked["command"],
            "call": self.hosted.tool_calls.call_of(self.agent.name, meant(asked["write"])) or None,
            "path": asked["write"],
            "kind": asked["kind"],
            "program": asked["program"],
            "decision": verdict.decision.word,
            "approval": approval,
            "rules": [match.rule for match in verdict.matches if match.rule != UNNAMED_WRITE],
            "reason": verdict.matches[0].reason,
        }
        await self.hosted.journal(self.agent, uuid.uuid4().hex, "write", body)

"""Connections out of the walls: judged, asked about, declined for a CLI that does without."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cash.daemon.egress import Admission
from cash.faults import Fault
from cash.policy.action import Connect
from cash.policy.defaults import NEW_HOST
from cash.policy.explain import refusal_text
from cash.policy.verdict import Decision, Verdict
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# A connection's client gives up sooner than a tool call does.
_ASK_SECONDS = 30.0


class Connecting:
    """What the proxies of one repository's agents ask."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted

    async def admit(self, agent: Agent, host: str, port: int) -> Admission:
        """Judges one connection; asks a person where the policy does."""
        try:
            policy = await self._hosted.in_force.current()
            context = self._hosted.context_of(agent, str(agent.tree))
            verdict = policy.judge((Connect(host, port),), context)
            admission, approval = await self._settle(agent, host, port, verdict)
        except Fault as fault:
            return Admission(False, f"polis: {fault.message}\n")
        body = {
            "host": host,
            "port": port,
            "decision": verdict.decision.word,
            "approval": approval,
            "rules": [match.rule for match in verdict.matches],
        }
        await self._hosted.journal(agent, uuid.uuid4().hex, "connect", body)
        return admission

    async def _settle(
        self, agent: Agent, host: str, port: int, verdict: Verdict
    ) -> tuple[Admission, str]:
        if verdict.decision is Decision.DENY:
            return Admission(False, refusal_text(verdict)), "refused"
        if verdict.decision is not Decision.ASK:
            return Admission(True), "policy"
        if self._hosted.promises.covers(agent.incarnation, host, port):
            return Admission(True), "allowed with its line"
        where = f"{host}:{port}"
        subject = f"connect\0{where}"
        earlier = self._hosted.answering.earlier(agent, subject)
        if earlier is not None:
            return Admission(earlier, "polis: denied by a person\n"), "earlier answer"
        if why := declined(self._hosted, agent, [host.lower()], verdict):
            return Admission(False, why), "declined"
        question = await self._hosted.answering.open(agent, subject, f"connect {where}", verdict)
        seconds = min(_ASK_SECONDS, self._hosted.ask_seconds(agent))
        answer = await self._hosted.answering.questions.wait(question, seconds)
        if answer is None:
            reason = question.shown.reasons[0]
            text = (
                f"polis: asked by {reason.rule}: {reason.reason}\n"
                f"hint: asked as {question.id}; connect again when allowed ({question.ways})\n"
            )
            return Admission(False, text), "unanswered"
        return Admission(answer.allow, "polis: denied by a person\n"), "person"


def declined(hosted: Hosted, agent: Agent, names: Iterable[str], verdict: Verdict) -> str | None:
    """Whether the agent's CLI tries one of these hosts or URLs by itself, and does without:
    the refusal, where nothing but its newness is asked about."""
    asking = {one.rule for one in verdict.matches if one.decision is Decision.ASK}
    return _refusal(hosted, agent, names) if asking == {NEW_HOST} else None


def declined_command(hosted: Hosted, agent: Agent, argv: Sequence[str]) -> str | None:
    """The same for a command, whatever asks about it."""
    program = argv[0].rpartition("/")[2]
    return _refusal(hosted, agent, [" ".join((program, *argv[1:]))])


def _refusal(hosted: Hosted, agent: Agent, names: Iterable[str]) -> str | None:
    manifest = hosted.manifests.get(agent.provider)
    tried = next((name for name in names if manifest and name in manifest.declined), None)
    if manifest is None or tried is None:
        return None
    return (
        f"polis: declined for {manifest.name}, which tries {tried} by itself\n"
        f"hint: name it in a line of the shell, and it is asked about\n"
    )

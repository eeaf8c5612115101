"""What an agent's git asks of the user's remotes is judged as the git that says just that."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cash.daemon.stages import Asking, reason_text, waiting_text
from cash.faults import DENIED, UNANSWERED
from cash.pipeline import Approved, Chosen, Refused
from cash.policy.action import GitOp
from cash.policy.actions import actions_of
from cash.policy.explain import refusal_text
from cash.policy.verdict import Decision, Verdict
from cash.syntax.spelling import spell
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

Tell = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ruling:
    """approval: who let it through, or why not, for the journal. status: 0, or that of a
    refusal, which has been told."""

    verdict: Verdict
    approval: str
    status: int = 0


async def rule(hosted: Hosted, agent: Agent, words: Sequence[str], tell: Tell) -> Ruling:
    """The ruling on a git command with its effective refspecs (`git push origin
    +topic:refs/heads/main`), which no configuration of the agent's changes any more. Asks a person
    where the policy does, and waits as a command would."""
    while True:
        verdict = await _judge(hosted, agent, words)
        if verdict.decision is Decision.DENY:
            await tell(refusal_text(verdict))
            return Ruling(verdict, "refused", DENIED)
        if verdict.decision is not Decision.ASK:
            return Ruling(verdict, "policy")
        asking_rules = frozenset(
            one.rule for one in verdict.matches if one.decision is Decision.ASK
        )
        if hosted.promises.foretells(agent.incarnation, verdict.far, asking_rules):
            return Ruling(verdict, "allowed with its line")
        ruling = await _ask(hosted, agent, shlex.join(words), verdict, tell)
        if ruling is not None:
            return ruling


async def _judge(hosted: Hosted, agent: Agent, words: Sequence[str]) -> Verdict:
    policy = await hosted.in_force.current()
    context = hosted.context_of(agent, str(agent.tree))
    context = replace(context, facts=replace(context.facts, git_config={}))
    actions = [one for one in actions_of(spell(words), context) if isinstance(one, GitOp)]
    return policy.judge(actions, context)


async def _ask(
    hosted: Hosted, agent: Agent, text: str, verdict: Verdict, tell: Tell
) -> Ruling | None:
    """None: it is to be judged again."""
    asking = Asking(hosted, agent, str(agent.tree))
    approval = asking.earlier_answer(text, verdict)
    if approval is None:
        question = await asking.open(text, verdict)
        await tell(reason_text(question) + waiting_text(question))
        seconds = hosted.ask_seconds(agent)
        answer = await hosted.answering.questions.wait(question, seconds)
        settled = Asking.settle(answer, question, told=True)
    else:
        settled = approval
    match settled:
        case Chosen():
            return None
        case Approved(by=by):
            return Ruling(verdict, by)
        case Refused(text=why, status=status):
            await tell(why)
            return Ruling(verdict, "unanswered" if status == UNANSWERED else "refused", status)

"""What would become of a write, told before it is made: with the reason that EACCES has not. What
is foretold decides nothing; the walls judge the write itself (write_judging.py)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cash.daemon.stages import Asking, again_text, reason_text
from cash.policy.explain import refusal_text
from cash.policy.verdict import Decision, Verdict
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


@dataclass(frozen=True, slots=True)
class Foretold:
    """why_not: two lines for who wants to write; "" when it may. approval: the journal's word."""

    why_not: str
    approval: str


async def foretell_write(hosted: Hosted, agent: Agent, path: str, verdict: Verdict) -> Foretold:
    """Opens the very question that the walls would ask, whose answer is theirs to use up. path:
    absolute."""
    match verdict.decision:
        case Decision.DENY:
            return Foretold(refusal_text(verdict), "refused")
        case Decision.ASK:
            return await _foretell_answer(hosted, agent, f"write {path}", verdict)
        case _:
            return Foretold("", "policy")


async def _foretell_answer(hosted: Hosted, agent: Agent, text: str, verdict: Verdict) -> Foretold:
    asking = Asking(hosted, agent, "")
    match asking.expects(text, verdict):
        case True:
            return Foretold("", "earlier answer")
        case False:
            return Foretold("polis: denied by a person\n", "refused")
        case None:
            question = await asking.open(text, verdict)
            return Foretold(reason_text(question) + again_text(question), "unanswered")

"""Calls about lines and questions: what the interactive shell and `polis approvals` use."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from cash import wire
from cash.daemon.caller import Caller, Fields
from cash.daemon.hosting import Hosted
from cash.daemon.promises import promise_of
from cash.daemon.questions import SCOPES, Answer
from cash.daemon.stages import Asking, judge_request, line_event, predict, syntax_text
from cash.faults import BAD_SYNTAX, DENIED, UNANSWERED, UsageFault
from cash.pipeline import Approved, Chosen, Refused, Request, is_settled
from cash.policy.explain import explain as explain_verdict
from cash.policy.explain import refusal_text
from cash.policy.verdict import Decision


async def judge(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The verdict on a line that a person is about to run. With "look" it has no consequences;
    without, it is journaled, and "ask" names the question that was opened."""
    hosted, agent, cwd = caller.agent(fields)
    # Where the resident bash is by its own account: /tmp, the home, a folder of the tree.
    cwd = str(fields.get("directory") or cwd)
    text = str(fields["line"])
    request = Request(id=uuid.uuid4().hex[:16], mode="line", arguments=(text,), cwd=cwd)
    context = hosted.context_of(agent, cwd)
    judged = await judge_request(hosted, request, context)
    verdict = judged.verdict
    reply = explain_verdict(verdict, judged.line, context) | {
        "id": request.id,
        "incomplete": judged.line.incomplete,
        "text": refusal_text(verdict) if verdict.decision is Decision.DENY else "",
        "status": DENIED,
        "ask": None,
    }
    # What is not finished may yet be mended: the editor goes on with it.
    if verdict.decision is Decision.ASK and judged.line.broken and not judged.line.incomplete:
        reply |= {"text": syntax_text(judged.line), "status": BAD_SYNTAX}
    if fields.get("look") or judged.line.incomplete:
        return reply
    approval = "policy"
    if reply["text"]:
        approval = "refused"
    elif not is_settled(verdict):
        asking = Asking(hosted, agent, cwd)
        match asking.earlier_answer(text, verdict):
            case Approved():
                approval = "earlier answer"
                hosted.promises.allow(request.id, agent.incarnation, promise_of(verdict))
            case Refused(text=refusal):
                approval = "refused"
                reply["text"] = refusal
            case None:
                question = await asking.open(text, verdict)
                reply |= {"ask": question.id, "asked": question.describe(waits=False)}
                approval = "asked"
                hosted.promises.ask(request.id, agent.incarnation, promise_of(verdict))
    hosted.hearing.begin_line(agent, request.id, predict(verdict))
    body = line_event(request, verdict, approval)
    await hosted.journal(agent, f"{request.id}:line", "line", body)
    return reply | {"approval": approval}


async def ask(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Waits for the answer to a question, whoever gives it. line: the id of the line it is about,
    as `judge` gave it."""
    hosted, _, _ = caller.agent(fields)
    line = str(fields.get("line") or "")
    question = hosted.answering.questions.find(str(fields["id"]))
    waiting = asyncio.ensure_future(
        hosted.answering.questions.wait(question, float(fields.get("seconds") or 3600))
    )
    hanging = asyncio.ensure_future(caller.connection.gone())
    try:
        await asyncio.wait({waiting, hanging}, return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise wire.ConnectionEnded("the asker went away")
        answer: Answer | None = await waiting
    finally:
        hanging.cancel()
        waiting.cancel()
    approval = Asking.settle(answer, question)
    hosted.promises.settle(line, allowed=isinstance(approval, Approved))
    match approval:
        case Approved():
            return {"decision": "allow", "text": "", "status": 0}
        case Chosen():
            return {"decision": "again", "text": "", "status": 0}
        case Refused(text=text, status=status):
            decision = "unanswered" if status == UNANSWERED else "deny"
            return {"decision": decision, "text": text, "status": status}


async def line_ended(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The resident bash says that a line has ended. Its word: what runs inside could say it."""
    hosted, agent, _ = caller.agent(fields)
    number = str(fields["id"])
    hosted.hearing.end_line(agent, number)
    body = {"id": number, "status": int(fields["status"]), "seconds": fields.get("seconds")}
    hosted.note(agent, f"{number}:ran", "ran", body)
    hosted.import_soon(agent)
    return {}


async def approvals_list(caller: Caller, _fields: Fields) -> dict[str, Any]:
    found = [
        question.describe(waits=hosted.answering.questions.holds(question))
        | {"repository": str(hosted.repository.root)}
        for hosted in caller.repositories.all()
        for question in hosted.answering.questions.waiting()
    ]
    return {"questions": found}


async def approvals_answer(caller: Caller, fields: Fields) -> dict[str, Any]:
    number, scope = str(fields["id"]), fields.get("scope") or "once"
    if scope not in SCOPES:
        raise UsageFault(f"there is no scope {scope!r}", hint=f"one of {', '.join(SCOPES)}")
    if fields["decision"] not in ("allow", "deny"):
        raise UsageFault("an answer is allow or deny")
    answering = _where_asked(caller, fields, number).answering
    if fields.get("choice"):
        question = await answering.choose(number, str(fields["choice"]))
    else:
        question = await answering.answer(number, fields["decision"] == "allow", scope)
    return question.describe(waits=False)


def _where_asked(caller: Caller, fields: Fields, number: str) -> Hosted:
    """The repository in which `number` is open. Each counts its own: where two ask under one
    number, only the caller's directory tells which is meant."""
    asking = [
        hosted
        for hosted in caller.repositories.all()
        if any(question.id == number for question in hosted.answering.questions.waiting())
    ]
    if not asking:
        raise UsageFault(f"there is no open question {number}", hint="polis approvals list")
    if len(asking) == 1:
        return asking[0]
    hosted = caller.hosted(fields)
    if hosted not in asking:
        raise UsageFault(
            f"{number} is asked in {len(asking)} repositories",
            hint=f"cd {' or cd '.join(str(one.repository.root) for one in asking)}",
        )
    return hosted


async def explain(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The verdict on a line for an agent, without consequences."""
    return await judge(caller, {**fields, "look": True})

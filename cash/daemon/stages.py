"""polisd's stages of one command (cash.pipeline): where the story meets parser, policy, people,
keeper and journal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from cash import wire
from cash.daemon.connection import Connection
from cash.daemon.household import Household
from cash.daemon.promises import promise_of
from cash.daemon.questions import Answer, Question
from cash.faults import BAD_SYNTAX, DENIED, UNANSWERED, Fault
from cash.keeper.link import NOTHING, Judged, KeeperLink, Prediction
from cash.pipeline import Approval, Approved, Chosen, Refused, Request, Settled, is_settled
from cash.policy.action import Start
from cash.policy.context import Context
from cash.policy.explain import refusal_text, unique
from cash.policy.judge import judging
from cash.policy.verdict import Decision, Verdict
from cash.syntax.command import Line
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# After so long an order that a keeper did not take is given to whoever is there then.
_PAUSES: Final = (0.05, 0.5, 0.0)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A judged line with what it was judged in."""

    line: Line
    verdict: Verdict


async def judge_request(hosted: Hosted, request: Request, context: Context) -> Judgement:
    """Parse and judge, without consequences: what the interactive shell asks before Enter."""
    line = await parse(hosted, request)
    return Judgement(line, await judge(hosted, line, context))


async def parse(hosted: Hosted, request: Request) -> Line:
    """The request as commands, read in the parser process."""
    if request.mode == "line":
        return await hosted.parser.read(request.arguments[0])
    return await hosted.parser.read_argv(request.arguments)


async def judge(
    hosted: Hosted, line: Line, context: Context, start: Start | None = None
) -> Verdict:
    """The verdict of the policy in force now; start: on an exec that is under way. A rewritten
    line is read in the parser process again: polisd itself reads no bash."""
    policy = await hosted.in_force.current()
    # The context may have been made under another policy.
    context = replace(context, identities=hosted.identities_of(policy))
    steps = judging(policy, line, context, start=start)
    try:
        text = next(steps)
        while True:
            text = steps.send(await hosted.parser.read(text))
    except StopIteration as ended:
        verdict: Verdict = ended.value
        return verdict


def predict(verdict: Verdict) -> Prediction:
    """What a judged line says will run."""
    argvs = tuple([grant.argv for grant in verdict.grants])
    known = set(argvs)
    names = {argv[0] for argv in verdict.commands if argv and argv not in known}
    return Prediction(argvs, tuple(sorted(names)))


def line_event(request: Request, verdict: Verdict, approval: str) -> dict[str, object]:
    """The journal's body of a judged line; the store redacts it."""
    text = request.arguments[0] if request.mode == "line" else None
    return {
        "id": request.id,
        "line": text,
        "argv": None if text is not None else list(request.arguments),
        "cwd": request.cwd,
        "decision": verdict.decision.word,
        "approval": approval,
        "rules": [match.rule for match in verdict.matches],
        "reason": verdict.matches[0].reason if verdict.matches else None,
        "rewritten": verdict.rewritten,
        "commands": [list(command) for command in verdict.commands],
    }


class Asking:
    """How a verdict that asks is settled: an earlier answer, a person now, or nobody in time. An
    answer is for the identical line in the identical directory: `rm -rf build` means another
    thing elsewhere."""

    def __init__(self, hosted: Hosted, agent: Agent, cwd: str) -> None:
        self._hosted = hosted
        self._agent = agent
        self._cwd = cwd

    def earlier_answer(self, text: str, verdict: Verdict) -> Settled | None:
        """What a person said before to this agent's identical line."""
        match self._hosted.answering.earlier(self._agent, self._subject(text, verdict)):
            case None:
                return None
            case True:
                return Approved(by="earlier answer")
            case False:
                return Refused("polis: denied by a person\n", DENIED)

    def expects(self, text: str, verdict: Verdict) -> bool | None:
        """The same, for who only foretells: the answer stays for the line itself."""
        subject = self._subject(text, verdict)
        return self._hosted.answering.earlier(self._agent, subject, keep=True)

    async def open(self, text: str, verdict: Verdict) -> Question:
        """Asks; journaled before anybody can answer."""
        subject = self._subject(text, verdict)
        return await self._hosted.answering.open(self._agent, subject, text, verdict)

    def _subject(self, text: str, verdict: Verdict) -> str:
        """Not the line alone: by when it comes again, another rule may ask about it, or it may
        be rewritten to something that nobody saw."""
        asking = [one.rule for one in unique(verdict.matches) if one.decision is Decision.ASK]
        return "\0".join(("line", self._cwd, text, verdict.rewritten or "", *asking))

    @staticmethod
    def settle(answer: Answer | None, question: Question, *, told: bool = False) -> Approval:
        """The approval an answer amounts to; None: nobody answered in time. told: the caller has
        read why it is asked."""
        if answer is None:
            why = "" if told else reason_text(question)
            return Refused(why + again_text(question), UNANSWERED)
        if answer.chosen:
            return Chosen()
        if answer.withdrawn:
            return Refused(f"polis: {question.agent} was stopped before an answer came\n", DENIED)
        if answer.allow:
            return Approved(by="person")
        return Refused(
            f"polis: denied by a person (asked by {question.shown.reasons[0].rule})\n", DENIED
        )


def syntax_text(line: Line) -> str:
    """What is said of a line that bash cannot read: there is nothing to ask about it."""
    return f"polis: bad syntax, none of it was run: {line.broken}\n"


def reason_text(question: Question) -> str:
    """Who asks, and why: a line on standard error."""
    reason = question.shown.reasons[0]
    return f"polis: asked by {reason.rule}: {reason.reason}\n"


def waiting_text(question: Question) -> str:
    """What lets the command go on that is held by the question: said before the wait, since who
    reads it may be the one who can answer."""
    return f"hint: asked as {question.id}, waiting for: {question.ways}\n"


def again_text(question: Question) -> str:
    """What to do about a question that nobody has answered yet."""
    return f"hint: asked as {question.id}; send it again when allowed ({question.ways})\n"


class Interrupted(Exception):
    """The caller was told to end while its question was open. args: a signal's name."""


class CommandStages:
    """The stages of one RUN: its client waits on `connection`."""

    def __init__(
        self,
        hosted: Hosted,
        agent: Agent,
        connection: Connection,
        asked: wire.RunRequest,
        descriptors: list[int],
    ) -> None:
        self._hosted = hosted
        self._agent = agent
        self._connection = connection
        self._asked = asked
        self._descriptors = descriptors

    async def parse(self, request: Request) -> Line:
        return await parse(self._hosted, request)

    async def judge(self, request: Request, line: Line) -> Verdict:
        return await judge(self._hosted, line, self._hosted.context_of(self._agent, request.cwd))

    async def approve(self, request: Request, line: Line, verdict: Verdict) -> Approval:
        if verdict.decision is Decision.DENY:
            return Refused(refusal_text(verdict), DENIED)
        self._check_caller()
        if is_settled(verdict):
            return Approved(by="policy")
        if line.broken:
            return Refused(syntax_text(line), BAD_SYNTAX)
        asking = Asking(self._hosted, self._agent, request.cwd)
        earlier = asking.earlier_answer(line.text, verdict)
        if earlier is not None:
            return earlier
        question = await asking.open(line.text, verdict)
        told = "1" not in self._asked.terminals  # a client at a terminal shows the question itself
        if told:
            text = reason_text(question) + waiting_text(question)
            await self._connection.send(wire.TEXT, text.encode())
        answer = await self._wait_for_answer(question, told=told)
        return asking.settle(answer, question, told=told)

    async def _wait_for_answer(self, question: Question, *, told: bool) -> Answer | None:
        """Waits for whoever answers first: the client's own terminal, or `polis approvals`. A
        client that hangs up takes its wait with it; the question stays open."""
        waits = question.describe(waits=True) | {"told": told}
        await self._connection.send(wire.QUESTION, json.dumps(waits).encode())
        elsewhere = asyncio.ensure_future(
            self._hosted.answering.questions.wait(question, self._hosted.ask_seconds(self._agent))
        )
        here = asyncio.ensure_future(self._answer_here(question))
        try:
            await asyncio.wait({elsewhere, here}, return_when=asyncio.FIRST_COMPLETED)
            if not elsewhere.done():
                here.result()  # raises when the client hung up, or was interrupted
            return await elsewhere
        finally:
            for task in (here, elsewhere):
                task.cancel()
                with contextlib.suppress(
                    asyncio.CancelledError, wire.ConnectionEnded, Fault, Interrupted
                ):
                    await task

    async def _answer_here(self, question: Question) -> None:
        while True:
            kind, payload, _ = await self._connection.receive()
            if kind == wire.SIGNAL:
                raise Interrupted(payload.decode("ascii", "replace"))
            if kind == wire.ANSWER:
                said = json.loads(payload)
                answering = self._hosted.answering
                if said.get("choice"):
                    await answering.choose(question.id, said["choice"])
                else:
                    allow = said["decision"] == "allow"
                    await answering.answer(question.id, allow, said["scope"])
                return

    async def record(self, request: Request, verdict: Verdict, approval: Settled) -> None:
        """A refusal is durable before anybody hears of it. What runs is journaled without
        waiting for the disk: the keeper holds the same event until polisd has stored it."""
        match approval:
            case Approved(by=by):
                self._check_caller()
                self._hosted.note(
                    self._agent, f"{request.id}:line", "line", line_event(request, verdict, by)
                )
            case Refused(status=status):
                word = "unanswered" if status == UNANSWERED else "refused"
                await self._hosted.journal(
                    self._agent, f"{request.id}:line", "line", line_event(request, verdict, word)
                )

    async def run(self, request: Request, argv: tuple[str, ...], verdict: Verdict) -> None:
        body = line_event(request, verdict, "allowed")
        report = json.dumps({"time": time.time(), "line": body}).encode()
        # Whoever let the line through saw what it names.
        self._hosted.promises.allow(request.id, self._agent.incarnation, promise_of(verdict))
        words = [_encode(word) for word in argv]
        judged: Judged = "words" if argv == request.arguments else "line"
        await self._start(request.id, words, request.cwd, report, judged, predict(verdict))

    def _check_caller(self, number: str = "", household: Household | None = None) -> None:
        """wire.ConnectionEnded when the client has hung up: what it asked for, perhaps long ago to
        a polisd that stood still, is not wanted any more. number: of what stands in the journal
        already, as about to run in this household."""
        if not self._connection.is_hung_up:
            return
        if household is not None:
            body = {"id": number, "reason": "its caller hung up before it began"}
            self._hosted.note(self._agent, f"{number}:dropped", "dropped", body)
            self._hosted.promises.end(number)
            household.forget(number)
        raise wire.ConnectionEnded("the caller went away")

    async def run_shell(self, number: str, cwd: str) -> None:
        """The resident bash of `polis shell`: its lines are judged one by one, by calls."""
        await self._hosted.journal(self._agent, f"{number}:shell", "shell", {"id": number})
        bash = [b"/bin/bash", b"--norc", b"--noprofile", b"--noediting", b"-i"]
        household = await self._hosted.enter(self._agent)
        household.shells.add(number)
        await self._start(number, [*bash, *self._asked.arguments], cwd, b"", "line")

    async def _start(
        self,
        number: str,
        argv: list[bytes],
        cwd: str,
        report: bytes,
        judged: Judged,
        predicted: Prediction = NOTHING,
    ) -> None:
        lent = await self._hosted.lending.entries(self._hosted, self._agent, argv)
        order = partial(
            KeeperLink.run,
            id=number,
            argv=argv,
            environment=[*self._hosted.environment, *lent, *self._asked.environment],
            cwd=_encode(cwd),
            client=self._connection.endpoint.fileno(),
            descriptors=_place(self._descriptors, self._asked.terminals),
            terminals=self._asked.terminals,
            rows=self._asked.rows,
            columns=self._asked.columns,
            report=report,
            judged=judged,
            predicted=predicted,
        )
        for pause in _PAUSES:
            household = await self._hosted.enter(self._agent)
            self._check_caller(number, household)
            try:
                order(household.link)
            except OSError:
                if not pause:
                    raise
                # Its keeper has just been killed, and had nothing of this: the next one gets it.
                await asyncio.sleep(pause)
            else:
                household.begin(number)
                return


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _place(descriptors: list[int], terminals: str) -> dict[int, int]:
    """Which descriptor becomes which inside: 0 to 2 unless a terminal is made there, then 200…"""
    standard = {number: descriptors[number] for number in range(3) if terminals[number] == "0"}
    extra = {200 + number: passed for number, passed in enumerate(descriptors[3:])}
    return standard | extra

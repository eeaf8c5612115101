"""polisd's part of an exec: what a keeper may not decide by itself (cash/keeper/judging.py)."""

from __future__ import annotations

import shlex
import sys
import traceback
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cash.daemon.connecting import declined, declined_command
from cash.daemon.enforcing import informed_programs
from cash.daemon.git_work import is_other_end, is_own_work
from cash.daemon.judged import Judged
from cash.daemon.promises import promise_of
from cash.daemon.questions import Question
from cash.daemon.stages import Asking, judge, predict, reason_text, syntax_text, waiting_text
from cash.faults import BAD_SYNTAX, DENIED, FAILED_CLOSED, UNANSWERED, Fault
from cash.keeper.faces import Face, unpack_face
from cash.keeper.judging import exec_of, reads_text
from cash.keeper.link import ExecVerdict, KeeperLink
from cash.keeper.messages import to_text
from cash.pipeline import Approval, Approved, Chosen, Refused
from cash.policy.action import Start
from cash.policy.context import Context
from cash.policy.explain import refusal_text
from cash.policy.verdict import Decision, Verdict
from cash.syntax.command import Assignment, Command, Line
from cash.syntax.frames import looks_framed
from cash.syntax.spelling import spell
from cash.syntax.word import literal_word
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted
    from cash.daemon.household import Household

# What of an environment configures a program of this kind.
_TOLD: Final = "git"
_DIED: Final = ExecVerdict("refuse", "polis: its keeper was killed\n", FAILED_CLOSED)


@dataclass(frozen=True, slots=True)
class AskedExec:
    """An exec as a keeper asks about it. command: below which of the agent's it is. by_git: the
    system's git has started it. starter: the first words of that git, where nothing is between."""

    number: int
    command: str
    faces: tuple[Face, ...]
    cwd: str
    environment: tuple[str, ...]
    surprise: bool
    by_git: bool
    starter: tuple[str, ...]

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> AskedExec:
        """From the keeper's words."""
        return cls(
            values["number"],
            values["command"],
            tuple([unpack_face(face) for face in values["faces"]]),
            values["cwd"],
            tuple(values["environment"]),
            bool(values["surprise"]),
            bool(values["by_git"]),
            tuple(values["starter"]),
        )

    @property
    def line(self) -> str:
        """A name for what is granted to it, until it ends."""
        return line_of(self.command, self.number)


def line_of(command: str, number: int) -> str:
    """The name of the exec that a keeper asked about by this number, below a command."""
    return f"{command}/{number}"


@dataclass(frozen=True, slots=True)
class ExecJudging:
    """The execs of one agent whose walls stand. link: to the keeper that asks; one that is killed
    takes what it asked about along."""

    hosted: Hosted
    agent: Agent
    household: Household
    link: KeeperLink

    async def hear(self, values: Mapping[str, Any]) -> None:
        """An exec to judge, or the end of one."""
        if "over" in values:
            self.hosted.promises.end(line_of(values["command"], values["over"]))
        elif "stranger" in values:
            await self._note_stranger(values)
        elif "abandoned" in values:
            if waiting := self.household.waiting.pop(values["abandoned"], None):
                waiting.cancel()
        else:
            await self._answer(AskedExec.read(values))

    async def _note_stranger(self, values: Mapping[str, Any]) -> None:
        """An errand of polisd's own was about to start a program of the agent's."""
        body = {
            "command": values["command"],
            "argv": values["stranger"],
            "program": values["program"],
            "decision": Decision.DENY.word,
            "approval": "refused",
            "rules": [],
            "reason": "an errand of polis' own starts no program of the agent's",
            "surprise": True,
        }
        await self.hosted.journal(self.agent, uuid.uuid4().hex, "exec", body)

    async def _answer(self, asked: AskedExec) -> None:
        await self._settle_by(asked, self._decide(asked))

    async def _settle_by(self, asked: AskedExec, deciding: Awaitable[ExecVerdict]) -> None:
        """Whatever goes wrong meanwhile, what waits hears a verdict."""
        try:
            verdict = await deciding
        except Fault as fault:
            hint = f"hint: {fault.hint}\n" if fault.hint else ""
            verdict = ExecVerdict("refuse", f"polis: {fault.message}\n{hint}", FAILED_CLOSED)
        except Exception as fault:
            traceback.print_exception(fault, file=sys.stderr)
            verdict = ExecVerdict("refuse", f"polis: internal fault: {fault}\n", FAILED_CLOSED)
        try:
            self.link.settle(asked.number, verdict)
        except OSError:
            return  # the keeper is gone, and what it held with it

    async def _decide(self, asked: AskedExec) -> ExecVerdict:
        face = asked.faces[0]
        is_end = is_other_end(face, by_git=asked.by_git, surprise=asked.surprise)
        if is_end or is_own_work(face, asked.starter):
            return ExecVerdict("allow")
        judged = await self._judge(asked)
        verdict = judged.verdict
        match verdict.decision:
            case Decision.DENY:
                await self._journal(asked, judged, "refused")
                return ExecVerdict("refuse", refusal_text(verdict), DENIED)
            case Decision.ASK:
                if broken := await self._broken(judged):
                    await self._journal(asked, judged, "refused")
                    return ExecVerdict("refuse", syntax_text(broken), BAD_SYNTAX)
                return await self._ask(asked, judged)
            case Decision.REWRITE if verdict.rewritten is not None:
                await self._journal(asked, judged, "policy")
                return self._run_instead(verdict.rewritten)
            case _:
                keep = not self._is_informed(asked, judged)
                return ExecVerdict("allow", keep=keep, predicted=predict(verdict))

    def _is_informed(self, asked: AskedExec, judged: Judged) -> bool:
        """Whether facts decide about it, by any name that it has, or another policy by now."""
        if self.hosted.in_force.policy() is not judged.policy:
            return True
        informed, known = informed_programs(judged.policy), judged.context.identities.names
        names: set[str] = set()
        for face in asked.faces:
            names |= {face.program, face.resolved.rpartition("/")[2]}
            names |= known.get(face.identity, frozenset()) if face.identity else frozenset()
        return any(name in informed for name in names)

    async def _judge(self, asked: AskedExec) -> Judged:
        """The strictest verdict on any of its faces."""
        found = [await self._judge_face(asked, face) for face in asked.faces]
        return max(found, key=lambda one: one.verdict.decision)

    async def _judge_face(self, asked: AskedExec, face: Face) -> Judged:
        policy = await self.hosted.in_force.current()
        context = self.hosted.context_of(self.agent, asked.cwd)
        key = (face, asked.environment, asked.surprise)
        known = self.hosted.judged.find(key, policy, context)
        if known is None:
            known = Judged(face, *await self._judge_anew(asked, face, context), policy, context)
            if self.hosted.in_force.policy() is policy:
                self.hosted.judged.remember(key, known)
        return known

    async def _judge_anew(
        self, asked: AskedExec, face: Face, context: Context
    ) -> tuple[Line, Verdict]:
        action = exec_of(face, asked.cwd, surprise=asked.surprise)
        line = await self._read(face, action.command)
        # What a text names is judged once more when it starts; the exec itself is not.
        context = replace(context, enforced=len(line.commands) > 1)
        if _TOLD in (face.program[:3], face.resolved.rpartition("/")[2][:3]):
            line = _with_environment(line, asked.environment)
        start = Start(face.program, face.resolved or None, face.identity, asked.surprise)
        return line, await judge(self.hosted, line, context, start)

    async def _read(self, face: Face, command: Command) -> Line:
        words = [word.text for word in command.argv]
        names = {face.program, face.resolved.rpartition("/")[2]}
        if not any(reads_text(name, command) for name in names):
            return spell(words)
        # What an agent's own CLI hands on is a line of its model's: read as one that was typed.
        is_entry = _is_login(words) or any(map(looks_framed, words))
        return await self.hosted.parser.read_argv(words, entry=is_entry)

    async def _broken(self, judged: Judged) -> Line | None:
        """The line of a shell that no reader and not bash itself can read. A nested one was read
        by one reader alone until now."""
        line = judged.line
        if line.trouble is not None and not line.broken:
            line = await self.hosted.parser.read_argv([one.text for one in line.commands[0].argv])
        return line if line.broken else None

    # Questions

    async def _ask(self, asked: AskedExec, judged: Judged) -> ExecVerdict:
        verdict = judged.verdict
        rules = frozenset(one.rule for one in verdict.matches if one.decision is Decision.ASK)
        argv = tuple([word.text for word in judged.line.commands[0].argv])
        lines = self.household.lines_of(asked.command)
        if self.hosted.promises.grants(self.agent.incarnation, lines, argv, asked.cwd, rules):
            return ExecVerdict("allow", predicted=predict(verdict))
        text = judged.line.entry or judged.line.text
        asking = Asking(self.hosted, self.agent, asked.cwd)
        earlier = asking.earlier_answer(text, verdict)
        if earlier is not None:
            return await self._follow(asked, judged, earlier)
        # The words of the start itself: what a model hands to its shell starts the shell.
        words = tuple([to_text(word) for word in judged.face.argv])
        by_itself = declined_command(self.hosted, self.agent, words)
        if why := by_itself or declined(self.hosted, self.agent, argv, verdict):
            await self._journal(asked, judged, "declined")
            return ExecVerdict("refuse", why, DENIED)
        question = await asking.open(text, verdict)
        if self._is_over:
            return _DIED
        wait = self._wait(asked, judged, question)
        self.household.waiting[asked.number] = self.hosted.spawn(wait)
        return ExecVerdict("wait", reason_text(question) + waiting_text(question))

    async def _wait(self, asked: AskedExec, judged: Judged, question: Question) -> None:
        seconds = self.hosted.ask_seconds(self.agent)
        answer = await self.hosted.answering.questions.wait(question, seconds)
        self.household.waiting.pop(asked.number, None)
        approval = Asking.settle(answer, question, told=True)
        await self._settle_by(asked, self._follow(asked, judged, approval))

    @property
    def _is_over(self) -> bool:
        """Whether its keeper was killed meanwhile: nobody would tell when a grant is to end."""
        return self.household.link is not self.link

    async def _follow(self, asked: AskedExec, judged: Judged, approval: Approval) -> ExecVerdict:
        """What an answer amounts to."""
        match approval:
            case Chosen():
                return await self._decide(asked)
            case Refused(text=text, status=status):
                word = "unanswered" if status == UNANSWERED else "refused"
                await self._journal(asked, judged, word)
                return ExecVerdict("refuse", text, status)
            case Approved():
                return await self._go_on(asked, judged, approval)

    async def _go_on(self, asked: AskedExec, judged: Judged, approval: Approved) -> ExecVerdict:
        verdict = judged.verdict
        await self._journal(asked, judged, approval.by)
        if self._is_over:
            return _DIED
        if verdict.rewritten is not None:
            return self._run_instead(verdict.rewritten)
        self.hosted.promises.allow(asked.line, self.agent.incarnation, promise_of(verdict))
        self.household.grant(asked.command, asked.line)
        return ExecVerdict("allow", until_it_ends=True, predicted=predict(verdict))

    def _run_instead(self, text: str) -> ExecVerdict:
        """What it became names programs by the walls' PATH; a login shell has another one, since
        Debian's /etc/profile begins it anew."""
        return ExecVerdict("run", f"PATH=$PATH:{shlex.quote(self.hosted.path())}\n{text}")

    async def _journal(self, asked: AskedExec, judged: Judged, approval: str) -> None:
        verdict, line = judged.verdict, judged.line.entry or judged.line.text
        body = {
            "command": asked.command,
            "call": self.hosted.tool_calls.call_of(self.agent.name, line) or None,
            "argv": [word.text for word in judged.line.commands[0].argv],
            "program": judged.face.resolved or judged.face.program,
            "cwd": asked.cwd,
            "decision": verdict.decision.word,
            "approval": approval,
            "rules": [match.rule for match in verdict.matches],
            "reason": verdict.matches[0].reason if verdict.matches else None,
            "rewritten": verdict.rewritten,
            "surprise": asked.surprise,
        }
        await self.hosted.journal(self.agent, uuid.uuid4().hex, "exec", body)


def _is_login(words: list[str]) -> bool:
    """`bash -lc TEXT` is how an agent's CLI runs what its model sends; build tools do not."""
    return len(words) > 2 and words[1].startswith("-") and "l" in words[1] and "c" in words[1]


def _with_environment(line: Line, environment: tuple[str, ...]) -> Line:
    """git is configured by its environment too, whoever set it."""
    if not line.commands or not environment:
        return line
    settings = tuple(
        [
            Assignment(name, literal_word(value))
            for name, _, value in (entry.partition("=") for entry in environment)
        ]
    )
    first = replace(line.commands[0], assignments=settings)
    return replace(line, commands=(first, *line.commands[1:]))

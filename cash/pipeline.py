"""The way of one command: parse, judge, approve, record, run.

Read this first. Every stage returns a value; only the last one touches the agent's world.
The stages themselves are polisd's (cash/daemon/stages.py), the judging is pure
(cash/policy/judge.py), what runs, runs inside the walls (cash/keeper/runner.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from cash.policy.verdict import Decision, Verdict
from cash.syntax.command import Line


@dataclass(frozen=True, slots=True)
class Request:
    """One command as it was asked for. mode "line": arguments[0] is bash text, what follows is
    its $0, $1 and so on; "argv": a program and its arguments. cwd: absolute, inside the walls.
    id: names it in the journal."""

    id: str
    mode: Literal["argv", "line"]
    arguments: tuple[str, ...]
    cwd: str


@dataclass(frozen=True, slots=True)
class Approved:
    """It may run. by: the policy itself, a person now, or a person's earlier answer."""

    by: Literal["policy", "person", "earlier answer"]


@dataclass(frozen=True, slots=True)
class Refused:
    """It does not run. text: what its caller reads on standard error; status: its exit code."""

    text: str
    status: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A person chose how such lines are judged from now on; this one is judged again."""


Settled = Approved | Refused
Approval = Settled | Chosen


class Stages(Protocol):
    """What the story needs of its surroundings."""

    async def parse(self, request: Request) -> Line: ...
    async def judge(self, request: Request, line: Line) -> Verdict: ...
    async def approve(self, request: Request, line: Line, verdict: Verdict) -> Approval: ...
    async def record(self, request: Request, verdict: Verdict, approval: Settled) -> None: ...
    async def run(self, request: Request, argv: tuple[str, ...], verdict: Verdict) -> None: ...


async def carry_out(request: Request, stages: Stages) -> Refused | None:
    """Takes one command through all stages; the refusal, or None when it was started.

    A whole line is understood before any part of it runs, so it is refused whole."""
    line = await stages.parse(request)
    while True:
        verdict = await stages.judge(request, line)
        approval = await stages.approve(request, line, verdict)
        match approval:
            case Chosen():
                continue
            case Refused():
                await stages.record(request, verdict, approval)
                return approval
            case Approved():
                await stages.record(request, verdict, approval)
                await stages.run(request, argv_to_run(request, verdict), verdict)
                return None


def argv_to_run(request: Request, verdict: Verdict) -> tuple[str, ...]:
    """The program and arguments that carry the request out, rewritten if the verdict says so."""
    match request.mode:
        case "line":
            return (
                # The text is text, even where it begins like an option.
                *("/bin/bash", "-c", "--"),
                verdict.rewritten or request.arguments[0],
                *request.arguments[1:],
            )
        case "argv" if verdict.rewritten is not None:
            # It may be two commands by now.
            return ("/bin/bash", "-c", "--", verdict.rewritten)
        case "argv":
            return request.arguments


def is_settled(verdict: Verdict) -> bool:
    """Whether the policy alone lets it run, without a person."""
    return verdict.decision in (Decision.ALLOW, Decision.REWRITE)

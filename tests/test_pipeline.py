"""The story itself: the order of its stages, and what is run in which form."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from cash.pipeline import Approval, Approved, Refused, Request, argv_to_run, carry_out
from cash.policy.verdict import Decision, Verdict
from cash.syntax.command import Line


@dataclass
class Transcript:
    """Stages that say what they were asked."""

    approval: Approval
    verdict: Verdict = field(default_factory=lambda: Verdict(Decision.ALLOW))
    told: list[str] = field(default_factory=list)

    async def parse(self, request: Request) -> Line:
        self.told.append(f"parse {' '.join(request.arguments)}")
        return Line(request.arguments[0])

    async def judge(self, request: Request, line: Line) -> Verdict:
        self.told.append(f"judge {line.text}")
        return self.verdict

    async def approve(self, request: Request, line: Line, verdict: Verdict) -> Approval:
        self.told.append(f"approve {verdict.decision.word}")
        return self.approval

    async def record(self, request: Request, verdict: Verdict, approval: Approval) -> None:
        self.told.append(f"record {type(approval).__name__}")

    async def run(self, request: Request, argv: tuple[str, ...], verdict: Verdict) -> None:
        self.told.append(f"run {argv}")


LINE = Request(id="1", mode="line", arguments=("make",), cwd="/")


def test_what_is_approved_is_recorded_and_then_run() -> None:
    stages = Transcript(Approved(by="policy"))
    assert asyncio.run(carry_out(LINE, stages)) is None
    assert stages.told == [
        "parse make",
        "judge make",
        "approve allow",
        "record Approved",
        "run ('/bin/bash', '-c', '--', 'make')",
    ]


def test_what_is_refused_is_recorded_and_never_run() -> None:
    refusal = Refused("polis: denied\n", 126)
    stages = Transcript(refusal, Verdict(Decision.DENY))
    assert asyncio.run(carry_out(LINE, stages)) == refusal
    assert stages.told == ["parse make", "judge make", "approve deny", "record Refused"]


@pytest.mark.parametrize(
    ("mode", "arguments", "rewritten", "argv"),
    [
        ("line", ("a b",), None, ("/bin/bash", "-c", "--", "a b")),
        ("line", ("a b",), "c d", ("/bin/bash", "-c", "--", "c d")),
        (
            "line",
            ("echo $1", "name", "x y"),
            None,
            ("/bin/bash", "-c", "--", "echo $1", "name", "x y"),
        ),
        ("argv", ("npm", "i", "a b"), None, ("npm", "i", "a b")),
        (
            "argv",
            ("npm", "i", "a b"),
            "pnpm add 'a b'",
            ("/bin/bash", "-c", "--", "pnpm add 'a b'"),
        ),
    ],
)
def test_what_runs(mode: str, arguments: tuple[str, ...], rewritten: str, argv: object) -> None:
    request = Request(id="1", mode=mode, arguments=arguments, cwd="/")  # type: ignore[arg-type]
    assert argv_to_run(request, Verdict(Decision.REWRITE, rewritten=rewritten)) == argv

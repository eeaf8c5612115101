"""What waits for a person inside walls, and the answers that it gets."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from governed import Governed, Question
from walled import PATIENCE

from cash.keeper.link import Asked, ExecVerdict

WAIT = ExecVerdict("wait", "polis: wait\n")


@dataclass
class Desk:
    """Where what waits is answered. waits: the programs that do. numbers: of what waits now."""

    governed: Governed
    waits: tuple[str, ...] = ("uname",)
    numbers: list[int] = field(default_factory=list)

    def settle(self, question: Question) -> ExecVerdict:
        if not any(face["program"] in self.waits for face in question["faces"]):
            return ExecVerdict("allow")
        self.numbers.append(question["number"])
        return WAIT

    def next(self) -> int:
        """The number of what waits next, once it really does."""
        deadline = time.monotonic() + PATIENCE
        while not self.numbers:
            assert time.monotonic() < deadline, "nothing was asked"
            time.sleep(0.002)
        return self.numbers.pop(0)

    def answer(self, verdict: ExecVerdict, number: int = 0) -> None:
        self.governed.walled.link.settle(number or self.next(), verdict)

    def is_abandoned(self, number: int) -> bool:
        """Whether polisd was told that nobody waits any more; waits for that."""
        deadline = time.monotonic() + PATIENCE
        told = Asked({"abandoned": number})
        while told not in self.governed.walled.news and time.monotonic() < deadline:
            time.sleep(0.002)
        return told in self.governed.walled.news

    def allow_later(self, question: Question) -> ExecVerdict:
        """It waits, and is allowed as soon as it does."""
        if self.settle(question) == WAIT:
            self.governed.walled.link.settle(question["number"], WAIT)
        return ExecVerdict("allow")

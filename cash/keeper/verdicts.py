"""What polisd says to a keeper about execs: verdicts, and what a judged line predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class Prediction:
    """argvs: the commands a line names whole. names: the programs whose words it does not tell."""

    argvs: tuple[tuple[str, ...], ...] = ()
    names: tuple[str, ...] = ()

    def pack(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {"predicted": self.argvs, "names": self.names}


NOTHING: Final = Prediction()


@dataclass(frozen=True, slots=True)
class ExecVerdict:
    """word: allow; refuse with `text` and `status`; run `text` as bash instead; wait, with `text`
    on standard error, until another verdict comes. keep: the same exec may go on whenever it comes
    again. until_it_ends: tell when its process has ended."""

    word: Literal["allow", "refuse", "run", "wait"]
    text: str = ""
    status: int = 0
    keep: bool = False
    until_it_ends: bool = False
    predicted: Prediction = NOTHING

    def pack(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "verdict": self.word,
            "text": self.text,
            "status": self.status,
            "keep": self.keep,
            "until_it_ends": self.until_it_ends,
            **self.predicted.pack(),
        }

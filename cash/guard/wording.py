"""How it is said that somebody else holds something: in one line, and a hint."""

from __future__ import annotations

import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cash.guard.claim import Claim, Kind

_DAY = 24 * 3600.0
ASK_FOR_IT = "work on something else, or ask: polis appeal 'WHY YOU NEED IT'"


@dataclass(frozen=True, slots=True)
class Held:
    """What stands in the way of somebody. holder: as people call it. paths: what it holds. since,
    until: Unix seconds; until is None where it ends when its holder is done. agent: "" for the
    person; globs: as they were reserved."""

    holder: str
    kind: Kind
    paths: str
    since: float
    until: float | None
    why: str
    fence: int
    agent: str = ""
    globs: tuple[str, ...] = ()

    @classmethod
    def of(cls, claim: Claim) -> Held:
        """What others are told of a claim."""
        wish, until = claim.wish, claim.until()
        paths, since = str(wish.pattern), claim.since.wall
        return cls(
            holder=wish.holder.shown,
            kind=wish.kind,
            paths=paths,
            since=since,
            until=until,
            why=wish.why,
            fence=claim.fence,
            agent=wish.holder.agent,
            globs=wish.pattern.sources,
        )

    def tell(self, what: str) -> str:
        """One line about `what`, which somebody wants to write."""
        parts = [f"{_shown(what)} is held by {self.holder} since {_clock(self.since)}"]
        if self.until is not None:
            parts.append(f" until {_clock(self.until)}")
        if self.kind == "reservation" and self.paths != what:
            parts.append(f", with {_shown(self.paths)}")
        if self.why:
            parts.append(f": {_shown(self.why)}")
        return "".join(parts)

    def hint(self) -> str:
        """What somebody inside can do about it."""
        if self.kind != "reservation":
            return "it is being written just now; try again in a moment"
        return ASK_FOR_IT

    def hint_outside(self) -> str:
        """What a person can do about it."""
        if self.kind != "reservation":
            return self.hint()
        return f"wait, or give it back: {release(self.globs[:1], self.agent)}"


def release(globs: Sequence[str], agent: str) -> str:
    """The command by which a person gives back what was reserved with one of these globs."""
    whose = f" --agent {agent}" if agent else ""
    return f"polis release {' '.join(map(shlex.quote, globs)) or '--all'}{whose}"


def _clock(seconds: float) -> str:
    is_near = abs(time.time() - seconds) < _DAY
    return time.strftime("%H:%M" if is_near else "%Y-%m-%d %H:%M", time.localtime(seconds))


def _shown(text: str) -> str:
    """On one line, without what would move a terminal's cursor."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )

"""A claim on paths of one repository: who holds what, since when, for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from cash.guard.pattern import Pattern, of_path, read_pattern

# lock: a tool's, for one write. session: a command's, while it writes. reservation: an agent's,
# made beforehand, until it is given back or its time is up.
Kind = Literal["lock", "session", "reservation"]
Mode = Literal["read", "write"]

BEAT_SECONDS: Final = 10.0
STALE_SECONDS: Final = 30.0
RESERVED_SECONDS: Final = 3600.0
LONGEST_SECONDS: Final = 7 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Moment:
    """boot: seconds since the machine started, which nobody can set: ages go by them. wall: Unix
    seconds, for showing alone. machine: which start of the machine it was."""

    boot: float
    wall: float
    machine: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """agent, incarnation: "" for the person whose agents they are. pid, started: the process that
    holds it, and when that began (ticks since the machine's start); 0: no process does."""

    agent: str
    incarnation: str
    pid: int = 0
    started: int = 0

    @property
    def shown(self) -> str:
        """As agents and people are told."""
        return self.agent or "the person who runs the agents"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to hold. seconds: how long at most; 0: as long as it is there."""

    kind: Kind
    pattern: Pattern
    holder: Holder
    mode: Mode = "write"
    why: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish that was granted. fence: a number that no earlier claim has and that only grows.
    beat: when its holder was last heard of. expires: when it ends by itself, 0 for never."""

    fence: int
    wish: Wish
    since: Moment
    beat: float
    expires: float

    @property
    def holder(self) -> Holder:
        """Who holds it."""
        return self.wish.holder

    def until(self) -> float | None:
        """When it ends by itself, in Unix seconds as they were when it was made."""
        return self.since.wall + self.expires - self.since.boot if self.expires else None

    def describe(self) -> dict[str, Any]:
        """As JSON values, for people and programs."""
        wish = self.wish
        return {
            "fence": self.fence,
            "kind": wish.kind,
            "mode": wish.mode,
            "paths": list(wish.pattern.sources),
            "agent": wish.holder.agent,
            "pid": wish.holder.pid or None,
            "since": self.since.wall,
            "until": self.until(),
            "why": wish.why,
        }


def pack_claim(claim: Claim) -> dict[str, Any]:
    """As JSON values, from which unpack_claim makes it again."""
    wish = claim.wish
    return {
        "fence": claim.fence,
        "kind": wish.kind,
        "mode": wish.mode,
        "sources": list(wish.pattern.sources),
        "is_path": wish.kind != "reservation",
        "holder": asdict(wish.holder),
        "why": wish.why,
        "seconds": wish.seconds,
        "since": asdict(claim.since),
        "beat": claim.beat,
        "expires": claim.expires,
    }


def unpack_claim(values: Mapping[str, Any]) -> Claim:
    """The reverse of pack_claim. ValueError, KeyError, TypeError for what it has not made."""
    sources = tuple(str(source) for source in values["sources"])
    pattern = of_path(*sources) if values["is_path"] else read_pattern(sources)
    wish = Wish(
        values["kind"],
        pattern,
        Holder(**values["holder"]),
        values["mode"],
        values["why"],
        values["seconds"],
    )
    since = Moment(**values["since"])
    return Claim(int(values["fence"]), wish, since, values["beat"], values["expires"])


def carry_over(claim: Claim, now: Moment) -> Claim:
    """The claim as it stands after a restart of polisd. After one of the machine, seconds since
    its start begin anew: what is left of its time is what the clock on the wall says, and never
    more than it was granted for."""
    if claim.since.machine == now.machine:
        return Claim(claim.fence, claim.wish, claim.since, now.boot, claim.expires)
    passed = max(0.0, now.wall - claim.since.wall)
    since = Moment(now.boot - passed, claim.since.wall, now.machine)
    expires = since.boot + claim.wish.seconds if claim.expires else 0.0
    return Claim(claim.fence, claim.wish, since, now.boot, expires)

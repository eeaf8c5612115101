"""What agents and people ask of the claims on a repository's paths, in the words they type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cash.daemon.locks import PERSON, began_at
from cash.faults import UsageFault
from cash.guard.claim import LONGEST_SECONDS, RESERVED_SECONDS, Claim, Holder, Wish
from cash.guard.pattern import Pattern, of_path
from cash.guard.places import place_globs, place_path, real_place
from cash.guard.wording import ASK_FOR_IT, Held, release
from cash.policy.clashes import clash_of
from cash.policy.paths import Ground
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

_DURATION: Final = re.compile(r"(\d{1,6})(s|m|min|h|d)")
_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_LONGEST_WHY: Final = 200


def read_duration(text: str) -> float:
    """Seconds; "" is an hour. UsageFault for what is none, or is too long."""
    found = _DURATION.fullmatch(text.strip())
    seconds = float(int(found[1]) * _UNITS[found[2]]) if found else 0.0
    if not text:
        return RESERVED_SECONDS
    if not 0 < seconds <= LONGEST_SECONDS:
        raise UsageFault(f"{text!r} is no time to reserve for", hint="30s, 10m, 2h, 1d; 7d at most")
    return seconds


def read_options(words: Sequence[str], known: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Words as typed inside, where no Click is: what stands alone, and each option's value ("" for
    none). UsageFault."""
    alone: list[str] = []
    options = dict.fromkeys(known, "")
    left = iter(words)
    for word in left:
        name, sign, value = word.partition("=")
        if word == "--":
            alone += left
        elif not word.startswith("--"):
            alone.append(word)
        elif name not in known:
            raise UsageFault(f"there is no option {name}", hint=", ".join(known) or None)
        else:
            given = value if sign else next(left, None)
            if given is None:
                raise UsageFault(f"{name} needs a value")
            options[name] = given
    return alone, options


def describe_locks(hosted: Hosted) -> dict[str, Any]:
    """What is held, who waits, and which files two agents have written in their own trees."""
    return {**hosted.locks.describe(), "clashes": list(hosted.lock_sessions.clashes)}


@dataclass(frozen=True, slots=True)
class Claiming:
    """One who asks. agent: None for the person. cwd: where, in the agent's tree or the person's
    own checkout; pid: of the process that asks."""

    hosted: Hosted
    agent: Agent | None
    cwd: str
    pid: int = 0

    @property
    def _tree(self) -> str:
        """The one that words are relative to."""
        root = str(self.hosted.repository.root)
        return str(self.agent.tree) if self.agent and not self._is_below(root) else root

    def _is_below(self, folder: str) -> bool:
        return self.cwd == folder or self.cwd.startswith(f"{folder}/")

    def _place_of_cwd(self) -> str:
        return self.cwd if self._is_below(self._tree) else self._tree

    @property
    def holder(self) -> Holder:
        """Whoever asks, as one who holds something for longer than a process lives."""
        return Holder(self.agent.name, self.agent.incarnation) if self.agent else PERSON

    async def reserve(self, words: Sequence[str], lasting: str, why: str) -> dict[str, Any]:
        """Reserves what globs name, all or nothing. UsageFault; HeldFault."""
        pattern = place_globs(words, self._place_of_cwd(), self._tree)
        shown = " ".join(why.split())[:_LONGEST_WHY]
        seconds = read_duration(lasting)
        wish = Wish("reservation", pattern, self.holder, why=shown, seconds=seconds)
        claim = await self.hosted.locks.reserve(wish)
        return claim.describe() | {"notes": self._notes(pattern)}

    def _notes(self, pattern: Pattern) -> list[str]:
        """What a reservation does not do there."""
        root = self.hosted.repository.root
        ground = Ground(str(root), str(root))
        clashes = self.hosted.in_force.policy().clashes
        notes = []
        for source in pattern.sources:
            said = clash_of(clashes, f"{root}/{source.replace('*', 'x')}", ground)
            if said in ("ignore", "warn"):
                notes.append(
                    f"policy says {said} for {source}: others are not kept from writing it"
                )
        return notes

    def release(self, words: Sequence[str], *, everything: bool) -> list[dict[str, Any]]:
        """Gives back the reservations that name one of these globs, or all. UsageFault when there
        is none of a glob."""
        own = self.hosted.locks.reservations(self.holder)
        if not everything:
            own = self._named(own, words)
        for claim in own:
            self.hosted.locks.release(claim.fence, claim.holder)
        return [claim.describe() for claim in own]

    def _named(self, own: Sequence[Claim], words: Sequence[str]) -> list[Claim]:
        found: dict[int, Claim] = {}
        for word in words:
            (source,) = place_globs([word], self._place_of_cwd(), self._tree).sources
            named = [claim for claim in own if source in claim.wish.pattern.sources]
            if not named:
                raise self._not_reserved(own, source)
            found |= {claim.fence: claim for claim in named}
        return list(found.values())

    def _not_reserved(self, own: Sequence[Claim], source: str) -> UsageFault:
        message = f"{self.holder.shown} has not reserved {source!r}"
        claims = (one for one in self.hosted.locks.claims() if one.wish.kind == "reservation")
        theirs = next((one for one in claims if source in one.wish.pattern.sources), None)
        if theirs is not None:
            holder = theirs.wish.holder
            outside = f"{holder.shown} has: {release([source], holder.agent)}"
            return UsageFault(message, hint=f"{holder.shown} has; {ASK_FOR_IT}", outside=outside)
        known = ", ".join(str(claim.wish.pattern) for claim in own)
        return UsageFault(
            message, hint=f"reserved: {known}" if known else "polis locks shows what is held"
        )

    async def lock(self, path: str, *, why: str = "", wait: float = 0.0) -> Claim | Held:
        """Locks one file for this process, in turn. UsageFault for what is no file."""
        named = place_path(path, self._place_of_cwd(), self._tree)
        # Links are those of the tree that is written to, wherever its name was typed.
        tree = self.agent.tree if self.agent else self.hosted.repository.root
        place = real_place(named, str(tree))
        name, incarnation = self.holder.agent, self.holder.incarnation
        holder = Holder(name, incarnation, self.pid, began_at(self.pid) if self.pid else 0)
        wish = Wish("lock", of_path(place), holder, why=" ".join(why.split())[:_LONGEST_WHY])
        return await self.hosted.locks.acquire(wish, wait=wait)

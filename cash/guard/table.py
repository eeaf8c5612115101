"""The one table of all claims on a repository's paths, and the queue before it. Pure but for what
it holds: whoever calls says what time it is, and hears what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from cash.guard.claim import STALE_SECONDS, Claim, Moment, Wish
from cash.guard.pattern import overlap

End = Literal["released", "expired", "stale", "gone"]


@dataclass(frozen=True, slots=True)
class Granted:
    """A wish that came true. ticket: by which it waited; 0: it never did."""

    claim: Claim
    ticket: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A wish in the queue, behind all that came before and want the same."""

    ticket: int
    wish: Wish


def excludes(one: Wish, other: Wish) -> bool:
    """Whether they cannot both be held. An agent's own claims are no bar to it, but for the locks
    of two of its tools, each of which is in the middle of a write."""
    if one.mode == other.mode == "read":
        return False
    if one.holder.incarnation == other.holder.incarnation and not one.kind == other.kind == "lock":
        return False
    return overlap(one.pattern, other.pattern)


class Table:
    """next_fence: gives numbers, each greater than any before, over restarts too."""

    def __init__(self, next_fence: Callable[[], int]) -> None:
        self._next_fence = next_fence
        self._claims: dict[int, Claim] = {}
        # Those on paths alone are found by them; only globs have to be looked at one by one.
        self._by_path: dict[str, dict[int, Claim]] = {}
        self._globs: dict[int, Claim] = {}
        self._queue: dict[int, Wish] = {}
        self._tickets = 0

    def claims(self) -> tuple[Claim, ...]:
        """All that is held, the oldest first."""
        return tuple(self._claims[fence] for fence in sorted(self._claims))

    def waiting(self) -> tuple[Waiting, ...]:
        """The queue, the first first."""
        return tuple(Waiting(ticket, wish) for ticket, wish in self._queue.items())

    def get(self, fence: int) -> Claim | None:
        """The claim of this number, if it is still held."""
        return self._claims.get(fence)

    def count_of(self, incarnation: str) -> int:
        """How much one agent holds and waits for."""
        wishes = chain((one.wish for one in self._claims.values()), self._queue.values())
        return sum(wish.holder.incarnation == incarnation for wish in wishes)

    def obstacle(self, wish: Wish) -> Claim | None:
        """What is held by now and stands in the way."""
        return next((one for one in self._near(wish) if excludes(one.wish, wish)), None)

    def against(
        self, incarnation: str | None, path: str, *, now: Moment | None = None
    ) -> Claim | None:
        """The claim of somebody else that this path is under. now: one that has had its time by
        then is none."""
        for claim in chain(self._by_path.get(path, {}).values(), self._globs.values()):
            if claim.holder.incarnation == incarnation or not claim.wish.pattern.fits(path):
                continue
            if now is None or not claim.expires or now.boot < claim.expires:
                return claim
        return None

    def take(self, wish: Wish, now: Moment) -> Claim | None:
        """The claim, if nothing stands in the way and nobody waits who came before."""
        if self.obstacle(wish) or any(excludes(one, wish) for one in self._queue.values()):
            return None
        return self._grant(wish, now)

    def queue(self, wish: Wish) -> int:
        """A ticket: the wish comes true by settle() once it is its turn."""
        self._tickets += 1
        self._queue[self._tickets] = wish
        return self._tickets

    def withdraw(self, ticket: int) -> None:
        """Waits no more; settle() afterwards, for those behind."""
        self._queue.pop(ticket, None)

    def settle(self, now: Moment) -> list[Granted]:
        """What can be granted by now, to each in its turn."""
        granted: list[Granted] = []
        ahead: list[Wish] = []
        for ticket, wish in list(self._queue.items()):
            if self.obstacle(wish) or any(excludes(one, wish) for one in ahead):
                ahead.append(wish)
                continue
            del self._queue[ticket]
            granted.append(Granted(self._grant(wish, now), ticket))
        return granted

    def release(self, fence: int) -> Claim | None:
        """Gives back; what it was, None if it was not held any more. Then settle()."""
        claim = self._claims.pop(fence, None)
        if claim is not None:
            self._globs.pop(fence, None)
            for path in claim.wish.pattern.paths if claim.wish.pattern.is_exact else ():
                del self._by_path[path][fence]
                if not self._by_path[path]:
                    del self._by_path[path]
        return claim

    def beat(self, fence: int, now: Moment) -> bool:
        """Its holder is there; False: it is held no more."""
        claim = self._claims.get(fence)
        if claim is not None:
            self._put(replace(claim, beat=now.boot))
        return claim is not None

    def lapse(self, now: Moment) -> list[tuple[Claim, End]]:
        """Takes away what has had its time, and locks whose holder has not been heard of. Then
        settle()."""
        found: list[tuple[Claim, End]] = []
        for claim in self.claims():
            if claim.expires and now.boot >= claim.expires:
                found.append((claim, "expired"))
            elif claim.wish.kind == "lock" and now.boot - claim.beat >= STALE_SECONDS:
                found.append((claim, "stale"))
        for claim, _ in found:
            self.release(claim.fence)
        return found

    def restore(self, claim: Claim) -> None:
        """Puts in what an earlier polisd had granted."""
        self._put(claim)

    def _grant(self, wish: Wish, now: Moment) -> Claim:
        expires = now.boot + wish.seconds if wish.seconds else 0.0
        claim = Claim(self._next_fence(), wish, now, now.boot, expires)
        self._put(claim)
        return claim

    def _put(self, claim: Claim) -> None:
        self._claims[claim.fence] = claim
        if not claim.wish.pattern.is_exact:
            self._globs[claim.fence] = claim
            return
        for path in claim.wish.pattern.paths:
            self._by_path.setdefault(path, {})[claim.fence] = claim

    def _near(self, wish: Wish) -> Iterator[Claim]:
        """The claims that may meet a wish."""
        if not wish.pattern.is_exact:
            yield from self._claims.values()
            return
        for path in wish.pattern.paths:
            yield from self._by_path.get(path, {}).values()
        yield from self._globs.values()

"""What others hold of the agent's tree, as polisd told last: it binds while polisd is away too."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from typing import Any, Final

from cash.guard.claim import STALE_SECONDS, Claim, unpack_claim
from cash.guard.clock import read_clock
from cash.guard.naming import meant
from cash.guard.table import Table
from cash.guard.wording import Held
from cash.keeper.loop import Loop
from cash.keeper.watch import Watch
from cash.policy.clashes import Clash

# Of what could not be told to polisd, and of what a command is told.
_MOST_UNTOLD: Final = 100
_MOST_TOLD: Final = 200
_MOST_SESSIONS: Final = 4096
# Seconds; half of LINGERS (cash/daemon/lock_sessions.py).
_GOES_ON: Final = 1.0


class HeldByOther(OSError):
    """Somebody else holds what was to be written. text: for the command's standard error."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.EBUSY, os.strerror(errno.EBUSY))
        self.text = text


class Claims:
    """tree: the agent's, inside. ask: tells polisd; False when it is not there."""

    def __init__(self, loop: Loop, tree: str, ask: Callable[[dict[str, Any]], bool]) -> None:
        self._loop = loop
        self._below = f"{tree}/"
        self._git = f"{tree}/.git"
        self._ask = ask
        self._table = Table(int)
        self._is_empty = True
        self._untold: list[dict[str, Any]] = []
        self._lost = 0
        self._sessions: dict[str, float] = {}

    def obey(self, values: dict[str, Any]) -> None:
        """What has come and gone; whole: it is all there is."""
        gone = values["went"]
        if values["whole"]:
            gone = [claim.fence for claim in self._table.claims()]
        for fence in gone:
            self._table.release(fence)
        for packed in values["came"]:
            self._table.restore(unpack_claim(packed))
        self._is_empty = not self._table.claims()

    def place_of(self, path: str) -> str:
        """The path in the tree, "" for what is no file of it."""
        is_ours = path.startswith(self._below) and not self._is_gits(path)
        return path[len(self._below) :] if is_ours else ""

    def begin(self, path: str) -> None:
        """polisd has let this agent alone write the file."""
        if len(self._sessions) > _MOST_SESSIONS:
            self._sessions.clear()  # they are asked for again
        self._sessions[path] = time.monotonic()

    def goes_on(self, path: str) -> bool:
        """Whether it was written a moment ago: polisd, which ends what has not been for twice as
        long, hears of this write in time."""
        now, last = time.monotonic(), self._sessions.get(path, 0.0)
        if now - last > _GOES_ON or now - last < 0:
            return False
        self._sessions[path] = now
        return True

    def find(self, path: str) -> Claim | None:
        """Who holds a path inside, if it is one of the tree."""
        if self._is_empty or not (place := self.place_of(path)):
            return None
        now = read_clock()
        # Its folder may be renamed while a passing name stands in it.
        return self._table.against(None, place, now=now) or self._table.against(
            None, meant(place), now=now
        )

    def _is_gits(self, path: str) -> bool:
        return path == self._git or path.startswith(f"{self._git}/")

    def heed(self, watch: Watch, path: str, kind: str, claim: Claim, word: Clash) -> None:
        """A write of what somebody else holds. HeldByOther, unless it is just to be told."""
        place = path[len(self._below) :]
        is_new = (claim.fence, place) not in watch.clashes and len(watch.clashes) < _MOST_TOLD
        if is_new:
            watch.clashes.add((claim.fence, place))
            done = "warned" if word == "warn" else "refused"
            self._tell(
                {"clash": place, "kind": kind, "command": watch.id, "done": done} | _of(claim)
            )
        if word != "warn":
            held = Held.of(claim)
            text = f"polis: {held.tell(place)}\nhint: {held.hint()}\n"
            raise HeldByOther(text if is_new else "")

    def _tell(self, news: dict[str, Any]) -> None:
        if not self._ask(news) and len(self._untold) < _MOST_UNTOLD:
            self._untold.append(news)

    def meet_polisd(self) -> None:
        """Somebody listens again, who tells soon what is held by now."""
        self._lost += 1
        untold, self._untold = self._untold, []
        for news in untold:
            self._tell(news)

    def lose_polisd(self) -> None:
        """Nobody tells any more what is given back: what is held for a moment only, is not held
        for long."""
        self._lost += 1
        self._loop.call_later(STALE_SECONDS, lambda lost=self._lost: self._let_go(lost))  # type: ignore[misc]

    def _let_go(self, lost: int) -> None:
        if lost == self._lost:
            for claim in self._table.claims():
                if claim.wish.kind != "reservation":
                    self._table.release(claim.fence)
            self._is_empty = not self._table.claims()


def _of(claim: Claim) -> dict[str, Any]:
    held = list(claim.wish.pattern.sources)
    return {"fence": claim.fence, "holder": claim.holder.agent, "held": held}

"""What runs inside each agent's walls, seen from outside by one look at /proc for all of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cash.sessions.census import (
    TICKS_PER_SECOND,
    Process,
    Table,
    read_argv,
    read_table,
)
from cash.sessions.kinds import kind_of, most_telling

# How old a look may be, in seconds, and from how far back processor time is counted.
_FRESH = 0.5
_SHORTEST = 1.0
_LONGEST = 60.0


@dataclass(frozen=True, slots=True)
class Inside:
    """alive: the provider's own program runs. kind: of what says most about what is done, "" for
    nothing. memory: bytes that are resident, those shared counted for each. cpu: per cent of one
    processor since the last look, since they began where there was none."""

    alive: bool = False
    kind: str = ""
    memory: int = 0
    cpu: float = 0.0
    processes: int = 0


class Inhabitants:
    """One for all repositories: the look is shared."""

    def __init__(self) -> None:
        self._table: Table | None = None
        self._earlier: Table | None = None
        # By pid and start: what it was started with does not change but by an exec, and then its
        # name in the table does not either; looked at again while it is young.
        self._argv: dict[tuple[int, int], tuple[float, tuple[str, ...]]] = {}

    def look(self, roots: Sequence[int], programs: Sequence[str], *, anew: bool = False) -> Inside:
        """What runs below the roots, of which the first is the holder and does nothing. programs:
        names of the provider's own. anew: an earlier look does not do."""
        table = self._fresh(anew=anew)
        found = table.inside(roots)
        kinds = [kind_of(self._words(one, table.at), programs) for one in found]
        return Inside(
            alive="agent" in kinds,
            kind=most_telling(kinds),
            memory=sum(one.memory for one in found),
            cpu=round(sum(self._share(one, table.at) for one in found), 1),
            processes=len(found),
        )

    def _fresh(self, *, anew: bool) -> Table:
        now = time.monotonic()
        if self._table is None or anew or now - self._table.at > _FRESH:
            if self._table is not None and now - self._table.at >= _SHORTEST:
                self._earlier = self._table
            self._table = read_table(now)
            alive = {one.key for one in self._table.processes.values()}
            self._argv = {key: words for key, words in self._argv.items() if key in alive}
        return self._table

    def _words(self, process: Process, now: float) -> tuple[str, ...]:
        known = self._argv.get(process.key)
        if known is None or now - known[0] < _SHORTEST:
            began = known[0] if known else now
            self._argv[process.key] = (began, read_argv(process.pid))
        return self._argv[process.key][1]

    def _share(self, process: Process, now: float) -> float:
        earlier = self._earlier
        if earlier is not None and now - earlier.at <= _LONGEST:
            before = earlier.processes.get(process.pid)
            known = before.ticks if before is not None and before.key == process.key else 0
            return _per_cent(process.ticks - known, now - earlier.at)
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - process.began / TICKS_PER_SECOND
        return _per_cent(process.ticks, age)


def _per_cent(ticks: int, seconds: float) -> float:
    return 100.0 * ticks / TICKS_PER_SECOND / max(seconds, 1.0 / TICKS_PER_SECOND)

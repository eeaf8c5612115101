"""What others hold, as the rules of one agent ask for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cash.guard.pattern import below_path, overlap
from cash.guard.table import Table
from cash.policy.glob import HOLES


@dataclass(frozen=True, slots=True)
class Others(Mapping[str, str]):
    """By absolute path below the agent's tree: who holds it, or something below it. A path with
    holes, as lines have, counts as the folder before the first of them."""

    table: Table
    incarnation: str
    tree: str

    def __getitem__(self, path: str) -> str:
        hole = next((at for at, char in enumerate(path) if char in HOLES), None)
        if hole is not None:
            path = path[:hole].rpartition("/")[0]
        if path != self.tree and not path.startswith(f"{self.tree}/"):
            raise KeyError(path)
        wanted = below_path(path[len(self.tree) + 1 :])
        for claim in self.table.claims():
            is_own = claim.holder.incarnation == self.incarnation
            if not is_own and overlap(claim.wish.pattern, wanted):
                return claim.holder.shown
        raise KeyError(path)

    def __iter__(self) -> Iterator[str]:
        for claim in self.table.claims():
            if claim.holder.incarnation != self.incarnation:
                yield from (f"{self.tree}/{source}" for source in claim.wish.pattern.sources)

    def __len__(self) -> int:
        return sum(1 for _ in self)

"""What becomes of a write to a path that somebody else holds: the `locks:` of policy files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cash.policy.certainty import NO
from cash.policy.paths import Ground, PathPattern

# From the mildest: nothing; both are told; the write fails.
Clash = Literal["ignore", "warn", "lock"]
CLASHES: Final[tuple[Clash, ...]] = ("ignore", "warn", "lock")


@dataclass(frozen=True, slots=True)
class ClashRule:
    """Of these paths, this becomes."""

    paths: PathPattern
    clash: Clash


def clash_of(rules: Sequence[ClashRule], path: str, ground: Ground) -> Clash | None:
    """The strictest of what is said about an absolute path; None: nothing is."""
    said = [one.clash for one in rules if one.paths.bind(ground, None).test(path) != NO]
    return max(said, key=CLASHES.index, default=None)

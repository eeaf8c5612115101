"""Work that came into a branch as one commit, which git does not know for the agent's: what polis
has squashed is remembered beside what it keeps of that merge (cash/hub/saving.py).

It counts for as long as the branch has the one commit, and the agent those it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cash.hub.changes import contains
from cash.hub.refs import PREFIX, list_refs, write_refs
from cash.hub.repository import Repository

_SQUASHED = "squashed"
_AFTER = "after"


@dataclass(frozen=True, slots=True)
class Squash:
    """squashed: the agent's last commit that it was made of. after: the one commit."""

    squashed: str
    after: str


def remember_squash(
    repository: Repository, saved: Sequence[str], squashed: str, after: str
) -> tuple[str, ...]:
    """The refs. saved: those that keep what the merge was made of."""
    place = saved[0].rpartition("/")[0]
    values = {f"{place}/{_SQUASHED}": squashed, f"{place}/{_AFTER}": after}
    write_refs(repository, values.items(), "polis: squashed")
    return tuple(values)


def list_squashes(repository: Repository) -> Mapping[str, Sequence[Squash]]:
    """All that polis remembers, the last one first, by the agent's name."""
    found: dict[str, dict[int, dict[str, str]]] = {}
    place = f"{PREFIX}merged/"
    for ref in list_refs(repository, place):
        agent, _, rest = ref.name.removeprefix(place).partition("/")
        number, _, name = rest.partition("/")
        if number.isdigit() and name in (_SQUASHED, _AFTER):
            found.setdefault(agent, {}).setdefault(int(number), {})[name] = ref.object
    return {
        agent: [
            Squash(made[_SQUASHED], made[_AFTER])
            for _, made in sorted(numbers.items(), reverse=True)
            if len(made) == 2
        ]
        for agent, numbers in found.items()
    }


def find_squashed(repository: Repository, squashes: Sequence[Squash], mine: str, head: str) -> str:
    """The last commit of `head` that `mine` has squashed; "" where it has none."""
    return next(
        (
            one.squashed
            for one in squashes
            if contains(repository, mine, one.after) and contains(repository, head, one.squashed)
        ),
        "",
    )

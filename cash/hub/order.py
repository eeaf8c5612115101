"""In what order branches that conflict in pairs are best merged: with the fewest conflicts.

The merge of a branch conflicts where one that it conflicts with has been merged before. So all
that conflict with none of each other go first, as many as there can be (a largest independent
set of the graph of conflicts), and each other one conflicts whenever it comes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

# Up to here the largest set is looked for (a fraction of a second at the worst); beyond, a large
# one is: the one with the fewest conflicts is taken first, again and again.
_MOST_EXACT = 24

Weights = Mapping[tuple[str, ...], int]


def order_merges(names: Sequence[str], weights: Weights) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All names in order, and those of them whose merge is expected to conflict. weights: how many
    files conflict between two; with one name: between it and where all is merged."""
    met: dict[str, set[str]] = {name: set() for name in names}
    for agents in weights:
        for one in agents:
            met[one].update(set(agents) - {one})
    alone = {agents[0] for agents in weights if len(agents) == 1}
    free = [name for name in names if name not in alone]
    first = _largest_free(free, met)
    order = sorted(first, key=lambda name: (len(met[name]), names.index(name)))
    rest = [name for name in names if name not in first]
    conflicting = tuple(_next_best(order, rest, weights))
    return (*order, *conflicting), conflicting


def _next_best(order: Sequence[str], rest: Sequence[str], weights: Weights) -> Iterator[str]:
    """The others, each time the one in which the fewest files conflict by then."""
    there, left = set(order), list(rest)
    while left:

        def files(name: str) -> int:
            return sum(
                count
                for agents, count in weights.items()
                if name in agents and not set(agents) - {name} - there
            )

        chosen = min(left, key=lambda name: (files(name), rest.index(name)))
        left.remove(chosen)
        there.add(chosen)
        yield chosen


def _largest_free(names: Sequence[str], met: Mapping[str, set[str]]) -> frozenset[str]:
    """As many as possible, of which no two conflict."""
    free = [name for name in names if not met[name] & set(names)]
    bound = [name for name in names if name not in free]
    if len(bound) > _MOST_EXACT:
        return frozenset((*free, *_many_free(bound, met)))
    near = [sum(1 << bound.index(one) for one in met[name] if one in bound) for name in bound]

    @cache
    def best(left: int) -> int:
        if not left:
            return 0
        places = [place for place in range(len(bound)) if left >> place & 1]
        most = max(places, key=lambda place: (near[place] & left).bit_count())
        bit = 1 << most
        if not near[most] & left:
            return bit | best(left ^ bit)
        within, without = bit | best(left & ~near[most] & ~bit), best(left ^ bit)
        return max(within, without, key=int.bit_count)

    chosen = best((1 << len(bound)) - 1)
    return frozenset((*free, *(name for at, name in enumerate(bound) if chosen >> at & 1)))


def _many_free(names: Sequence[str], met: Mapping[str, set[str]]) -> Iterator[str]:
    left = set(names)
    while left:
        chosen = min(left, key=lambda name: (len(met[name] & left), names.index(name)))
        left -= met[chosen] | {chosen}
        yield chosen

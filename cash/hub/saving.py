"""Refs of polis' own that keep what is about to be merged or thrown away.

refs/polis/merged/<agent>/<n>/before           where the user's branch stood
refs/polis/merged/<agent>/<n>/work             the agent's tree as it was then, all of it
refs/polis/merged/<agent>/<n>/squashed         the agent's last commit that was merged as one
refs/polis/merged/<agent>/<n>/after            that one commit (cash/hub/squashed.py)
refs/polis/discarded/<agent>-<inc>/<n>/work    the agent's tree before its work was thrown away
refs/polis/discarded/<agent>-<inc>/<n>/head    the commit it was on then
refs/polis/discarded/<agent>-<inc>/<n>/after   its tree once that was done
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cash.hub.refs import PREFIX, list_refs, write_refs
from cash.hub.repository import Repository


def save_commits(
    repository: Repository,
    agent: str,
    what: Literal["merged", "discarded"],
    commits: Mapping[str, str],
) -> tuple[str, ...]:
    """Keeps the commits under names nothing else has; the refs. Those names are held."""
    place = f"{PREFIX}{what}/{agent}/"
    numbers = [ref.name.removeprefix(place).split("/")[0] for ref in list_refs(repository, place)]
    number = max((int(one) for one in numbers if one.isdigit()), default=0) + 1
    values = {f"{place}{number}/{name}": commit for name, commit in commits.items()}
    write_refs(repository, values.items(), f"polis: before it was {what}")
    return tuple(values)


def find_saved(
    repository: Repository, agent: str, what: Literal["merged", "discarded"]
) -> Mapping[str, Mapping[str, str]]:
    """Number → the names and commits kept under it, and "place", where the refs are."""
    place = f"{PREFIX}{what}/{agent}/"
    found: dict[str, dict[str, str]] = {}
    for ref in list_refs(repository, place):
        number, _, name = ref.name.removeprefix(place).partition("/")
        if number.isdigit():
            found.setdefault(number, {"place": f"{place}{number}/"})[name] = ref.object
    return found

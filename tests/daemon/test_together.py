"""Agents do all that git does at once: nothing fails and nothing is lost, where plain git in
worktrees of one repository fails in the same run."""

from __future__ import annotations

import itertools
import random
import time

import pytest
from crowd import Crowd, inside, plainly
from installation import Installation
from operations import LOOK, OPERATIONS
from running import until

pytestmark = pytest.mark.kernel

_PAIRS = [*itertools.combinations_with_replacement(OPERATIONS, 2)]


@pytest.mark.timeout(300)
def test_every_two_operations_of_two_agents_at_once(installation: Installation) -> None:
    assert len(_PAIRS) == 276
    with plainly(installation, 2) as plain:
        _do_pairs("plain", plain)
    with inside(installation, 2) as crowd:
        _do_pairs("inside", crowd)
        assert crowd.wrong == []
        _nothing_is_lost(crowd)
    assert plain.wrong != []


def _do_pairs(what: str, crowd: Crowd) -> None:
    began = time.monotonic()
    for one, other in _PAIRS:
        crowd.at_once({0: (one,), 1: (other,)})
    _tell(what, crowd, began)


# Of thirty each does a half of the operations, another one: two minutes are long enough.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("many", "each"), [(10, len(OPERATIONS)), (30, 12)])
def test_all_operations_of_many_agents_at_once(
    installation: Installation, many: int, each: int
) -> None:
    orders = {number: random.sample([*OPERATIONS], each) for number in range(many)}
    with plainly(installation, many) as plain:
        began = time.monotonic()
        plain.at_once(orders)
        _tell("plain", plain, began)
    with inside(installation, many) as crowd:
        began = time.monotonic()
        crowd.at_once(orders)
        _tell("inside", crowd, began)
        assert crowd.wrong == []
        _nothing_is_lost(crowd)
    assert plain.wrong != []


def _tell(what: str, crowd: Crowd, began: float) -> None:
    took = time.monotonic() - began
    print(f"{what}: {len(crowd.wrong)} of {crowd.done} went wrong, {took:.1f} s")


def _nothing_is_lost(crowd: Crowd) -> None:
    """All that was made is there inside, in the hub and at the remote; all of it is whole."""
    crowd.at_once(dict.fromkeys(range(len(crowd.workers)), (LOOK,)))
    assert crowd.wrong == []
    crowd.end()  # commits come out when a command has ended
    git = crowd.installation.git
    until(lambda: not _missing(crowd))
    for one in crowd.workers:
        for pushed in one.pushed:
            git(crowd.far, "merge-base", "--is-ancestor", pushed, "shared")
    for place in (crowd.hub, crowd.far):
        assert git(place, "fsck", "--no-progress", "--no-dangling") == ""
    until(lambda: crowd.locks() == [])  # what an import has just kept is being kept still
    state = crowd.installation.folder / "state"
    assert [path for path in state.rglob("*.lock") if "/git/" in str(path)] == []


def _missing(crowd: Crowd) -> list[str]:
    """Commits that no branch of the hub leads to yet, and agents whose branch is another one's."""
    git = crowd.installation.git
    told = git(crowd.hub, "for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")
    refs = dict(line.split() for line in told.splitlines())
    stale = [one.name for one in crowd.workers if refs[f"refs/heads/{one.branch}"] != one.head]
    if stale:
        return stale
    made = {
        value
        for one in crowd.workers
        for ref, value in one.made.items()
        if ref.startswith("refs/heads/")
    }
    ran = crowd.installation.run("git", "rev-list", *made, "--not", "--branches", cwd=crowd.hub)
    return [*ran.out.split(), ran.err] if ran.status or ran.out else []

"""git, a client, a keeper and polisd are killed at random moments: no lock stays, nothing that was
acknowledged is lost, and the next command works."""

from __future__ import annotations

import os
import random
import time

import pytest
from desk import Desk
from far import make_far
from homecoming import work
from killing import OUTSIDE, Turns
from running import until

from cash.hub.orphans import _SECONDS

pytestmark = pytest.mark.kernel

# More by hand: POLIS_KILLS=500.
_TURNS = int(os.environ.get("POLIS_KILLS", "20"))


@pytest.mark.timeout(60 + 20 * _TURNS)
def test_who_is_killed_at_a_random_moment_leaves_no_lock_and_loses_nothing(desk: Desk) -> None:
    seed = int(os.environ.get("POLIS_SEED", "5"))
    turns = Turns(desk, make_far(desk), random.Random(seed))
    began = time.monotonic()
    for number in range(_TURNS):
        turns.take(number)
    took = time.monotonic() - began
    print(f"seed {seed}: {_TURNS} turns in {took:.0f} s, killed {dict(turns.killed)}")
    print(f"{len(turns.acknowledged)} commits and {len(turns.pushed)} pushes acknowledged")
    assert turns.troubles == []
    _nothing_is_lost(turns)


def _nothing_is_lost(turns: Turns) -> None:
    """Inside, in the hub, at the remote, in the journal."""
    desk, git = turns.desk, turns.desk.installation.git
    assert turns.acknowledged
    head = work(desk, "git rev-parse HEAD").strip()
    inside = work(desk, "git rev-list HEAD").split()
    assert {*turns.acknowledged} - {*inside} == set()
    until(lambda: git(desk.repository, "rev-parse", "agent/alice").strip() == head)
    assert {f"refs/heads/{name}" for name in turns.pushed} - {*turns.far.tips()} == set()
    time.sleep(_SECONDS + 0.5)
    for words in (("gc", "-q"), *OUTSIDE):
        (desk.repository / "README.md").write_text(f"{words}\n")
        ran = desk.polis("git", *words)
        assert ran.status == 0, f"{words}: {ran.err}"
    assert [*desk.repository.joinpath(".git").rglob("*.lock")] == []
    for place in (desk.repository, turns.far.bare):
        git(place, "fsck", "--no-progress", "--no-dangling")
    work(desk, "git fsck --no-progress --no-dangling")
    assert desk.polis("log", "verify").status == 0

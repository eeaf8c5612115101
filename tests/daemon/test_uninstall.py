"""What is left running when polis is removed from a repository: nothing that was not wanted."""

from __future__ import annotations

import pytest
from desk import Desk

pytestmark = pytest.mark.kernel

_DAEMON = "-m cash.daemon"


def test_after_down_nothing_runs_again(desk: Desk) -> None:
    assert desk.polis("down").status == 0
    ran = desk.polis("uninstall")
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "polis is removed from this repository")
    assert desk.pids(_DAEMON) == []


def test_polisd_goes_with_the_last_repository(desk: Desk) -> None:
    other = desk.installation.make_repository("other")
    assert desk.installation.polis("init", cwd=other).status == 0
    assert desk.polis("uninstall").status == 0
    assert len(desk.pids(_DAEMON)) == 1
    assert desk.installation.polis("uninstall", cwd=other).status == 0
    assert desk.pids(_DAEMON) == []


def test_where_nothing_is_left_polisd_is_not_started(desk: Desk) -> None:
    assert desk.polis("uninstall").status == 0
    ran = desk.polis("uninstall")
    assert (ran.status, ran.err) == (
        64,
        "polis: no repository is under polis\nhint: nothing is left to remove\n",
    )
    assert desk.pids(_DAEMON) == []


def test_one_that_was_down_and_cannot_remove_goes_again(desk: Desk) -> None:
    other = desk.installation.make_repository("other")
    assert desk.polis("down").status == 0
    ran = desk.installation.polis("uninstall", cwd=other)
    assert ran.status == 64
    assert f"{other} is in no repository under polis" in ran.err
    assert desk.pids(_DAEMON) == []

"""The racers really race where nobody looks: bare, and in walls without a keeper of execs.

Without this, a test that finds no forbidden program might only have found a racer that is slow.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from racing import ERRORS, POLICY, RACES, Counts, Rings, list_errors, race, ring
from walled import Walled

from cash.policy.load import Layer, load_policy

pytestmark = pytest.mark.kernel


def test_the_rules_for_them_load(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    load_policy([Layer("test", (tmp_path / "p.yaml",))])


def _check(counts: Counts, attempts: int) -> None:
    assert (counts.attempts, counts.refused, counts.killed) == (attempts, 0, 0)
    # Half a word fails as a path, and is neither as an argument.
    assert attempts - counts.permitted - counts.forbidden < attempts / 20, counts
    assert min(counts.permitted, counts.forbidden) > attempts / 20, counts


@pytest.mark.parametrize(("what", "how"), RACES)
def test_a_race_has_both_ends_bare(what: str, how: str) -> None:
    _check(race(None, what, how, 100), 100)


@pytest.mark.parametrize(("what", "how"), RACES)
def test_a_race_has_both_ends_inside(walled: Walled, what: str, how: str) -> None:
    _check(race(walled, what, how, 100), 100)


@pytest.mark.parametrize(("what", "count"), [("opens", 100_000), ("execs", 200)])
def test_a_timer_rings_and_nothing_fails_bare(what: str, count: int) -> None:
    rings = ring(None, what, count)
    assert rings == Rings(count, rings.interrupted, 0, rings.ticks, 0)
    assert rings.ticks >= 100


@pytest.mark.parametrize(("what", "count"), [("opens", 100_000), ("execs", 200)])
def test_a_timer_rings_and_nothing_fails_inside(walled: Walled, what: str, count: int) -> None:
    rings = ring(walled, what, count)
    assert rings == Rings(count, rings.interrupted, 0, rings.ticks, 0)
    assert rings.ticks >= 100


def test_an_exec_that_fails_says_why_bare() -> None:
    assert list_errors(None) == ERRORS


def test_an_exec_that_fails_says_why_inside(walled: Walled) -> None:
    assert list_errors(walled) == ERRORS

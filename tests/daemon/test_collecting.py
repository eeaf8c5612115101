"""What polisd has loaded is not walked again for every few hundred objects that it makes."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cash.daemon.collecting import leave_out_what_is_loaded
from cash.daemon.judging import PolicyInForce
from cash.places import find_places


@pytest.fixture(autouse=True)
def thawed() -> Iterator[None]:
    """As it was, for all other tests of this process."""
    gc.unfreeze()
    yield
    gc.unfreeze()


class _Ring:
    def __init__(self) -> None:
        self.own = self


def test_what_is_alive_is_left_out_and_what_is_not_is_gone() -> None:
    living = [_Ring() for _ in range(1000)]
    gone = weakref.ref(_Ring())
    leave_out_what_is_loaded()
    assert gc.get_freeze_count() > 1000
    assert gone() is None
    ring = weakref.ref(living.pop())
    gc.collect()
    assert ring() is not None  # not looked at
    leave_out_what_is_loaded()
    assert ring() is None


def test_a_policy_that_was_loaded_is_left_out(tmp_path: Path) -> None:
    places = find_places({"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")})
    with ThreadPoolExecutor(1) as threads:
        in_force = PolicyInForce(places, tmp_path, lambda _: False, lambda *_: None, threads)
        assert in_force.policy().rules
    assert gc.get_freeze_count() > 10_000

"""Walls of every kind this user may build: one set a module to look at, or one to break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from answering import Desk
from governed import Governed, forbidding_shred, governing
from walled import KINDS, Walled, stand_up, tear_down


@pytest.fixture(scope="session", params=KINDS)
def walled(request: pytest.FixtureRequest) -> Iterator[Walled]:
    """Standing walls, shared: a test may change what is inside, not the walls."""
    made = stand_up(request.param)
    yield made
    tear_down(made)


@pytest.fixture(params=KINDS)
def fragile(request: pytest.FixtureRequest) -> Iterator[Walled]:
    """Standing walls of this test's own, to be broken."""
    made = stand_up(request.param)
    yield made
    tear_down(made)


@pytest.fixture(params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls of this test's own in which one program is forbidden and another asked about."""
    with governing(request.param, forbidding_shred("uname")) as made:
        yield made


@pytest.fixture
def desk(governed: Governed) -> Iterator[Desk]:
    """Where what waits in a module's own walls is answered."""
    made = Desk(governed)
    governed.settle = made.settle
    yield made
    governed.settle = None

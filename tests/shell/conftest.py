"""One polis with two agents for all of these tests, and terminals to sit at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from installation import Installation
from screen import Terminal
from shop import Shop, Sit


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory, nothing_left: None) -> Iterator[Shop]:
    installation = Installation(tmp_path_factory.mktemp("s")).make()
    try:
        yield Shop(installation)
    finally:
        installation.stop()


@pytest.fixture
def sit(shop: Shop) -> Iterator[Sit]:
    """Opens terminals: sit("polis", "shell", "alice", rows=24)."""
    with ExitStack() as held:
        yield lambda *argv, **how: held.enter_context(shop.open_terminal(*argv, **how))


@pytest.fixture
def alice(sit: Sit) -> Terminal:
    """The interactive shell of alice at its first prompt."""
    terminal = sit("polis", "shell", "alice")
    terminal.wait_last(r"^alice agent/alice \w+ .*/tree \$$")
    return terminal


@pytest.fixture
def caller(sit: Sit) -> Terminal:
    """The user's own bash, outside the walls, with job control."""
    terminal = sit("bash", "--norc", "--noprofile", "--noediting", "-i")
    terminal.wait_last(r"^OUT>$")
    return terminal

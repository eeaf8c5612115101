"""Where a real agent CLI works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from desk import Desk
from installation import Installation
from playing import make_desk, reason_to_skip


@pytest.fixture(scope="module", params=["claude", "codex", "gemini"])
def seat(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Desk]]:
    """The name of a CLI, and a desk at which alice is that."""
    name = request.param
    if why := reason_to_skip(name):
        pytest.skip(why)
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    try:
        yield name, make_desk(installation, name)
    finally:
        installation.stop()

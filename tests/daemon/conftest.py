"""A repository under polis with agent alice, whose questions end after two seconds."""

from __future__ import annotations

import pytest
from desk import Desk
from installation import Installation


@pytest.fixture
def desk(installation: Installation) -> Desk:
    repository = installation.make_repository()
    made = Desk(installation, repository)
    assert made.polis("init").status == 0
    assert made.polis("config", "set", "ask-seconds", "2").status == 0
    assert made.polis("agents", "add", "alice").status == 0
    return made

"""A repository under polis with agent alice, whose questions end after two seconds."""

from __future__ import annotations

import pytest
from desk import Desk, make_desk
from installation import Installation


@pytest.fixture
def desk(installation: Installation) -> Desk:
    return make_desk(installation)

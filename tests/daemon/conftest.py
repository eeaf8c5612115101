"""A repository under polis with agent alice, whose questions end after two seconds; and offices,
whose agents have a program in their windows."""

from __future__ import annotations

import pytest
from desk import Desk, make_desk
from installation import Installation
from office import Office, make_office


@pytest.fixture
def desk(installation: Installation) -> Desk:
    return make_desk(installation)


@pytest.fixture
def next_desk(house: Installation) -> Desk:
    """One like it, in the module's own house."""
    return make_desk(house)


@pytest.fixture
def office(installation: Installation) -> Office:
    return make_office(installation)


@pytest.fixture
def next_office(house: Installation) -> Office:
    """One like it, in the module's own house."""
    return make_office(house)


@pytest.fixture
def pair(installation: Installation) -> Office:
    return make_office(installation, "alice", "bob")

"""A repository under polis with agent alice."""

from __future__ import annotations

import pytest
from desk import Desk, make_desk
from installation import Installation

FILES = {
    "README.md": "A small shop.\n",
    "src/tags.txt": "".join(f"tag {number}\n" for number in range(20)),
    "old.txt": "old\n",
    ".gitignore": "*.log\n",
}


@pytest.fixture
def desk(installation: Installation) -> Desk:
    return make_desk(installation, FILES)


@pytest.fixture
def next_desk(house: Installation) -> Desk:
    """One like it, in the module's own house."""
    return make_desk(house, FILES)

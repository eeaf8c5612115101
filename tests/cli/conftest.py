"""A repository under polis with agent alice."""

from __future__ import annotations

import pytest
from desk import Desk
from installation import Installation


@pytest.fixture
def desk(installation: Installation) -> Desk:
    files = {
        "README.md": "A small shop.\n",
        "src/tags.txt": "".join(f"tag {number}\n" for number in range(20)),
        "old.txt": "old\n",
        ".gitignore": "*.log\n",
    }
    made = Desk(installation, installation.make_repository(files=files))
    assert made.polis("init").status == 0
    assert made.polis("config", "set", "ask-seconds", "2").status == 0
    assert made.polis("agents", "add", "alice").status == 0
    return made

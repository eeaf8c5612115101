"""One real repository for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from ground import Ground


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """A repository with two commits on main; HOME and state are the test's own."""
    for folder in (tmp_path, tmp_path.parent):
        folder.chmod(0o711)  # another user has to find its way to what is theirs
    made = Ground(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made.make()

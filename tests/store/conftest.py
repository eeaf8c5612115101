"""Stores in folders of their own, and events for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cash.store.event import Event
from cash.store.journal import Journal


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "store.db"


@pytest.fixture
def event() -> Callable[..., Event]:
    def make(number: int, **changes: object) -> Event:
        fields = {
            "key": f"key-{number}",
            "time": 1000.0 + number,
            "agent": "alice" if number % 2 else "bob",
            "kind": "line",
            "body": {"line": f"echo {number}", "decision": "allow"},
        }
        return Event(**{**fields, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture
def ten(path: Path, event: Callable[..., Event]) -> Path:
    """A store of ten events, closed."""
    journal = Journal.open(path)
    journal.append([event(number) for number in range(1, 11)])
    journal.close()
    return path

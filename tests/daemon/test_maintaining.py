"""Who looks after the hubs: does what is due, tells it, and comes again where somebody is busy."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ground import Ground

from cash.daemon.maintaining import Maintaining
from cash.hub.levels import EXCLUSIVE
from cash.hub.maintenance import TASKS
from cash.hub.mutex import hold_hub
from cash.hub.repository import Repository


@dataclass
class Place:
    """What a Hosted is asked for here."""

    repository: Repository
    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def agents(self) -> tuple[()]:
        return ()

    def note(self, agent: object, key: str, kind: str, body: Mapping[str, Any]) -> None:
        assert agent is None
        assert key
        self.told.append((kind, body))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A repository with more loose objects than it should have."""
    made = Ground(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    made.make()
    many = tmp_path / "many"
    many.mkdir()
    for number in range(8000):
        (many / f"{number}").write_text(f"{number}")
    store = "git -C ../repo -c core.fsync=none hash-object -w --stdin-paths"
    line = f'find "$PWD" -type f | {store}'
    made.run("sh", "-c", line, cwd=many)
    return Place(made.repository)


def _look(*places: Place) -> None:
    asyncio.run(Maintaining(lambda: places).look())  # type: ignore[arg-type,return-value]


def test_what_is_due_is_done_and_told_once(place: Place) -> None:
    _look(place)
    ((kind, body),) = place.told
    assert kind == "maintained"
    assert body["tasks"] == list(TASKS)
    _look(place)  # what was put into a pack goes as loose files the next time
    packs = list((place.repository.objects / "pack").glob("*.pack"))
    assert packs


def test_a_busy_hub_is_left_for_the_next_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cash.hub.maintenance.PATIENCE", 0.3)
    held, done = threading.Event(), threading.Event()

    def keep() -> None:
        with hold_hub(place.repository, EXCLUSIVE, "a long gc", who="ada"):
            held.set()
            done.wait(60)

    keeper = threading.Thread(target=keep)
    keeper.start()
    held.wait(10)
    try:
        _look(place)
    finally:
        done.set()
        keeper.join()
    ((kind, body),) = place.told
    assert kind == "maintained"
    assert body["refused"].startswith("repo is held by ada (a long gc, process ")

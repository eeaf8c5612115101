"""There is room for so much: the oldest steps go, and what no other step needs of theirs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cash.undo.ground import Ground
from cash.undo.objects import Damaged
from cash.undo.room import holding
from cash.undo.saver import Saver
from cash.undo.steps import Steps, Touched
from cash.undo.store import Budget, Store

_SIZE = 1000


@pytest.fixture
def store(tmp_path: Path) -> Store:
    for name in ("tree", "git"):
        (tmp_path / name).mkdir()
    ground = Ground(tmp_path / "tree", tmp_path / "git")
    return Store(tmp_path / "saved", ground, Budget(100 * _SIZE, 10 * _SIZE))


def _change(store: Store, saver: Saver, step: str, path: str, content: bytes | None = None) -> None:
    """What a keeper asks for before a command overwrites a file, and at its end."""
    (store.ground.tree / path).write_bytes(content or os.urandom(_SIZE))
    _ask(saver, step, path)


def _ask(saver: Saver, step: str, path: str) -> None:
    changes = [("content", path)]
    saver.hear({"number": 1, "step": step, "command": step, "changes": changes})


def _end(saver: Saver, step: str) -> None:
    saver.hear({"number": 2, "ended": step, "time": time.time() + 1})
    while not saver.is_idle:
        saver.work()


def _age(store: Store) -> None:
    """What was written just now may be needed by what is still being written."""
    for part in ("segments", "files"):
        for path in (store.folder / "objects" / part).iterdir():
            os.utime(path, (1, 1))


def _steps(store: Store) -> tuple[str, ...]:
    return Steps(store.folder / "steps").ids()


def _run_each_in_a_saver_of_its_own(store: Store, numbers: range) -> None:
    """A segment is one writer's own: so each step's contents lie in a file apart."""
    for number in numbers:
        saver = Saver(store)
        _change(store, saver, f"s{number}", "file")
        _end(saver, f"s{number}")
        _age(store)


def test_the_oldest_go_first_and_their_contents_with_them(store: Store) -> None:
    _run_each_in_a_saver_of_its_own(store, range(14))
    assert _steps(store) == tuple(f"s{number}" for number in range(6, 14))  # 0.8 of what may be
    objects, _ = store.open()
    assert sum(objects.sizes().values()) == 8 * _SIZE


def test_what_is_kept_of_those_left_can_be_taken_out(store: Store) -> None:
    _run_each_in_a_saver_of_its_own(store, range(14))
    objects, steps = store.open()
    for step in steps.all():
        (change,) = step.changes
        assert isinstance(change, Touched)
        assert len(objects.read(change.before.object, change.before.place)) == _SIZE


def test_a_content_that_another_step_needs_stays(store: Store) -> None:
    first, shared = Saver(store), os.urandom(_SIZE)
    _change(store, first, "old", "file", shared)
    for number in range(12):
        # The same again, known by its hash: it lies where the old step put it.
        _change(store, first, f"s{number}", "file", shared)
        _change(store, first, f"s{number}", f"other-{number}")
    _end(first, "old")
    objects, steps = store.open()
    left = steps.read("s11")
    assert left is not None
    assert "old" not in _steps(store)
    for change in left.changes:
        assert isinstance(change, Touched)
        assert len(objects.read(change.before.object, change.before.place)) == _SIZE


def test_a_step_that_goes_on_is_not_dropped(store: Store) -> None:
    goes_on = Saver(store)
    _change(store, goes_on, "long", "file")
    for number in range(14):
        _change(store, goes_on, f"s{number}", "file")
    _age(store)
    while not goes_on.is_idle:
        goes_on.work()
    assert "long" in _steps(store)
    other = Saver(store)  # which knows nothing of it: it has ended by now
    while not other.is_idle:
        other.work()
    assert "long" not in _steps(store)


def test_nothing_is_dropped_while_somebody_undoes(store: Store) -> None:
    store.open()
    with holding(store.folder, wait=True) as is_held:
        assert is_held
        _run_each_in_a_saver_of_its_own(store, range(14))
        assert len(_steps(store)) == 14
    _run_each_in_a_saver_of_its_own(store, range(14, 15))
    assert len(_steps(store)) == 8


def test_what_was_dropped_is_said_to_be_gone(store: Store) -> None:
    saver = Saver(store)
    _change(store, saver, "first", "file")
    _, steps = store.open()
    step = steps.read("first")
    assert step is not None
    (change,) = step.changes
    assert isinstance(change, Touched)
    _end(saver, "first")
    _age(store)
    _run_each_in_a_saver_of_its_own(store, range(14))
    objects, _ = store.open()
    with pytest.raises(Damaged, match="is gone"):
        objects.read(change.before.object, change.before.place)

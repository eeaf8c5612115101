"""Whatever is done to a tree, in whatever order, is taken back; and that too."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cash.undo.ground import Ground
from cash.undo.saver import Saver
from cash.undo.store import Budget, Store
from cash.undo.taking_back import TakenBack, take_back

_NAMES = ("a", "b", "c", "a/a", "a/b", "b/a", "b/c", "c/a", "a/a/b", "b/c/a")
_paths = st.sampled_from(_NAMES)
_operations = st.lists(
    st.tuples(st.just("write"), _paths, st.sampled_from(["x", "y", "zz"]))
    | st.tuples(st.just("make"), _paths)
    | st.tuples(st.just("remove"), _paths)
    | st.tuples(st.just("clear"), _paths)
    | st.tuples(st.just("link"), _paths, _paths)
    | st.tuples(st.just("mode"), _paths, st.sampled_from([0o600, 0o644, 0o755]))
    | st.tuples(st.just("rename"), _paths, _paths),
    max_size=14,
)


@contextlib.contextmanager
def _store() -> Iterator[Store]:
    folder = Path(tempfile.mkdtemp())
    for name in ("tree", "git"):
        (folder / name).mkdir()
    try:
        ground = Ground(folder / "tree", folder / "git")
        yield Store(folder / "saved", ground, Budget(1 << 20, 1 << 30))
    finally:
        shutil.rmtree(folder)


class _Command:
    """Changes a tree as a command would, and asks for what a keeper asks before each call."""

    def __init__(self, store: Store, step: str) -> None:
        self._tree, self._step = store.ground.tree, step
        self._saver = Saver(store)

    def end(self) -> None:
        self._saver.hear({"number": 0, "ended": self._step, "time": time.time() + 1})
        while not self._saver.is_idle:
            self._saver.work()

    def _ask(self, *changes: tuple[str, ...]) -> None:
        asked = {"number": 1, "step": self._step, "command": self._step, "changes": changes}
        answer = self._saver.hear(asked)
        assert answer is None or answer["unsaved"] == []

    def _real(self, path: str) -> str:
        """As a keeper finds it: no link but at its end."""
        head, name = os.path.split(self._tree / path)
        return os.path.relpath(os.path.join(os.path.realpath(head), name), self._tree)

    def do(self, what: str, path: str, *rest: object) -> None:
        path = self._real(path)
        place = self._tree / path
        is_there = os.path.lexists(place)
        touch = "content" if is_there else "creation"
        with contextlib.suppress(OSError):
            match what, rest:
                case "write", [text] if not place.is_symlink() and not place.is_dir():
                    self._ask((touch, path))
                    place.write_text(str(text))
                case "make", _ if not is_there:
                    self._ask((touch, path))
                    place.mkdir()
                case "remove", _:
                    self._remove(path)
                case "clear", _ if place.is_dir() and not place.is_symlink():
                    for inner, folders, files in os.walk(place, topdown=False):
                        for name in (*files, *folders):
                            self._remove(str(Path(inner, name).relative_to(self._tree)))
                    self._remove(path)
                case "link", [target] if not is_there:
                    self._ask((touch, path))
                    place.symlink_to(str(target))
                case "mode", [mode] if not place.is_symlink():
                    self._ask(("metadata", path))
                    place.chmod(int(str(mode)))
                case "rename", [to]:
                    self._rename(path, self._real(str(to)))
                case _:
                    pass

    def _remove(self, path: str) -> None:
        self._ask(("content", path))
        place = self._tree / path
        if place.is_dir() and not place.is_symlink():
            place.rmdir()
        else:
            place.unlink()

    def _rename(self, path: str, to: str) -> None:
        if f"{to}/".startswith(f"{path}/"):
            return
        old, new = self._tree / path, self._tree / to
        touch = ("content" if os.path.lexists(new) else "creation", to)
        if old.is_dir() and not old.is_symlink():
            self._ask(touch, ("move", path, to))
        else:
            self._ask(("content", path), touch)
        old.rename(new)


def _look(tree: Path) -> dict[str, tuple[int, bytes]]:
    found = {}
    for path in sorted(tree.rglob("*")):
        mode = path.lstat().st_mode
        content = b""
        if path.is_symlink():
            content = os.fsencode(os.readlink(path))
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(tree))] = (mode, content)
    return found


def _undo(store: Store, id: str) -> TakenBack:
    step = store.open()[1].read(id)
    assert step is not None
    return take_back(store, step)


@settings(max_examples=400, deadline=None)
@example([], [("make", "b"), ("rename", "a", "b/a"), ("clear", "b")])
@example([], [("write", "b/a", "x"), ("make", "b"), ("write", "b/a", "x")])
@example([], [("rename", "a", "c"), ("rename", "a", "c"), ("clear", "a")])
# The number of a folder that is gone is given to the next that is made.
@example([], [("rename", "a", "b"), ("clear", "b"), ("write", "a", "x")])
@example([("remove", "a/b")], [("rename", "a", "b"), ("remove", "b"), ("make", "a")])
@given(_operations, _operations)
def test_all_of_it(first: list[tuple[str, str]], second: list[tuple[str, str]]) -> None:
    with _store() as store:
        before = _Command(store, "before")
        for operation in (("make", "a"), ("write", "a/b", "1"), ("write", "c", "2"), *first):
            before.do(*operation)
        before.end()
        was = _look(store.ground.tree)
        command = _Command(store, "command")
        for operation in second:
            command.do(*operation)
        command.end()
        became = _look(store.ground.tree)
        if store.open()[1].read("command") is None:
            assert was == became
            return
        undone = _undo(store, "command")
        assert undone.refused == ()
        assert _look(store.ground.tree) == was
        if undone.undo:
            assert _undo(store, undone.undo).refused == ()
            assert _look(store.ground.tree) == became

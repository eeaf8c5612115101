"""What commands are about to change, kept first by a process beside the keeper.

A path is kept once for each step (a command, or a line of a resident shell), before it is changed
for the first time. The call waits meanwhile, and nothing else does. Where nothing is yet, nothing
is kept and nothing waits: it is noted that something was made.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cash.keeper import notification
from cash.keeper.calls import Named
from cash.keeper.loop import Loop
from cash.keeper.notification import Notification
from cash.keeper.opening import Spot
from cash.keeper.saver_link import SaverLink
from cash.keeper.watch import Watch
from cash.policy.action import WriteKind
from cash.undo.ground import Ground, is_object
from cash.undo.saver import What
from cash.undo.store import Budget, Store
from cash.walls.view import View

_TEMPORARY: Final = 0o20000000  # __O_TMPFILE
_LONGEST: Final = 1 << 16
# How often a saver may die while a call waits for it.
_MOST_TRIES: Final = 3
# How many notes go by before the saver is asked whether it has them.
_MOST_NOTES: Final = 200
_BECOMES: Final[dict[WriteKind, What]] = {
    "create": "creation",
    "overwrite": "content",
    "append": "content",
    "delete": "content",
    "rename": "content",
    "metadata": "metadata",
}
_Change = tuple[str, ...]


def store_of(view: View) -> Store | None:
    """Where what an agent changes is kept; None: nowhere."""
    if view.saved is None:
        return None
    ground = Ground(view.tree, view.git_directory)
    return Store(view.saved, ground, Budget(view.saved_each, view.saved_total))


@dataclass(slots=True)
class _Waiting:
    """A call that waits for the saver. go_on: what is done then."""

    watch: Watch
    note: Notification
    changes: Sequence[_Change]
    go_on: Callable[[], object]
    tries: int = 0


class Saving:
    """All of one keeper's. hold: has it known that a call waits, if there is room for it. say:
    tells whoever sent a command something."""

    def __init__(
        self,
        loop: Loop,
        store: Store | None,
        hold: Callable[[Watch, Notification], bool],
        say: Callable[[str, str], None],
    ) -> None:
        self._store = store
        self._hold = hold
        self._say = say
        self._waiting: dict[int, _Waiting] = {}
        self._saver = SaverLink(loop, store, self._settle, self._lost, self._fail)

    @property
    def pids(self) -> tuple[int, ...]:
        """The saver's, if there is one: a child of the keeper's."""
        return (self._saver.pid,) if self._saver.pid else ()

    # What is about to happen

    def before_open(
        self, watch: Watch, note: Notification, spot: Spot, flags: int, go_on: Callable[[], object]
    ) -> bool:
        """An open for writing. Whether it waits; go_on is called then. OSError."""
        if spot.link or spot.name == "." or flags & _TEMPORARY:
            return False
        path = self._path_of(spot.path)
        if path is None or watch.has_touched(path, "content"):
            return False
        found = spot.look()
        if found is None and flags & os.O_CREAT:
            self._tell(watch, [("creation", path)])
        if found is None or not stat.S_ISREG(found.st_mode):
            return (
                False  # a link is followed first; the others keep nothing that is written to them
            )
        return self._ask(watch, note, [("content", path)], go_on)

    def before_change(
        self,
        watch: Watch,
        note: Notification,
        changed: Sequence[tuple[str, Named]],
        go_on: Callable[[], object],
    ) -> bool:
        """Another call, with the real paths inside that it changes. As before_open."""
        changes: list[_Change] = []
        for inside, named in changed:
            path, what = self._path_of(inside), _BECOMES[named.kind]
            if path is not None and not watch.has_touched(path, what):
                changes.append((what, path))
        if all(what == "creation" for what, _ in changes):
            self._tell(watch, changes)
            return False
        return self._ask(watch, note, changes, go_on)

    def before_move(
        self,
        watch: Watch,
        note: Notification,
        paths: tuple[str, str],
        go_on: Callable[[], object],
        *,
        is_folder: bool,
        is_onto: bool,
    ) -> bool:
        """A rename. is_onto: something is there already. As before_open. A folder that leaves what
        is kept, or comes into it, is moved file by file, as to another file system: EXDEV."""
        if f"{paths[1]}/".startswith(f"{paths[0]}/"):
            return False  # nothing happens, or it cannot be
        old, new = map(self._path_of, paths)
        changes: list[_Change] = []
        if is_folder and (old is None) != (new is None):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        if old is not None and not is_folder and not watch.has_touched(old, "content"):
            changes.append(("content", old))
        if new is not None and not watch.has_touched(new, "content"):
            changes.append(("content" if is_onto else "creation", new))
        if is_folder and old is not None and new is not None:
            changes.append(("move", old, new))
        if all(what == "creation" for what, *_ in changes):
            self._tell(watch, changes)
            return False
        return self._ask(watch, note, changes, go_on)

    def _path_of(self, inside: str) -> str | None:
        return None if self._store is None else self._store.ground.path_of(inside)

    # Steps

    def begin(self, watch: Watch, step: str) -> None:
        """Another line of a resident shell; "": none."""
        self.end(watch)
        watch.begin_step(step or watch.id)

    def end(self, watch: Watch) -> None:
        """A step is over, as far as anybody can tell."""
        if watch.is_changing and self._saver.is_there:
            watch.is_changing = False
            self._saver.send({"ended": watch.step, "time": time.time()})

    def forget(self, watch: Watch) -> None:
        """Nothing of this command waits any more: its listener is closed."""
        self.end(watch)
        for number, waiting in list(self._waiting.items()):
            if waiting.watch is watch:
                del self._waiting[number]

    # The saver

    def _tell(self, watch: Watch, changes: Sequence[_Change]) -> None:
        if told := _without_new_objects(changes):
            self._saver.send(_pack(watch, told))
        self._touched(watch, changes)

    def _ask(
        self,
        watch: Watch,
        note: Notification,
        changes: Sequence[_Change],
        go_on: Callable[[], object],
    ) -> bool:
        if not changes:
            return False
        self._touched(watch, [change for change in changes if _is_new_object(change)])
        changes = _without_new_objects(changes)
        if not self._hold(watch, note):
            raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))
        number = self._saver.send({**_pack(watch, changes), "waits": True})
        self._waiting[number] = _Waiting(watch, note, changes, go_on)
        return True

    def _touched(self, watch: Watch, changes: Sequence[_Change]) -> None:
        watch.is_changing = watch.is_changing or bool(_without_new_objects(changes))
        for what, path, *_ in changes:
            if what == "move":  # what was below these names is below others
                watch.touched.clear()
            else:
                watch.touch(path, what)

    def _settle(self, answer: dict[str, Any]) -> None:
        waiting = self._waiting.pop(answer["number"], None)
        if waiting is not None:
            self._touched(waiting.watch, waiting.changes)
            for path, why in answer["unsaved"]:
                self._complain(waiting.watch, path, why)
            waiting.go_on()

    def _complain(self, watch: Watch, path: str, why: str) -> None:
        """Once for each step: a disk that is full is full for every file."""
        if not watch.told_of_unsaved:
            watch.told_of_unsaved = True
            shown = path.encode("utf-8", "backslashreplace").decode()
            text = f"polis: {shown!r} is not kept, {why}: polis undo will not bring it back\n"
            self._say(watch.id, text)

    def _lost(self) -> None:
        """A saver was killed. What waits is asked for anew, unless it has seen too many die."""
        for number, waiting in list(self._waiting.items()):
            waiting.tries += 1
            if waiting.tries >= _MOST_TRIES:
                self._fail(number, errno.EIO)

    def _fail(self, number: int, error: int) -> None:
        """What cannot be kept is not changed."""
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            notification.fail(waiting.watch.listener, waiting.note.id, error)


def _pack(watch: Watch, changes: Sequence[_Change]) -> dict[str, Any]:
    return {"step": watch.step, "command": watch.id, "changes": changes}


def _is_new_object(change: _Change) -> bool:
    """What git adds to its objects stays there whatever is taken back, and harms nobody."""
    return change[0] == "creation" and is_object(change[1])


def _without_new_objects(changes: Sequence[_Change]) -> Sequence[_Change]:
    return [change for change in changes if not _is_new_object(change)]

"""Judges what happens below an agent's commands: where listeners, stops and verdicts meet."""

from __future__ import annotations

import errno
import os
import pickle
import select
import signal
from collections.abc import Callable
from typing import Any, Final

from cash.keeper import notification
from cash.keeper.environment import OwnEnvironment
from cash.keeper.execs import Execs
from cash.keeper.gits import Gits
from cash.keeper.ground import Ground
from cash.keeper.judging import Snapshot
from cash.keeper.loop import Loop
from cash.keeper.messages import Failed, Message, Seen, Wrote, to_bytes
from cash.keeper.notification import Notification
from cash.keeper.opening import Opener
from cash.keeper.pending import Pending
from cash.keeper.watch import Watch
from cash.keeper.writes import Writes
from cash.walls import syscalls, trap
from cash.walls.enter import Walls
from cash.walls.plan import writable_places

# How often what was seen is handed to polisd while a command runs, in seconds.
_OFTEN: Final = 1.0
# Which argument of an exec points to its path.
_PATHS: Final = {"execve": 0, "execveat": 1}
_EMPTY_PATH: Final = 0x1000  # AT_EMPTY_PATH, in execveat's flags
_HERE: Final = 0xFFFFFF9C  # AT_FDCWD


class Supervision:
    """ask: asks polisd; False when it is not there. tell: tells it something. is_command: whether a
    pid is a command's first process, which its runner reaps. environment: what every command is
    given."""

    def __init__(
        self,
        loop: Loop,
        walls: Walls,
        ask: Callable[[dict[str, Any]], bool],
        tell: Callable[[Message], None],
        is_command: Callable[[int], bool],
        environment: OwnEnvironment,
    ) -> None:
        self._loop = loop
        self._tell = tell
        ground = Ground(walls.holder)
        gits = Gits(environment.given)
        self._execs = Execs(loop, ground, ask, is_command, environment, gits)
        view = walls.view
        self._pending = Pending(loop, ask)
        own_git = (str(view.git_directory), str(view.tree / ".git"))
        opener = Opener(ground, view.ids if os.geteuid() == 0 else None)
        self._writes = Writes(loop, opener, self._pending, *writable_places(view), own_git, gits)
        # Files are made as their makers ask: the mask is theirs.
        os.umask(0)
        self._watches: list[Watch] = []
        self._is_due = False
        # Stops are told by this signal. Not by a handler: a signal that interrupts an ioctl on a
        # listener can leave a call answered by half.
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
        self._children = syscalls.signalfd((signal.SIGCHLD,))
        loop.watch(self._children, self._collect)

    def obey(self, values: dict[str, Any], descriptors: list[int]) -> None:
        """What polisd says about policy and verdicts."""
        match values["do"]:
            case "enforce":
                with open(descriptors[0], "rb") as file:
                    # polisd's own bytes, over a connection that only its user can have.
                    snapshot = pickle.load(file)
                assert isinstance(snapshot, Snapshot)
                self._execs.enforce(snapshot)
                self._writes.judging = self._execs.judging
            case "verdict" if "write" in values:
                self._writes.settle(values)
            case "verdict":
                self._execs.settle(values)
            case _:
                for watch in self._watches:
                    if watch.id == values["id"]:
                        _predict(watch, values)

    def watch(self, listener: int, values: dict[str, Any]) -> None:
        """Answers the calls that wait at a command's listener from now on."""
        watch = Watch(values["id"], listener, starts=values["judged"] == "line")
        _predict(watch, values)
        self._watches.append(watch)
        self._loop.watch(listener, lambda events: self._notified(watch, events))

    def lose_polisd(self) -> None:
        """Nobody answers any more."""
        self._execs.lose_polisd()
        self._pending.refuse_all()

    def report(self, number: str) -> None:
        """Tells what was seen of a command so far: it has ended."""
        for watch in self._watches:
            if watch.id == number:
                self._hand_on(watch)

    def _notified(self, watch: Watch, events: int) -> None:
        if not events & select.EPOLLIN:
            # Every process under the filter has ended.
            self._loop.forget(watch.listener)
            os.close(watch.listener)
            self._watches.remove(watch)
            self._pending.forget(watch)
            self._hand_on(watch)
            return
        note = notification.receive(watch.listener)
        if note is None:
            return
        try:
            self._answer(watch, note)
        except Exception as fault:
            # Whatever it is, the one call fails, and not the keeper with all that runs.
            notification.fail(watch.listener, note.id, errno.EPERM)
            self._tell(Failed(f"a call could not be judged: {fault!r}", fatal=False))
        self._report_soon()

    def _answer(self, watch: Watch, note: Notification) -> None:
        name = trap.name_of(note.call, syscalls.MACHINE) or ""
        if name not in _PATHS:
            self._writes.notified(watch, note, name)
            return
        path_at = _PATHS.get(name)
        if name == "execveat" and (
            note.arguments[4] & _EMPTY_PATH or note.arguments[0] & 0xFFFFFFFF != _HERE
        ):
            path_at = None
        self._execs.notified(watch, note, path_at=path_at)
        # A stop that has come meanwhile need not wait for its signal.
        self._execs.collect()

    def _collect(self, _events: int) -> None:
        while True:
            try:
                os.read(self._children, 128 * 16)
            except BlockingIOError:
                break
        self._execs.collect()

    def _report_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_later(_OFTEN, self._report_all)

    def _report_all(self) -> None:
        self._is_due = False
        for watch in self._watches:
            self._hand_on(watch)

    def _hand_on(self, watch: Watch) -> None:
        seen, dropped = watch.take_observed()
        if seen or dropped:
            execs = tuple([(one.argv, one.surprise, one.count) for one in seen])
            self._tell(Seen(watch.id, execs, dropped))
        changed, more = watch.take_changed()
        if changed or more:
            self._tell(Wrote(watch.id, tuple(changed), more))


def _predict(watch: Watch, values: dict[str, Any]) -> None:
    predicted = [[to_bytes(word) for word in argv] for argv in values["predicted"]]
    watch.predict(predicted, [to_bytes(name) for name in values["names"]])

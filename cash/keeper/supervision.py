"""Judges what happens below an agent's commands: where listeners, stops and verdicts meet."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import pickle
import select
import signal
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from cash.keeper import notification
from cash.keeper.claims import Claims
from cash.keeper.covering import Covering
from cash.keeper.environment import OwnEnvironment
from cash.keeper.estate import Will
from cash.keeper.execs import Execs
from cash.keeper.gits import Gits
from cash.keeper.ground import Ground
from cash.keeper.judging import Snapshot
from cash.keeper.loop import Loop
from cash.keeper.messages import Failed, Message, Seen, Wrote, to_bytes
from cash.keeper.notification import Notification
from cash.keeper.opening import Opener, null_of
from cash.keeper.own_work import OwnWork
from cash.keeper.pending import Pending
from cash.keeper.recorder import Recorder
from cash.keeper.saving import Saving, store_of
from cash.keeper.watch import Watch
from cash.keeper.writes import Writes
from cash.policy.action import WRITE_KINDS
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
    """ask: asks polisd; False when it is not there. tell: tells it something; is_told: whether it
    has heard everything. is_command: whether a pid is a command's first process, which its runner
    reaps. environment: what every command is given. say: tells a command's user something.
    generation: how many keepers there were."""

    def __init__(
        self,
        loop: Loop,
        walls: Walls,
        ask: Callable[[dict[str, Any]], bool],
        tell: Callable[[Message], None],
        is_told: Callable[[], bool],
        is_command: Callable[[int], bool],
        environment: OwnEnvironment,
        say: Callable[[str, str], None],
        will: Will,
        recorder: Recorder,
        generation: int,
    ) -> None:
        self._loop = loop
        self._tell = tell
        self._is_told = is_told
        self._will = will
        self._recorder = recorder
        ground = Ground(walls.holder)
        self._gits = gits = Gits(environment.given, recorder.set_gits)
        # What polisd still says to an earlier keeper's question is no answer to any of this one's.
        first = generation << 32
        view = walls.view
        covering = Covering.of(view.private, view.private_to)
        places = writable_places(view)
        own = OwnWork(ground, places[0])
        self._execs = Execs(
            loop, ground, ask, is_command, environment, covering, gits, own, say, first
        )
        self._pending = Pending(loop, ask, self._hold, first)
        own_git = (str(view.git_directory), str(view.tree / ".git"))
        opener = Opener(ground, view.ids if os.geteuid() == 0 else None, null_of(ground))
        self._claims = Claims(loop, str(view.tree), ask)
        self.saving = Saving(loop, store_of(view), self._hold, say)
        self._writes = Writes(
            loop, opener, self._pending, *places, own_git, gits, self._claims, self.saving
        )
        # Files are made as their makers ask: the mask is theirs.
        os.umask(0)
        self._watches: dict[int, Watch] = {}
        self._is_due = False
        self._dead: list[int] = []
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
            case "claims":
                self._claims.obey(values)
            case "verdict" if "write" in values:
                self._writes.settle(values)
            case "verdict":
                self._execs.settle(values)
            case _:
                for watch in self._watches.values():
                    if watch.id == values["id"]:
                        _predict(watch, values)
                        if "step" in values:
                            self.saving.begin(watch, values["step"])

    def watch(self, listener: int, values: dict[str, Any]) -> None:
        """Answers the calls that wait at a command's listener from now on."""
        if any(watch.id == values["id"] for watch in self._watches.values()):
            os.close(listener)  # an earlier keeper had taken it up already
            return
        place = next(number for number in itertools.count() if number not in self._watches)
        starts = values["judged"] == "line"
        self._recorder.set_state(place, starts=starts, counted=[0] * len(WRITE_KINDS))
        told = {"command": values["id"], "start": values.get("start"), "judged": values["judged"]}
        watch = self._add_watch(place, listener, told)
        _predict(watch, values)
        self._loop.watch(listener, partial(self._notified, watch))

    def _add_watch(self, place: int, listener: int, told: dict[str, Any]) -> Watch:
        """told: what the next keeper is to know; its start: to compare the first exec with."""
        self._will.leave("listener", str(place), told, listener)
        starts, counted = self._recorder.state(place)
        shared = (self._recorder, self._will, place)
        watch = Watch(told["command"], listener, *shared, starts, counted=counted)
        start = told["start"]
        watch.start = None if start is None else tuple([to_bytes(word) for word in start])
        watch.errand = told["judged"] == "errand"
        self._watches[place] = watch
        return watch

    # After a keeper that was killed

    def inherit(self, place: int, listener: int, values: dict[str, Any]) -> None:
        """A listener of an earlier keeper's; what waits there waits until take_over()."""
        told = {name: values[name] for name in ("command", "start", "judged")}
        watch = self._add_watch(place, listener, told)
        _predict(watch, values)

    def take_over(self) -> tuple[tuple[str, ...], ...]:
        """Goes on where the earlier keeper was killed, once there is a policy; the words of the
        execs that were being judged then: those have died."""
        died: dict[int, tuple[str, ...]] = {}
        for what, place, *rest in self._recorder.notes():
            watch = self._watches.get(place)
            match what, rest:
                case (("exec" | "under way"), [tid, words, *surprise]):
                    died[tid] = tuple(words)
                    if surprise and watch is not None:
                        watch.observe_before(tuple(words), surprise=surprise[0])
                case "judged", [tid]:
                    died.pop(tid, None)
                case "wrote", [path, kind] if watch is not None:
                    watch.wrote_before(path, kind)
                case "gits", [pids]:
                    self._gits.take_up(pids)
                case _:
                    pass  # of a command that is no more
        for place, raw in self._recorder.calls():
            note, watch = notification.unpack(raw), self._watches.get(place)
            if watch is not None and notification.is_waiting(watch.listener, note.id):
                died.pop(note.tid, None)
                self._answer_safely(watch, note)
        for watch in self._watches.values():
            self._loop.watch(watch.listener, partial(self._notified, watch))
        self._dead = list(died)
        return tuple(died.values())

    def forget_dead(self) -> None:
        """Those are told of, and everything else can be."""
        for tid in self._dead:
            self._recorder.died(tid)
        self._dead = []
        self._report_all()

    def _hold(self, watch: Watch, note: Notification) -> bool:
        """It is answered later, by this keeper or the next; False: it cannot be."""
        return self._recorder.hold(watch.place, note, self._waits)

    def _waits(self, place: int, number: int) -> bool:
        watch = self._watches.get(place)
        return watch is not None and notification.is_waiting(watch.listener, number)

    def meet_polisd(self) -> None:
        """Somebody listens again."""
        self._claims.meet_polisd()
        self._report_soon()

    def lose_polisd(self) -> None:
        """Nobody answers any more."""
        self._claims.lose_polisd()
        self._execs.lose_polisd()
        self._pending.refuse_all()

    def report(self, number: str) -> None:
        """Tells what was seen of a command so far: it has ended."""
        for watch in self._watches.values():
            if watch.id == number:
                self._hand_on(watch)
                self.saving.end(watch)

    def _notified(self, watch: Watch, events: int) -> None:
        if not events & select.EPOLLIN:
            # Every process under the filter has ended.
            self._loop.forget(watch.listener)
            self._will.take_back("listener", str(watch.place))
            self._will.take_back("prediction", str(watch.place))
            os.close(watch.listener)
            del self._watches[watch.place]
            self._pending.forget(watch)
            self.saving.forget(watch)
            self._hand_on(watch)
            return
        note = notification.receive(watch.listener, self._recorder.open_hand(watch.place))
        if note is None:
            return
        self._answer_safely(watch, note)
        if self._recorder.is_filling:
            self._report_all()
        self._report_soon()

    def _answer_safely(self, watch: Watch, note: Notification) -> None:
        try:
            self._answer(watch, note)
        except Exception as fault:
            # Whatever it is, the one call fails, and not the keeper with all that runs.
            notification.fail(watch.listener, note.id, errno.EPERM)
            self._tell(Failed(f"a call could not be judged: {fault!r}", fatal=False))

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

    def _collect(self, _events: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._children, 128 * 16)  # many ends are one signal
        self._execs.collect()

    def _report_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_later(_OFTEN, self._report_all)

    def _report_all(self) -> None:
        self._is_due = False
        if not self._will.is_heard():
            return  # it is kept, counted, until somebody comes
        for watch in self._watches.values():
            self._hand_on(watch)
        if self._is_told():
            self._recorder.forget()

    def _hand_on(self, watch: Watch) -> None:
        seen, dropped = watch.take_observed()
        if seen or dropped:
            execs = tuple([(one.argv, one.surprise, one.count) for one in seen])
            self._tell(Seen(watch.id, execs, dropped))
        changed, more, moved = watch.take_changed()
        if changed or more:
            self._tell(Wrote(watch.id, tuple(changed), more, moved))


def _predict(watch: Watch, values: dict[str, Any]) -> None:
    predicted = [[to_bytes(word) for word in argv] for argv in values["predicted"]]
    watch.predict(predicted, [to_bytes(name) for name in values["names"]])

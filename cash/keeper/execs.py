"""Every exec below a command, from the call to its verdict.

The call waits (seccomp). If there is such a program, its process is seized and the call goes on;
at the exec stop, where nothing can be changed any more, what it became is judged. It is let go,
or turned into another program, or held until polisd has said what it is to be. Whoever started it
waits for none of this: for a parent, the exec is done when its stop begins.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from cash.keeper import notification, standins, tracing
from cash.keeper.copies import Copies
from cash.keeper.environment import OwnEnvironment, is_started_by_git, words_of_git
from cash.keeper.faces import Face, faces_of, path_of
from cash.keeper.gits import Gits
from cash.keeper.ground import Ground
from cash.keeper.image import Image, Unreadable, read_image
from cash.keeper.judging import Judging, Snapshot
from cash.keeper.loop import Loop
from cash.keeper.messages import to_text
from cash.keeper.notification import Notification
from cash.keeper.redirect import redirect
from cash.keeper.standins import StandIn
from cash.keeper.target import leader_of, path_of_exec
from cash.keeper.tracing import MACHINES
from cash.keeper.waiting import Waiting
from cash.keeper.watch import Watch
from cash.walls import syscalls

# An exec that failed leaves its process seized; after so long it is looked at.
_MOMENT: Final = 0.02
_REFUSED: Final = 126
_NO_POLICY: Final = "polis: no policy is in force here\nhint: polis policy list\n"
_NO_POLISD: Final = (
    "polis: polisd is not there to judge this\nhint: run any polis command, then send it again\n"
)


@dataclass(slots=True)
class _Traced:
    """A process that is seized. leader: its first thread, where another one asked. starter: the
    words of the git that it was before. becoming: the stand-in it is turned into. gift: a
    descriptor for that, and its number there. judging: what it was judged by; meanwhile there may
    be another."""

    watch: Watch
    leader: int = 0
    starter: tuple[bytes, ...] = ()
    image: Image | None = None
    faces: tuple[Face, ...] = ()
    key: tuple[object, ...] = ()
    number: int = 0
    becoming: StandIn | None = None
    gift: tuple[int, int] = (-1, -1)
    judging: Judging | None = None


@dataclass(slots=True)
class Execs:
    """All execs of one keeper's agent.

    ask: sends a question to polisd; False when it is not there. is_child: whether a process is a
    command's own, whose end its runner takes. environment: what every command is given."""

    loop: Loop
    ground: Ground
    ask: Callable[[dict[str, Any]], bool]
    is_child: Callable[[int], bool]
    environment: OwnEnvironment
    gits: Gits
    judging: Judging | None = None
    copies: Copies | None = None
    waiting: Waiting = field(init=False)
    _traced: dict[int, _Traced] = field(default_factory=dict)
    _asked: dict[int, int] = field(default_factory=dict)
    _last: int = 0

    def __post_init__(self) -> None:
        self.waiting = Waiting(self.loop, self.ask)

    def enforce(self, snapshot: Snapshot) -> None:
        """Judges by this from now on; what hangs on a verdict is judged by who was asked."""
        self.judging = Judging(snapshot)
        self.copies = Copies(snapshot.context.identities)

    # The call

    def notified(self, watch: Watch, note: Notification, *, path_at: int | None) -> None:
        """An exec waits. path_at: which of its arguments points to the path; None: it names an
        open file."""
        traced = self._traced.get(note.tid)
        if traced is not None and traced.becoming is not None:
            self._give(traced, note)
            notification.let_go_on(watch.listener, note.id)
            return
        try:
            self._examine(watch, note, path_at)
        except OSError as fault:
            # Whatever it is (a program whose memory nobody may read), it does not run unseen.
            notification.fail(watch.listener, note.id, fault.errno or errno.EACCES)

    def _examine(self, watch: Watch, note: Notification, path_at: int | None) -> None:
        path = None if path_at is None else path_of_exec(note, path_at)
        error = self.ground.why_not(path) if path else 0
        if error:
            notification.fail(watch.listener, note.id, error)
            return
        if not notification.is_waiting(watch.listener, note.id):
            return
        tid = note.tid
        self._seize(tid, watch)
        self._traced[tid].starter = words_of_git(tid)
        if notification.let_go_on(watch.listener, note.id):
            self.loop.call_later(_MOMENT, lambda: self._look_after(tid))
        else:
            self._look_after(tid)

    def _seize(self, tid: int, watch: Watch) -> None:
        """Also what is thought to be seized already: a number is given to others."""
        try:
            tracing.seize(tid)
        except PermissionError:
            if tid not in self._traced:
                raise
            self._traced[tid].watch = watch
        else:
            self._traced[tid] = traced = _Traced(watch)
            traced.leader = leader_of(tid)

    def _look_after(self, tid: int) -> None:
        """It has not stopped: its exec failed, or takes long. Its next stop tells."""
        traced = self._traced.get(tid)
        if traced is not None and traced.image is None:
            with contextlib.suppress(OSError):
                tracing.interrupt(tid)

    def _give(self, traced: _Traced, note: Notification) -> None:
        ours, theirs = traced.gift
        if ours >= 0:
            with contextlib.suppress(OSError):
                notification.give_as(traced.watch.listener, note.id, ours, theirs)
            os.close(ours)
            traced.gift = (-1, -1)

    # The stop

    def collect(self) -> None:
        """Takes every stop and end of what is seized."""
        for tid in list(self._traced):
            while tid in self._traced:
                stop = tracing.next_stop(tid, is_child=self.is_child(tid))
                if stop is None:
                    break
                leader = self._rename(tid) if isinstance(stop, tracing.Gone) else 0
                if leader:
                    tid = leader
                else:
                    self._meet(tid, stop)

    def _rename(self, tid: int) -> int:
        """A thread that is gone may have become the first one, number and all: an exec does that,
        some time before its stop. Its number then; 0: it has ended."""
        leader = self._traced[tid].leader
        if not leader or leader in self._traced or not tracing.is_traced(leader):
            return 0
        self._traced[leader] = traced = self._traced.pop(tid)
        traced.leader = 0
        return leader

    def _meet(self, tid: int, stop: tracing.Stop) -> None:
        try:
            match stop:
                case tracing.Exec():
                    self._met_exec(tid)
                case tracing.Stopped(number):
                    self._met_signal(tid, number)
                case tracing.Gone():
                    self._drop(tid)
        except OSError:
            self._end(tid)  # killed while it was looked at, or never to be looked at

    def _met_signal(self, tid: int, number: int) -> None:
        """No exec is under way here: it failed, or the injected one has not begun."""
        if self._traced[tid].becoming is not None:
            tracing.resume(tid, number)
        else:
            tracing.release(tid, number)
            self._drop(tid)

    def _met_exec(self, tid: int) -> None:
        traced = self._traced[tid]
        try:
            image = read_image(tid, MACHINES[syscalls.MACHINE])
        except Unreadable:
            self._end(tid)
            return
        if traced.becoming is not None:
            self._met_stand_in(tid, traced, image)
            return
        traced.image = image
        self.gits.started(tid, image)
        if traced.watch.takes_start():
            self._release(tid)
        elif self.judging is None or self.copies is None:
            self._turn(tid, standins.refuser(_NO_POLICY, _REFUSED))
        else:
            self._judge(tid, traced, image, self.judging, self.copies)

    def _met_stand_in(self, tid: int, traced: _Traced, image: Image) -> None:
        """The stand-in stands at its first instruction, if it is the one that was meant."""
        wanted = traced.becoming
        assert wanted is not None
        try:
            place = self.ground.look(wanted.program)
        except OSError:
            self._end(tid)
            return
        is_same = (image.device, image.inode) == (place.st_dev, place.st_ino)
        if is_same and image.argv == wanted.argv:
            self._release(tid)
        else:
            self._end(tid)

    def _judge(
        self, tid: int, traced: _Traced, image: Image, judging: Judging, copies: Copies
    ) -> None:
        watch = traced.watch
        traced.faces = faces = faces_of(tid, image, self.ground, copies)
        if self.waiting.is_allowed(tid, (image.key, faces)):
            self._release(tid)
            return
        surprise = watch.is_surprise(image.argv)
        watch.observe(image.argv, surprise=surprise)
        traced.judging = judging
        # All that rules can ask about. A path or an inode alone may be another program by now.
        traced.key = key = (faces, image.cwd, surprise)
        if judging.is_known(key):
            self._release(tid)
        elif judging.allows(faces, image.cwd, surprise=surprise):
            judging.remember(key)
            self._release(tid)
        else:
            self._ask(tid, traced, surprise=surprise)

    def _ask(self, tid: int, traced: _Traced, *, surprise: bool) -> None:
        image = traced.image
        assert image is not None
        self._last += 1
        traced.number = self._last
        told = self.environment.told(tid, image)
        question = {
            "number": traced.number,
            "command": traced.watch.id,
            "faces": [face.pack() for face in traced.faces],
            "argv": [to_text(word) for word in image.argv],
            "name": to_text(image.name),
            "cwd": image.cwd,
            "environment": [to_text(entry) for entry in told],
            "surprise": surprise,
            "by_git": is_started_by_git(tid),
            "starter": [to_text(word) for word in traced.starter],
            "pid": tid,
        }
        self._asked[traced.number] = tid
        if not self.ask(question):
            del self._asked[traced.number]
            self._turn(tid, standins.refuser(_NO_POLISD, _REFUSED))

    # The verdict

    def settle(self, values: dict[str, Any]) -> None:
        """polisd's word on what it was asked: allow, refuse, run (bash text instead), wait."""
        tid = self._asked.pop(values["number"], 0)
        traced = self._traced.get(tid)
        if traced is None or traced.image is None or traced.number != values["number"]:
            self.waiting.settle(values)
            return
        text = str(values.get("text") or "")
        try:
            match values["verdict"]:
                case "allow":
                    self._allow(tid, traced, values)
                case "refuse":
                    self._turn(tid, standins.refuser(text, int(values["status"])))
                case "run":
                    self._turn(tid, standins.runner(text))
                case _:
                    self._wait(tid, traced, text)
        except OSError:
            self._end(tid)

    def lose_polisd(self) -> None:
        """Nobody answers any more what was asked."""
        for number, tid in list(self._asked.items()):
            del self._asked[number]
            if tid in self._traced:
                self._turn(tid, standins.refuser(_NO_POLISD, _REFUSED))
        self.waiting.end_all(_NO_POLISD, _REFUSED)

    def _allow(self, tid: int, traced: _Traced, values: dict[str, Any]) -> None:
        predicted = [[os.fsencode(word) for word in argv] for argv in values.get("predicted", ())]
        names = [os.fsencode(name) for name in values.get("names", ())]
        traced.watch.predict(predicted, names)
        if values.get("keep") and traced.judging is not None:
            traced.judging.remember(traced.key)
        if values.get("until_it_ends"):
            self.waiting.watch_end(tid, values["number"])
        self._release(tid)

    def _wait(self, tid: int, traced: _Traced, text: str) -> None:
        image, faces = traced.image, traced.faces
        assert image is not None
        number = _free_descriptor(tid)
        path = path_of(image, faces)
        machine = MACHINES[syscalls.MACHINE]
        stand_in = standins.waiter(
            text, number, machine.call, path, faces[0].argv, image.environment
        )
        if not self._turn(tid, stand_in):
            self.ask({"abandoned": traced.number})
            return
        ours, theirs = os.pipe()
        traced.gift = (ours, number)
        self.waiting.add(traced.number, tid, (image.key, faces), theirs)

    def _turn(self, tid: int, stand_in: StandIn) -> bool:
        """Has it become another program: False when it became one that says why not. One that
        cannot be turned at all, ends."""
        traced = self._traced[tid]
        assert traced.image is not None
        try:
            try:
                redirect(tid, traced.image, MACHINES[syscalls.MACHINE], stand_in)
                is_turned = True
            except ValueError:
                stand_in, is_turned = standins.refuser(standins.TOO_LONG, _REFUSED), False
                redirect(tid, traced.image, MACHINES[syscalls.MACHINE], stand_in)
            traced.becoming = stand_in
            tracing.resume(tid)
        except (OSError, ValueError):
            self._end(tid)
            return False
        return is_turned

    def _release(self, tid: int) -> None:
        try:
            tracing.release(tid)
        except OSError:
            self._end(tid)  # killed meanwhile: nobody else can bury it before us
        else:
            self._drop(tid)

    def _end(self, tid: int) -> None:
        tracing.kill(tid)
        self._drop(tid, keep=True)

    def _drop(self, tid: int, *, keep: bool = False) -> None:
        """Forgets it. keep: it still has to be waited for."""
        traced = self._traced[tid] if keep else self._traced.pop(tid, None)
        if traced is None:
            return
        if traced.gift[0] >= 0:
            os.close(traced.gift[0])
            traced.gift = (-1, -1)
        self._asked.pop(traced.number, None)


def _free_descriptor(pid: int) -> int:
    """The lowest number above 2 that is free there: it may have few left. OSError."""
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in range(3, len(taken) + 4) if number not in taken)

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
from cash.keeper.covering import Covering
from cash.keeper.environment import OwnEnvironment, is_started_by_git, words_of_git
from cash.keeper.faces import faces_of, path_of
from cash.keeper.gits import Gits
from cash.keeper.ground import Ground
from cash.keeper.image import Image, Unreadable, read_image
from cash.keeper.judging import Judging, Snapshot
from cash.keeper.loop import Loop
from cash.keeper.messages import to_text
from cash.keeper.notification import Notification
from cash.keeper.own_work import OwnWork
from cash.keeper.redirect import redirect
from cash.keeper.seizing import AlreadyTraced, Seized, Seizing
from cash.keeper.standins import StandIn
from cash.keeper.target import path_of_exec, program_of
from cash.keeper.tracing import MACHINES
from cash.keeper.waiting import Waiting
from cash.keeper.watch import Watch
from cash.walls import syscalls

_REFUSED: Final = 126
_BASH: Final = b"/bin/bash"
_NO_POLICY: Final = "polis: no policy is in force here\nhint: polis policy list\n"
_STRANGER: Final = "polis: an errand of polis' own starts no program of the agent's\n"
_NO_POLISD: Final = (
    "polis: polisd is not there to judge this\nhint: run any polis command, then send it again\n"
)


@dataclass(slots=True)
class Execs:
    """All execs of one keeper's agent.

    ask: sends a question to polisd; False when it is not there. is_child: whether a process is a
    command's own, whose end its runner takes. environment: what every command is given. covering:
    what of a command's own not every program is to see. own_work: what polisd's errands may start.
    say: tells whoever sent a command something, on standard error. last: the number of the question
    asked last, by an earlier keeper too."""

    loop: Loop
    ground: Ground
    ask: Callable[[dict[str, Any]], bool]
    is_child: Callable[[int], bool]
    environment: OwnEnvironment
    covering: Covering
    gits: Gits
    own_work: OwnWork
    say: Callable[[str, str], None]
    last: int
    judging: Judging | None = None
    copies: Copies | None = None
    waiting: Waiting = field(init=False)
    seizing: Seizing = field(init=False)
    _asked: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.waiting = Waiting(self.loop, self.ask)
        self.seizing = Seizing(self.loop, self.is_child, self._met_exec)

    def enforce(self, snapshot: Snapshot) -> None:
        """Judges by this from now on; what hangs on a verdict is judged by who was asked."""
        self.judging = Judging(snapshot)
        self.copies = Copies(snapshot.context.identities)

    # The call

    def notified(self, watch: Watch, note: Notification, *, path_at: int | None) -> None:
        """An exec waits. path_at: which of its arguments points to the path; None: it names an
        open file."""
        seized = self.seizing.get(note.tid)
        if seized is not None and seized.becoming is not None:
            _give(seized, note)
            notification.let_go_on(watch.listener, note.id)
            return
        try:
            self._examine(watch, note, path_at)
        except AlreadyTraced:
            notification.fail(watch.listener, note.id, errno.EPERM)
            if not watch.told_of_tracing:
                watch.told_of_tracing = True
                self.say(watch.id, standins.TRACED)
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
        watch.recorder.seized(watch.place, note.tid, os.fsdecode(path or b"(an open file)"))
        seized = self.seizing.seize(note.tid, watch)
        seized.starter = words_of_git(note.tid)
        seized.before = program_of(note.tid) if watch.errand else ""
        if notification.let_go_on(watch.listener, note.id):
            self.seizing.look_after(seized)
        else:
            self.seizing.look_after(seized, 0)

    # The stop

    def collect(self) -> None:
        """Takes every stop and end of what is seized."""
        self.seizing.collect()

    def _met_exec(self, tid: int, seized: Seized) -> None:
        machine = MACHINES[syscalls.MACHINE]
        try:
            image = read_image(tid, machine)
        except Unreadable:
            self.seizing.end(tid)
            return
        if seized.becoming is not None:
            self._met_stand_in(tid, seized, image)
            return
        seized.image = image = self.covering.cover(tid, image.registers[machine.stack], image)
        self.gits.started(tid, image)
        if seized.watch.errand:
            self._look_at_errand(tid, seized, image)
        elif seized.watch.takes_start() and self._is_start(seized.watch, image):
            self.seizing.release(tid)
        elif self.judging is None or self.copies is None:
            self._turn(tid, seized, standins.refuser(_NO_POLICY, _REFUSED))
        else:
            self._judge(tid, seized, image, self.judging, self.copies)

    def _look_at_errand(self, tid: int, seized: Seized, image: Image) -> None:
        watch = seized.watch
        if self.own_work.holds(image, seized.before):
            self.seizing.release(tid)
            return
        if not watch.told_of_stranger:
            watch.told_of_stranger = True
            words = [to_text(word) for word in image.argv]
            self.ask({"stranger": words, "command": watch.id, "program": image.file})
        self._turn(tid, seized, standins.refuser(_STRANGER, _REFUSED))

    def _is_start(self, watch: Watch, image: Image) -> bool:
        """Whether it has become what its command was to become. Where there are debuggers, one may
        have held it before its exec."""
        if watch.start is None:
            return True
        try:
            bash = self.ground.look(_BASH)
        except OSError:
            return False
        is_bash = (image.device, image.inode) == (bash.st_dev, bash.st_ino)
        return is_bash and image.argv == watch.start

    def _met_stand_in(self, tid: int, seized: Seized, image: Image) -> None:
        """The stand-in stands at its first instruction, if it is the one that was meant."""
        wanted = seized.becoming
        assert wanted is not None
        try:
            place = self.ground.look(wanted.program)
        except OSError:
            self.seizing.end(tid)
            return
        is_same = (image.device, image.inode) == (place.st_dev, place.st_ino)
        if is_same and image.argv == wanted.argv:
            self.seizing.release(tid)
        else:
            self.seizing.end(tid)

    def _judge(
        self, tid: int, seized: Seized, image: Image, judging: Judging, copies: Copies
    ) -> None:
        watch = seized.watch
        seized.faces = faces = faces_of(tid, image, self.ground, copies)
        if self.waiting.is_allowed(tid, (image.key, faces)):
            self.seizing.release(tid)
            return
        surprise = watch.is_surprise(image.argv)
        watch.observe(tid, image.argv, surprise=surprise)
        seized.judging = judging
        # All that rules can ask about. A path or an inode alone may be another program by now.
        seized.key = key = (faces, image.cwd, surprise)
        if judging.is_known(key):
            self.seizing.release(tid)
        elif judging.allows(faces, image.cwd, surprise=surprise):
            judging.remember(key)
            self.seizing.release(tid)
        else:
            self._ask(tid, seized, surprise=surprise)

    def _ask(self, tid: int, seized: Seized, *, surprise: bool) -> None:
        image = seized.image
        assert image is not None
        self.last += 1
        seized.number = self.last
        told = self.environment.told(tid, image)
        question = {
            "number": seized.number,
            "command": seized.watch.id,
            "faces": [face.pack() for face in seized.faces],
            "argv": [to_text(word) for word in image.argv],
            "name": to_text(image.name),
            "cwd": image.cwd,
            "environment": [to_text(entry) for entry in told],
            "surprise": surprise,
            "by_git": is_started_by_git(tid),
            "starter": [to_text(word) for word in seized.starter],
            "pid": tid,
        }
        self._asked[seized.number] = tid
        if not self.ask(question):
            del self._asked[seized.number]
            self._turn(tid, seized, standins.refuser(_NO_POLISD, _REFUSED))

    # The verdict

    def settle(self, values: dict[str, Any]) -> None:
        """polisd's word on what it was asked: allow, refuse, run (bash text instead), wait."""
        tid = self._asked.pop(values["number"], 0)
        seized = self.seizing.get(tid)
        if seized is None or seized.image is None or seized.number != values["number"]:
            self.waiting.settle(values)
            return
        text = str(values.get("text") or "")
        try:
            match values["verdict"]:
                case "allow":
                    self._allow(tid, seized, values)
                case "refuse":
                    self._turn(tid, seized, standins.refuser(text, int(values["status"])))
                case "run":
                    self._turn(tid, seized, standins.runner(text))
                case _:
                    self._wait(tid, seized, text)
        except OSError:
            self.seizing.end(tid)

    def lose_polisd(self) -> None:
        """Nobody answers any more what was asked."""
        for number, tid in list(self._asked.items()):
            del self._asked[number]
            seized = self.seizing.get(tid)
            if seized is not None and seized.number == number:
                self._turn(tid, seized, standins.refuser(_NO_POLISD, _REFUSED))
        self.waiting.end_all(_NO_POLISD, _REFUSED)

    def _allow(self, tid: int, seized: Seized, values: dict[str, Any]) -> None:
        predicted = [[os.fsencode(word) for word in argv] for argv in values.get("predicted", ())]
        names = [os.fsencode(name) for name in values.get("names", ())]
        seized.watch.predict(predicted, names)
        if values.get("keep") and seized.judging is not None:
            seized.judging.remember(seized.key)
        if values.get("until_it_ends"):
            self.waiting.watch_end(tid, values["number"], seized.watch.id)
        self.seizing.release(tid)

    def _wait(self, tid: int, seized: Seized, text: str) -> None:
        image, faces = seized.image, seized.faces
        assert image is not None
        number = _free_descriptor(tid)
        path = path_of(image, faces)
        machine = MACHINES[syscalls.MACHINE]
        stand_in = standins.waiter(
            text, number, machine.call, path, faces[0].argv, image.environment
        )
        if not self._turn(tid, seized, stand_in):
            self.ask({"abandoned": seized.number})
            return
        ours, theirs = os.pipe()
        seized.gift = (ours, number)
        key = (image.key, faces)
        self.waiting.add(seized.number, tid, seized.watch.id, key, theirs)

    def _turn(self, tid: int, seized: Seized, stand_in: StandIn) -> bool:
        """Has it become another program: False when it became one that says why not. One that
        cannot be turned at all, ends."""
        assert seized.image is not None
        try:
            try:
                redirect(tid, seized.image, MACHINES[syscalls.MACHINE], stand_in)
                is_turned = True
            except ValueError:
                stand_in, is_turned = standins.refuser(standins.TOO_LONG, _REFUSED), False
                redirect(tid, seized.image, MACHINES[syscalls.MACHINE], stand_in)
            seized.becoming = stand_in
            tracing.resume(tid)
        except (OSError, ValueError):
            self.seizing.end(tid)
            return False
        return is_turned


def _give(seized: Seized, note: Notification) -> None:
    ours, theirs = seized.gift
    if ours >= 0:
        with contextlib.suppress(OSError):
            notification.give_as(seized.watch.listener, note.id, ours, theirs)
        os.close(ours)
        seized.gift = (-1, -1)


def _free_descriptor(pid: int) -> int:
    """The lowest number above 2 that is free there: it may have few left. OSError."""
    taken = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    return next(number for number in range(3, len(taken) + 4) if number not in taken)

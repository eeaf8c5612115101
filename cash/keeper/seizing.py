"""The processes that are seized (ptrace), each from its exec's call to the end of its verdict."""

from __future__ import annotations

import contextlib
import math
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cash.keeper import tracing
from cash.keeper.faces import Face
from cash.keeper.image import Image
from cash.keeper.judging import Judging
from cash.keeper.loop import Loop
from cash.keeper.standins import StandIn
from cash.keeper.target import leader_of
from cash.keeper.watch import Watch

# An exec that failed leaves its process seized; after so long it is looked at.
_MOMENT: Final = 0.02


class AlreadyTraced(PermissionError):
    """Somebody inside traces it (a view with debug), so its exec cannot be looked at."""


@dataclass(slots=True)
class Seized:
    """A process that is seized. leader: its first thread, where another one asked. starter: the
    words of the git that it was before; before: the program that an errand's process was. becoming:
    the stand-in it is turned into. gift: a descriptor for that, and its number there. judging: what
    it was judged by; meanwhile there may be another. due: when it is looked at, if it has not
    stopped by then (time.monotonic)."""

    watch: Watch
    leader: int = 0
    starter: tuple[bytes, ...] = ()
    before: str = ""
    image: Image | None = None
    faces: tuple[Face, ...] = ()
    key: tuple[object, ...] = ()
    number: int = 0
    becoming: StandIn | None = None
    gift: tuple[int, int] = (-1, -1)
    judging: Judging | None = None
    due: float = math.inf


@dataclass(slots=True)
class Seizing:
    """All of one keeper's. is_child: whether a process is a command's own, whose end its runner
    takes. met_exec: called with each that stands at the first instruction of a program."""

    loop: Loop
    is_child: Callable[[int], bool]
    met_exec: Callable[[int, Seized], None]
    _seized: dict[int, Seized] = field(default_factory=dict)
    _is_looking: bool = False

    def get(self, tid: int) -> Seized | None:
        """What is known of a thread that is seized."""
        return self._seized.get(tid)

    def seize(self, tid: int, watch: Watch) -> Seized:
        """Also what is thought to be seized already: a number is given to others. OSError;
        AlreadyTraced when it is somebody else who looks at it."""
        try:
            tracing.seize(tid)
        except PermissionError as fault:
            tracer = tracing.tracer_of(tid)
            if tracer != os.getpid() or tid not in self._seized:
                raise (AlreadyTraced(*fault.args) if tracer else fault) from None
            self._seized[tid].watch = watch
        else:
            self._seized[tid] = seized = Seized(watch)
            seized.leader = leader_of(tid)
        return self._seized[tid]

    def look_after(self, seized: Seized, seconds: float = _MOMENT) -> None:
        """If it has not stopped by then, its exec failed or takes long: its next stop tells."""
        seized.due = time.monotonic() + seconds
        # One timer for all of them: each would wake the keeper for an exec long done.
        if not self._is_looking or not seconds:
            self._look_in(seconds)

    def _look_in(self, seconds: float) -> None:
        self._is_looking = True
        self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._is_looking = False
        now, later = time.monotonic(), math.inf
        for tid, seized in self._seized.items():
            if seized.image is not None:
                continue
            if seized.due > now:
                later = min(later, seized.due)
                continue
            seized.due = math.inf
            with contextlib.suppress(OSError):
                tracing.interrupt(tid)
        if later < math.inf:
            self._look_in(later - now)

    def collect(self) -> None:
        """Takes every stop and end that has come."""
        for tid in list(self._seized):
            number = tid
            while number in self._seized:
                stop = tracing.next_stop(number, is_child=self.is_child(number))
                if stop is None:
                    break
                leader = self._rename(number) if isinstance(stop, tracing.Gone) else 0
                if leader:
                    number = leader
                else:
                    self._meet(number, stop)

    def _rename(self, tid: int) -> int:
        """A thread that is gone may have become the first one, number and all: an exec does that,
        some time before its stop. Its number then; 0: it has ended."""
        leader = self._seized[tid].leader
        if not leader or leader in self._seized or not tracing.is_traced(leader):
            return 0
        self._seized[leader] = seized = self._seized.pop(tid)
        seized.leader = 0
        return leader

    def _meet(self, tid: int, stop: tracing.Stop) -> None:
        seized = self._seized[tid]
        try:
            match stop:
                case tracing.Exec():
                    self.met_exec(tid, seized)
                case tracing.Stopped(number):
                    self._met_signal(tid, seized, number)
                case tracing.Gone():
                    self._drop(tid)
        except OSError:
            self.end(tid)  # killed while it was looked at, or never to be looked at
        except Exception:
            # What cannot be judged does not run, and the keeper outlives it.
            traceback.print_exc()
            self.end(tid)

    def _met_signal(self, tid: int, seized: Seized, number: int) -> None:
        """No exec is under way here: it failed, or the injected one has not begun."""
        if seized.becoming is not None:
            tracing.resume(tid, number)
        else:
            tracing.release(tid, number)
            self._drop(tid)

    def release(self, tid: int) -> None:
        """Lets it go on as what it has become."""
        try:
            tracing.release(tid)
        except OSError:
            self.end(tid)  # killed meanwhile: nobody else can bury it before us
        else:
            self._drop(tid)

    def end(self, tid: int) -> None:
        """Kills it; it is forgotten once it has ended."""
        tracing.kill(tid)
        if tid in self._seized:
            self._take_back(self._seized[tid])

    def _drop(self, tid: int) -> None:
        seized = self._seized.pop(tid)
        seized.watch.recorder.judged(tid)
        self._take_back(seized)

    def _take_back(self, seized: Seized) -> None:
        if seized.gift[0] >= 0:
            os.close(seized.gift[0])
            seized.gift = (-1, -1)

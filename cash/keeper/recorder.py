"""What a keeper that is killed leaves to the next: memory that polisd holds too.

A call that was received is the listener's no longer: only who knows its number can answer it. So
the kernel writes the one in hand right here, and those are noted that wait for a word of polisd's
or for a fifo's reader; and what was seen of execs and writes, until polisd has heard of it. A note
costs a microsecond or two, and no system call.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from cash.keeper.notification import EMPTY, ROOM, SIZE, Notification, unpack
from cash.policy.action import WRITE_KINDS

_KEY: Final = struct.Struct("=Q")
_CALL: Final = _KEY.size + SIZE
_IN_HAND: Final = _KEY.size + ROOM
_MOST_HELD: Final = 4095
# Whether its start is to come, and a count for each of WRITE_KINDS.
_STATE: Final = struct.Struct(f"=B{len(WRITE_KINDS)}I")
_MOST_COUNTED: Final = (1 << 32) - 1
_MOST_PLACES: Final = 4096
_LENGTH: Final = struct.Struct("=I")
_STATES_AT: Final = _IN_HAND + _MOST_HELD * _CALL
_PLACES_OF_HELD: Final = range(_IN_HAND, _STATES_AT, _CALL)
_NOTES_AT: Final = _STATES_AT + _MOST_PLACES * _STATE.size
_MOST_NOTES: Final = 1 << 18
_FULL: Final = _MOST_NOTES // 2
# A text in JSON. Of the notes that each exec and each write makes, it is all that takes an encoder.
_quote: Final = json.encoder.encode_basestring_ascii
_SIZE: Final = _NOTES_AT + _LENGTH.size + _MOST_NOTES


class Recorder:
    """descriptor: the memory, for whoever is to hold it too. A place is a watch's own number."""

    def __init__(self, descriptor: int = -1) -> None:
        """descriptor: of an earlier keeper's; its own from now on."""
        if descriptor < 0:
            descriptor = os.memfd_create("recorder", os.MFD_CLOEXEC)
            os.ftruncate(descriptor, _SIZE)
        self.descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _SIZE)
        self._hand = memoryview(self._memory)[_KEY.size : _IN_HAND]
        self._held: dict[tuple[int, int], int] = {}
        self._free = list(_PLACES_OF_HELD)
        self._under_way: dict[int, tuple[int, Any]] = {}
        self._gits: list[int] = []
        (self._end,) = _LENGTH.unpack_from(self._memory, _NOTES_AT)

    # Calls

    def open_hand(self, place: int) -> memoryview:
        """Where the next call of this place is to be received, empty: from that moment on it is
        here."""
        self._hand[:SIZE] = EMPTY
        _KEY.pack_into(self._memory, 0, place + 1)
        return self._hand

    def hold(self, place: int, note: Notification, waits: Callable[[int, int], bool]) -> bool:
        """A call that is answered later; False when there is no room for one more, which nobody
        would answer should this keeper be killed. waits: whether one of these still does, by its
        place and number: asked when there is no room, so that no answer need be noted."""
        key = (place, note.id)
        if key in self._held:
            return True
        if not self._free:
            self._held = {one: at for one, at in self._held.items() if waits(*one)}
            self._free = list(set(_PLACES_OF_HELD).difference(self._held.values()))
        if not self._free:
            return False
        at = self._held[key] = self._free.pop()
        self._memory[at : at + _CALL] = _KEY.pack(place + 1) + note.raw
        return True

    def calls(self) -> Iterator[tuple[int, bytes]]:
        """The place and the raw notification of each call that may wait still. They stay noted: the
        keeper that takes them up may be killed over it."""
        found = {at: self._memory[at : at + _CALL] for at in (0, *_PLACES_OF_HELD)}
        calls = {at: (_KEY.unpack_from(one)[0] - 1, one[_KEY.size :]) for at, one in found.items()}
        calls = {at: (place, raw) for at, (place, raw) in calls.items() if place >= 0}
        self._held = {(place, unpack(raw).id): at for at, (place, raw) in calls.items() if at}
        self._free = list(set(_PLACES_OF_HELD).difference(self._held.values()))
        yield from dict.fromkeys(calls.values())

    # Commands

    def set_state(self, place: int, *, starts: bool, counted: Sequence[int]) -> None:
        """starts: a command's own start is still to come; counted: for each of WRITE_KINDS, its
        files that a rule about many has counted."""
        if place < _MOST_PLACES:
            counts = [min(count, _MOST_COUNTED) for count in counted]
            _STATE.pack_into(self._memory, _STATES_AT + place * _STATE.size, starts, *counts)

    def state(self, place: int) -> tuple[bool, list[int]]:
        """What set_state was told."""
        if place >= _MOST_PLACES:
            return False, [0] * len(WRITE_KINDS)
        starts, *counted = _STATE.unpack_from(self._memory, _STATES_AT + place * _STATE.size)
        return bool(starts), counted

    # What is seen

    def seized(self, place: int, tid: int, path: str) -> None:
        """A process is about to be: it would die with this keeper."""
        self._under_way[tid] = (place, (path,))
        self._add(b'["under way",%d,%d,[%s]]' % (place, tid, _quote(path).encode()))

    def began(self, place: int, tid: int, words: tuple[str, ...], *, surprise: bool) -> None:
        """It has become another program, which is to be judged."""
        self._under_way[tid] = (place, words)
        shown = ",".join(map(_quote, words)).encode()
        told = b"true" if surprise else b"false"
        self._add(b'["exec",%d,%d,[%s],%s]' % (place, tid, shown, told))

    def judged(self, tid: int) -> None:
        """That exec has been, or its process is no more."""
        if self._under_way.pop(tid, None) is not None:
            self._add(b'["judged",0,%d]' % tid)

    def died(self, tid: int) -> None:
        """That exec, of an earlier keeper's, is known to have ended with it."""
        self._note("judged", 0, tid)

    def set_gits(self, pids: list[int]) -> None:
        """The gits that move the tree now."""
        if pids != self._gits:
            self._gits = pids
            self._note("gits", 0, pids)

    def wrote(self, place: int, path: str, kind: str) -> None:
        """A file was changed."""
        self._add(b'["wrote",%d,%s,"%s"]' % (place, _quote(path).encode(), kind.encode()))

    @property
    def is_filling(self) -> bool:
        """Whether it is time to tell polisd, and forget()."""
        return bool(self._end > _FULL)

    def notes(self) -> list[list[Any]]:
        """What was noted since forget(), in order: what happened, a place, and the rest as told."""
        found, at = [], _NOTES_AT + _LENGTH.size
        end = at + self._end
        while at < end:
            (length,) = _LENGTH.unpack_from(self._memory, at)
            at += _LENGTH.size
            found.append(json.loads(self._memory[at : at + length]))
            at += length
        return found

    def forget(self) -> None:
        """polisd has been told of it; what is under way still is, stays."""
        self._end = 0
        _LENGTH.pack_into(self._memory, _NOTES_AT, 0)
        for tid, (place, words) in self._under_way.items():
            self._note("under way", place, tid, words)
        if self._gits:
            self._note("gits", 0, self._gits)

    def _note(self, *values: Any) -> None:
        self._add(json.dumps(values, separators=(",", ":")).encode())

    def _add(self, packed: bytes) -> None:
        size = _LENGTH.size + len(packed)
        if self._end + size <= _MOST_NOTES:
            at = _NOTES_AT + _LENGTH.size + self._end
            self._memory[at : at + size] = _LENGTH.pack(len(packed)) + packed
            # Last, so that all that is there is whole.
            self._end += size
            _LENGTH.pack_into(self._memory, _NOTES_AT, self._end)

"""What one keeper notes is what the next one finds."""

from __future__ import annotations

import os
import struct

from hypothesis import given
from hypothesis import strategies as st

from cash.keeper.notification import SIZE, Notification, unpack
from cash.keeper.recorder import Recorder


def _note(number: int) -> Notification:
    raw = struct.pack("=QII", number, 7, 0) + struct.pack("=iIQ6Q", 59, 0, 0, 1, 2, 3, 4, 5, 6)
    assert len(raw) == SIZE
    return unpack(raw)


def _next(recorder: Recorder) -> Recorder:
    return Recorder(os.dup(recorder.descriptor))


def _receive(recorder: Recorder, place: int, note: Notification) -> None:
    recorder.open_hand(place)[:SIZE] = note.raw


def test_a_call_is_known_from_the_moment_it_is_received() -> None:
    recorder = Recorder()
    recorder.open_hand(3)
    assert [unpack(raw).id for _, raw in _next(recorder).calls()] == [0]  # nothing came yet
    _receive(recorder, 3, _note(11))
    assert [(place, unpack(raw)) for place, raw in _next(recorder).calls()] == [(3, _note(11))]


def test_calls_that_are_answered_later_are_held_beside_the_one_in_hand() -> None:
    recorder = Recorder()
    for number in range(1, 4):
        _receive(recorder, number, _note(number))
        recorder.hold(number, _note(number), lambda *_: True)
        recorder.hold(number, _note(number), lambda *_: True)
    _receive(recorder, 9, _note(9))
    found = sorted((place, unpack(raw).id) for place, raw in _next(recorder).calls())
    assert found == [(1, 1), (2, 2), (3, 3), (9, 9)]


def test_calls_are_known_to_a_third_keeper_when_the_second_is_killed_over_them() -> None:
    recorder = Recorder()
    for number in range(1, 4):
        recorder.hold(number, _note(number), lambda *_: True)
    _receive(recorder, 9, _note(9))
    second = _next(recorder)
    next(second.calls())  # and there it dies
    third = _next(second)
    assert sorted(unpack(raw).id for _, raw in third.calls()) == [1, 2, 3, 9]
    third.open_hand(5)
    third.hold(6, _note(6), lambda *_: True)
    found = {(place, unpack(raw).id) for place, raw in _next(third).calls()}
    assert {(1, 1), (2, 2), (3, 3), (6, 6)} <= found


def test_thousands_of_calls_can_be_held() -> None:
    recorder = Recorder()
    held = [recorder.hold(1, _note(number), lambda *_: True) for number in range(1, 4001)]
    assert all(held)
    assert len(list(_next(recorder).calls())) >= 4000
    while recorder.hold(1, _note(number := held.append(True) or len(held)), lambda *_: True):
        assert number < 10000
    assert not recorder.hold(2, _note(1), lambda *_: True)
    assert recorder.hold(2, _note(1), lambda *_: False)


def test_those_that_wait_no_longer_make_room() -> None:
    recorder = Recorder()
    for number in range(1, 1000):
        recorder.hold(1, _note(number), lambda _place, one: one > 990)
    found = {unpack(raw).id for _, raw in _next(recorder).calls()}
    assert set(range(991, 1000)) <= found


def test_what_is_told_is_forgotten_but_for_what_is_under_way() -> None:
    recorder = Recorder()
    recorder.seized(1, 100, "/bin/true")
    recorder.began(1, 100, ("true",), surprise=True)
    recorder.began(1, 101, ("id", "-u"), surprise=False)
    recorder.wrote(1, "/tree/\udcff", "create")
    recorder.judged(100)
    recorder.set_gits([5, 6])
    assert _next(recorder).notes() == [
        ["under way", 1, 100, ["/bin/true"]],
        ["exec", 1, 100, ["true"], True],
        ["exec", 1, 101, ["id", "-u"], False],
        ["wrote", 1, "/tree/\udcff", "create"],
        ["judged", 0, 100],
        ["gits", 0, [5, 6]],
    ]
    recorder.forget()
    assert _next(recorder).notes() == [["under way", 1, 101, ["id", "-u"]], ["gits", 0, [5, 6]]]
    recorder.judged(101)
    recorder.set_gits([])
    recorder.forget()
    assert _next(recorder).notes() == []


def test_a_full_memory_says_so_in_time_and_stays_whole() -> None:
    recorder = Recorder()
    count = 0
    while not recorder.is_filling:
        recorder.wrote(1, f"/tree/{count}" + "x" * 4000, "create")
        count += 1
    for _ in range(1000):
        recorder.wrote(1, "/tree/" + "x" * 4000, "create")
    assert len(_next(recorder).notes()) >= count


_COUNTS = st.lists(st.integers(0, 2**32 - 1), min_size=6, max_size=6)


@given(st.lists(st.tuples(st.integers(0, 5000), st.booleans(), _COUNTS)))
def test_the_state_of_each_place(states: list[tuple[int, bool, list[int]]]) -> None:
    recorder = Recorder()
    for place, starts, counted in states:
        recorder.set_state(place, starts=starts, counted=counted)
    last = {place: (starts, counted) for place, starts, counted in states}
    for place, state in last.items():
        assert _next(recorder).state(place) == (state if place < 4096 else (False, [0] * 6))

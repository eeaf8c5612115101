"""The loop: events, timers, and handlers that undo each other."""

from __future__ import annotations

import os

from cash.keeper.loop import Loop


def test_events_and_timers_in_order() -> None:
    loop, seen = Loop(), []
    reader, writer = os.pipe()
    loop.watch(reader, lambda _: seen.append(os.read(reader, 10)))
    loop.call_later(0.02, lambda: seen.append(b"late"))
    loop.call_later(0.01, lambda: seen.append(b"soon"))
    os.write(writer, b"now")
    while len(seen) < 3:
        loop.run_once()
    assert seen == [b"now", b"soon", b"late"]
    loop.forget(reader)
    loop.forget(reader)
    os.close(reader)
    os.close(writer)


def test_a_handler_may_forget_another_that_is_due() -> None:
    loop, seen = Loop(), []
    pipes = [os.pipe(), os.pipe()]

    def first_come(mine: int, other: int) -> None:
        seen.append(mine)
        loop.forget(other)
        loop.forget(mine)

    (a, _), (b, _) = pipes
    loop.watch(a, lambda _: first_come(a, b))
    loop.watch(b, lambda _: first_come(b, a))
    for _, writer in pipes:
        os.write(writer, b"x")
    loop.run_once()
    assert len(seen) == 1
    for reader, writer in pipes:
        os.close(reader)
        os.close(writer)


def test_a_timer_that_is_set_anew_lets_others_have_their_turn() -> None:
    loop, rounds = Loop(), list[int]()

    def again() -> None:
        rounds.append(1)
        if len(rounds) < 1000:
            loop.call_later(-1.0, again)

    loop.call_later(-1.0, again)
    loop.run_once()
    assert len(rounds) == 1

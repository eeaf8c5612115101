"""The table of claims: who gets what, in which order, and how it ends."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.guard.claim import (
    RESERVED_SECONDS,
    Claim,
    Holder,
    Kind,
    Mode,
    Moment,
    Wish,
    carry_over,
    pack_claim,
    unpack_claim,
)
from cash.guard.pattern import of_path, read_pattern
from cash.guard.table import Table, excludes

_START = Moment(1000.0, 1_700_000_000.0, "first")


def _later(seconds: float) -> Moment:
    return Moment(_START.boot + seconds, _START.wall + seconds, "first")


def _table() -> Table:
    return Table(itertools.count(1).__next__)


def _lock(agent: str, path: str, mode: Mode = "write") -> Wish:
    return Wish("lock", of_path(path), Holder(agent, agent), mode)


def _reserve(agent: str, *globs: str, seconds: float = RESERVED_SECONDS) -> Wish:
    return Wish("reservation", read_pattern(globs), Holder(agent, agent), seconds=seconds)


def _session(agent: str, path: str) -> Wish:
    return Wish("session", of_path(path), Holder(agent, agent))


@pytest.mark.parametrize(
    ("one", "other", "bar"),
    [
        (_lock("alice", "a"), _lock("bob", "a"), True),
        (_lock("alice", "a"), _lock("bob", "b"), False),
        (_lock("alice", "a"), _lock("alice", "a"), True),
        (_lock("alice", "a", "read"), _lock("bob", "a", "read"), False),
        (_lock("alice", "a", "read"), _lock("bob", "a"), True),
        (_reserve("alice", "src/**"), _lock("bob", "src/a"), True),
        (_reserve("alice", "src/**"), _lock("alice", "src/a"), False),
        (_reserve("alice", "src/**"), _reserve("bob", "src/*.py"), True),
        (_reserve("alice", "src/**"), _reserve("bob", "docs/**"), False),
        (_reserve("alice", "src/**"), _reserve("alice", "src/*.py"), False),
        (_session("alice", "a"), _session("alice", "a"), False),
        (_session("alice", "a"), _lock("alice", "a"), False),
        (_session("alice", "a"), _session("bob", "a"), True),
        (_reserve("", "src/**"), _reserve("bob", "src/x"), True),
    ],
)
def test_who_is_a_bar_to_whom(one: Wish, other: Wish, bar: bool) -> None:
    assert excludes(one, other) is bar
    assert excludes(other, one) is bar
    table = _table()
    assert table.take(one, _START) is not None
    assert (table.obstacle(other) is not None) is bar
    assert (table.take(other, _START) is None) is bar


def test_the_queue_is_first_in_first_out() -> None:
    table = _table()
    first = table.take(_lock("a1", "x"), _START)
    assert first is not None
    second, third = table.queue(_lock("a2", "x")), table.queue(_lock("a3", "x"))
    assert table.settle(_START) == []
    table.release(first.fence)
    assert table.take(_lock("a4", "x"), _START) is None  # two came before
    (granted,) = table.settle(_START)
    assert (granted.ticket, granted.claim.holder.agent) == (second, "a2")
    table.release(granted.claim.fence)
    (granted,) = table.settle(_START)
    assert granted.ticket == third


def test_who_wants_something_else_does_not_wait_behind() -> None:
    table = _table()
    table.take(_lock("a1", "x"), _START)
    table.queue(_lock("a2", "x"))
    assert table.take(_lock("a3", "y"), _START) is not None


def test_a_writer_is_not_kept_waiting_by_readers_that_come_later() -> None:
    table = _table()
    reader = table.take(_lock("a1", "x", "read"), _START)
    assert reader is not None
    writer = table.queue(_lock("a2", "x"))
    assert table.take(_lock("a3", "x", "read"), _START) is None
    table.queue(_lock("a3", "x", "read"))
    table.release(reader.fence)
    assert [one.ticket for one in table.settle(_START)] == [writer]


def test_who_withdraws_lets_those_behind_go_on() -> None:
    table = _table()
    table.take(_lock("a1", "x", "read"), _START)
    writer = table.queue(_lock("a2", "x"))
    reader = table.queue(_lock("a3", "x", "read"))
    assert table.settle(_START) == []
    table.withdraw(writer)
    assert [one.ticket for one in table.settle(_START)] == [reader]


def test_what_ends_by_itself() -> None:
    table = _table()
    table.take(_reserve("alice", "src/**"), _START)
    beating, silent = table.take(_lock("alice", "a"), _START), table.take(_lock("bob", "b"), _START)
    assert beating is not None
    assert silent is not None
    assert table.lapse(_later(29.9)) == []
    assert table.beat(beating.fence, _later(20))
    assert table.lapse(_later(30)) == [(silent, "stale")]
    assert table.get(silent.fence) is None
    assert not table.beat(silent.fence, _later(31))
    assert [end for _, end in table.lapse(_later(50))] == ["stale"]
    assert table.lapse(_later(3599)) == []
    assert [end for _, end in table.lapse(_later(3600))] == ["expired"]
    assert table.claims() == ()


def test_a_clock_that_is_set_changes_nothing() -> None:
    table = _table()
    table.take(_reserve("alice", "src/**"), _START)
    assert table.lapse(Moment(_START.boot + 10, _START.wall + 1e9, "first")) == []
    assert table.lapse(Moment(_START.boot + 20, 0.0, "first")) == []
    assert len(table.lapse(Moment(_START.boot + 3600, 0.0, "first"))) == 1


@pytest.mark.parametrize(
    ("now", "left"),
    [
        (Moment(1600.0, 0.0, "first"), 3000.0),  # only polisd was restarted, and the clock set
        (Moment(5.0, _START.wall + 600, "second"), 3000.0),
        (Moment(5.0, _START.wall + 9999, "second"), -6399.0),
        (Moment(5.0, _START.wall - 9999, "second"), 3600.0),  # set back: no more than was granted
    ],
)
def test_what_is_left_after_a_restart(now: Moment, left: float) -> None:
    claim = _table().take(_reserve("alice", "src/**"), _START)
    assert claim is not None
    carried = carry_over(claim, now)
    assert carried.expires - now.boot == pytest.approx(left)
    assert carried.fence == claim.fence


def test_a_claim_is_kept_whole() -> None:
    table = _table()
    wishes = [_reserve("alice", "src/**", "!src/x", "app/[id]"), _lock("bob", "a[*\n\udcff")]
    for wish in wishes:
        claim = table.take(wish, _START)
        assert claim is not None
        again = unpack_claim(pack_claim(claim))
        assert again == claim
        assert again.wish.pattern.fits("src/y") is claim.wish.pattern.fits("src/y")


def test_whose_path_it_is() -> None:
    table = _table()
    table.take(_reserve("alice", "src/**"), _START)
    table.take(_lock("bob", "src"), _START)
    found = table.against("bob", "src/a")
    assert found is not None
    assert found.holder.agent == "alice"
    assert table.against("alice", "src/a") is None
    assert table.against("bob", "docs") is None


_steps = st.lists(
    st.tuples(
        st.sampled_from(["take", "queue", "release", "withdraw", "wait"]),
        st.sampled_from(["alice", "bob", "carol"]),
        st.sampled_from(["a", "b", "a*", "**"]),
        st.sampled_from(["lock", "session", "reservation"]),
        st.sampled_from(["read", "write"]),
    ),
    max_size=30,
)


@given(_steps)
def test_no_two_that_exclude_each_other_are_ever_held(
    steps: list[tuple[str, str, str, Kind, Mode]],
) -> None:
    table, now, fences = _table(), _START, []
    for number, (step, agent, what, kind, mode) in enumerate(steps):
        now = _later(number * 7.0)
        pattern = read_pattern((what,)) if kind == "reservation" else of_path(what)
        wish = Wish(kind, pattern, Holder(agent, agent), mode, seconds=20.0)
        claims, waiting = table.claims(), table.waiting()
        made: list[Claim | None] = []
        match step:
            case "take":
                made.append(table.take(wish, now))
            case "queue":
                table.queue(wish)
            case "release" if claims:
                table.release(claims[0].fence)
            case "withdraw" if waiting:
                table.withdraw(waiting[0].ticket)
            case _:
                table.lapse(now)
        made += [one.claim for one in table.settle(now)]
        fences += [one.fence for one in made if one is not None]
        held = [one.wish for one in table.claims()]
        assert not any(excludes(a, b) for a, b in itertools.combinations(held, 2))
    assert fences == sorted(set(fences))
    for claim in table.claims():
        table.release(claim.fence)
    while table.waiting():
        granted = table.settle(now)
        assert granted, "the first in the queue waits for nobody"
        for one in granted:
            table.release(one.claim.fence)


def test_ten_thousand_are_no_burden() -> None:
    table = _table()
    for number in range(10_000):
        assert table.take(_lock(f"a{number % 50}", f"src/{number}.py"), _START)
    for number in range(50):
        assert table.take(_reserve(f"a{number}", f"docs/{number}/**"), _START)
    began = time.perf_counter()
    for number in range(1000):
        claim = table.take(_lock("new", f"new/{number}"), _START)
        assert claim is not None
        table.release(claim.fence)
        assert table.against("new", f"src/{number}.py") is not None
    each = (time.perf_counter() - began) / 1000
    assert each < 0.01  # some 30 µs where nothing else runs
    assert table.obstacle(_reserve("new", "src/**")) is not None

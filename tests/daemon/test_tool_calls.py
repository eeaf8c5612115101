"""Which tool call something belongs to, by what hooks told; and leave to write one file."""

from __future__ import annotations

import pytest

from cash.daemon.tool_calls import ToolCalls
from cash.daemon.write_leave import WriteLeave
from cash.guard.naming import meant


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_call_is_known_by_its_line_or_by_being_alone() -> None:
    calls = ToolCalls(_Clock())
    assert calls.call_of("alice", "ls") == ""
    calls.begin("alice", "one", ("ls",))
    assert calls.call_of("alice", "ls") == "one"
    assert calls.call_of("alice", "make") == "one"
    calls.begin("alice", "two", ("make", "/tree/x"))
    assert calls.call_of("alice", "ls") == "one"
    assert calls.call_of("alice", "/tree/x") == "two"
    assert calls.call_of("alice", "rm") == ""
    assert calls.call_of("bob", "ls") == ""
    calls.end("alice", "two")
    assert calls.call_of("alice", "rm") == "one"
    assert calls.call_of("alice", "make") == "one"


def test_what_has_just_ended_is_still_told_of() -> None:
    clock = _Clock()
    calls = ToolCalls(clock)
    calls.begin("alice", "one", ())
    calls.end("alice", "one")
    calls.end("alice", "never begun")
    assert calls.recent("alice") == ["one"]
    clock.now += 10
    assert calls.recent("alice") == []
    assert calls.recent("bob") == []


def test_calls_without_an_end_are_forgotten() -> None:
    calls = ToolCalls(_Clock())
    for number in range(1000):
        calls.begin("alice", str(number), ())
    assert calls.recent("alice") == [str(number) for number in range(936, 1000)]
    calls.end_all("alice")
    assert calls.recent("alice") == []


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/t/ci.yml.tmp.85.f66e0f672b91", "/t/ci.yml"),
        ("/t/ci.yml.tmp.0123456789ab", "/t/ci.yml"),
        ("/t/ci.yml", "/t/ci.yml"),
        ("/t/ci.tmp", "/t/ci.tmp"),
        ("/t/ci.tmp.yml", "/t/ci.tmp.yml"),
        ("/t/ci.yml.tmp.85.f66e0f672b91/x", "/t/ci.yml.tmp.85.f66e0f672b91/x"),
        ("/t/.tmp.85.f66e0f672b91", "/t/.tmp.85.f66e0f672b91"),
        ("/t/ci.yml.tmp.85.f66e0f672b91.sh", "/t/ci.yml.tmp.85.f66e0f672b91.sh"),
    ],
)
def test_a_passing_name_means_the_file(path: str, file: str) -> None:
    assert meant(path) == file


def test_leave_is_for_one_file_one_rule_and_a_moment() -> None:
    clock = _Clock()
    leave, rules = WriteLeave(clock), frozenset({"change-ci"})
    assert not leave.holds("i", "/t/x", rules)
    leave.give("i", "/t/x", rules)
    assert leave.holds("i", "/t/x", rules)
    assert not leave.holds("j", "/t/x", rules)
    assert not leave.holds("i", "/t/y", rules)
    assert not leave.holds("i", "/t/x", frozenset({"other"}))
    clock.now += 3.5
    assert not leave.holds("i", "/t/x", rules)

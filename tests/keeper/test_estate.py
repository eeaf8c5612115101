"""What a keeper leaves is what polisd holds, and what the next one gets."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from cash.keeper.estate import Estate, Will
from cash.keeper.messages import Kept, LetGo, Message


class _Pair:
    """A keeper's side that speaks straight to polisd's."""

    def __init__(self) -> None:
        self.estate = Estate()
        self.heard = True
        self.will = Will(self.tell, lambda: self.heard)

    def tell(self, message: Message) -> None:
        match message:
            case Kept():
                self.estate.keep(message)
            case LetGo(what, id):
                self.estate.let_go(what, id)

    def pieces(self) -> list[tuple[str, str, object, int]]:
        return [
            (piece["what"], piece["id"], piece["values"], len(descriptors))
            for piece, descriptors in self.estate.pieces()
        ]


@pytest.fixture
def pair() -> Iterator[_Pair]:
    before = len(os.listdir("/proc/self/fd"))
    made = _Pair()
    yield made
    made.estate.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_pieces_come_in_the_order_they_are_taken_up(pair: _Pair) -> None:
    nothing = os.open("/dev/null", os.O_RDWR)
    pair.will.leave("listener", "0", {"command": "a"}, nothing)
    pair.will.leave("process", "a", {"pid": 7}, nothing)
    pair.will.leave("walls", "", {"holder": 1}, nothing, nothing)
    pair.will.leave("command", "a", {"begun": False})
    pair.will.leave("command", "a", {"begun": True}, nothing)
    os.close(nothing)
    assert pair.pieces() == [
        ("walls", "", {"holder": 1}, 2),
        ("command", "a", {"begun": True}, 1),
        ("process", "a", {"pid": 7}, 1),
        ("listener", "0", {"command": "a"}, 1),
    ]
    pair.will.take_back("process", "a")
    pair.will.take_back("process", "a")
    assert [what for what, *_ in pair.pieces()] == ["walls", "command", "listener"]


def test_what_grows_is_told_in_parts_and_whole_to_who_comes_later(pair: _Pair) -> None:
    pair.will.add("prediction", "0", {"predicted": [["a"]], "names": []})
    pair.will.add("prediction", "0", {"predicted": [["b"]], "names": ["c"]})
    whole = {"predicted": [["a"], ["b"]], "names": ["c"]}
    assert pair.pieces() == [("prediction", "0", whole, 0)]
    pair.heard = False
    pair.will.add("prediction", "0", {"predicted": [], "names": ["d"]})
    late = Estate()
    for message in pair.will.read():
        assert isinstance(message, Kept)
        late.keep(message)
    assert [piece["values"]["names"] for piece, _ in late.pieces()] == [["c", "d"]]


def test_an_end_is_noted_with_its_process(pair: _Pair) -> None:
    reader, writer = os.pipe()
    pair.will.leave("process", "a", {"pid": 7}, reader)
    os.close(reader)
    os.close(writer)
    assert pair.estate.note_end(8, {"status": 1}) is None
    assert pair.estate.note_end(7, {"status": 1}) == "a"
    assert pair.pieces() == [("process", "a", {"pid": 7, "ended": {"status": 1}}, 1)]


def test_nothing_stands_without_a_first_process(pair: _Pair) -> None:
    assert not pair.estate.stands
    with subprocess.Popen(["sleep", "60"]) as first:
        pidfd = os.pidfd_open(first.pid)
        pair.will.leave("walls", "", {}, pidfd)
        os.close(pidfd)
        assert pair.estate.stands
        first.kill()
    assert not pair.estate.stands


def test_a_command_whose_end_is_told_is_forgotten(pair: _Pair) -> None:
    nothing = os.open("/dev/null", os.O_RDWR)
    for what in ("command", "client", "process", "terminal", "listener"):
        pair.will.leave(what, "a", {"pid": 7}, nothing)
    os.close(nothing)
    pair.estate.forget("a")
    assert [what for what, *_ in pair.pieces()] == ["listener"]

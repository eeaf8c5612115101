"""An agent's own socket, sent what no program of polis' would send."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from cash.daemon import inside
from cash.daemon.conversation import Listener
from cash.daemon.inside import (
    LONGEST,
    MOST_AT_ONCE,
    MOST_CONVERSATIONS,
    Door,
    Reply,
    door_folder,
)
from cash.faults import UsageFault


async def _answer(words: tuple[str, ...], body: bytes) -> Reply:
    match words:
        case ("say",):
            return Reply(0, body.decode())
        case ("usage",):
            raise UsageFault("not so", hint="but so")
        case _:
            raise RuntimeError("a bug")


@contextlib.asynccontextmanager
async def _open(folder: Path, answer: inside.Answer = _answer) -> AsyncIterator[Path]:
    door = Door(folder, answer)
    door.open()
    try:
        yield folder / "s"
    finally:
        door.close()


async def _say(place: Path, data: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(os.fspath(place))
    with contextlib.suppress(ConnectionError):
        writer.write(data)
        await writer.drain()
        writer.write_eof()
    heard = b""
    with contextlib.suppress(ConnectionError):
        heard = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return heard


def _run(folder: Path, work: Callable[[Path], Awaitable[object]]) -> object:
    async def all_of_it() -> object:
        async with _open(folder) as place:
            return await work(place)

    return asyncio.run(all_of_it())


def test_an_answer_is_a_status_what_to_print_and_the_rest() -> None:
    assert Reply(3, "out é\n", "err\n").encode() == b"3 7\nout \xc3\xa9\nerr\n"


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (b"say\nhello", b"0 5\nhello"),
        (b"say\n", b"0 0\n"),
        (b"usage\n", b"64 0\npolis: not so\nhint: but so\n"),
        (b"", b"64 0\npolis: that is no request\n"),
        (b"\n\n", b"64 0\npolis: that is no request\n"),
        (b"\xff\x00\n", b"64 0\npolis: that is no request\n"),
        (b"SAY\nx", b"64 0\npolis: that is no request\n"),
        (b"say " * 100 + b"\n", b"64 0\npolis: that is no request\n"),
        (b"J\0\0\0\x02{}", b"64 0\npolis: that is no request\n"),
        (b"bug\n", b"125 0\npolis: internal fault\n"),
        (b"say\n" + b"x" * (LONGEST + 1000), b"64 0\npolis: a request has at most 1048576 bytes\n"),
    ],
)
def test_whatever_is_said_gets_one_answer(tmp_path: Path, said: bytes, heard: bytes) -> None:
    assert _run(tmp_path / "door", lambda place: _say(place, said)) == heard


def test_who_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inside, "_SECONDS", 0.3)

    async def wait(place: Path) -> float:
        began = time.monotonic()
        reader, writer = await asyncio.open_unix_connection(os.fspath(place))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        return time.monotonic() - began

    assert 0.2 < float(str(_run(tmp_path / "door", wait))) < 3


def test_a_flood_holds_few_descriptors_and_others_are_served(tmp_path: Path) -> None:
    """Connections without end: no more are taken than may talk at once; another agent's door is
    another one."""

    async def flood() -> tuple[int, bytes, int]:
        async with _open(tmp_path / "flooded") as place, _open(tmp_path / "other") as other:
            before = len(os.listdir("/proc/self/fd"))
            callers = []
            for _ in range(200):
                caller = socket.socket(socket.AF_UNIX)
                caller.setblocking(False)
                with contextlib.suppress(OSError):
                    caller.connect(os.fspath(place))
                callers.append(caller)
            await asyncio.sleep(0.3)
            held = len(os.listdir("/proc/self/fd")) - before - len(callers)
            heard = await _say(other, b"say\nstill here")
            for caller in callers:
                caller.close()
            await asyncio.sleep(0.3)
            heard_again = await _say(place, b"say\nand here")
            await asyncio.sleep(0.1)
            return held, heard + heard_again, len(os.listdir("/proc/self/fd")) - before

    held, heard, left = asyncio.run(flood())
    assert held <= MOST_AT_ONCE
    assert heard == b"0 10\nstill here0 8\nand here"
    assert left <= 0


def test_too_many_requests_wait_for_their_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inside, "_BURST", 5.0)

    async def hurry(place: Path) -> float:
        began = time.monotonic()
        for _ in range(25):
            assert await _say(place, b"say\nx") == b"0 1\nx"
        return time.monotonic() - began

    assert float(str(_run(tmp_path / "door", hurry))) > 0.3  # 20 of them at 50 a second


def test_descriptors_that_are_sent_along_are_not_kept(tmp_path: Path) -> None:
    async def send(place: Path) -> int:
        before = len(os.listdir("/proc/self/fd"))
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(os.fspath(place))
            with open(os.devnull) as null:
                socket.send_fds(caller, [b"say\nx"], [null.fileno()] * 50)
            caller.shutdown(socket.SHUT_WR)
            caller.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(caller, 100) == b"0 1\nx"
        await asyncio.sleep(0.1)
        return len(os.listdir("/proc/self/fd")) - before

    assert _run(tmp_path / "door", send) == 0


def test_a_door_opens_where_a_killed_one_was_and_is_closed_whole(tmp_path: Path) -> None:
    async def twice() -> tuple[int, int]:
        folder = tmp_path / "door"
        async with _open(folder) as place:
            first = os.stat(folder).st_ino
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o755
            assert stat.S_IMODE(os.stat(place).st_mode) == 0o666
            async with _open(folder):  # the next polisd's, in the folder that walls show
                assert await _say(place, b"say\nx") == b"0 1\nx"
                second = os.stat(folder).st_ino
        assert not folder.exists()
        return first, second

    old = os.umask(0o077)
    try:
        first, second = asyncio.run(twice())
    finally:
        os.umask(old)
    assert first == second


def test_its_name_is_short_and_one_agents_alone() -> None:
    longest = Path("/x" * 41)
    assert len(os.fsencode(door_folder(longest, "r/alice") / "s")) <= 107
    assert door_folder(longest, "r/alice") != door_folder(longest, "r/bob")


def _request(*fields: str) -> bytes:
    body = b"".join(field.encode() + b"\0" for field in fields)
    return b"remote\n" + len(body).to_bytes(4, "big") + body


async def _talk(place: Path, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(os.fspath(place))
    writer.write(data)
    await writer.drain()
    return reader, writer


class _Work:
    """What is done for whoever waits, and what became of it."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0
        self.go = asyncio.Event()

    async def converse(self, fields: list[str], listener: Listener) -> int:
        self.begun += 1
        try:
            await listener.tell(f"{fields}\n")
            await self.go.wait()
            await listener.answer("all of it")
        finally:
            self.ended += 1
        return 3


def _converse(folder: Path, play: Callable[[Path, _Work], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        work = _Work()
        door = Door(folder, _answer, work.converse)
        door.open()
        try:
            await asyncio.wait_for(play(folder / "s", work), 10)
        finally:
            door.close()

    asyncio.run(all_of_it())


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.02)


def test_who_waits_hears_while_it_is_done(tmp_path: Path) -> None:
    async def play(place: Path, work: _Work) -> None:
        reader, writer = await _talk(place, _request("list", "x y", ""))
        first = b"['list', 'x y', '']\n"
        assert await reader.readexactly(5 + len(first)) == b"E\0\0\0\x14" + first
        work.go.set()
        assert await reader.read() == b"O\0\0\0\x09all of it" + b"X\0\0\0\x013"
        writer.close()

    _converse(tmp_path / "door", play)


@pytest.mark.parametrize("last", [b"", b"out of turn" * 1000])
def test_what_is_done_ends_with_who_waits(tmp_path: Path, last: bytes) -> None:
    async def play(place: Path, work: _Work) -> None:
        _, writer = await _talk(place, _request("list"))
        await _until(lambda: work.begun == 1)
        if last:
            writer.write(last)
        else:
            writer.close()
        await _until(lambda: work.ended == 1)
        writer.close()

    _converse(tmp_path / "door", play)


def test_so_many_wait_and_no_more_and_requests_are_answered(tmp_path: Path) -> None:
    async def play(place: Path, work: _Work) -> None:
        talks = [await _talk(place, _request(str(n))) for n in range(MOST_CONVERSATIONS)]
        await _until(lambda: work.begun == MOST_CONVERSATIONS)
        reader, writer = await _talk(place, _request("more"))
        refused = await reader.read()
        assert b"wait already" in refused
        assert refused.endswith(b"X\0\0\0\x03125")
        assert await _say(place, b"say\nhello") == b"0 5\nhello"
        for _, one in talks:
            one.close()
        writer.close()
        await _until(lambda: work.ended == MOST_CONVERSATIONS)

    _converse(tmp_path / "door", play)

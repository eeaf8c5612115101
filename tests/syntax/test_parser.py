"""The parser process: answers as the package does, and its death costs one answer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cash.syntax.coding import CodingFault, decode_line, encode_line
from cash.syntax.command import Line
from cash.syntax.line import LineReader
from cash.syntax.parser import Parser, reading_apart


def run(work: Callable[[Parser], Awaitable[None]], command: list[str] | None = None) -> None:
    """Runs work with a parser of its own."""

    async def go() -> None:
        parser = Parser(command)
        try:
            await work(parser)
        finally:
            await parser.stop()

    asyncio.run(go())


# A process that says it is ready, and then does what a test adds.
GREETING = (
    "import socket, sys; c = socket.socket(fileno=int(sys.argv[1])); "
    "c.sendall(b'\\0\\0\\0\\5ready')"
)
LINES = [
    "git status && npm test",
    'A=1 cat <<E >f 2>&1 | sudo tee "$x"*\n$(a) `b`\nE',
    "echo 'a",
    "ssh host 'rm x'",
    "echo \udcff é",
    "",
    "a\0b",
    "x" * 100_000,
    "ls \ud800",
]


def test_it_answers_as_the_package_does(reader: LineReader) -> None:
    async def work(parser: Parser) -> None:
        for line in LINES:
            assert await parser.read(line) == reader.read(line)
            assert await parser.read(line, entry=False) == reader.read(line, entry=False)
        argv = ["sudo", "bash", "-c", "rm 'x y'", "\udcff"]
        assert await parser.read_argv(argv) == reader.read_argv(argv)
        assert await parser.read_argv([os.fsencode(word) for word in argv]) == (
            reader.read_argv(argv)
        )

    run(work)


def test_requests_at_once_get_their_own_answers() -> None:
    async def work(parser: Parser) -> None:
        lines = await asyncio.gather(*(parser.read(f"echo {n}") for n in range(30)))
        assert [line.commands[0].argv[1].text for line in lines] == [str(n) for n in range(30)]

    run(work)


def test_a_killed_parser_is_replaced() -> None:
    async def work(parser: Parser) -> None:
        await parser.start()
        first = parser.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        lines = [await parser.read("ls") for _ in range(3)]
        # Whether the death was noticed before the first question is a race; then it is trouble.
        assert all(line.trouble in (None, "the parser failed") for line in lines)
        assert lines[-1].trouble is None
        assert parser.pid != first

    run(work)


def test_a_parser_killed_in_mid_line_is_trouble() -> None:
    async def work(parser: Parser) -> None:
        await parser.start()
        assert parser.pid is not None
        os.kill(parser.pid, signal.SIGSTOP)
        asking = asyncio.create_task(parser.read("ls"))
        await asyncio.sleep(0.1)
        os.kill(parser.pid, signal.SIGKILL)
        assert (await asking).trouble == "the parser failed"
        assert (await parser.read("ls")).trouble is None

    run(work)


def test_a_second_of_silence_is_trouble() -> None:
    async def work(parser: Parser) -> None:
        await parser.start()
        first = parser.pid
        assert first is not None
        os.kill(first, signal.SIGSTOP)
        before = time.monotonic()
        line = await parser.read("ls")
        assert line == Line("ls", trouble="the parser did not answer in time", entry="ls")
        assert 0.9 < time.monotonic() - before < 5
        assert not Path(f"/proc/{first}").exists()
        assert (await parser.read("ls")).trouble is None

    run(work)


def test_a_cancelled_question_does_not_answer_the_next() -> None:
    async def work(parser: Parser) -> None:
        await parser.start()
        for _ in range(3):
            asking = asyncio.create_task(parser.read("echo one"))
            await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert (await parser.read("two")).commands[0].name == "two"

    run(work)


@pytest.mark.parametrize(
    "program",
    [
        "import sys; sys.exit(3)",
        (
            "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); "
            "s.sendall(b'\\0\\0\\0\\5ready'); s.recv(99); s.sendall(b'\\0\\0\\0\\2{}'); s.recv(9)"
        ),
        "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); s.sendall(b'\\xff' * 99)",
    ],
)
def test_a_parser_that_talks_nonsense_is_trouble(program: str) -> None:
    async def work(parser: Parser) -> None:
        assert (await parser.read("ls")).trouble == "the parser failed"

    run(work, [sys.executable, "-I", "-S", "-c", program])


def test_a_parser_that_cannot_start_is_trouble() -> None:
    async def work(parser: Parser) -> None:
        await parser.start()
        assert (await parser.read("ls")).trouble == "the parser failed"

    run(work, ["/nonexistent/python"])


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_it_ends_with_its_parent_and_so_does_what_it_started() -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # a parent that dies without a word
        try:
            parser = Parser()
            asyncio.run(parser.start())
            os.write(write, str(parser.pid).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(write)
    parser_pid = int(os.read(read, 100))
    os.close(read)
    os.waitpid(pid, 0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and _is_alive(parser_pid):
        time.sleep(0.02)
    assert not _is_alive(parser_pid)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_holds_no_other_descriptor() -> None:
    async def work(parser: Parser) -> None:
        extra = os.open("/dev/zero", os.O_RDONLY)
        os.set_inheritable(extra, True)
        try:
            await parser.start()
        finally:
            os.close(extra)
        folder = Path(f"/proc/{parser.pid}/fd")
        held = {os.readlink(each) for each in folder.iterdir()}
        # Its socket, and the pipes of the shfmt processes that wait.
        assert all(each == "/dev/null" or each.startswith(("socket:", "pipe:")) for each in held)
        assert len([each for each in held if each.startswith("socket:")]) == 1
        assert parser.pid is not None
        for child in _children(parser.pid):
            # Its last child may be ending, or be on its way from fork to exec.
            with suppress(FileNotFoundError):
                for each in Path(f"/proc/{child}/fd").iterdir():
                    assert not os.readlink(each).startswith("socket:"), "shfmt holds the socket"

    run(work)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"[1,2,3,4,5,6]",
        b'[[],null,false,null,null,{"a":1}]',
        b"\xff",
        b'[[[[["a",null,[["evil","x","y"]]]],[],[],null,[],null,null,null]],null,false,null,null,{}]',
        b'[[[[["a",null]],[],[],null,[],7,null,null]],null,false,null,null,{}]',
        b'[[[[["a",["x","y"]]],[],[],null,[],null,null,null]],null,false,null,null,{}]',
        b"[" * 100_000,
    ],
)
def test_an_answer_of_the_wrong_form_is_refused(data: bytes) -> None:
    with pytest.raises(CodingFault):
        decode_line("x", data)


@pytest.mark.parametrize("text", LINES)
def test_lines_survive_the_wire(text: str, reader: LineReader) -> None:
    line = reader.read(text)
    assert decode_line(text, encode_line(line)) == line


def test_whoever_waits_gets_the_same_answers_from_a_process_of_its_own(reader: LineReader) -> None:
    with reading_apart() as read:
        for line in LINES:
            assert read(line) == reader.read(line, entry=False)


@pytest.mark.parametrize(
    ("program", "trouble"),
    [
        ("", "the parser failed"),
        (f"{GREETING}", "the parser failed"),
        (f"{GREETING}; c.recv(9); c.sendall(b'\\0\\0\\0\\1x')", "the parser failed"),
        (f"{GREETING}; c.recv(9); c.recv(0) or __import__('signal').pause()", "in time"),
    ],
)
def test_a_process_that_fails_whoever_waits_gives_trouble(program: str, trouble: str) -> None:
    with reading_apart((sys.executable, "-I", "-c", program), silence=0.5) as read:
        line = read("ls")
        assert trouble in (line.trouble or "")
        assert line.text == line.entry == "ls"
        assert read("ls").trouble == "the parser failed"

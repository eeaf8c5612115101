"""tmux's control mode: one client that asks everything and hears everything (tmux(1), CONTROL
MODE). Nothing is forked after its start."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cash.faults import Fault

_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
_BYTES: Final = {b"%03o" % number: bytes([number]) for number in range(256)}
_CHUNK: Final = 1 << 16
# tmux answers in a millisecond; a machine that swaps takes longer.
_PATIENCE: Final = 20.0


class ControlFault(Fault):
    """tmux refused a command, or is gone."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a command of this client's own brought."""

    lines: tuple[bytes, ...]
    failed: bool


@dataclass(frozen=True, slots=True)
class Output:
    """A window's program wrote something. pane: `%3`."""

    pane: str
    data: bytes


@dataclass(frozen=True, slots=True)
class WindowGone:
    """A window is closed. window: `@3`."""

    window: str


@dataclass(frozen=True, slots=True)
class Left:
    """The server has ended, or let this client go."""

    reason: str


Heard = Reply | Output | WindowGone | Left


class Reading:
    """What the client prints, as values: fed with bytes as they come."""

    def __init__(self) -> None:
        self._rest = b""
        self._block: list[bytes] | None = None
        self._end = b""
        self._is_own = False

    def feed(self, data: bytes) -> list[Heard]:
        """What has become whole with these bytes."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        return [found for line in lines if (found := self._read(line)) is not None]

    def _read(self, line: bytes) -> Heard | None:
        if self._block is not None:
            return self._read_block(self._block, line)
        kind, _, rest = line.partition(b" ")
        match kind:
            case b"%begin":
                # The last number says whether this client asked for it; attaching did not.
                self._block, self._end, self._is_own = [], rest, rest.endswith(b" 1")
            case b"%output":
                pane, _, escaped = rest.partition(b" ")
                return Output(pane.decode(), unescape(escaped))
            case b"%window-close" | b"%unlinked-window-close":
                return WindowGone(rest.partition(b" ")[0].decode())
            case b"%exit":
                return Left(rest.decode(errors="replace"))
            case _:
                pass
        return None

    def _read_block(self, block: list[bytes], line: bytes) -> Heard | None:
        # A line can look like an end. So only what is tmux's or polis' own is asked for here: a
        # program could guess the numbers (cash/sessions/capture.py).
        if line not in (b"%end " + self._end, b"%error " + self._end):
            block.append(line)
            return None
        self._block = None
        return Reply(tuple(block), line.startswith(b"%error")) if self._is_own else None


def unescape(data: bytes) -> bytes:
    """What the program wrote: control characters and the backslash come as `\\ooo`."""
    return _ESCAPED.sub(lambda found: _BYTES[found[1]], data) if b"\\" in data else data


def quote(word: str) -> str:
    """A word as tmux's parser reads it. ValueError for what would end the line."""
    if "\n" in word or "\r" in word or "\0" in word:
        raise ValueError("a line of control mode holds no line break")
    return "'" + word.replace("'", "'\\''") + "'"


class Control:
    """The client: commands go in, what is heard goes to `hear`."""

    def __init__(self, process: asyncio.subprocess.Process, hear: Callable[[Heard], None]) -> None:
        self._process = process
        self._hear = hear
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._reading = asyncio.ensure_future(self._read())
        self.is_open = True

    @classmethod
    async def attach(cls, argv: Sequence[str], hear: Callable[[Heard], None]) -> Control:
        """Attaches by the call `argv`. ControlFault when there is no server, OSError when no
        process can be had."""
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        control = cls(process, hear)
        await control.ask("display-message", "-p", "here")
        return control

    async def ask(self, *words: str) -> tuple[bytes, ...]:
        """One command and the lines of its answer. ControlFault when tmux refuses it, is gone or
        does not answer."""
        reply = await self.begin(*words)
        if reply.failed:
            said = b" ".join(reply.lines).decode(errors="replace")
            raise ControlFault(f"tmux refused {words[0]}: {said}")
        return reply.lines

    def begin(self, *words: str) -> asyncio.Future[Reply]:
        """Sends a command; its answer comes later. Answers come in the order of the commands."""
        return self.send(" ".join([words[0], *map(quote, words[1:])]))

    def send(self, line: str) -> asyncio.Future[Reply]:
        """Sends a line in tmux's own syntax."""
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        # Nobody may wait for it: then nobody is told that it was never answered.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        if not self.is_open or self._process.stdin is None:
            answer.set_exception(ControlFault("tmux is gone"))
            return answer
        self._waiting.append(answer)
        self._process.stdin.write(line.encode("utf-8", "surrogateescape") + b"\n")
        return answer

    async def _read(self) -> None:
        reading, reason = Reading(), ""
        assert self._process.stdout is not None
        while data := await self._process.stdout.read(_CHUNK):
            for heard in reading.feed(data):
                match heard:
                    case Reply():
                        self._settle(heard)
                    case Left(said):
                        reason = said
                    case Output() | WindowGone():
                        self._hear(heard)
        self.is_open = False
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(ControlFault("tmux is gone"))
        self._waiting.clear()
        # At once: what the windows' clients say of their end must not come first.
        self._hear(Left(reason))
        await self._process.wait()

    def _settle(self, reply: Reply) -> None:
        answer = self._waiting.popleft() if self._waiting else None
        if answer is not None and not answer.done():
            answer.set_result(reply)

    async def close(self) -> None:
        """Lets go of the server, which lives on."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._reading), _PATIENCE)

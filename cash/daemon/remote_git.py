"""git in the hub, with the user's keys, heard while it runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import IO, Final

from cash.faults import Fault
from cash.hub.git import last_line
from cash.hub.pushing import CARRIED, SECONDS
from cash.hub.repository import Repository
from cash.store.redaction import redact_text

# After SIGTERM git removes its own lock files.
_GRACE: Final = 3.0
# What git has started in the background (ssh that keeps its connection) may hold its pipes.
_REST_SECONDS: Final = 0.5
_MOST_BYTES: Final = 64 << 20
_LONGEST_LINE: Final = 64 << 10
_SETTINGS: Final = (
    *("push.followTags=false", "push.recurseSubmodules=no", "push.gpgSign=false"),
    *("fetch.writeCommitGraph=false", "fetch.recurseSubmodules=no"),
    *("advice.pushUpdateRejected=false", "advice.pushFetchFirst=false"),
)
_CONTROLS: Final = dict.fromkeys((*range(32), *range(127, 160)), "?")
_SECRET: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/@\s'\"]*@")

Tell = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ran:
    """How it ended. out: its standard output. word: git's own last word, as people may read it."""

    status: int
    out: bytes
    word: str


async def run_remote(
    repository: Repository,
    arguments: Sequence[str],
    tell: Tell,
    *,
    given: bytes = b"",
    settings: tuple[str, ...] = (),
    seconds: float = SECONDS,
    aloud: bool = False,
) -> Ran:
    """Runs git by the user's own configuration: nothing of the agent's, and no hook, takes part.
    given: its standard input. tell: hears each line of standard error as it comes, without
    secrets; aloud: of standard output too, which is then not kept. Cancelled, it ends git and all
    that git has started. Fault when it takes too long."""
    git = replace(
        repository.git,
        settings=(*_SETTINGS, *settings),
        extra={} if repository.owner.foreign else carried(os.environ),
    )
    process = await asyncio.to_thread(git.start, arguments, True, repository.root)
    hearing = _Hearing(process, tell, aloud)
    try:
        async with asyncio.timeout(seconds):
            return await hearing.live(given)
    except TimeoutError as late:
        raise Fault(f"it gave no answer within {seconds:g} s") from late
    finally:
        await asyncio.shield(_end(process))


def carried(environment: os._Environ[str]) -> dict[str, str]:
    """What of the user's own environment reaches their keys."""
    return {key: environment[key] for key in CARRIED if key in environment}


def without_secrets(line: str) -> str:
    """A line of git's, or of the other side's, for an agent's terminal and a journal."""
    return redact_text(_SECRET.sub(r"\1", line)).translate(_CONTROLS)


class _Hearing:
    """One git and its pipes."""

    def __init__(self, process: subprocess.Popen[bytes], tell: Tell, aloud: bool) -> None:
        self._process = process
        self._tell = tell
        self._aloud = aloud
        self._out = bytearray()
        self._said: list[str] = []

    async def live(self, given: bytes) -> Ran:
        giving = asyncio.ensure_future(self._give(given))
        take = self._take_lines if self._aloud else self._take_out
        taking = (take(self._process.stdout), self._take_lines(self._process.stderr))
        heard = [asyncio.ensure_future(one) for one in taking]
        try:
            await _ended(self._process)
            done, _ = await asyncio.wait(heard, timeout=_REST_SECONDS)
            for one in done:
                one.result()
        finally:
            for one in (giving, *heard):
                one.cancel()
            await asyncio.gather(giving, *heard, return_exceptions=True)
        word = without_secrets(last_line("\n".join(self._said)))
        return Ran(self._process.returncode, bytes(self._out), word)

    async def _give(self, given: bytes) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        loop = asyncio.get_running_loop()
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, pipe)
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
        try:
            writer.write(given)
            await writer.drain()
        finally:
            writer.close()

    async def _take_out(self, pipe: IO[bytes] | None) -> None:
        reader, close = await _read(pipe)
        try:
            while part := await reader.read(1 << 16):
                self._out += part
                if len(self._out) > _MOST_BYTES:
                    raise Fault("it has more refs than polis takes")
        finally:
            close()

    async def _take_lines(self, pipe: IO[bytes] | None) -> None:
        """Line by line, and progress as it comes: that ends in a carriage return."""
        reader, close = await _read(pipe)
        rest = b""
        try:
            while part := await reader.read(1 << 14):
                *lines, rest = re.split(rb"(?<=[\r\n])", rest + part)
                for line in lines:
                    await self._hear(line)
                if len(rest) > _LONGEST_LINE:
                    rest = b""
            if rest:
                await self._hear(rest + b"\n")
        finally:
            close()

    async def _hear(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        shown, end = without_secrets(text.rstrip("\r\n")), "\r" if text.endswith("\r") else "\n"
        self._said = [*self._said[-20:], text.rstrip("\r\n")]
        # git inside says that itself, of the address that it knows.
        if not shown.startswith("error: failed to push some refs to "):
            await self._tell(shown + end)


async def _read(pipe: IO[bytes] | None) -> tuple[asyncio.StreamReader, Callable[[], None]]:
    assert pipe is not None
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    return reader, transport.close


async def _ended(process: subprocess.Popen[bytes]) -> None:
    """Waits without a thread: a remote that hangs must not keep those that others need."""
    loop = asyncio.get_running_loop()
    handle, event = os.pidfd_open(process.pid), asyncio.Event()
    loop.add_reader(handle, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)
    process.poll()


async def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_ended(process), _GRACE)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()

"""shfmt, started before it is needed: it blocks on its standard input until a line comes."""

from __future__ import annotations

import os
import resource
import select
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

# A tree is some two hundred times as long as its text; more than this is no line.
_LONGEST_TREE = 32 * 1024 * 1024


class ShfmtFailure(Exception):
    """shfmt could not be started, or was too slow."""


def find_shfmt() -> str | None:
    """shfmt-py installs its program beside the interpreter."""
    beside = os.path.join(os.path.dirname(sys.executable), "shfmt")
    return beside if os.access(beside, os.X_OK) else shutil.which("shfmt")


@dataclass(slots=True)
class _Spare:
    pid: int
    stdin: int
    stdout: int


class ShfmtProcess:
    """A source of trees: run() answers one text by the process that waits for it."""

    def __init__(self, program: str | None = None) -> None:
        self._program = program or find_shfmt()
        self._spares: list[_Spare] = []
        self._ended: list[int] = []

    def prepare(self, count: int = 1) -> None:
        """Starts processes until so many wait; forgets those that ended."""
        self._ended = [pid for pid in self._ended if not _reap(pid)]
        while len(self._spares) < count:
            self._spares.append(self._start())

    def run(self, source: bytes, deadline: float) -> bytes:
        """The JSON tree of the text, or shfmt's message when it is no bash. deadline:
        time.monotonic(). ShfmtFailure."""
        spare = self._spares.pop() if self._spares else self._start()
        try:
            output = _converse(spare, source, deadline)
        except (OSError, ShfmtFailure) as fault:
            with suppress(ProcessLookupError):
                os.kill(spare.pid, signal.SIGKILL)
            raise ShfmtFailure(str(fault)) from fault
        finally:
            for descriptor in (spare.stdin, spare.stdout):
                if descriptor >= 0:
                    os.close(descriptor)
            self._ended.append(spare.pid)
        return output

    def close(self) -> None:
        """Ends every process."""
        for spare in self._spares:
            os.close(spare.stdin)
            os.close(spare.stdout)
            with suppress(ProcessLookupError):
                os.kill(spare.pid, signal.SIGKILL)
            self._ended.append(spare.pid)
        self._spares.clear()
        for pid in self._ended:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        self._ended.clear()

    def _start(self) -> _Spare:
        if self._program is None:
            raise ShfmtFailure("shfmt is not installed")
        inside, stdin = os.pipe2(os.O_CLOEXEC)
        stdout, outside = os.pipe2(os.O_CLOEXEC)
        try:
            pid = os.posix_spawn(
                self._program,
                [self._program, "-ln", "bash", "--to-json"],
                {"GOMAXPROCS": "1"},
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, inside, 0),
                    (os.POSIX_SPAWN_DUP2, outside, 1),
                    (os.POSIX_SPAWN_DUP2, outside, 2),
                ],
            )
        except OSError as fault:
            os.close(stdin)
            os.close(stdout)
            raise ShfmtFailure(f"shfmt does not start: {fault.strerror}") from fault
        finally:
            os.close(inside)
            os.close(outside)
        # Whatever becomes of us, it cannot spin: deep nesting costs it minutes.
        with suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_CPU, (2, 2))
        return _Spare(pid, stdin, stdout)


def _converse(spare: _Spare, source: bytes, deadline: float) -> bytes:
    # Up to 64 kB fit into the pipe, so the write does not wait for a reader.
    rest = memoryview(source)
    while rest:
        rest = rest[os.write(spare.stdin, rest[:65536]) :]
    os.close(spare.stdin)
    spare.stdin = -1
    poll = select.poll()
    poll.register(spare.stdout, select.POLLIN | select.POLLHUP)
    chunks: list[bytes] = []
    length = 0
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            raise ShfmtFailure("shfmt took too long")
        chunk = os.read(spare.stdout, 1 << 20)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        length += len(chunk)
        if length > _LONGEST_TREE:
            raise ShfmtFailure("shfmt's tree is too long")


def _reap(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True

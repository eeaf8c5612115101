"""A person at a terminal: a real pty, keys typed into it, and the screen they make (pyte)."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pexpect
import pyte

_PATIENCE = 15.0


class _Screen(pyte.Screen):
    def select_graphic_rendition(self, *attributes: int, private: bool = False) -> None:
        # pyte takes vim's `CSI ? 4 m` (a query) for a rendition and then does not know `private`.
        if not private:
            super().select_graphic_rendition(*attributes)


class Terminal:
    """A program on a terminal of its own; hung up when the context is left.

    The pty answers no cursor-position query, as many do not."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        rows: int = 24,
        columns: int = 90,
    ) -> None:
        self.screen = _Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._process = pexpect.spawn(
            argv[0],
            list(argv[1:]),
            env={**environment, "TERM": "xterm-256color"},
            cwd=os.fspath(cwd),
            dimensions=(rows, columns),
        )
        self._process.delaybeforesend = None
        self.transcript = b""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.close(force=True)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def descriptor(self) -> int:
        """The pty's master: the terminal as the window system has it."""
        return self._process.child_fd

    @property
    def text(self) -> str:
        """The screen without trailing blanks."""
        return "\n".join(line.rstrip() for line in self.screen.display).rstrip()

    @property
    def last_line(self) -> str:
        """The last line that is not empty."""
        return self.text.rpartition("\n")[2]

    def type(self, keys: str | bytes) -> None:
        """Types keys; Enter is \\r."""
        data = keys.encode() if isinstance(keys, str) else keys
        while data:
            data = data[os.write(self.descriptor, data) :]

    def enter(self, line: str, expected: str = r"\$$") -> str:
        """Types a line with Enter and waits until the last line matches; the screen then."""
        before = len(self.transcript)
        self.type(line + "\r")
        self.wait(lambda: b"\n" in self.transcript[before:], f"an answer to {line!r}")
        return self.wait_last(expected)

    def wait_for(self, pattern: str) -> str:
        """Waits until the screen shows the pattern (multi-line regex); the screen then."""
        self.wait(lambda: re.search(pattern, self.text, re.M), pattern)
        return self.text

    def wait_last(self, pattern: str) -> str:
        """Waits until the last line matches and nothing more comes; the screen then."""
        self.wait(lambda: re.search(pattern, self.last_line) and not self._pump(0.15), pattern)
        return self.text

    def press(self, key: str, pattern: str) -> str:
        """Types a key that sends a signal until the last line matches, as a person would: between
        its fork and its exec a child of bash still has bash's own handlers, and the signal is
        lost, the sooner the busier the machine."""
        for _ in range(10):
            self.type(key)
            deadline = time.monotonic() + 2
            while time.monotonic() < deadline:
                if re.search(pattern, self.last_line) and not self._pump(0.15):
                    return self.text
                self._pump(0.05)
        raise AssertionError(f"never came: {pattern}\n{self.text}")

    def wait(self, happened: Any, what: str, patience: float = _PATIENCE) -> None:
        """Feeds the screen until `happened()`; AssertionError with the screen else."""
        deadline = time.monotonic() + patience
        while not happened():
            alive = self._pump(0.05)
            if alive is None and happened():
                return
            gone = " (the program has ended)" if alive is None else ""
            late = alive is None or time.monotonic() > deadline
            assert not late, f"never came: {what}{gone}\n{self.text}"

    def wait_end(self) -> int:
        """Waits for the program's end; its status, negative for a signal."""
        deadline = time.monotonic() + _PATIENCE
        while self._pump(0.05) is not None and time.monotonic() < deadline:
            pass
        assert self._process.terminate(), f"it does not end\n{self.text}"
        if self._process.signalstatus is not None:
            return -int(self._process.signalstatus)
        return int(self._process.exitstatus)

    def resize(self, rows: int, columns: int) -> None:
        """What a window system does: the size changes, SIGWINCH comes."""
        self.screen.resize(rows, columns)
        self._process.setwinsize(rows, columns)

    def kill(self, number: signal.Signals) -> None:
        """Sends the program itself a signal."""
        os.kill(self.pid, number)

    def _pump(self, seconds: float) -> bool | None:
        """Whether something came; None when the program has closed its terminal."""
        try:
            data = self._process.read_nonblocking(65536, seconds)
        except pexpect.TIMEOUT:
            return False
        except pexpect.EOF:
            return None
        self.transcript += data
        self._stream.feed(data)
        return True

"""The user's keyboard, while a command inside the walls has it."""

from __future__ import annotations

import os
import termios
import tty
from types import TracebackType
from typing import Any

from cash.shell.terminal import in_foreground, is_line_mode, put_back

_CHUNK = 65536


class Keyboard:
    """Gives the keys of a terminal to a command, as long as they are ours to take.

    shared: the command's output goes into a pipe, so another program of the caller's pipeline (a
    pager) may read the same keys; then the terminal keeps its modes, whole lines are passed on,
    and none while that program has switched to single keys. Otherwise the terminal is raw while
    this process is in the foreground. Leaving the context brings the modes back."""

    def __init__(self, terminal: int, *, shared: bool = False) -> None:
        self.terminal = terminal
        self.shared = shared
        self.ended = False
        self._before: list[Any] | None = None

    def __enter__(self) -> Keyboard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def raw(self) -> bool:
        """Whether the terminal is in raw mode now, so that lines must end in CR LF."""
        return self._before is not None

    def take(self) -> bool:
        """Whether keys may be read now. False while in the background (reading would stop us),
        while another program has them, and when the terminal is gone: ask again later."""
        if self.ended or not in_foreground(self.terminal):
            return False
        try:
            if self.shared:
                return is_line_mode(self.terminal)
            if self._before is None:
                self._before = termios.tcgetattr(self.terminal)
                tty.setraw(self.terminal, termios.TCSADRAIN)
        except termios.error:
            self.ended = True
        return not self.ended

    def release(self) -> None:
        """Brings the modes found back; take() may be called again later."""
        if self._before is not None:
            put_back(self.terminal, self._before)
            self._before = None

    def read(self) -> bytes:
        """The keys typed; b"" when the terminal is gone (SIGHUP says the rest)."""
        try:
            typed = os.read(self.terminal, _CHUNK)
        except OSError:
            typed = b""
        if typed:
            return typed
        if self.shared:
            return b"\x04"  # line mode eats Ctrl-D and reads as an end
        self.ended = True
        return b""

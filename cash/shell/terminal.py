"""The user's terminal: its modes, its size, and whose it is just now."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_WINDOW = struct.Struct("HHHH")
_TIOCGPTPEER = 0x5441  # Linux 4.13: the other side of a pty, whatever mount namespace it is in
_TIOCGSID = 0x5429


def find_terminals(descriptors: Sequence[int]) -> str:
    """Which of `descriptors` are terminals, as "0" and "1" in their order."""
    return "".join("1" if os.isatty(descriptor) else "0" for descriptor in descriptors)


def window_of(terminal: int) -> tuple[int, int]:
    """Rows and columns; 24 by 80 where the terminal does not know."""
    try:
        packed = fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(_WINDOW.size))
    except OSError:
        return 24, 80
    rows, columns, _, _ = _WINDOW.unpack(packed)
    return rows or 24, columns or 80


def set_window(master: int, rows: int, columns: int) -> None:
    """Resizes the terminal behind `master`; its foreground programs get SIGWINCH."""
    fcntl.ioctl(master, termios.TIOCSWINSZ, _WINDOW.pack(rows, columns, 0, 0))


def copy_modes(terminal: int, master: int) -> None:
    """Gives the terminal behind `master` the keys and modes of the user's own (which key erases,
    whether characters are UTF-8)."""
    with contextlib.suppress(OSError, termios.error):
        termios.tcsetattr(master, termios.TCSANOW, termios.tcgetattr(terminal))


def stop_echo(master: int) -> None:
    """Typed lines are passed on whole and have been shown by the user's own terminal."""
    with contextlib.suppress(OSError, termios.error):
        modes = termios.tcgetattr(master)
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(master, termios.TCSANOW, modes)


def suspending_key(master: int) -> bytes | None:
    """The key that stops the foreground programs of the terminal behind `master`, when these are
    its session's own group: no shell in there would continue them. None otherwise."""
    try:
        modes = termios.tcgetattr(master)
        alone = os.tcgetpgrp(master) == _session_of(master)
    except (OSError, termios.error):
        return None
    key: bytes = modes[6][termios.VSUSP]
    return key if modes[3] & termios.ISIG and alone and key != b"\0" else None


def _session_of(master: int) -> int:
    packed = fcntl.ioctl(master, _TIOCGSID, bytes(4))
    return int.from_bytes(packed, sys.byteorder)


def in_foreground(terminal: int) -> bool:
    """Whether this process may read the terminal and change its modes without being stopped."""
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:  # not our controlling terminal: nobody stops us
        return True


@contextmanager
def single_keys(terminal: int) -> Iterator[None]:
    """One key at a time without echo, Ctrl-C among them. What was typed before is thrown away: it
    was meant for something else."""
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal, termios.TCSAFLUSH)
        modes = termios.tcgetattr(terminal)
        modes[3] &= ~termios.ISIG
        termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
        yield
    finally:
        put_back(terminal, before)


@contextmanager
def kept(terminal: int) -> Iterator[None]:
    """Whatever happens inside, the terminal ends as it was."""
    before = termios.tcgetattr(terminal)
    try:
        yield
    finally:
        put_back(terminal, before)


def put_back(terminal: int, modes: list[Any]) -> None:
    """Sets modes found earlier; a terminal that was closed meanwhile needs none."""
    with contextlib.suppress(termios.error):
        termios.tcsetattr(terminal, termios.TCSADRAIN, modes)


def is_line_mode(terminal: int) -> bool:
    """Whether input comes by lines: a pager that reads single keys has switched it off."""
    flags: int = termios.tcgetattr(terminal)[3]
    return bool(flags & termios.ICANON)


def take_unread(master: int) -> bytes:
    """What was typed into the terminal behind `master` and read by no program there."""
    try:
        slave = fcntl.ioctl(master, _TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        before = termios.tcgetattr(slave)
        # Leaving line mode makes an unfinished line readable as well (n_tty_set_termios).
        single = [*before[:3], before[3] & ~termios.ICANON, *before[4:]]
        termios.tcsetattr(slave, termios.TCSANOW, single)
        try:
            return _read_all(slave)
        finally:
            termios.tcsetattr(slave, termios.TCSANOW, before)
    except (OSError, termios.error):
        return b""
    finally:
        os.close(slave)


def _read_all(descriptor: int) -> bytes:
    chunks = []
    try:
        while chunk := os.read(descriptor, 65536):
            chunks.append(chunk)
    except BlockingIOError:
        pass
    return b"".join(chunks)

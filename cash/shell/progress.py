"""What is said of something that takes long: on a terminal, on standard error, and gone again."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

_ANEW = b"\r\x1b[K"


class Progress:
    """Says what is going on (asked anew each time, where it is a call), and since when, once it
    takes over a second, until end()."""

    def __init__(self, doing: str | Callable[[], str]) -> None:
        self._doing = doing
        self._done: threading.Event | None = None
        if os.isatty(2):
            # Here: a program without a terminal, that starts in a moment, does without.
            import threading

            self._done = threading.Event()
            self._teller = threading.Thread(target=self._tell, args=(self._done,), daemon=True)
            self._teller.start()

    def end(self) -> None:
        """Nothing of it is on the screen afterwards. Again is fine."""
        if self._done is not None:
            self._done.set()
            self._teller.join()
            self._done = None

    def _words(self) -> str:
        return self._doing if isinstance(self._doing, str) else self._doing()

    def _tell(self, done: threading.Event) -> None:
        began = time.monotonic()
        told = False
        while not done.wait(1.0):
            told = True
            _write(_ANEW + f"{self._words()} … {time.monotonic() - began:.0f} s".encode())
        if told:
            _write(_ANEW)


@contextmanager
def progress(doing: str | Callable[[], str]) -> Iterator[Progress]:
    """Progress while inside, or until it is ended before."""
    telling = Progress(doing)
    try:
        yield telling
    finally:
        telling.end()


def _write(text: bytes) -> None:
    try:
        os.write(2, text)
    except OSError:
        return  # the terminal is gone; what is going on goes on

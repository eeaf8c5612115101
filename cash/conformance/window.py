"""A terminal window of its own for a program: what it shows, and keys typed into it (tmux)."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from cash.faults import MachineFault
from cash.keeper.processes import session_members

_SIZE = ("-x", "110", "-y", "40")
_LOOK_SECONDS = 0.25
# A screen that is drawn piece by piece looks like many things: two looks must agree.
_AGREEING = 2


class Window:
    """One program in a tmux server of its own, which ends with the context."""

    def __init__(
        self, folder: Path, argv: Sequence[str], environment: Mapping[str, str], cwd: Path
    ) -> None:
        if shutil.which("tmux") is None:
            raise MachineFault("there is no tmux", hint="apt-get install -y tmux")
        # The path of a socket may have 108 bytes: by its name alone, in the folder.
        self._folder = folder
        self._argv = argv
        self._environment = environment
        self._cwd = cwd
        self._leader = 0

    def __enter__(self) -> Window:
        where = ("-c", os.fspath(self._cwd))
        self._tmux("-f", "/dev/null", "new-session", "-d", *_SIZE, *where, "--", *self._argv)
        self._leader = int(self._tmux("display-message", "-p", "#{pane_pid}") or 0)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tmux("kill-server")
        # Gemini CLI outlives the hang-up.
        for pid in session_members(self._leader) if self._leader else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def text(self) -> str:
        """What it shows now; "" once the program has ended."""
        return self._tmux("capture-pane", "-p").rstrip()

    def type(self, text: str) -> None:
        """Types text."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, key: str) -> None:
        """Presses a key, by tmux' name for it."""
        self._tmux("send-keys", key)

    def wait(self, shown: Callable[[str], bool], seconds: float) -> str:
        """Waits until what it shows is so twice in a row, or for that time; what it shows then."""
        deadline, agreed = time.monotonic() + seconds, 0
        while True:
            text = self.text()
            agreed = agreed + 1 if shown(text) else 0
            if agreed == _AGREEING or time.monotonic() > deadline:
                return text
            time.sleep(_LOOK_SECONDS)

    def _tmux(self, *words: str) -> str:
        ran = subprocess.run(
            ["tmux", "-S", "w", *words],
            cwd=self._folder,
            env={**self._environment, "TERM": "xterm-256color"},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return ran.stdout.decode("utf-8", "replace")

"""The resident bash of an interactive shell: one process inside the walls that keeps directory,
variables, functions and jobs from line to line.

Its standard input is a socket that only this client writes, never the terminal: whatever is typed
while a command runs can go to that command or to the next prompt, but not into bash unjudged.
Each line runs as `eval` with the terminal on its standard input and with both sockets hidden from
its children.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import cast

from cash import wire
from cash.faults import FAILED_CLOSED, Fault
from cash.shell.progress import Progress
from cash.shell.relay import Relay, write_whole

# What the runner calls the status socket inside.
_STATUS = 200

# PS1 expands to nothing yet is not empty: start-up files take an empty one for "not interactive".
# A line is reported twice, behind it and once more by itself (Ctrl-C drops the rest of a line);
# the second time is silent. Under `set -e` a function that hands on a failure would end bash.
# $_ is the last word of the command before: a line's is kept, and the report's own last word.
_SETUP = f"""\
history -d -1; PS1='\\[\\]' PS2= PROMPT_COMMAND=; set +o history +H; unset HISTFILE; \
__polis_last= __polis_word=; \
__polis_end() {{ local status=$?; PS1='\\[\\]'; \
[[ $__polis_last == "$1" ]] || printf '%s\\0%s\\0%s\\0' "$1" "$status" "$PWD" >&{_STATUS}; \
__polis_last=$1; case $- in *e*) return 0;; esac; return "$status"; }}; \
__polis_keep() {{ local status=$?; __polis_word=$1; \
case $- in *e*) return 0;; esac; return "$status"; }}
"""
_KEEP = '\n{ __polis_keep "$_"; } 2>/dev/null'


@dataclass(frozen=True, slots=True)
class Ended:
    """A line has ended. cwd: bash's own $PWD. For display only: what runs inside could say it."""

    status: int
    cwd: str


@dataclass(frozen=True, slots=True)
class Over:
    """The shell itself has ended. text: why, when it did not end by itself."""

    status: int
    text: str = ""


Watched = MutableMapping[int, Callable[[], Ended | Over | None]]


class Resident:
    """Bash behind `connection`, started by open_resident()."""

    def __init__(
        self,
        connection: socket.socket,
        relay: Relay,
        lines: int,
        reports: int,
        waiting: Progress,
    ) -> None:
        os.set_blocking(reports, False)
        self.connection = connection
        self.relay = relay
        self._waiting = waiting
        self._lines = lines
        self._reports = reports
        self._number = 0
        self._heard = b""

    def close(self) -> None:
        """Hangs bash up if it still runs."""
        self.connection.close()
        self._close_lines()
        os.close(self._reports)

    def greet(self) -> Ended | Over:
        """Makes a started bash ready; what it says meanwhile is not for the screen."""
        self.relay.muted = True
        try:
            first = self._wait(_SETUP + self._report(), {})
            # Bash may have reported before its runner has passed the terminal on.
            while isinstance(first, Ended) and not self.relay.was_attached:
                first = self.hear() or first
            self.relay.drain()
        finally:
            self.relay.muted = False
        return first

    def run(self, text: str, watched: Watched) -> Ended | Over:
        """Runs one judged line to its end, with the keyboard and the screen as its terminal."""
        source = f"eval {quote(text + _KEEP)} 0<&1 {_STATUS}>&-; {self._reports_twice()}"
        return self._wait(source, watched)

    def skip(self, status: int | None, watched: Watched) -> Ended | Over:
        """A line that does not run: $? becomes `status`, if any, and bash gets its turn to say
        which jobs are done."""
        change = f"(exit {status}); " if status is not None else ""
        return self._wait(change + self._reports_twice(), watched)

    def hear(self) -> Over | None:
        """Reads a frame while no line runs; Over when bash has ended."""
        try:
            kind, payload, descriptors = wire.receive_frame(self.connection, 1)
        except (wire.ConnectionEnded, OSError):
            return Over(FAILED_CLOSED, "polis: the shell's runner is gone\n")
        match kind:
            case wire.EXIT:
                return Over(int(payload))
            case wire.TERMINAL if descriptors:
                self.relay.attach(descriptors[0])
            case wire.TEXT:
                self._waiting.end()
                write_whole(2, payload)
            case _:
                pass
        return None

    def _report(self) -> str:
        return f'{{ __polis_end {self._number} "$__polis_word"; }} 2>/dev/null\n'

    def _reports_twice(self) -> str:
        self._number += 1
        return self._report() * 2

    def _wait(self, source: str, watched: Watched) -> Ended | Over:
        try:
            _write_lines(self._lines, source)
        except OSError:
            return Over(FAILED_CLOSED, "polis: the shell takes no more lines\n")
        everything: Watched = {self.connection.fileno(): self.hear, **watched}

        def read_report() -> Ended | None:
            ended = self._read_report()
            if self._lines < 0:
                del everything[self._reports]
            return ended

        everything[self._reports] = read_report
        return cast("Ended | Over", self.relay.until(everything))

    def _read_report(self) -> Ended | None:
        try:
            data = os.read(self._reports, 65536)
        except BlockingIOError:
            return None
        if not data:
            self._close_lines()
            return None
        self._heard = (self._heard + data)[-65536:]
        *fields, _ = self._heard.split(b"\0")
        for number, status, cwd in zip(fields[::3], fields[1::3], fields[2::3], strict=False):
            if number == b"%d" % self._number and status.isdigit():
                self._heard = b""
                return Ended(int(status), os.fsdecode(cwd))
        return None

    def _close_lines(self) -> None:
        """Bash reports no more. It has ended, and EXIT is about to come; or `exec PROGRAM` has put
        another in its place, which then has the terminal until it ends; or it has lost its report,
        and ends where its lines do."""
        if self._lines >= 0:
            os.close(self._lines)
            self._lines = -1


def _write_lines(descriptor: int, source: str) -> None:
    """Writes bash source to bash's own input; OSError when bash is gone."""
    data = source.encode("utf-8", "surrogateescape")
    while data:
        data = data[os.write(descriptor, data) :]


def quote(text: str) -> str:
    """One word on one line, whatever the text: bash would prompt for a second line."""
    if "\0" in text:
        raise Fault("a line cannot hold a NUL")
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"$'{escaped}'"


def open_channel() -> tuple[int, int]:
    """Both ends of a way to bash or back. A socket: whatever runs inside under bash's uid could
    open a pipe once more, by way of /proc/PID/fd, and inject lines or forge reports."""
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    return one.detach(), other.detach()


def open_resident(
    connection: socket.socket, request: wire.RunRequest, relay: Relay, waiting: Progress
) -> tuple[Resident, Ended | Over]:
    """Starts bash by a RUN frame of mode "shell" and makes it ready; its first report. waiting:
    what is said meanwhile."""
    commands, lines = open_channel()
    reports, status = open_channel()
    resident = Resident(connection, relay, lines, reports, waiting)
    try:
        wire.send_frame(connection, wire.RUN, request.encode(), (commands, 1, 2, status))
    finally:
        os.close(commands)
        os.close(status)
    return resident, resident.greet()

"""The client of one command, for terminals and for whatever the perl client leaves.

Imports only what starts in a moment: the command line runs through here.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from stat import S_ISFIFO
from typing import Any, Literal

from cash import wire
from cash.calling import read_token
from cash.daemon.client import connect
from cash.faults import FAILED_CLOSED, Fault
from cash.places import Places
from cash.shell.keyboard import Keyboard
from cash.shell.progress import Progress, progress
from cash.shell.question import Question, put_question
from cash.shell.relay import Relay, is_readable, write_whole
from cash.shell.signals import FORWARDED, caught, die_of, read_signals, stop_self
from cash.shell.terminal import (
    find_terminals,
    in_foreground,
    set_window,
    stop_echo,
    suspending_key,
    window_of,
)
from cash.silence import Silence

# Ended by these, the client ends by them too; the others would dump core or mean nothing.
_DIES_OF = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
# What has not begun when these arrive is not to begin.
_ENDED_BY = (*_DIES_OF, signal.SIGQUIT)
# How long a signal may wait for the word that it has.
_MOMENT = 0.3


def run(
    places: Places,
    agent: str,
    mode: Literal["argv", "line"],
    arguments: Sequence[bytes],
    *,
    environment: Sequence[bytes] = (),
    begun: Callable[[str], None] | None = None,
    dies: bool = True,
) -> int:
    """Runs one command as `agent` ("": polisd finds it by directory) on this process' own
    descriptors and answers its status. environment: NAME=value, besides what is carried; begun:
    called with the command's id when it runs. dies: by the signal the command died of, as a
    caller's shell expects. Fault when polisd cannot be had."""
    terminals = find_terminals((0, 1, 2))
    terminal = _first_terminal(terminals)
    rows, columns = (24, 80) if terminal is None else window_of(terminal)
    with progress("starting polisd"):
        connection = connect(places)
    with connection, progress(f"waiting for the walls{f' of {agent}' if agent else ''}") as waiting:
        request = wire.RunRequest(
            token=read_token(places).encode(),
            agent=agent,
            cwd=working_directory(),
            mode=mode,
            terminals=terminals,
            rows=rows,
            columns=columns,
            arguments=tuple(arguments),
            environment=(*wire.carried_environment(os.environb.items()), *environment),
        )
        with caught(FORWARDED) as signals:
            silence = Silence(places, connection)
            keyboard = _keyboard(terminals)
            running = _Running(connection, signals, silence, terminal, keyboard, waiting, begun)
            status = running.carry_through(wire.pack_frame(wire.RUN, request.encode()))
    if dies and running.ended_by_signal(status):
        die_of(status - 128)
    return status


def working_directory() -> bytes:
    """The directory the command is to run in. Fault when it was removed meanwhile."""
    try:
        return os.getcwdb()
    except OSError as fault:
        raise Fault(
            f"the current directory is gone: {fault.strerror}", hint="cd to one that exists"
        ) from fault


def _first_terminal(terminals: str) -> int | None:
    found = terminals.find("1")
    return found if found >= 0 else None


def _keyboard(terminals: str) -> Keyboard | None:
    if terminals[0] == "0":
        return None
    return Keyboard(0, shared=terminals[1] == "0" and S_ISFIFO(os.fstat(1).st_mode))


@dataclass(slots=True)
class _Running:
    """One command from its RUN frame to its EXIT frame. rest: of the RUN, still to be sent."""

    connection: socket.socket
    signals: int
    silence: Silence
    terminal: int | None
    keyboard: Keyboard | None
    waiting: Progress
    begun: Callable[[str], None] | None = None
    started: bool = False
    master: int | None = None
    received: set[int] = field(default_factory=set)
    rest: bytes = b""
    relay: Relay = field(init=False)

    def __post_init__(self) -> None:
        screen = 1 if os.isatty(1) else 2 if os.isatty(2) else 0
        self.relay = Relay(screen=screen, keyboard=self.keyboard, filter_keys=self._filter_keys)

    def carry_through(self, request: bytes) -> int:
        """Asks for the command, then serves frames, signals and keys until it has ended; its
        status."""
        watched = {self.connection.fileno(): self._hear, self.signals: self._forward}
        try:
            status = self._ask_for(request)
            return self.relay.until(watched) if status is None else status
        finally:
            if self.keyboard is not None:
                self.keyboard.release()

    def _ask_for(self, request: bytes) -> int | None:
        """Sends the request, with descriptors 0 to 2, and waits for the first word on it; a status
        where a signal ends that. Neither blocks: polisd may stand still."""
        connection = self.connection.fileno()
        self.rest = wire.send_some(self.connection, request, (0, 1, 2))
        while True:
            reading, writing = ([], [connection]) if self.rest else ([connection], [])
            ready = self.silence.wait([self.signals, *reading], writing)
            status = self._forward() if self.signals in ready else None
            if status is not None or (connection in reading and connection in ready):
                return status
            if connection in ready:
                self.rest = wire.send_some(self.connection, self.rest)

    def _hear(self) -> int | None:
        if not is_readable(self.connection):
            return None  # a signal that came with it has had it read
        try:
            kind, payload, descriptors = wire.receive_frame(self.connection, 1)
        except (wire.ConnectionEnded, OSError):
            self.waiting.end()
            return self._gone()
        self.waiting.end()
        match kind:
            case wire.EXIT:
                return int(payload)
            case wire.TEXT:
                self._say(payload)
            case wire.QUESTION:
                return self._ask(json.loads(payload))
            case wire.TERMINAL if descriptors:
                self.relay.attach(descriptors[0])
                if self.keyboard is not None and self.keyboard.shared:
                    stop_echo(descriptors[0])
                self._resize()
            case wire.STARTED:
                self.started = True
                if self.begun is not None:
                    self.begun(payload.decode("ascii", "replace"))
            case wire.REPLY:
                return self._refuse(json.loads(payload))
            case _:
                pass
        return None

    def _gone(self) -> int:
        if self.started:
            self._say(b"polis: the command's runner is gone\nhint: what it did stays: polis log\n")
        else:
            self._say(b"polis: polisd ended before the command started\nhint: send it again\n")
        return FAILED_CLOSED

    def _refuse(self, reply: dict[str, Any]) -> int:
        fault = reply.get("fault") or {}
        hint = f"hint: {fault['hint']}\n" if fault.get("hint") else ""
        self._say(f"polis: {fault.get('message', 'no reason given')}\n{hint}".encode())
        return int(fault.get("status") or FAILED_CLOSED)

    def _say(self, text: bytes) -> None:
        if self.keyboard is not None and self.keyboard.raw:
            text = text.replace(b"\n", b"\r\n")
        write_whole(2, text)

    def _ask(self, body: dict[str, Any]) -> int | None:
        question = Question.read(body)
        if body.get("told"):
            return None
        if not (os.isatty(0) and os.isatty(2) and in_foreground(0)):
            self._say(question.describe().encode())
            for way in question.ways:
                self._say(f"  {way}\n".encode())
            return None
        while not self.received and not is_readable(self.connection):
            answer = put_question(
                question,
                keyboard=0,
                screen=2,
                elsewhere=(self.connection.fileno(), self.signals),
                explain=question.explain,
            )
            if answer is not None:
                reply = {
                    "id": question.id,
                    "decision": answer.decision,
                    "scope": answer.scope,
                    "choice": answer.choice,
                }
                wire.send_frame(self.connection, wire.ANSWER, json.dumps(reply).encode())
                return None
            status = self._forward()
            if status is not None:
                return status
        return None

    def _forward(self) -> int | None:
        for number in read_signals(self.signals):
            match number:
                case signal.SIGWINCH:
                    self._resize()
                case signal.SIGTSTP:
                    self._suspend()
                case _:
                    self.received.add(number)
                    if not self.started and number in _ENDED_BY:
                        status = self._last_word()
                        if not self.started:
                            # polisd sees the hang-up before it starts anything.
                            return 128 + number if status is None else status
                    self._signal(number)
        return None

    def _last_word(self) -> int | None:
        """What polisd says just now: what a command writes may be here before the word that it has
        begun. A status where that is its end."""
        until = time.monotonic() + _MOMENT
        while not (self.started or self.rest):
            left = max(0.0, until - time.monotonic())
            if not is_readable(self.connection, left):
                return None
            status = self._hear()
            if status is not None:
                return status
        return None

    def _signal(self, number: signal.Signals) -> None:
        if self.rest:
            return  # it would stand in the midst of the request, and nothing runs yet
        name = number.name.removeprefix("SIG").encode()
        try:
            wire.send_frame(self.connection, wire.SIGNAL, name)
        except OSError:
            return  # what polisd or the runner said last is still to be read

    def _resize(self) -> None:
        if self.relay.master is not None and self.terminal is not None:
            set_window(self.relay.master, *window_of(self.terminal))

    def ended_by_signal(self, status: int) -> bool:
        """Whether the command ended by a signal that was meant for this client as well."""
        if status == 128 + signal.SIGINT and self.relay.was_attached:
            return True  # Ctrl-C was a key for the terminal inside, no signal here
        return status - 128 in self.received and status - 128 in _DIES_OF

    def _filter_keys(self, typed: bytes) -> bytes:
        """Takes Ctrl-Z out where no shell inside would continue what it stops; the caller's shell
        can."""
        assert self.relay.master is not None
        key = suspending_key(self.relay.master)
        if key is None or key not in typed:
            return typed
        self._suspend()
        return typed.replace(key, b"")

    def _suspend(self) -> None:
        """Stops with the command, for the caller's own job control. SIGCONT is among the signals
        forwarded and wakes both. In the command's orphaned group the kernel ignores SIGTSTP."""
        self._signal(signal.SIGSTOP)
        if self.keyboard is not None:
            self.keyboard.release()
        stop_self()
        self._resize()

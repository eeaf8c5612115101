"""A terminal made inside: who owns it, its size, its keys, its end."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from walled import PATIENCE, Walled, is_alive

from cash import wire

pytestmark = pytest.mark.kernel


@dataclass
class Terminal:
    """A client with a terminal, as `polis exec` has one."""

    client: socket.socket
    master: int
    text: bytes = b""
    frames: list[tuple[bytes, bytes]] = field(default_factory=list)

    def expect(self, words: bytes) -> None:
        deadline = time.monotonic() + PATIENCE
        while words not in self.text:
            assert time.monotonic() < deadline, self.text
            ready, _, _ = select.select([self.master], [], [], 0.2)
            if ready:
                self.text += os.read(self.master, 65536)
        self.text = self.text.partition(words)[2]

    def type(self, keys: bytes) -> None:
        os.write(self.master, keys)


@contextlib.contextmanager
def terminal(walled: Walled, *argv: str, rows: int = 30, columns: int = 100) -> Iterator[Terminal]:
    client = walled.start(*argv, descriptors={}, terminals="111", rows=rows, columns=columns)
    kind, _, descriptors = wire.receive_frame(client, 1)
    assert kind == wire.TERMINAL
    made = Terminal(client, descriptors[0])
    try:
        yield made
    finally:
        client.close()
        os.close(made.master)
        walled.ended(f"run-{walled.count}")


def test_the_terminal_is_the_commands_own(walled: Walled) -> None:
    with terminal(walled, "sh", "-c", "tty; stty size; ps -o tty= -p $$; echo > /dev/tty ok") as t:
        t.expect(b"/dev/pts/0\r\n30 100\r\npts/0")
        t.expect(b"ok")
        assert wire.receive_frame(t.client)[:2][0] == wire.STARTED
        assert wire.receive_frame(t.client)[:2] == (wire.EXIT, b"0")


def test_only_the_descriptors_asked_for_become_the_terminal(walled: Walled) -> None:
    reader, writer = os.pipe()
    client = walled.start(
        "sh",
        "-c",
        "test -t 0; echo $?; test -t 1; echo $? >&2; test -t 2; echo $? >&2",
        descriptors={1: writer},
        terminals="101",
    )
    os.close(writer)
    _, _, (master,) = wire.receive_frame(client, 1)
    with os.fdopen(reader) as pipe:
        assert pipe.read() == "0\n"
    seen = b""
    with contextlib.suppress(OSError):
        while b"0\r\n" not in seen:
            seen += os.read(master, 100)
    assert seen.split() == [b"1", b"0"]
    os.close(master)
    walled.finish(client)
    walled.ended(f"run-{walled.count}")


def test_resize(walled: Walled) -> None:
    line = "trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done"
    with terminal(walled, "bash", "-c", line) as t:
        t.expect(b"ready")
        wire.send_frame(t.client, wire.WINDOW, b"40\x00132")
        t.expect(b"40 132")


def test_interrupt_and_end_of_input(walled: Walled) -> None:
    with terminal(walled, "sh", "-c", "trap 'echo caught; exit 5' INT; cat") as t:
        # Once cat answers it runs: a shell between fork and exec would lose the key.
        t.type(b"line\n")
        t.expect(b"line\r\nline")
        t.type(b"\x03")
        t.expect(b"caught")
    with terminal(walled, "sh", "-c", "echo ready; cat; echo end") as t:
        t.expect(b"ready")
        t.type(b"\x04")
        t.expect(b"end")


def test_job_control(walled: Walled) -> None:
    with terminal(walled, "bash", "--norc", "-i") as t:
        t.type(b"PS1='$ '\n")
        t.type(b"sleep 100\n")
        t.expect(b"sleep 100")
        time.sleep(0.2)
        t.type(b"\x1a")
        t.expect(b"Stopped")
        t.type(b"jobs; kill %1; wait; echo 'status' $?\n")
        t.expect(b"status 0")


def test_signals_reach_the_foreground(walled: Walled) -> None:
    line = "sh -c 'trap \"echo got it\" USR1; echo ready; while :; do sleep 0.05; done'"
    with terminal(walled, "bash", "--norc", "-i") as t:
        t.type(line.encode() + b"\n")
        t.expect(b"\nready")
        wire.send_frame(t.client, wire.SIGNAL, b"USR1")
        t.expect(b"\ngot it")


def test_a_signal_without_a_terminal(walled: Walled) -> None:
    client = walled.start("sleep", "100", descriptors={})
    assert wire.receive_frame(client)[0] == wire.STARTED
    wire.send_frame(client, wire.SIGNAL, b"TERM")
    assert walled.finish(client)[-1] == (wire.EXIT, b"143")
    walled.ended(f"run-{walled.count}")


@pytest.mark.parametrize("signals", ["", "trap '' HUP;"], ids=["willing", "stubborn"])
def test_a_client_that_goes_takes_its_command_along(walled: Walled, signals: str) -> None:
    reader, writer = os.pipe()
    line = f"{signals} sleep 1000 & echo $$; wait; wait"
    client = walled.start("bash", "-c", line, descriptors={1: writer})
    os.close(writer)
    wire.receive_frame(client)
    os.read(reader, 100)
    before = time.monotonic()
    client.close()
    ended = walled.ended(f"run-{walled.count}")
    assert ended.status == (137 if signals else 129)
    assert time.monotonic() - before < 10
    # The pipe ends when the last of its session has gone.
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b""


def test_what_has_left_the_session_survives_the_client(fragile: Walled) -> None:
    client = fragile.start("bash", "-c", "setsid sleep 1000 & wait", descriptors={})
    wire.receive_frame(client)
    while "sleep 1000" not in fragile.run("ps", "-eo", "args").out.splitlines():
        time.sleep(0.02)
    client.close()
    deadline = time.monotonic() + PATIENCE
    while "bash -c" in (listed := fragile.run("ps", "-eo", "args").out):
        assert time.monotonic() < deadline, listed
        time.sleep(0.05)
    assert "sleep 1000" in listed.splitlines()
    assert is_alive(fragile.ready.keeper)

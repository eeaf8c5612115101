"""Starts commands from within the walls.

It has joined every namespace and given up every power already, so that a command costs one fork
and an exec. What it forks are the keeper's children, not its own (CLONE_PARENT): the keeper, which
no agent can reach, is the one that learns how they end.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import socket
import stat
import struct
import sys
import termios
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from cash.keeper import messages, scribe
from cash.keeper.limits import Limits, restore_descriptors
from cash.walls import enter, namespaces, syscalls, trap
from cash.walls.enter import Walls
from cash.walls.passing import receive_with, send_with
from cash.walls.view import View

PIDFD: Final = b"pidfd"
MASTER: Final = b"master"
LISTENER: Final = b"listener"
# Above what a starter has open itself.
ORDERS: Final = 200
_NOT_FOUND, _NOT_EXECUTABLE, _BROKEN = 127, 126, 125
# Which trap: an errand's or not.
_Traps = dict[bool, bytes]


@dataclass(frozen=True, slots=True)
class Start:
    """A command to start. descriptors: as they are to be numbered inside. terminals: which of 0,
    1, 2 become a terminal made inside. errand: it is polisd's own, of which only the execs are
    watched. writes: it is no program, but polis' own hand (scribe.py), which takes its orders on
    descriptor ORDERS."""

    argv: list[bytes]
    environment: dict[bytes, bytes]
    cwd: bytes
    descriptors: dict[int, int]
    terminals: str = "000"
    rows: int = 24
    columns: int = 80
    errand: bool = False
    writes: bool = False


def start_starter(walls: Walls, usual: Limits) -> tuple[socket.socket, int, int]:
    """Forks the starter into the walls: the socket to ask it by, its pid and pidfd. usual: how
    many files commands may have open."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    between, _ = syscalls.clone()
    if between == 0:
        try:
            namespaces.join_process_space(walls.pidfd, walls.view)
            pid, pidfd = syscalls.clone(syscalls.CLONE_PARENT)
            if pid == 0:
                _live_inside(walls, theirs, usual)
            send_with(theirs, PIDFD, [pidfd])
            os._exit(0)
        except BaseException as fault:
            theirs.send(str(fault).encode())
            os._exit(1)
    theirs.close()
    os.waitpid(between, 0)
    data, descriptors = receive_with(ours, 4096, 1)
    if data != PIDFD:
        ours.close()
        raise OSError(f"the walls could not be joined: {messages.to_text(data)}")
    return ours, process_of(descriptors[0]), descriptors[0]


def process_of(pidfd: int) -> int:
    """The pid a pidfd stands for, as the caller counts."""
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name == "Pid":
                return int(value)
    raise ProcessLookupError(f"descriptor {pidfd} is no pidfd")


def _live_inside(walls: Walls, requests: socket.socket, usual: Limits) -> NoReturn:
    try:
        namespaces.join_rest(walls.pidfd)
        enter.confine(walls.view, walls.ruleset)
        kept = requests.fileno()
        syscalls.close_range(3, kept - 1)
        syscalls.close_range(kept + 1, 0x7FFFFFFF)
        with open("/dev/null", "r+b", buffering=0) as nothing:
            for number in range(3):
                os.dup2(nothing.fileno(), number)
        _forget_the_keepers_signals()
        restore_descriptors(usual)
        os.umask(0o022)
        traps = _make_traps()
        while True:
            values, descriptors = messages.receive_packet(requests)
            _answer(walls.view, traps, values, descriptors)
    except messages.LinkEnded:
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _answer(view: View, traps: _Traps, values: dict[str, Any], received: list[int]) -> None:
    report, *others = received
    with socket.socket(fileno=report) as keeper:
        start = Start(
            argv=[messages.to_bytes(word) for word in values["argv"]],
            environment={
                messages.to_bytes(name): messages.to_bytes(value)
                for name, value in values["environment"].items()
            },
            cwd=messages.to_bytes(values["cwd"]),
            descriptors=dict(zip(values["numbers"], others, strict=True)),
            terminals=values["terminals"],
            rows=values["rows"],
            columns=values["columns"],
            errand=values["errand"],
            writes=values["writes"],
        )
        try:
            pid, pidfd = syscalls.clone(syscalls.CLONE_PARENT)
        except OSError as fault:
            keeper.send(str(fault).encode())
            pid, pidfd = -1, -1
        if pid == 0:
            _become(view, traps[start.errand], start, keeper)
        if pid > 0:
            send_with(keeper, PIDFD, [pidfd])
            os.close(pidfd)
    for descriptor in others:
        os.close(descriptor)


def _become(view: View, program: bytes, start: Start, keeper: socket.socket) -> NoReturn:
    """The command itself, from its first instruction to its exec."""
    status, agent = _BROKEN, view.agent
    try:
        os.setsid()
        descriptors = dict(start.descriptors)
        if "1" in start.terminals:
            terminal = _open_terminal(start, keeper)
            flags = enumerate(start.terminals)
            descriptors.update((number, terminal) for number, flag in flags if flag == "1")
        _arrange(descriptors)
        _refuse_folders(descriptors)
        os.chdir(start.cwd)
        _let_watch(program, keeper)
        _show(view, {0, 1, 2, *descriptors})
        status = _write(view) if start.writes else _execute(start)
    except FileNotFoundError as fault:
        is_folder_missing = fault.filename == start.cwd
        words = "no such directory" if is_folder_missing else "command not found"
        name = start.cwd if is_folder_missing else start.argv[0]
        status = _complain(agent, name, words, _NOT_FOUND)
    except OSError as fault:
        status = _complain(agent, start.argv[0], fault.strerror or str(fault), _NOT_EXECUTABLE)
    except Exception as fault:
        status = _complain(agent, start.argv[0], f"could not be started: {fault!r}", _BROKEN)
    finally:
        os._exit(status)


def _make_traps() -> _Traps:
    machine = syscalls.MACHINE
    return {errand: trap.make_trap(machine, writes=not errand) for errand in (False, True)}


def _let_watch(program: bytes, keeper: socket.socket) -> None:
    """From here on each exec waits for the keeper, this command's own too."""
    listener = trap.install_trap(program)
    send_with(keeper, LISTENER, [listener])
    os.close(listener)


def _show(view: View, kept: set[int]) -> None:
    """A keeper without root may look at its like only when they can be dumped: so may the agent,
    and its debugger can take this process over. It is under the trap by now, and has nothing that
    is not the command's."""
    if view.mode == "rootless":
        first = 0
        for number in sorted(kept):
            if number > first:
                syscalls.close_range(first, number - 1)
            first = number + 1
        syscalls.close_range(first, 0x7FFFFFFF)
        namespaces.show_process()


def _write(view: View) -> int:
    """What no exec closes is closed here. It does not hide: into what hides, a keeper that has put
    on the agent's ids may not look. What a debugger could make of it, which is under the trap as
    well, the agent may do itself."""
    syscalls.close_range(3, ORDERS - 1)
    syscalls.close_range(ORDERS + 1, 0x7FFFFFFF)
    namespaces.show_process()
    with socket.socket(fileno=ORDERS) as orders:
        return scribe.serve(orders, os.fspath(view.tree))


def _execute(start: Start) -> NoReturn:
    """As execvp(3): along PATH, and by sh what has no first line."""
    name = start.argv[0]
    places = [b""] if b"/" in name else start.environment.get(b"PATH", b"").split(b":")
    refusal: OSError = FileNotFoundError(2, os.strerror(2), name)
    for place in places:
        program = os.path.join(place, name)
        try:
            os.execve(program, start.argv, start.environment)
        except OSError as fault:
            if fault.errno == errno.ENOEXEC:
                words = [b"sh", program, *start.argv[1:]]
                os.execve(b"/bin/sh", words, start.environment)
            if fault.errno not in (errno.ENOENT, errno.ENOTDIR):
                refusal = fault
    raise refusal


def _complain(agent: str, name: bytes, words: str, status: int) -> int:
    with contextlib.suppress(OSError):
        os.write(2, b"polis: %s: %s: %s\n" % (agent.encode(), name, words.encode()))
    return status


def _open_terminal(start: Start, keeper: socket.socket) -> int:
    """A terminal of the agent's own, the caller's controlling one; the master goes out."""
    master, slave = os.openpty()
    size = struct.pack("HHHH", start.rows, start.columns, 0, 0)
    fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    send_with(keeper, MASTER, [master])
    os.close(master)
    return slave


def _refuse_folders(numbers: Iterable[int]) -> None:
    # openat(fd, "..") from a directory of the host would lead past the mounts.
    for number in numbers:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise IsADirectoryError(21, f"descriptor {number} is a directory of the host")


def _arrange(descriptors: dict[int, int]) -> None:
    """Gives each descriptor its number and closes every other at exec."""
    above = max((2, *descriptors, *descriptors.values())) + 1
    lifted = {
        number: fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, above)
        for number, descriptor in descriptors.items()
    }
    for number, descriptor in lifted.items():
        os.dup2(descriptor, number, inheritable=True)
    for number in range(3):
        if number not in lifted:
            os.dup2(os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC), number, inheritable=True)


def _forget_the_keepers_signals() -> None:
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def request_values(start: Start) -> tuple[dict[str, Any], Sequence[int]]:
    """A start as a packet; its descriptors in the order of its numbers."""
    values = {
        "argv": [messages.to_text(word) for word in start.argv],
        "environment": {
            messages.to_text(name): messages.to_text(value)
            for name, value in start.environment.items()
        },
        "cwd": messages.to_text(start.cwd),
        "numbers": list(start.descriptors),
        "terminals": start.terminals,
        "rows": start.rows,
        "columns": start.columns,
        "errand": start.errand,
        "writes": start.writes,
    }
    return values, list(start.descriptors.values())


def open_listener(walls: Walls, port: int) -> int:
    """A TCP socket listening at 127.0.0.1:`port` of the agent's network, for someone outside."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid, pidfd = syscalls.clone()
    if pid == 0:
        _open_and_send(walls, port, theirs)
    theirs.close()
    os.waitpid(pid, 0)
    os.close(pidfd)
    with ours:
        data, descriptors = receive_with(ours, 4096, 1)
    if not descriptors:
        raise OSError(int(data or b"5"), os.strerror(int(data or b"5")))
    return descriptors[0]


def _open_and_send(walls: Walls, port: int, parent: socket.socket) -> NoReturn:
    try:
        namespaces.join_network(walls.pidfd, walls.view)
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        send_with(parent, b"0", [listener.fileno()])
    except OSError as fault:
        parent.send(b"%d" % (fault.errno or 5))
    finally:
        os._exit(0)

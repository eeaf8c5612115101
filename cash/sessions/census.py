"""All processes of the machine as /proc tells them, in one pass that starts nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """group: its process group; front: the one that its terminal listens to, -1 without one.
    began: clock ticks since the machine's start; with the pid, one process for all time.
    ticks: of processor time, its own. memory: bytes that are resident, shared ones too."""

    pid: int
    parent: int
    group: int
    front: int
    began: int
    state: str
    ticks: int
    memory: int

    @property
    def key(self) -> tuple[int, int]:
        """Tells it from a later one of the same number."""
        return self.pid, self.began


@dataclass(frozen=True, slots=True)
class Table:
    """All processes at one moment (of time.monotonic())."""

    at: float
    processes: Mapping[int, Process] = field(repr=False)
    children: Mapping[int, tuple[int, ...]] = field(repr=False)

    def below(self, roots: Iterable[int]) -> Iterator[Process]:
        """The roots that live and all their descendants, each once."""
        waiting, seen = list(roots), set[int]()
        while waiting:
            pid = waiting.pop()
            if pid not in seen and pid in self.processes:
                seen.add(pid)
                yield self.processes[pid]
                waiting += self.children.get(pid, ())

    def inside(self, roots: Sequence[int]) -> list[Process]:
        """What an agent runs: all that lives below the roots but the first, which holds the walls
        and does nothing."""
        return [one for one in self.below(roots) if one.pid != roots[0] and one.state != "Z"]


def read_table(at: float) -> Table:
    """One look at /proc: about 20 µs for each process of the machine."""
    processes: dict[int, Process] = {}
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _read_process(name)):
            processes[process.pid] = process
            children.setdefault(process.parent, []).append(process.pid)
    return Table(at, processes, {pid: tuple(found) for pid, found in children.items()})


def space_of(pid: int) -> str:
    """Its pid namespace; "" when it has ended or belongs to somebody else."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")
    except OSError:
        return ""


def read_argv(pid: int) -> tuple[str, ...]:
    """What it was started with; () when it has ended or hides it."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:
            words = file.read(4096).split(b"\0")
    except OSError:
        return ()
    return tuple(os.fsdecode(word) for word in words if word)


def _read_process(name: str) -> Process | None:
    # os.open: a file object for each of thousands costs as much again as the reading.
    try:
        descriptor = os.open(f"/proc/{name}/stat", os.O_RDONLY)
        try:
            told = os.read(descriptor, 1024)
        finally:
            os.close(descriptor)
    except OSError:
        return None  # it has just ended
    # The name before it may hold anything, a bracket too.
    rest = told[told.rindex(b")") + 2 :].split()
    return Process(
        pid=int(name),
        parent=int(rest[1]),
        group=int(rest[2]),
        front=int(rest[5]),
        began=int(rest[19]),
        state=rest[0].decode(),
        ticks=int(rest[11]) + int(rest[12]),
        memory=int(rest[21]) * PAGE_BYTES,
    )

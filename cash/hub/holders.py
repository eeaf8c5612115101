"""Who holds a lock: what each holder writes into its file, for messages only. What counts is the
kernel's lock."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

_LONGEST_COMMAND: Final = 120
_SIZE: Final = 1024
_PASSWORD: Final = re.compile(r"://[^/\s]*@")


@dataclass(frozen=True, slots=True)
class Holder:
    """who: an agent or a person. command: what it does. pid, started: the process, and when it
    began in ticks since the machine did, as a pid is given again. since: seconds of the clock."""

    who: str
    command: str
    pid: int
    started: int
    since: float

    @property
    def lives(self) -> bool:
        """Whether that very process is still there."""
        return self.started != 0 and start_of(self.pid) == self.started

    def describe(self) -> str:
        """`ada (git fetch origin, process 4711) since 14:03:12, for 7 s`."""
        clock = time.strftime("%H:%M:%S", time.localtime(self.since))
        seconds = max(0, round(time.time() - self.since))
        what = f"{self.command}, process {self.pid}"
        return f"{self.who} ({what}) since {clock}, for {seconds} s"


def this_process(who: str, command: str) -> Holder:
    """This process as a holder from now on."""
    pid = os.getpid()
    return Holder(who, command[:_LONGEST_COMMAND], pid, start_of(pid), time.time())


def start_of(pid: int) -> int:
    """When the process began, in ticks since the machine did; 0 when it is not there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return 0
    return 0 if fields[0] in b"ZX" else int(fields[19])


def write_holder(held: int, holder: Holder) -> None:
    """Puts the holder into the lock's file. One of several that share it overwrites another."""
    content = json.dumps(asdict(holder)).encode()[: _SIZE - 1].ljust(_SIZE - 1) + b"\n"
    with contextlib.suppress(
        OSError
    ):  # a full disk, somebody else's file: only the message suffers
        os.pwrite(held, content, 0)


def read_holder(descriptor: int) -> Holder | None:
    """Who wrote last; None where nobody has, or what stands there is none."""
    try:
        values = json.loads(os.pread(descriptor, _SIZE, 0))
        return Holder(
            str(values["who"]),
            str(values["command"]),
            int(values["pid"]),
            int(values["started"]),
            float(values["since"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def find_holder(descriptor: int) -> Holder | None:
    """Who holds the lock now: who wrote it, if the kernel does not know better."""
    written = read_holder(descriptor)
    takers = _takers_of(os.fstat(descriptor).st_ino)
    if written is None or (takers and written.pid not in takers):
        return next(filter(None, map(_look_at, takers)), written)
    return written


def _takers_of(inode: int) -> list[int]:
    """The processes that took a lock on the file and are still there (proc(5), locks)."""
    found = []
    with contextlib.suppress(OSError), open("/proc/locks", encoding="ascii") as file:
        for fields in map(str.split, file):
            if "FLOCK" in fields and "->" not in fields and fields[5].endswith(f":{inode}"):
                found.append(int(fields[4]))
    return [pid for pid in found if pid > 0]


def _look_at(pid: int) -> Holder | None:
    """A process that has written nothing of itself."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = os.fsdecode(file.read()).split("\0")[:-1]
        since = os.stat(f"/proc/{pid}").st_mtime
    except OSError:
        return None
    return Holder("a process", tell_command(words), pid, start_of(pid), since)


def tell_command(words: Sequence[str]) -> str:
    """A command as it may be shown to others: no passwords of addresses, and nothing that a
    terminal obeys."""
    told = _PASSWORD.sub("://", " ".join(words))
    return "".join(one if one.isprintable() else "?" for one in told)[:_LONGEST_COMMAND]

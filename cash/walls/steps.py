"""What walls are made of, one kind of thing a class.

A step describes itself, and applies itself on the stage of mounts.py; only enter.py lets it.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from typing import Protocol

from cash.walls import mounts, namespaces


@dataclass(frozen=True, slots=True)
class Stage:
    """What steps may use while they are applied. owners: the idmap namespace, if there is one."""

    owners: int | None = None


class Step(Protocol):
    """One thing that is there inside."""

    def describe(self) -> str:
        """One line, for people."""

    def apply(self, stage: Stage, /) -> None:
        """Makes it so. OSError when the kernel refuses."""


@dataclass(frozen=True, slots=True)
class Name:
    """The host name."""

    name: str

    def describe(self) -> str:
        return f"host name {self.name}"

    def apply(self, _stage: Stage, /) -> None:
        socket.sethostname(self.name)


@dataclass(frozen=True, slots=True)
class Loopback:
    """The only network interface."""

    def describe(self) -> str:
        return "network: loopback only"

    def apply(self, _stage: Stage, /) -> None:
        namespaces.raise_loopback()


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory of the new root itself, made with its parents."""

    path: str
    mode: int = 0o755

    def describe(self) -> str:
        return f"folder {self.path}"

    def apply(self, _stage: Stage, /) -> None:
        os.makedirs(mounts.NEW + self.path, exist_ok=True)
        os.chmod(mounts.NEW + self.path, self.mode)


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link of the new root."""

    path: str
    target: str

    def describe(self) -> str:
        return f"link {self.path} → {self.target}"

    def apply(self, _stage: Stage, /) -> None:
        os.symlink(self.target, mounts.NEW + self.path)


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the new root itself, readable by all inside. program: it can be started."""

    path: str
    content: str
    program: bool = False

    def describe(self) -> str:
        return f"{'program' if self.program else 'file'} {self.path}"

    def apply(self, _stage: Stage, /) -> None:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        with open(os.open(mounts.NEW + self.path, flags), "w", encoding="utf-8") as file:
            file.write(self.content)
        os.chmod(mounts.NEW + self.path, 0o755 if self.program else 0o644)


@dataclass(frozen=True, slots=True)
class EmptyFile:
    """A file of the new root itself, to mount another on."""

    path: str

    def describe(self) -> str:
        return f"file {self.path}"

    def apply(self, _stage: Stage, /) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC
        os.close(os.open(mounts.NEW + self.path, flags, 0o644))


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to mount, made on disk inside `area`, where an agent may have written."""

    area: str
    inner: str
    owner: tuple[int, int]
    folder: bool = True

    def describe(self) -> str:
        return f"place {self.inner} in {self.area}"

    def apply(self, _stage: Stage, /) -> None:
        area = mounts.OLD + self.area
        mounts.make_place(area, self.inner, self.owner, folder=self.folder)


@dataclass(frozen=True, slots=True)
class Bind:
    """`source` of the host shown at `target`. mapped: with its owner translated."""

    source: str
    target: str
    writable: bool = False
    mapped: bool = False
    devices: bool = False

    def describe(self) -> str:
        where = self.target if self.source == self.target else f"{self.target} ← {self.source}"
        owners = ", owner mapped" if self.mapped else ""
        return f"{where} ({'read-write' if self.writable else 'read-only'}{owners})"

    def apply(self, stage: Stage, /) -> None:
        attributes = mounts.NO_SUID
        attributes |= 0 if self.writable else mounts.READ_ONLY
        attributes |= 0 if self.devices else mounts.NO_DEVICES
        owners = stage.owners if self.mapped else None
        source = mounts.OLD + self.source
        mounts.bind(source, self.target, attributes, user_namespace=owners)


@dataclass(frozen=True, slots=True)
class Device:
    """A device node of the host."""

    name: str

    def describe(self) -> str:
        return f"device /dev/{self.name}"

    def apply(self, _stage: Stage, /) -> None:
        path = f"/dev/{self.name}"
        os.close(os.open(mounts.NEW + path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
        mounts.bind(mounts.OLD + path, path, mounts.NO_SUID | mounts.NO_EXEC)


@dataclass(frozen=True, slots=True)
class Memory:
    """A tmpfs of the agent's own."""

    target: str
    mode: int
    owner: tuple[int, int] | None = None
    size: str = "50%"

    def describe(self) -> str:
        return f"{self.target} (in memory, {self.size})"

    def apply(self, _stage: Stage, /) -> None:
        os.makedirs(mounts.NEW + self.target, exist_ok=True)
        mounts.mount_tmpfs(self.target, f"mode={self.mode:04o},size={self.size}")
        if self.owner:
            os.chown(mounts.NEW + self.target, *self.owner)


@dataclass(frozen=True, slots=True)
class Processes:
    """/proc of the agent's own pid namespace."""

    def describe(self) -> str:
        return "/proc (own processes only)"

    def apply(self, _stage: Stage, /) -> None:
        mounts.mount_proc("/proc")


@dataclass(frozen=True, slots=True)
class Terminals:
    """/dev/pts of the agent's own."""

    def describe(self) -> str:
        return "/dev/pts (own terminals only)"

    def apply(self, _stage: Stage, /) -> None:
        mounts.mount_terminals("/dev/pts")


@dataclass(frozen=True, slots=True)
class Frozen:
    """Something already inside, made read-only in place; absent is fine."""

    target: str

    def describe(self) -> str:
        return f"{self.target} read-only"

    def apply(self, _stage: Stage, /) -> None:
        if os.path.lexists(mounts.NEW + self.target):
            attributes = mounts.READ_ONLY | mounts.NO_SUID | mounts.NO_DEVICES | mounts.NO_EXEC
            mounts.bind(mounts.NEW + self.target, self.target, attributes)


@dataclass(frozen=True, slots=True)
class Mask:
    """Something inside, covered by nothing; absent is fine."""

    target: str

    def describe(self) -> str:
        return f"{self.target} hidden"

    def apply(self, _stage: Stage, /) -> None:
        inside = mounts.NEW + self.target
        if os.path.isdir(inside):
            mounts.bind_empty(self.target)
        elif os.path.lexists(inside):
            attributes = mounts.READ_ONLY | mounts.NO_SUID | mounts.NO_EXEC
            mounts.bind(mounts.OLD + "/dev/null", self.target, attributes)


@dataclass(frozen=True, slots=True)
class Decoy:
    """An empty read-only directory where people keep secrets."""

    target: str

    def describe(self) -> str:
        return f"{self.target} (an empty decoy)"

    def apply(self, _stage: Stage, /) -> None:
        mounts.bind_empty(self.target)


@dataclass(frozen=True, slots=True)
class Pin:
    """`place` can be neither renamed nor removed inside: `target`, another path of it, is a mount
    point."""

    target: str
    place: str

    def describe(self) -> str:
        return f"{self.place} pinned"

    def apply(self, _stage: Stage, /) -> None:
        mounts.bind_empty(self.target)


@dataclass(frozen=True, slots=True)
class Text:
    """A file of the system with other content."""

    target: str
    content: str

    def describe(self) -> str:
        return f"{self.target} (written for this agent)"

    def apply(self, _stage: Stage, /) -> None:
        source = "/text-" + self.target.strip("/").replace("/", "-")
        with open(source, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(self.content)
        os.chmod(source, 0o644)
        attributes = mounts.READ_ONLY | mounts.NO_SUID | mounts.NO_DEVICES | mounts.NO_EXEC
        mounts.bind(source, self.target, attributes)


@dataclass(frozen=True, slots=True)
class Seal:
    """The mount at `target` takes no more writes; those below it are as they were."""

    target: str

    def describe(self) -> str:
        return f"{self.target} sealed"

    def apply(self, _stage: Stage, /) -> None:
        mounts.set_attributes(self.target, mounts.READ_ONLY | mounts.NO_SUID)

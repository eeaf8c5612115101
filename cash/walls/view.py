"""What one agent sees and is: the value from which its walls are planned.

All paths are host paths and absolute. Most are shown at the same path inside, so that messages,
editors and build caches mean the same thing on both sides.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

Mode = Literal["full", "rootless"]
# The dedicated kernel uid and gid of agents whose repository belongs to root.
FIRST_DEDICATED_ID = 100000


@dataclass(frozen=True, slots=True)
class Mount:
    """A user-level extra: `source` of the host shown at `target` (the same path by default)."""

    source: Path
    target: Path | None = None
    writable: bool = False

    @property
    def inside(self) -> Path:
        """Where the agent sees it."""
        return self.target or self.source


@dataclass(frozen=True, slots=True)
class View:
    """What an agent sees.

    agent: its name, the host name inside. tree: its worktree, read-write.
    packages: what its package managers keep, read-write; a sibling of the tree, so that
    both are shown by one mount and files can be linked between them.
    git_directory: its own git directory, read-write. git_file: a file ("gitdir: …") shown over
    tree/.git. hub_objects: the hub's objects, read-only. home: the private HOME on disk, shown at
    home_inside. scratch: shown as /tmp. path: the user's PATH, from which toolchains are found.
    owner: uid and gid that own these files on disk. ids: kernel uid and gid of every process
    inside, never 0; where they differ from the owner an idmapped mount translates.
    environment: NAME, value pairs every command gets. landlock: False only where the kernel has
    none and the user has said so. debug: ptrace is allowed inside. private: names of environment
    variables that programs other than those named in private_to start without. door: the folder
    in which polisd listens for this agent, shown read-only as plan.DOOR. saved: the folder in which
    what commands change is kept first, shown to nobody; up to so many bytes of each command, and of
    all. None: nothing is kept.
    """

    agent: str
    tree: Path
    git_directory: Path
    git_file: Path
    hub_objects: Path
    home: Path
    home_inside: Path
    scratch: Path
    path: str
    owner: tuple[int, int]
    ids: tuple[int, int]
    mode: Mode
    mounts: tuple[Mount, ...] = ()
    packages: Path | None = None
    proxy_port: int = 3128
    environment: tuple[tuple[str, str], ...] = ()
    landlock: bool = True
    debug: bool = False
    private: tuple[str, ...] = ()
    private_to: tuple[str, ...] = ()
    door: Path | None = None
    saved: Path | None = None
    saved_each: int = 0
    saved_total: int = 0

    def __post_init__(self) -> None:
        # Kernel uid 0 without capabilities can still write core_pattern (seen).
        if 0 in self.ids:
            raise ValueError("never uid or gid 0 inside the walls")
        if self.mode == "rootless" and self.owner != self.ids:
            raise ValueError("without root, the ids inside are the owner's")
        if self.packages is not None and self.packages.parent != self.tree.parent:
            raise ValueError("the packages lie beside the tree")
        # What keeps a debugger off the holder, whose execs nobody judges.
        if self.debug and not self.landlock:
            raise ValueError("no debugging without Landlock")

    @property
    def volume(self) -> Path:
        """What is shown by one mount: the tree, with the packages beside it if there are any."""
        return self.tree.parent if self.packages else self.tree

    @property
    def is_mapped(self) -> bool:
        """The files' owner on disk is not the uid inside: idmapped mounts are needed."""
        return self.owner != self.ids


def ids_for(owner: tuple[int, int]) -> tuple[int, int]:
    """The kernel uid and gid inside for files of `owner`: the owner's own, unless that is root."""
    uid, gid = owner
    return (uid or FIRST_DEDICATED_ID, gid or FIRST_DEDICATED_ID)


def pack_view(view: View) -> dict[str, Any]:
    """A view as plain JSON values (paths by surrogateescape)."""
    packed: dict[str, Any] = json.loads(json.dumps(asdict(view), default=os.fspath))
    return packed


def unpack_view(packed: dict[str, Any]) -> View:
    """The reverse of pack_view; TypeError or KeyError when it is no view."""
    values = dict(packed)
    for field in fields(View):
        if field.type in ("Path", "Path | None") and values[field.name] is not None:
            values[field.name] = Path(values[field.name])
    values["mounts"] = tuple(_unpack_mount(**mount) for mount in values["mounts"])
    values["environment"] = tuple((name, value) for name, value in values["environment"])
    for name in ("private", "private_to"):
        values[name] = tuple(values[name])
    values["owner"] = _pair(values["owner"])
    values["ids"] = _pair(values["ids"])
    return View(**values)


def _unpack_mount(source: str, target: str | None, writable: bool) -> Mount:
    return Mount(Path(source), Path(target) if target else None, writable)


def _pair(values: list[int]) -> tuple[int, int]:
    first, second = values
    return first, second

"""Mounts: how a new root is put together from pieces of the old one.

While the walls are being built the old root stands at OLD and the new one grows at NEW, on a
tmpfs that is nobody's; nothing there covers a source. Targets are resolved below NEW alone.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from typing import Final

from cash.faults import MachineFault
from cash.walls import syscalls

OLD: Final = "/old"
NEW: Final = "/new"
_EMPTY: Final = "/empty"

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 2, 4, 8
_MS_REC, _MS_PRIVATE = 0x4000, 1 << 18
_MNT_DETACH: Final = 2
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC, _IDMAP = 1, 2, 4, 8, 0x100000
_TMPFS_OPTIONS: Final = "mode=0755,size=16m"


def open_stage() -> None:
    """Detaches the mounts of this namespace from the host's and steps onto the stage."""
    syscalls.mount("none", "/", "", _MS_REC | _MS_PRIVATE)
    syscalls.mount("tmpfs", "/tmp", "tmpfs", _MS_NOSUID | _MS_NODEV, _TMPFS_OPTIONS)
    for folder in (OLD, NEW, _EMPTY):
        os.mkdir("/tmp" + folder, 0o755)
    syscalls.pivot_root("/tmp", "/tmp" + OLD)
    os.chdir("/")
    syscalls.mount("tmpfs", NEW, "tmpfs", _MS_NOSUID | _MS_NODEV, _TMPFS_OPTIONS)


def close_stage() -> None:
    """Makes NEW the root and lets go of everything else."""
    os.chdir(NEW)
    syscalls.pivot_root(".", ".")
    syscalls.unmount(".", _MNT_DETACH)
    os.chdir("/")


def bind(source: str, target: str, attributes: int, *, user_namespace: int | None = None) -> None:
    """Shows `source` (a path on the stage) at `target` inside, with everything mounted below it.

    user_namespace: translate owners by this namespace's map. Idmapping what lies below would
    fail for file systems that cannot, so an idmapped bind shows the one mount only.
    """
    tree = syscalls.open_tree(source, recursive=user_namespace is None)
    try:
        if user_namespace is not None:
            _map_owners(tree, source, user_namespace)
        if attributes:
            syscalls.mount_setattr(tree, attributes, recursive=True)
        attach(tree, target)
    finally:
        os.close(tree)


def _map_owners(tree: int, source: str, user_namespace: int) -> None:
    try:
        syscalls.mount_setattr(tree, _IDMAP, user_namespace=user_namespace)
    except OSError as fault:
        if fault.errno != errno.EINVAL:
            raise
        raise MachineFault(
            f"the file system of {source.removeprefix(OLD)} cannot translate owners",
            hint="keep it on ext4, xfs, btrfs or tmpfs (Linux 6.3), or let a user other than root "
            "own the repository",
        ) from fault


def bind_empty(target: str) -> None:
    """Shows an empty read-only directory at `target` inside."""
    bind(_EMPTY, target, READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC)


def attach(tree: int, target: str) -> None:
    """Puts a detached mount at `target` inside."""
    place = open_inside(target)
    try:
        syscalls.move_mount(tree, place)
    finally:
        os.close(place)


def open_inside(target: str) -> int:
    """An O_PATH descriptor of `target`, resolved as the agent will: never outside NEW."""
    root = os.open(NEW, os.O_PATH | os.O_CLOEXEC)
    try:
        resolve = syscalls.RESOLVE_IN_ROOT | syscalls.RESOLVE_NO_MAGICLINKS
        return syscalls.openat2(root, target, os.O_PATH, resolve)
    finally:
        os.close(root)


def set_attributes(target: str, attributes: int) -> None:
    """Adds attributes to the mount at `target` inside, not to those below it."""
    place = open_inside(target)
    try:
        syscalls.mount_setattr(place, attributes)
    finally:
        os.close(place)


def mount_tmpfs(target: str, options: str) -> None:
    """An empty writable tmpfs at `target` inside."""
    syscalls.mount("tmpfs", NEW + target, "tmpfs", _MS_NOSUID | _MS_NODEV, options)


def mount_proc(target: str) -> None:
    """This pid namespace's processes."""
    flags = _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    syscalls.mount("proc", NEW + target, "proc", flags)


def mount_terminals(target: str) -> None:
    """Pseudo-terminals of the agent's own. No gid=5: a user namespace may not map it."""
    options = "newinstance,ptmxmode=0666,mode=0620"
    syscalls.mount("devpts", NEW + target, "devpts", _MS_NOSUID | _MS_NOEXEC, options)


def make_place(area: str, inner: str, owner: tuple[int, int], *, folder: bool) -> None:
    """Makes the directory or file `inner` below `area`, where an agent has written before.

    Never follows a link: what stands in the way is renamed to NAME.aside-N. New entries belong to
    `owner`.
    """
    parent = os.open(area, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    *folders, last = inner.split("/")
    try:
        for name in folders:
            _make_entry(parent, name, owner, folder=True)
            parent, above = _open_folder(parent, name), parent
            os.close(above)
        _make_entry(parent, last, owner, folder=folder)
    finally:
        os.close(parent)


def _make_entry(parent: int, name: str, owner: tuple[int, int], *, folder: bool) -> None:
    fits = stat.S_ISDIR if folder else stat.S_ISREG
    try:
        if fits(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return
        os.rename(name, _free_name(parent, name), src_dir_fd=parent, dst_dir_fd=parent)
    except FileNotFoundError:
        pass
    if folder:
        os.mkdir(name, 0o755, dir_fd=parent)
    else:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        os.close(os.open(name, flags, 0o644, dir_fd=parent))
    os.chown(name, *owner, dir_fd=parent, follow_symlinks=False)


def _free_name(parent: int, name: str) -> str:
    taken = set(os.listdir(parent))
    return next(free for n in itertools.count(1) if (free := f"{name}.aside-{n}") not in taken)


def _open_folder(parent: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags, dir_fd=parent)

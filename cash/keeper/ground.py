"""The files of the walls as the keeper sees them: from outside, below the walls' own root.

A path of an agent's is never resolved from the keeper's root: an absolute symlink inside would
lead to a file of the host. Nobody inside can have another root (no capability, no chroot), so one
descriptor is good for all of them.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from cash.walls import syscalls

# What these mean depends on who asks; the kernel itself has to.
_PERSONAL: Final = (b"/proc/", b"/dev/fd/", b"/dev/std")
# Not ENAMETOOLONG: a path that its directory was put before may be longer than the caller's own.
_ANSWERS: Final = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)


class Ground:
    """holder: a pid whose root is the walls'."""

    def __init__(self, holder: int) -> None:
        self._root = os.open(f"/proc/{holder}/root", os.O_PATH | os.O_CLOEXEC)

    def close(self) -> None:
        """Lets go of it."""
        os.close(self._root)

    def open(self, path: bytes, flags: int = os.O_PATH) -> int:
        """A descriptor of an absolute path inside, links followed as from within. OSError."""
        return syscalls.openat2(self._root, path, flags, syscalls.RESOLVE_IN_ROOT)

    def look(self, path: bytes, flags: int = os.O_PATH) -> os.stat_result:
        """What is at an absolute path inside. OSError."""
        descriptor = self.open(path, flags)
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def place(self, path: bytes) -> tuple[str, os.stat_result]:
        """The real path inside, and what is there. OSError."""
        descriptor = self.open(path)
        try:
            return os.readlink(f"/proc/self/fd/{descriptor}"), os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def why_not(self, path: bytes) -> int:
        """The errno with which an exec of this absolute path is bound to fail, or 0. Four of five
        execs are tries along PATH: they need no more than this answer."""
        if path.startswith(_PERSONAL):
            return 0
        try:
            # Nearly always nothing is there: then one look tells it.
            found = self.look(path, os.O_PATH | os.O_NOFOLLOW)
        except OSError as fault:
            # The rest is not known from here: the kernel will say.
            return fault.errno if fault.errno in _ANSWERS else 0
        except ValueError:
            return 0
        if stat.S_ISLNK(found.st_mode):
            try:
                found = self.look(path)
            except OSError:
                return 0  # where it leads may depend on who follows it
        if stat.S_ISDIR(found.st_mode) or not found.st_mode & 0o111:
            return errno.EACCES
        return 0

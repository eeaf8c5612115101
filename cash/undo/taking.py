"""Looking at what is there, and keeping its content."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from cash.undo.ground import Ground
from cash.undo.index import meaning_of
from cash.undo.objects import Objects, hash_of
from cash.undo.state import ABSENT, State, read_attributes, state_of

_Used = TypeVar("_Used")
INDEX: Final = ".git/index"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What is looked into, is looked into whole in memory.
_LONGEST_INDEX: Final = 64 << 20
# A file of holes can be of any size: nobody waits for the hash of that.
_LONGEST: Final = 8 << 30
_GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV)


def look(ground: Ground, path: str) -> State:
    """What is at a path, without its content. A place that a link leads to is none of the tree's:
    nothing is there."""
    try:
        with ground.at(path) as (folder, name):
            return _look(folder, name)
    except OSError as fault:
        if fault.errno in _GONE:
            return ABSENT
        raise


def is_at(ground: Ground, path: str, inode: int) -> bool:
    """Whether the folder of this number is there."""
    found = look(ground, path)
    return found.kind == "folder" and found.stamp[0] == inode


def _look(folder: int, name: str) -> State:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        return state_of(found, target=os.readlink(name, dir_fd=folder))
    return state_of(found)


def take(ground: Ground, objects: Objects, path: str, room: int | None) -> tuple[State, int]:
    """What is at a path, its content kept if that takes no more than `room` bytes; and how many
    it took. What cannot be kept says so. room: None where the content is not asked for."""

    def keep(descriptor: int) -> tuple[State, int]:
        return _keep(descriptor, objects, room)

    try:
        with ground.at(path) as (folder, name):
            return _with_open(folder, name, keep) or (_left(_look(folder, name)), 0)
    except OSError as fault:
        if fault.errno in _GONE:
            return ABSENT, 0
        return State("file", unsaved=_words_of(fault)), 0


def fathom(ground: Ground, path: str) -> State:
    """What is at a path, with the hash of its content, which is not kept."""

    def weigh(descriptor: int) -> State:
        return _weigh(descriptor, path)

    try:
        with ground.at(path) as (folder, name):
            return _with_open(folder, name, weigh) or _left(_look(folder, name))
    except OSError as fault:
        if fault.errno in _GONE:
            return ABSENT
        return State("file", unsaved=_words_of(fault))


def _with_open(folder: int, name: str, use: Callable[[int], _Used]) -> _Used | None:
    """What is made of what is open there; None: it is nothing that is opened."""
    try:
        descriptor = os.open(name, _READ, dir_fd=folder)
    except PermissionError:
        descriptor = _open_own(folder, name)
    except OSError as fault:
        if fault.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
            return None
        raise
    if descriptor < 0:
        return None
    try:
        return use(descriptor)
    finally:
        os.close(descriptor)


def _open_own(folder: int, name: str) -> int:
    """What its owner may not read: an owner may say otherwise. -1: it is another's, or no file."""
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    place = f"/proc/self/fd/{handle}"
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            return -1
        mode = stat.S_IMODE(found.st_mode)
        os.chmod(place, mode | stat.S_IRUSR)
        try:
            return os.open(place, _READ & ~os.O_NOFOLLOW)
        finally:
            os.chmod(place, mode)
    finally:
        os.close(handle)


def _left(state: State) -> State:
    return replace(state, unsaved="it cannot be read") if state.kind == "file" else state


def _keep(descriptor: int, objects: Objects, room: int | None) -> tuple[State, int]:
    """Of what is open, whatever its name leads to by now."""
    found = os.fstat(descriptor)
    attributes = read_attributes(descriptor)
    if not stat.S_ISREG(found.st_mode) or room is None:
        return state_of(found, attributes=attributes), 0
    if found.st_size > room:
        return state_of(found, attributes=attributes, unsaved="it is too large"), 0
    try:
        kept = objects.keep(descriptor, found.st_size)
    except OSError as fault:
        return state_of(found, attributes=attributes, unsaved=_words_of(fault)), 0
    more: dict[str, Any] = {"object": kept.name, "place": kept.place}
    return state_of(found, attributes=attributes, **more), kept.used


def _weigh(descriptor: int, path: str) -> State:
    found = os.fstat(descriptor)
    attributes = read_attributes(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return state_of(found, attributes=attributes)
    if found.st_size > _LONGEST:
        return state_of(found, attributes=attributes, unsaved="it is too large")
    meaning = ""
    if path == INDEX and found.st_size <= _LONGEST_INDEX:
        meaning = meaning_of(os.pread(descriptor, found.st_size + 1, 0))
    return state_of(found, attributes=attributes, object=hash_of(descriptor), meaning=meaning)


def _words_of(fault: OSError) -> str:
    return (fault.strerror or str(fault)).lower()


def read(ground: Ground, path: str, most: int) -> bytes | None:
    """The content of a plain file of at most so many bytes; None: there is none such. OSError."""
    with ground.at(path) as (folder, name):
        descriptor = os.open(name, _READ, dir_fd=folder)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size > most:
                return None
            return os.pread(descriptor, most, 0)
        finally:
            os.close(descriptor)

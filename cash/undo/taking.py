"""Looking at what is there, and keeping its content."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import replace
from typing import Final

from cash.undo.ground import Ground
from cash.undo.index import meaning_of
from cash.undo.objects import Objects, hash_of
from cash.undo.state import ABSENT, State, read_attributes, state_of

INDEX: Final = ".git/index"
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
# What is looked into, is looked into whole in memory.
_LONGEST_INDEX: Final = 64 << 20
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


def _look(folder: int, name: str) -> State:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    state = state_of(found)
    if state.kind == "link":
        return replace(state, target=os.readlink(name, dir_fd=folder))
    return state


def take(ground: Ground, objects: Objects, path: str, room: int | None) -> tuple[State, int]:
    """What is at a path, its content kept if that takes no more than `room` bytes; and how many
    it took. What cannot be kept says so. room: None where the content is not asked for."""
    try:
        with ground.at(path) as (folder, name):
            state = _look(folder, name)
            if state.kind == "other":
                return replace(state, unsaved="it is a socket or a device"), 0
            if state.kind not in ("file", "folder"):
                return state, 0
            try:
                descriptor = _open(folder, name, state)
            except PermissionError:
                return replace(state, unsaved="it cannot be read"), 0
            try:
                return _take(descriptor, objects, room)
            finally:
                os.close(descriptor)
    except OSError as fault:
        if fault.errno in _GONE:
            return ABSENT, 0
        return State("other", unsaved=fault.strerror or str(fault)), 0


def _open(folder: int, name: str, state: State) -> int:
    """For reading. What its owner may not read, root may; and an owner may say otherwise."""
    try:
        return os.open(name, _READ, dir_fd=folder)
    except PermissionError:
        if state.kind != "file" or state.owner[0] != os.geteuid():
            raise
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    place = f"/proc/self/fd/{handle}"
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        os.chmod(place, state.mode | stat.S_IRUSR)
        try:
            return os.open(place, _READ & ~os.O_NOFOLLOW)
        finally:
            os.chmod(place, state.mode)
    finally:
        os.close(handle)


def _take(descriptor: int, objects: Objects, room: int | None) -> tuple[State, int]:
    """Of what is open, whatever its name leads to by now."""
    state = replace(state_of(os.fstat(descriptor)), attributes=read_attributes(descriptor))
    if state.kind != "file" or room is None:
        return state, 0
    if state.size > room:
        return replace(state, unsaved="it is too large"), 0
    try:
        kept = objects.keep(descriptor, state.size)
    except OSError as fault:
        return replace(state, unsaved=(fault.strerror or str(fault)).lower()), 0
    return replace(state, object=kept.name, place=kept.place), kept.used


def fathom(ground: Ground, path: str) -> State:
    """What is at a path, with the name of its content, which is not kept."""
    try:
        with ground.at(path) as (folder, name):
            state = _look(folder, name)
            if state.kind not in ("file", "folder"):
                return state
            descriptor = _open(folder, name, state)
            try:
                return _fathom(descriptor, path)
            finally:
                os.close(descriptor)
    except OSError as fault:
        if fault.errno in _GONE:
            return ABSENT
        return State("other", unsaved=fault.strerror or str(fault))


def _fathom(descriptor: int, path: str) -> State:
    state = replace(state_of(os.fstat(descriptor)), attributes=read_attributes(descriptor))
    if state.kind != "file":
        return state
    meaning = ""
    if path == INDEX and state.size <= _LONGEST_INDEX:
        meaning = meaning_of(os.pread(descriptor, _LONGEST_INDEX, 0))
    return replace(state, object=hash_of(descriptor), meaning=meaning)


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

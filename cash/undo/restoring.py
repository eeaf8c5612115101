"""Taking a step back: what is done to the tree, one path at a time, nothing followed.

What is put in place is made ready where the agent cannot reach, whole and with its owner, mode
and attributes, and then renamed. What was there before is kept first, as of any step.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from cash.undo.ground import Ground
from cash.undo.objects import Objects
from cash.undo.plan import Action, MoveBack, Refusal, Restore
from cash.undo.state import State, is_bare, is_same, write_attributes
from cash.undo.steps import Moved, StepFile
from cash.undo.store import Store
from cash.undo.taking import look, take

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HANDLE: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


@dataclass(slots=True)
class Restoring:
    """file: of the step that this is. done: what was taken back; refused: what could not be."""

    store: Store
    objects: Objects
    file: StepFile
    done: list[Action] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    _folders: dict[str, State] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)
    _made: dict[str, int] = field(default_factory=dict)

    @property
    def _ground(self) -> Ground:
        return self.store.ground

    def carry_out(self, actions: Iterable[Action]) -> None:
        """Does all that can be done, in order; what another has to make room for, after that."""
        waiting = list(actions)
        while waiting:
            failed = [(one, why) for one in waiting if (why := self._try(one))]
            if len(failed) == len(waiting):
                self.refused += [Refusal(one.path, why) for one, why in failed]
                break
            waiting = [one for one, _ in failed]
        # Not before: a folder may have been closed to its owner.
        for path, before in reversed(self._folders.items()):
            with contextlib.suppress(OSError), self._ground.at(path) as (folder, name):
                _dress_folder(folder, name, before)

    def _try(self, action: Action) -> str:
        """Why it could not be done, "" when it was."""
        try:
            if isinstance(action, MoveBack):
                self._move(action)
                self.done.append(action)
            elif self._restore(action):
                self.done.append(action)
        except OSError as fault:
            return _words_of(fault)
        return ""

    def _move(self, action: MoveBack) -> None:
        ground = self._ground
        found = look(ground, action.path)
        made = self._made.get(action.path, action.inode)
        if found.kind != "folder" or found.stamp[0] != made:
            raise OSError(errno.ESTALE, "it was moved on meanwhile")
        self.file.move(Moved(action.path, action.to, made))
        with ground.at(action.path) as (source, old), ground.at(action.to) as (target, new):
            if look(ground, action.to).kind != "absent":
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
            os.rename(old, new, src_dir_fd=source, dst_dir_fd=target)
        # What was made in it has moved along.
        self._folders = {_moved(path, action): one for path, one in self._folders.items()}
        self._made = {_moved(path, action): inode for path, inode in self._made.items()}

    def _restore(self, action: Restore) -> bool:
        """Whether there was anything to do."""
        now, _ = take(self._ground, self.objects, action.path, self.store.budget.each)
        if is_same(action.before, now):
            return False
        if now.unsaved:
            raise OSError(errno.EFBIG, f"what is there now could not be kept first: {now.unsaved}")
        is_first = action.path not in self._met
        self._met.add(action.path)
        if is_first and action.now is not None and not is_same(action.now, now):
            raise OSError(errno.ESTALE, "it was changed meanwhile")
        self.file.touch(action.path, now)
        with self._ground.at(action.path) as (folder, name):
            self._put(folder, name, action, now)
        return True

    def _put(self, folder: int, name: str, action: Restore, now: State) -> None:
        before = action.before
        self._folders.pop(action.path, None)
        if before.kind == "folder":
            if now.kind != "folder":
                _clear(folder, name, now)
                os.mkdir(name, 0o700, dir_fd=folder)
                if os.geteuid() == 0:
                    os.chown(name, *before.owner, dir_fd=folder, follow_symlinks=False)
                made = os.stat(name, dir_fd=folder, follow_symlinks=False)
                self._made[action.path] = made.st_ino
            self._folders[action.path] = before
        elif before.kind == "absent":
            _clear(folder, name, now)
        elif is_bare(before) and now.kind == "file":
            _dress_file(folder, name, before)
        else:
            half = self._make(before, now)
            try:
                self._settle(half, folder, name, before, now)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(half)

    def _make(self, before: State, now: State) -> str:
        """What was there, where nobody can reach it."""
        half = self.objects.new_half()
        match before.kind:
            case "link":
                os.symlink(before.target, half)
            case "fifo":
                os.mkfifo(half, 0o600)
            case _:
                self._fill(half, before, now)
        if os.geteuid() == 0:
            os.chown(half, *before.owner, follow_symlinks=False)
        if before.kind != "link":
            os.chmod(half, before.mode)
        return half

    def _fill(self, half: str, before: State, now: State) -> None:
        descriptor = os.open(half, _NEW, 0o600)
        try:
            self.objects.take_out(before.object, before.place, descriptor)
            write_attributes(descriptor, before.attributes)
            if now.kind == "absent":
                # One that had other content is new to whoever goes by times: what was built from
                # that is to be built again.
                os.utime(descriptor, ns=(before.written, before.written))
        finally:
            os.close(descriptor)

    def _settle(self, half: str, folder: int, name: str, before: State, now: State) -> None:
        if now.kind == "folder":
            os.rmdir(name, dir_fd=folder)
        if before.kind == "file" and now.kind == "file" and now.stamp[0] == before.stamp[0]:
            with contextlib.suppress(FileNotFoundError):
                if _overwrite(half, folder, name, before):
                    return
        os.rename(half, name, dst_dir_fd=folder)


def _moved(path: str, action: MoveBack) -> str:
    if f"{path}/".startswith(f"{action.path}/"):
        return action.to + path[len(action.path) :]
    return path


def _clear(folder: int, name: str, now: State) -> None:
    if now.kind == "folder":
        os.rmdir(name, dir_fd=folder)
    elif now.kind != "absent":
        os.unlink(name, dir_fd=folder)


def _overwrite(half: str, folder: int, name: str, before: State) -> bool:
    """In place, where the file has other names that were changed with it; whether it has."""
    descriptor = os.open(name, _WRITE, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_ino != before.stamp[0] or found.st_nlink < 2:
            return False
        os.ftruncate(descriptor, 0)
        with open(half, "rb") as source:
            while chunk := source.read(1 << 20):
                os.write(descriptor, chunk)
        _dress(f"/proc/self/fd/{descriptor}", before)
    finally:
        os.close(descriptor)
    return True


def _dress_file(folder: int, name: str, before: State) -> None:
    handle = os.open(name, _HANDLE, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.ESTALE, "it was changed meanwhile")
        _dress(f"/proc/self/fd/{handle}", before)
        os.utime(f"/proc/self/fd/{handle}", ns=(before.written, before.written))
    finally:
        os.close(handle)


def _dress_folder(folder: int, name: str, before: State) -> None:
    handle = os.open(name, _FOLDER, dir_fd=folder)
    try:
        _dress(f"/proc/self/fd/{handle}", before)
        os.utime(handle, ns=(before.written, before.written))
    finally:
        os.close(handle)


def _dress(place: str, before: State) -> None:
    """Owner, attributes and mode, in an order in which none undoes another."""
    found = os.stat(place)
    if os.geteuid() == 0 and (found.st_uid, found.st_gid) != before.owner:
        os.chown(place, *before.owner)
    write_attributes(place, before.attributes)
    os.chmod(place, before.mode)


def _words_of(fault: OSError) -> str:
    if fault.errno in (errno.ENOTEMPTY, errno.EEXIST):
        return "there is something else in it, or in its place"
    if fault.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        return "the folder around it is gone"
    return (fault.strerror or str(fault)).lower()

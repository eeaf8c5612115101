"""The hub's git mutex: who changes what worktrees share takes that for itself first.

One lock for each resource, in <git common dir>/polis/locks/, taken in one order by everybody, so
that nobody waits for each other. Its descriptors are handed to git: the lock lives until that git
has ended, also when polis is killed, and what git starts works under it.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from cash.faults import Fault
from cash.hub.account import Account
from cash.hub.holders import Holder, find_holder, start_of, this_process, write_holder
from cash.hub.levels import NOTHING, REPO, Level, Need
from cash.hub.orphans import clean_up
from cash.hub.repository import Repository
from cash.hub.turnstile import acquire, release

SECONDS: Final[Mapping[Level, float]] = {
    Level.NONE: 0.0,
    Level.REF_READ: 5.0,
    Level.REF_WRITE: 5.0,
    Level.EXCLUSIVE: 30.0,
}
# polis itself rather waits than fails: nobody sits before it.
PATIENCE: Final = 30.0
# Longer than a checkout of a large repository, the longest step that holds the worktrees.
LONG_PATIENCE: Final = 300.0
# Says to gits and hooks below which process holds the hub for them.
VARIABLE: Final = "POLIS_GIT_MUTEX"
_LONGEST_NAME: Final = 180
# No dot: the gate's file has one.
_PLAIN: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")
_FOLDERS: Final = ("polis", "locks")
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Held:
    """What is held. descriptors: for every git that works under it. environment: for the gits
    that may start further ones. cleaned: what a killed git had left, and is gone now."""

    need: Need = NOTHING
    descriptors: tuple[int, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    cleaned: tuple[str, ...] = ()


class BusyFault(Fault):
    """Somebody else holds it, and did not let go in time."""


def locks_folder(common_dir: Path) -> Path:
    """Where the locks of a repository are."""
    return common_dir.joinpath(*_FOLDERS)


@contextmanager
def hold(
    common_dir: Path,
    owner: Account,
    need: Need,
    holder: Holder | None = None,
    *,
    seconds: float | None = None,
    git_directory: Path | None = None,
) -> Iterator[Held]:
    """Holds what is needed, and takes away what killed gits have left of it. owner: whose
    repository it is, when root works in it. seconds: the patience for all of it (default: the
    level's). git_directory: of the worktree that is worked in. Raises BusyFault that says who
    holds it, Fault where it cannot be locked."""
    if need == NOTHING or _is_held_above(common_dir):
        yield Held()
        return
    holder = holder or this_process("polis", "polis")
    patience = SECONDS[need.level] if seconds is None else seconds
    with ExitStack() as stack:
        descriptors = _take_all(common_dir, owner, need, patience)
        for held in descriptors:
            stack.callback(release, held)
            write_holder(held, replace(holder, since=time.time()))
        said = f"{holder.pid}:{holder.started}:{common_dir}"
        cleaned: tuple[str, ...] = ()
        with contextlib.suppress(OSError):  # git says what is wrong there
            cleaned = clean_up(common_dir, need, git_directory)
        yield Held(need, descriptors, ((VARIABLE, said),), cleaned)


def _take_all(common_dir: Path, owner: Account, need: Need, patience: float) -> tuple[int, ...]:
    """The descriptors of all that is needed, or of nothing."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return _take_here(common_dir, owner, need, deadline)
        except FileNotFoundError as fault:
            # The folder went with polis while this one waited; somebody may have made it anew.
            if time.monotonic() > deadline:
                raise _cannot(common_dir, fault) from fault
        except OSError as fault:
            raise _cannot(common_dir, fault) from fault


def _take_here(common_dir: Path, owner: Account, need: Need, deadline: float) -> tuple[int, ...]:
    began = time.monotonic()
    with _opened(common_dir, owner) as folder, ExitStack() as stack:
        taken = []
        for name, alone in need.in_order():
            try:
                held = acquire(folder.open, name_file(name), alone=alone, deadline=deadline)
            except TimeoutError:
                raise _busy(folder, name, deadline - began) from None
            stack.callback(release, held)
            taken.append(held)
        stack.pop_all()
        return tuple(taken)


@contextmanager
def hold_hub(
    repository: Repository,
    need: Need,
    doing: str,
    *,
    who: str = "polis",
    seconds: float = PATIENCE,
) -> Iterator[Repository]:
    """Holds what polis itself needs of the hub; yields the repository to work with meanwhile, whose
    gits hold it too. doing: in a few words, for whoever waits for it. who: the agent it is for.
    Raises Fault as hold does."""
    holder = this_process(who, doing)
    with hold(repository.common_dir, repository.owner, need, holder, seconds=seconds) as held:
        yield replace(repository, held=held.descriptors, environment=held.environment)


def _busy(folder: _Folder, name: str, patience: float) -> BusyFault:
    descriptor = folder.open(name_file(name))
    try:
        found = find_holder(descriptor)
    finally:
        os.close(descriptor)
    who = f"held by {found.describe()}" if found else "held by somebody who left no name"
    hint = "wait until that has ended, and do it again"
    return BusyFault(f"{name} is {who}; waited {round(patience, 1):g} s", hint=hint)


def _cannot(common_dir: Path, fault: OSError) -> Fault:
    reason = os.strerror(fault.errno or 0)
    return Fault(f"{locks_folder(common_dir)} cannot be used: {reason}")


def name_file(resource: str) -> str:
    """The name of a resource's lock file: one for each, whatever a ref is called."""
    encoded = os.fsencode(resource)
    name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in encoded)
    if len(name) <= _LONGEST_NAME:
        return name
    import hashlib  # of the few names that are longer

    return f"{name[:100]}~{hashlib.sha256(encoded).hexdigest()}"


def _is_held_above(common_dir: Path) -> bool:
    """Whether a process above this one holds the hub: a hook's git works under what the git that
    started it has."""
    pid, _, rest = os.environ.get(VARIABLE, "").partition(":")
    started, _, place = rest.partition(":")
    if place != str(common_dir) or not (pid.isdigit() and started.isdigit()):
        return False
    return is_below(int(pid)) and start_of(int(pid)) == int(started)


def is_below(pid: int) -> bool:
    """Whether that process is above this one."""
    above = os.getppid()
    while above > 1 and above != pid:
        above = _parent_of(above)
    return above == pid > 1


def _parent_of(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return int(file.read().rpartition(b") ")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


@dataclass(frozen=True, slots=True)
class _Folder:
    """The open folder of the locks. mode: of files in it. Root works in a user's repository: no
    link is followed, and what is made is the user's."""

    descriptor: int
    mode: int
    owner: Account

    def open(self, name: str) -> int:
        try:
            found = os.open(name, os.O_RDWR | _FILE, self.mode, dir_fd=self.descriptor)
        except PermissionError:  # another user's file can be locked all the same
            flags = os.O_RDONLY | (_FILE & ~os.O_CREAT)
            found = os.open(name, flags, dir_fd=self.descriptor)
        if not stat.S_ISREG(os.fstat(found).st_mode):
            os.close(found)
            raise OSError(f"{name} is no file")
        if self.owner.foreign:
            os.fchown(found, self.owner.uid, self.owner.gid)
        return found


@contextmanager
def _opened(common_dir: Path, owner: Account) -> Iterator[_Folder]:
    try:
        here = os.open(common_dir, _FOLDER & ~os.O_NOFOLLOW)
        # As open to others as the repository itself: several users may share one.
        mode = os.fstat(here).st_mode & 0o777
        for name in _FOLDERS:
            here = _enter(here, name, mode, owner)
    except OSError as fault:
        raise _cannot(common_dir, fault) from fault
    try:
        yield _Folder(here, mode & 0o666, owner)
    finally:
        os.close(here)


def _enter(above: int, name: str, mode: int, owner: Account) -> int:
    made = False
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=above)
            made = True
        found = os.open(name, _FOLDER, dir_fd=above)
    finally:
        os.close(above)
    if made:
        os.fchmod(found, mode)
    if owner.foreign:
        os.fchown(found, owner.uid, owner.gid)
    return found


def remove_locks(common_dir: Path) -> None:
    """Takes the lock files away; the hub is held whole, and let go right after. Who waits for one
    of them takes a new one."""
    folder = locks_folder(common_dir)
    last = (name_file(REPO), f"{name_file(REPO)}.gate")
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(folder), key=lambda name: name in last):
            os.unlink(folder / name)
        os.rmdir(folder)
        os.rmdir(folder.parent)

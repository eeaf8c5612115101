"""What a killed git leaves behind and every later one stumbles over: lock files, and worktrees
registered by half. Taken away by who holds the resource next, and only when surely nobody's.

Half of the gits killed at a random moment leave something (347 of 695). git takes its own lock
files away when it ends in any other way.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cash.hub.levels import CONFIG, PACKED, REPO, WORKTREES, Need
from cash.hub.living import Living, look_around

# Younger ones may be of a git that has just begun, or is about to rename them.
_SECONDS: Final = 10.0
_WHOLE: Final = (
    *("config.lock", "packed-refs.lock", "packed-refs.new", "shallow.lock", "gc.pid.lock"),
    *("objects/maintenance.lock", "objects/info/commit-graph.lock", "objects/info/alternates.lock"),
    *("objects/info/commit-graphs/commit-graph-chain.lock", "objects/pack/multi-pack-index.lock"),
)
# In a worktree's own git directory.
_PRIVATE: Final = re.compile(r"(?:index(?:\.stash\.\d+)?|[A-Z][A-Z_]*|config\.worktree)\.lock")
_REMOTE: Final = "remote:"


def clean_up(common_dir: Path, need: Need, git_directory: Path | None = None) -> tuple[str, ...]:
    """Takes away what is dead of all that is held alone; its names below the git directory. The
    need is held. git_directory: of the worktree that is worked in, whose own are looked at too."""
    folders = [git_directory] if git_directory is not None else []
    if REPO in need.exclusive:
        folders = [common_dir, *_entries(common_dir)]
    locks = [path for name in need.exclusive for path in _locks_of(common_dir, name)]
    locks += [path for folder in folders for path in _private_locks(folder)]
    old = {path: status for path in dict.fromkeys(locks) if (status := _old(path))}
    registers = {REPO, WORKTREES} & need.exclusive
    halves = [entry for entry in _entries(common_dir) if _is_half(entry)] if registers else []
    if not old and not halves:
        return ()
    with _sweeping(common_dir):
        living = look_around(common_dir)
        gone = [path for path, status in old.items() if _remove(path, status, living)]
        gone += [entry for entry in halves if _unregister(entry, living)]
    return tuple(os.path.relpath(path, common_dir) for path in gone)


def has_private_locks(git_directory: Path) -> bool:
    """Whether a worktree has old locks of its own, that commands without a level meet too."""
    return any(_old(path) for path in _private_locks(git_directory))


def _locks_of(common_dir: Path, resource: str) -> Iterator[Path]:
    if resource == REPO:
        yield from (common_dir / name for name in _WHOLE)
        yield from (*_below(common_dir / "refs"), *_below(common_dir / "logs"))
    elif resource == CONFIG:
        yield common_dir / "config.lock"
    elif resource == PACKED:
        yield from (common_dir / "packed-refs.lock", common_dir / "packed-refs.new")
    elif resource.startswith(_REMOTE):
        yield from _below(common_dir / "refs/remotes" / resource.removeprefix(_REMOTE))
    elif resource.startswith("refs/"):
        # The reflog's is taken to let old entries go.
        yield from (common_dir / f"{resource}.lock", common_dir / f"logs/{resource}.lock")


def _below(folder: Path) -> Iterator[Path]:
    for place, _, files in os.walk(folder):
        yield from (Path(place, name) for name in files if name.endswith(".lock"))


def _private_locks(folder: Path) -> Iterator[Path]:
    yield from (folder / "logs/HEAD.lock", folder / "info/sparse-checkout.lock")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        yield from (folder / entry.name for entry in entries if _PRIVATE.fullmatch(entry.name))


def _entries(common_dir: Path) -> list[Path]:
    try:
        return sorted((common_dir / "worktrees").iterdir())
    except OSError:
        return []


def _old(path: Path) -> os.stat_result | None:
    """Its status when it is a file that nobody has touched for a while."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    is_old = time.time() - max(status.st_mtime, status.st_ctime) > _SECONDS
    return status if is_old and stat.S_ISREG(status.st_mode) else None


def _is_half(entry: Path) -> bool:
    """Whether its making was cut short: git writes `gitdir` first, and marks it as locked until
    all is there."""
    is_whole, is_marked = True, False
    with contextlib.suppress(OSError):
        is_marked = (entry / "locked").read_bytes().strip() == b"initializing"
    try:
        is_whole = os.stat(entry / "gitdir").st_size > 0
    except FileNotFoundError:
        is_whole = False
    except OSError:
        return False
    if is_whole and not is_marked:
        return False
    try:
        changed = max(os.lstat(path).st_ctime for path in (entry, *entry.iterdir()))
    except OSError:
        return False
    return time.time() - changed > _SECONDS


def _remove(path: Path, status: os.stat_result, living: Living) -> bool:
    if living.may_own(status):
        return False
    # By another name first: what was looked at is what goes, not one that came in between.
    aside = path.with_name(f"{path.name}.dead-{os.getpid()}")
    try:
        os.rename(path, aside)
        if os.lstat(aside).st_ino != status.st_ino:
            with contextlib.suppress(FileExistsError):
                os.link(aside, path)
            os.unlink(aside)
            return False
        os.unlink(aside)
    except OSError:
        return False
    return True


def _unregister(entry: Path, living: Living) -> bool:
    parts: Iterable[Path] = (entry, *entry.rglob("*"))
    if any(living.may_own(os.lstat(part)) for part in parts):
        return False
    shutil.rmtree(entry, ignore_errors=True)
    return not entry.exists()


@contextlib.contextmanager
def _sweeping(common_dir: Path) -> Iterator[None]:
    """One at a time: what one has judged dead, another may have made anew."""
    held = os.open(common_dir / "polis/locks", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)

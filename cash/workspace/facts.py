"""What rewriters and git rules ask about an agent's tree; looked up at every judgement.

The agent writes all of it, so nothing is followed, waited for or believed beyond a name: a lie
here makes the agent's own command be judged by the wrong facts, and the walls stay.
"""

from __future__ import annotations

import functools
import os
import shutil
import stat
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path

from cash.faults import Fault
from cash.hub.account import own_account
from cash.hub.git import Git
from cash.hub.reading import read_small
from cash.policy.actions.git_config import add_setting
from cash.policy.context import Facts
from cash.workspace.agent import Agent

_LOCKFILES = (
    *("package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"),
    *("bun.lock", "bun.lockb", "uv.lock", "poetry.lock", "Pipfile.lock", "Cargo.lock"),
)
_PROGRAMS = (
    *("pnpm", "npm", "npx", "yarn", "node", "bun", "corepack", "deno"),
    *("python3", "pip", "pip3", "uv", "poetry", "cargo", "go", "make"),
)
_MOST_BINARIES = 5000
_LONGEST_CONFIG = 256 * 1024


def gather_facts(agent: Agent, cwd: str, adopted: str = "", path: str | None = None) -> Facts:
    """cwd: where the command starts; outside the tree counts as the tree's root. adopted: the
    user's answer how this repository installs. path: PATH inside (default: polisd's own).
    Tens of microseconds while nothing changed; never raises."""
    tree, configs = _places_of(agent)
    folders, is_inside = _folders_up(tree, cwd)
    lockfiles, lock_folder = _find_lockfiles(folders)
    return Facts(
        lockfiles=lockfiles,
        lock_folder=lock_folder if is_inside else "",
        programs=_programs(path or os.environ.get("PATH", os.defpath)),
        binaries=_nearest(_binaries(folder) for folder in folders),
        adopted=adopted,
        git_config=_git_config(*((path, _stamp(path)) for path in configs)),
    )


@functools.lru_cache(maxsize=256)
def _places_of(agent: Agent) -> tuple[str, tuple[str, ...]]:
    """The tree, and the files by which git is configured there, the first to be obeyed first."""
    configs = (agent.home / ".gitconfig", agent.git_directory / "config")
    return os.fspath(agent.tree), tuple(map(os.fspath, configs))


@functools.lru_cache(maxsize=256)
def _folders_up(root: str, cwd: str) -> tuple[tuple[str, ...], bool]:
    """From cwd up to the tree's root, or that alone; whether cwd is one of them. Of words alone:
    what is there is nothing to it."""
    tree, place = Path(root), Path(cwd)
    if not place.is_relative_to(tree) or ".." in place.parts:
        return (root,), False
    above = [parent for parent in place.parents if parent.is_relative_to(tree)]
    return tuple(map(os.fspath, (place, *above))), True


def _nearest(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """A package inside a workspace uses the lock file of the first folder above that has one."""
    return next((found for found in sets if found), frozenset())


def _find_lockfiles(folders: Iterable[str]) -> tuple[frozenset[str], str]:
    """Those of the nearest folder that has any, and where that is: ".", "..", "../.."."""
    for steps, folder in enumerate(folders):
        if found := _lockfiles(folder):
            return found, "/".join([".."] * steps) or "."
    return frozenset(), ""


def _lockfiles(folder: str) -> frozenset[str]:
    # Not by lexists(): nearly all are missing, and an exception for each takes twice as long.
    return frozenset(
        [
            name
            for name in _LOCKFILES
            if os.access(f"{folder}/{name}", os.F_OK, follow_symlinks=False)
        ]
    )


def _binaries(folder: str) -> frozenset[str]:
    place = f"{folder}/node_modules/.bin"
    return _names(place, _stamp(place))


@functools.lru_cache(maxsize=256)
def _names(folder: str, stamp: tuple[int, ...]) -> frozenset[str]:
    if not stamp or not stat.S_ISDIR(stamp[0]):
        return frozenset()
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in islice(entries, _MOST_BINARIES))
    except OSError:
        return frozenset()


def _programs(path: str) -> frozenset[str]:
    return _look_up(path, tuple(_stamp(folder) for folder in path.split(":")))


@functools.lru_cache(maxsize=16)
def _look_up(path: str, stamps: tuple[tuple[int, ...], ...]) -> frozenset[str]:
    del stamps  # only in the key: a folder that changed is looked at again
    return frozenset(name for name in _PROGRAMS if shutil.which(name, path=path))


@functools.lru_cache(maxsize=32)
def _git_config(*files: tuple[str, tuple[int, ...]]) -> Mapping[str, str]:
    """HOME's and the repository's settings as git reads them, the last value of each (all, of
    those that git obeys all of); includes are named, not followed. files: each with its stamp."""
    found: dict[str, str] = {}
    for path, stamp in files:
        for key, value in _settings(path, stamp).items():
            add_setting(found, key, value)
    return found


@functools.lru_cache(maxsize=256)
def _settings(path: str, stamp: tuple[int, ...]) -> Mapping[str, str]:
    content = read_small(Path(path), _LONGEST_CONFIG) if stamp else None
    if not content:
        return {}
    # From standard input: git never opens what the agent wrote, so it obeys nothing of it.
    git = Git(account=own_account())
    try:
        out = git.run("config", "--file", "-", "--no-includes", "--list", "-z", given=content)
    except Fault:
        return {}
    found: dict[str, str] = {}
    for item in out.split(b"\0")[:-1]:
        key, _, value = os.fsdecode(item).partition("\n")
        add_setting(found, key.lower(), value)
    return found


def _stamp(path: str) -> tuple[int, ...]:
    """Changes when the file or folder does; empty when there is none."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except OSError:
        return ()
    return (found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)

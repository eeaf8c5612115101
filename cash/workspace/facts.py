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
    folders = _folders_up(agent.tree, Path(cwd))
    lockfiles, lock_folder = _find_lockfiles(folders)
    return Facts(
        lockfiles=lockfiles,
        lock_folder=lock_folder if folders[0] == Path(cwd) else "",
        programs=_programs(path or os.environ.get("PATH", os.defpath)),
        binaries=_nearest(_binaries(folder) for folder in folders),
        adopted=adopted,
        git_config=_git_config(agent),
    )


def _folders_up(tree: Path, cwd: Path) -> list[Path]:
    """From cwd up to the tree's root."""
    if not cwd.is_relative_to(tree) or ".." in cwd.parts:
        return [tree]
    return [cwd, *(parent for parent in cwd.parents if parent.is_relative_to(tree))]


def _nearest(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    """A package inside a workspace uses the lock file of the first folder above that has one."""
    return next((found for found in sets if found), frozenset())


def _find_lockfiles(folders: list[Path]) -> tuple[frozenset[str], str]:
    """Those of the nearest folder that has any, and where that is: ".", "..", "../.."."""
    for steps, folder in enumerate(folders):
        if found := _lockfiles(folder):
            return found, "/".join([".."] * steps) or "."
    return frozenset(), ""


def _lockfiles(folder: Path) -> frozenset[str]:
    return frozenset(name for name in _LOCKFILES if os.path.lexists(folder / name))


def _binaries(folder: Path) -> frozenset[str]:
    place = os.fspath(folder / "node_modules/.bin")
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


def _git_config(agent: Agent) -> Mapping[str, str]:
    """HOME's and the repository's settings as git reads them, the last value of each (all, of
    those that git obeys all of); includes are named, not followed."""
    found: dict[str, str] = {}
    for path in (agent.home / ".gitconfig", agent.git_directory / "config"):
        for key, value in _settings(os.fspath(path), _stamp(os.fspath(path))).items():
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

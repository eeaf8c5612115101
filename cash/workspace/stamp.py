"""Whether an agent's work may have changed since it was looked at, told by stats alone: no git
runs, and what the agent has written is not read."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cash.hub.reading import read_refs, read_small
from cash.workspace.agent import Agent

# In the git directory and in the home: what says which files there are for git, and of what kind.
_GIT: Final = (
    *("index", "config", "config.worktree"),
    *("info/exclude", "info/attributes", "info/sparse-checkout"),
)
_HOME: Final = (
    ".gitconfig",
    *(f".config/git/{name}" for name in ("config", "ignore", "attributes")),
)
_SETTINGS: Final = ("config", "config.worktree")
# Settings that have git read a file whose place only git finds; but for polis' own, which no agent
# can write.
_ELSEWHERE: Final = re.compile(
    rb"(?i)excludesfile|attributesfile|worktree"
    rb'|\[include(?!\]\n\tpath = "/run/polis/[\w/]+"\s*(?:\[|\Z))'
)
_LONGEST: Final = 256 * 1024
# Times of files are those of the last tick of the kernel's clock, 10 ms at most: what has changed
# since, may change once more within the same tick, and not show.
_GRAIN_SECONDS: Final = 0.05
# A tree that takes longer is taken anew.
_SECONDS: Final = 30.0
_RECENT: Final = b"!"


def stamp_work(agent: Agent) -> str:
    """The same as before only where a snapshot of everything would be the same as before: if it
    was taken after that stamp, it still holds. "" where nobody can say, as something has just been
    written or cannot be looked at. Nobody sets the times it goes by (ctime) but the kernel.

    A hundred thousand files take a fifth of a second. What is written to a page that is mapped
    shows as late as it does to git."""
    began = time.time()
    digest = hashlib.blake2b(read_refs(agent.git_directory).fingerprint.encode(), digest_size=16)
    for place in _places(agent):
        try:
            found = os.lstat(place)
        except OSError as fault:
            digest.update(b"none %d\0" % (fault.errno or 0))
            continue
        if found.st_ctime > began - _GRAIN_SECONDS:
            return ""
        told = (found.st_mode, found.st_ino, found.st_size, found.st_ctime_ns)
        digest.update(b"%d %d %d %d\0" % told)
    if _leads_elsewhere(agent):
        return ""
    listed = _list_times(agent, began)
    if not listed or _RECENT in listed:
        return ""
    digest.update(listed)
    return digest.hexdigest()


def _places(agent: Agent) -> Iterator[Path]:
    yield from (agent.git_directory / name for name in _GIT)
    yield from (agent.home / name for name in _HOME)


def _leads_elsewhere(agent: Agent) -> bool:
    """Whether more than these files says which files there are; also where that cannot be read."""
    places = [agent.git_directory / name for name in _SETTINGS]
    places += [agent.home / name for name in _HOME if name.endswith("config")]
    contents = [read_small(path, _LONGEST) for path in places if path.is_symlink() or path.exists()]
    return any(one is None or _ELSEWHERE.search(one) for one in contents)


def _list_times(agent: Agent, began: float) -> bytes:
    """Inode and ctime of all in the tree, in the order of its folders, whose own times tell of what
    was put there, renamed and removed; the same of submodules' git directories. b"" where not all
    of it could be looked at."""
    roots = [agent.tree]
    if (agent.git_directory / "modules").is_dir():
        roots.append(agent.git_directory / "modules")
    recent = f"@{began - _GRAIN_SECONDS:.6f}"
    tests = ("-newerct", recent, "-printf", "!", "-o", "-printf", r"%i %C@\0")
    try:
        # Links are not followed. ("find" is GNU's wherever it knows -printf.)
        ended = subprocess.run(
            ["find", "-P", *map(str, roots), "-xdev", *tests],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return ended.stdout if ended.returncode == 0 else b""

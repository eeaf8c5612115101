"""Which agents there are: the folders on disk say it, and nothing else has to agree."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from cash.hub.adoption import hub_folder
from cash.hub.git import GitFault
from cash.hub.quick_reads import count_quickly
from cash.hub.reading import read_refs
from cash.hub.repository import Repository
from cash.hub.snapshot import find_pipes
from cash.hub.worktree import checked_out, find_entry, git_of, registered_trees
from cash.places import Places
from cash.workspace.agent import INTENT, RECORD, Agent, read_record


@dataclass(frozen=True, slots=True)
class Look:
    """How an agent's work stands, seen from the hub. dirty: its tree differs from its last
    imported commit; None when that cannot be said. ahead, behind: commits of its branch against
    what it started from. unimported: its refs have moved since the last import. trouble: why
    its worktree is not usable, else ""."""

    dirty: bool | None
    ahead: int
    behind: int
    unimported: bool
    trouble: str = ""


def list_agents(repository: Repository, places: Places) -> tuple[Agent, ...]:
    """The agents of a repository, sorted by name; none when it was never adopted."""
    return read_agents(hub_folder(repository, places))


def read_agents(folder: Path) -> tuple[Agent, ...]:
    """The agents in a repository's folder, sorted by name; unfinished ones are left out."""
    found = [read_record(path.parent) for path in folder.glob("agents/*/agent.json")]
    return tuple(sorted((agent for agent in found if agent), key=lambda agent: agent.name))


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent whose folder was deleted by hand. branch: of the user's repository, where its
    commits are; "" where that cannot be told."""

    name: str
    branch: str
    tree: Path


def find_lost(repository: Repository, folder: Path) -> tuple[Lost, ...]:
    """The agents of which git still has the worktree, but there is nothing else."""
    branches = {
        tree: ref.removeprefix("refs/heads/") for ref, tree in checked_out(repository).items()
    }
    found = []
    for tree in registered_trees(repository):
        if tree.is_relative_to(folder / "agents"):
            name = tree.relative_to(folder / "agents").parts[0]
            if not (folder / "agents" / name).exists():
                found.append(Lost(name, branches.get(tree, ""), tree))
    return tuple(sorted(found, key=lambda lost: lost.name))


def next_number(places: Places) -> int:
    """The lowest number no agent of this user has, from 1; those in the making count."""
    taken = set()
    for name in (RECORD, INTENT):
        for path in places.state.glob(f"*/agents/*/{name}"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                taken.add(json.loads(path.read_bytes())["number"])
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def look_at(repository: Repository, agent: Agent) -> Look:
    """A look from outside; the agent may be running. Never raises for what an agent did."""
    entry = find_entry(repository, agent.tree)
    if entry is None or not agent.tree.is_dir():
        return Look(None, 0, 0, unimported=False, trouble=f"{agent.tree} is no worktree any more")
    unimported = is_unimported(agent)
    try:
        ahead, behind = _count(repository, agent)
        dirty = is_dirty(repository, agent, entry)
    except GitFault as fault:
        return Look(None, 0, 0, unimported=unimported, trouble=fault.message)
    return Look(dirty=dirty, ahead=ahead, behind=behind, unimported=unimported)


def is_dirty(repository: Repository, agent: Agent, entry: Path) -> bool:
    """Whether the tree holds changes or new files beyond the hub's idea of it. Computed with the
    hub's git directory and without filters: nothing the agent wrote chooses a program."""
    pipes = find_pipes(agent.tree)
    if pipes:
        raise GitFault(f"{pipes[0]} is a pipe, which git would wait on", hint=f"rm {pipes[0]}")
    git = git_of(repository, entry, agent.tree)
    changed = git.run(
        "status", "--porcelain", "-z", "--ignore-submodules=all", "--untracked-files=normal"
    )
    return bool(changed)


def is_unimported(agent: Agent) -> bool:
    """Whether the agent's refs differ from those last carried to the hub."""
    try:
        last = agent.imported.read_text()
    except OSError:
        return True
    return last != read_refs(agent.git_directory).fingerprint


def _count(repository: Repository, agent: Agent) -> tuple[int, int]:
    """Commits the branch has beyond its start, and the start has beyond it by now."""
    start = agent.start if agent.start not in ("HEAD", agent.branch) else agent.base
    span = f"{start}...refs/heads/{agent.branch}"
    if start == agent.base:
        found = count_quickly(repository, f"refs/heads/{agent.branch}", start)
        if found is not None:
            return found
    status, out, _ = repository.git.try_run("rev-list", "--left-right", "--count", span, "--")
    if status:
        span = f"{agent.base}...refs/heads/{agent.branch}"
        out = repository.git.run("rev-list", "--left-right", "--count", span, "--")
    behind, ahead = out.split()
    return int(ahead), int(behind)

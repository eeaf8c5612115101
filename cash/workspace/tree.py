"""Making an agent: all of it or nothing (design §8: two git directories over one tree)."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

from cash.faults import Fault
from cash.hub.account import Account
from cash.hub.adoption import as_fault, hold_state, make_folder, open_hub, write_whole
from cash.hub.git import GitFault
from cash.hub.levels import WORKTREES, branch_ref, writing
from cash.hub.mutex import LONG_PATIENCE, hold_hub
from cash.hub.reading import read_refs
from cash.hub.refs import Ref, delete_refs, keep_objects, keep_ref, list_refs
from cash.hub.repository import Repository
from cash.hub.worktree import (
    git_of,
    register_tree,
    skip_submodules,
    unregister_tree,
)
from cash.places import Places
from cash.providers.manifest import Manifest, find_manifest, load_manifests
from cash.workspace.agent import (
    INTENT,
    RECORD,
    Agent,
    AgentFault,
    check_mode,
    check_name,
    new_incarnation,
    write_record,
)
from cash.workspace.branch import Branch, plan_branch
from cash.workspace.git_directory import make_git_directory
from cash.workspace.packages import write_settings
from cash.workspace.removal import forget_lost
from cash.workspace.roster import next_number, read_agents

_UNWRITTEN = ("error: unable to write", "error: unable to create")


def add_tree(
    repository: Repository,
    places: Places,
    name: str,
    *,
    provider: str = "shell",
    start: str | None = None,
    branch: str | None = None,
    mode: str = "auto",
    most: int | None = None,
    providers: Mapping[str, Manifest] | None = None,
) -> Agent:
    """Makes an agent whole: branch, linked worktree, own git directory, home.

    start: the commit a new branch agent/<name> begins at (default HEAD of the main working
    tree). branch: an existing branch to work on instead. most: how many agents there
    may be. providers: those that are known (default: the shipped ones).
    Raises AgentFault (its code says which word was wrong) or Fault; then nothing is left."""
    check_mode(mode)
    find_manifest(provider, load_manifests() if providers is None else providers)
    check_name(name, ())
    folder, _ = open_hub(repository, places)
    need = writing(WORKTREES, branch_ref(branch or f"agent/{name}"), keep_ref(name))
    doing = f"polis agents add {name}"
    with hold_hub(repository, need, doing, seconds=LONG_PATIENCE) as repository:
        undo_half_made(repository, folder)
        forget_lost(repository, folder)
        agents = read_agents(folder)
        check_name(name, [agent.name for agent in agents])
        _check_folder(folder / "agents" / name)
        if most is not None and len(agents) >= most:
            raise AgentFault(
                "MAX_AGENTS",
                f"{name} would be agent {len(agents) + 1}, and the setting max-agents is {most}",
                hint=f"polis config set max-agents {len(agents) + 1}, or polis agents remove NAME",
            )
        plan = plan_branch(repository, name, start, branch, agents)
        agent = Agent(
            name=name,
            incarnation=new_incarnation(),
            number=0,
            provider=provider,
            branch=plan.name,
            base=plan.base,
            start=start or branch or "HEAD",
            mode=check_mode(mode),
            created=time.time(),
            folder=folder / "agents" / name,
        )
        with as_fault(f"{name} cannot be made"):
            return _make(repository, places, agent, plan)


def undo_half_made(repository: Repository, folder: Path) -> tuple[str, ...]:
    """Removes what a killed polis had begun to make; the names. The worktrees are held.

    A folder without a record that was not being made is somebody's work all the same: it stays."""
    halves = [path for path in sorted(folder.glob("agents/*")) if _is_half_made(path)]
    for path in halves:
        _undo(repository, path)
    return tuple(path.name for path in halves)


def _is_half_made(path: Path) -> bool:
    names = {entry.name for entry in path.iterdir()}
    return RECORD not in names and (INTENT in names or names <= {f"{INTENT}.new"})


def _check_folder(folder: Path) -> None:
    if folder.exists():
        raise Fault(
            f"{folder} is there, but its {RECORD} is not",
            hint="look what is in it, and move it away",
        )


def _make(repository: Repository, places: Places, agent: Agent, plan: Branch) -> Agent:
    try:
        make_folder(agent.folder, repository.owner)
        agent = _announce(places, agent, plan)
        _fill(repository, agent, plan)
        write_record(agent)
    except BaseException:
        _undo(repository, agent.folder)
        raise
    (agent.folder / INTENT).unlink()
    return agent


def _announce(places: Places, agent: Agent, plan: Branch) -> Agent:
    """Writes the intent, with a number nobody else has: agents of other repositories may be in
    the making too."""
    with hold_state(places):
        agent = replace(agent, number=next_number(places))
        intent = {**asdict(plan), "number": agent.number}
        write_whole(agent.folder / INTENT, json.dumps(intent).encode())
    return agent


def _fill(repository: Repository, agent: Agent, plan: Branch) -> None:
    for place in (agent.home, agent.scratch, agent.git_directory, agent.volume, agent.packages):
        make_folder(place, repository.owner)
    write_settings(agent)
    refs = list_refs(repository, "refs/heads/", "refs/remotes/", "refs/tags/")
    keep_objects(repository, agent.name, agent.base, _borrowed(refs))
    reason = f"polis agent {agent.name} ({agent.incarnation})"
    try:
        commit = agent.base if plan.fresh else None
        entry = register_tree(repository, agent.tree, agent.branch, commit, reason)
    except GitFault as fault:
        raise _explain(fault, agent) from fault
    foreign_ids = repository.owner.uid == 0
    make_git_directory(repository, agent, entry, refs, foreign_ids=foreign_ids)
    # After the agent's own index was copied: inside, a submodule's new commit is to be seen.
    skip_submodules(git_of(repository, entry, agent.tree))
    if repository.owner.foreign:
        # Of the file too, shown as tree/.git: git calls one of root's dubious ownership.
        os.lchown(agent.git_file, repository.owner.uid, repository.owner.gid)
        for place in (agent.git_directory, agent.home):
            _give(place, repository.owner)
    agent.imported.write_text(read_refs(agent.git_directory).fingerprint)


def _borrowed(refs: Iterable[Ref]) -> list[str]:
    return [ref.object for ref in refs if not ref.symbolic]


def _undo(repository: Repository, folder: Path) -> None:
    """Takes back everything an unfinished agent had; each step may find nothing to do."""
    try:
        intent = json.loads((folder / INTENT).read_bytes())
    except (OSError, ValueError):
        intent = {}
    unregister_tree(repository, folder / "volume/tree")
    delete_refs(repository, [keep_ref(folder.name)])
    if intent.get("fresh"):
        _take_branch_back(repository, intent["name"], intent["base"], intent["before"])
    shutil.rmtree(folder, ignore_errors=True)


def _take_branch_back(repository: Repository, branch: str, base: str, before: str) -> None:
    name = f"refs/heads/{branch}"
    # A git that was killed while making it leaves this; the branch is held: it is nobody else's.
    with contextlib.suppress(OSError):
        (repository.common_dir / f"{name}.lock").unlink()
    with contextlib.suppress(GitFault):  # moved on by somebody since: then it stays
        if before:
            repository.git.run("update-ref", "--no-deref", name, before, base)
        else:
            repository.git.run("update-ref", "--no-deref", "-d", name, base)


def _explain(fault: GitFault, agent: Agent) -> Fault:
    """git's own word, where a reader would not know what it means for the agent."""
    if "refs/heads/agent'" in fault.stderr:
        return AgentFault(
            "BRANCH_EXISTS",
            f"a branch named agent leaves no room for {agent.branch}",
            hint="git branch -m agent something-else, or use --branch",
        )
    # Of a full disk git tells in several ways, sometimes only which file it was at.
    full = next(
        (line for line in fault.stderr.splitlines() if line.startswith(_UNWRITTEN)),
        "No space left on device" if "No space left" in fault.stderr else "",
    )
    if full:
        return Fault(
            f"{agent.name} cannot be made: {full.removeprefix('error: ')}",
            hint=f"df -h {agent.folder.parent} shows the space that is left; nothing was changed",
        )
    return fault


def _give(folder: Path, owner: Account) -> None:
    """Before the agent first runs: what root wrote becomes the repository owner's."""
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.lchown(Path(place) / name, owner.uid, owner.gid)

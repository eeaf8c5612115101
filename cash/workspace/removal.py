"""Removing an agent: nothing of its work is lost, and nothing else of it stays."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cash.hub.adoption import as_fault, hub_folder, make_folder
from cash.hub.levels import WORKTREES, branch_ref, writing
from cash.hub.mutex import LONG_PATIENCE, hold_hub
from cash.hub.parts import forget_in_parts
from cash.hub.refs import PREFIX, Ref, delete_refs, keep_ref, list_refs, write_refs
from cash.hub.repository import Repository
from cash.hub.snapshot import Snapshot, snapshot_tree
from cash.hub.walking import remove_tree
from cash.hub.worktree import find_entry, unregister_tree
from cash.places import Places
from cash.workspace.agent import Agent, AgentFault
from cash.workspace.ignored import KeptIgnored, drop_old, keep_ignored
from cash.workspace.roster import find_lost, look_at


@dataclass(frozen=True, slots=True)
class Removal:
    """branch: where its commits are, "" when that was deleted too. saved: refs that hold what
    was on no branch (uncommitted files, rewritten commits). ignored: the archive of what git
    ignores, None where there was nothing; parts: that of its submodules. left_out: paths that could
    not be kept. rest: what remains to be deleted, in trash/."""

    name: str
    branch: str
    saved: tuple[str, ...]
    ignored: Path | None
    parts: Path | None
    left_out: tuple[str, ...]
    rest: Path

    def describe(self) -> dict[str, Any]:
        """As JSON values, for people and the journal."""
        return {
            "branch": self.branch,
            "saved": list(self.saved),
            "ignored": str(self.ignored or ""),
            "parts": str(self.parts or ""),
            "left_out": list(self.left_out),
        }


def check_removal(repository: Repository, agent: Agent, *, running: bool) -> None:
    """Raises AgentFault when removing the agent asks for --force: it is running, has
    uncommitted files, or commits that were never carried to the hub."""
    if running:
        raise AgentFault(
            "AGENT_BUSY",
            f"{agent.name} is running",
            hint=f"polis agents remove {agent.name} --force stops it first",
        )
    look = look_at(repository, agent)
    trouble = ""
    if look.dirty is not False:
        trouble = "uncommitted changes" if look.dirty else f"a tree in trouble ({look.trouble})"
    elif look.unimported:
        trouble = "commits that were not carried over yet"
    if trouble:
        raise AgentFault(
            "AGENT_DIRTY",
            f"{agent.name} has {trouble}",
            hint=f"commit them, or polis agents remove {agent.name} --force: a snapshot is kept",
        )


def remove_agent(
    repository: Repository,
    places: Places,
    agent: Agent,
    *,
    delete_branch: bool = False,
    parts: Sequence[str] = (),
) -> Removal:
    """Removes an agent whose walls are down. Its branch stays unless delete_branch; uncommitted
    files and commits on no branch stay below refs/polis/trash/<name>-<incarnation>/. parts: the
    submodules with work that is nowhere else; they are kept whole, in an archive. Its folder
    is moved to trash/, which a thread then empties. Raises Fault, and then the agent stays."""
    folder = hub_folder(repository, places)
    need = writing(WORKTREES, branch_ref(agent.branch), keep_ref(agent.name))
    taken = hold_hub(repository, need, f"polis agents remove {agent.name}", seconds=LONG_PATIENCE)
    with taken as held, as_fault(f"{agent.name} cannot be removed"):
        removal = take_away(held, folder, agent, delete_branch=delete_branch, parts=parts)
    threading.Thread(target=empty_trash, args=(folder,), name="trash", daemon=True).start()
    return removal


def take_away(
    repository: Repository,
    folder: Path,
    agent: Agent,
    *,
    delete_branch: bool,
    parts: Sequence[str],
) -> Removal:
    """remove_agent without lock and thread. Everything is saved first; the rename of the folder
    is the moment the agent is gone; what a kill leaves behind then, forget_lost takes."""
    place = f"{PREFIX}trash/{agent.name}-{agent.incarnation}/"
    snapshot = _snapshot(repository, agent, f"{place}tree")
    branch = f"refs/heads/{agent.branch}"
    refs = list_refs(repository, *_own_places(agent.name))
    dropped = list_refs(repository, branch) if delete_branch else ()
    saved = _save(repository, agent, place, (*refs, *dropped), dropped)
    own = f"{agent.name}-{agent.incarnation}"
    kept = _archive(repository, folder, f"{own}.tar", agent.tree, snapshot.ignored)
    places = _places_of(agent, parts)
    kept_parts = _archive(repository, folder, f"{own}-parts.tar", agent.folder, places)
    rest = folder / "trash" / own
    os.rename(agent.folder, rest)
    unregister_tree(repository, agent.tree)
    delete_refs(repository, [ref.name for ref in (*refs, *dropped)])
    forget_in_parts(repository, *_own_places(agent.name))
    return Removal(
        name=agent.name,
        branch="" if delete_branch else agent.branch,
        saved=(*([f"{place}tree"] if snapshot.commit else []), *saved),
        ignored=kept.archive,
        parts=kept_parts.archive,
        left_out=(*snapshot.left_out, *kept.left_out, *kept_parts.left_out),
        rest=rest,
    )


def _places_of(agent: Agent, parts: Sequence[str]) -> tuple[str, ...]:
    """From the agent's folder: the submodules' files, and the git directories of all."""
    if not parts:
        return ()
    root, trees = agent.tree.resolve(), [agent.tree / part for part in parts]
    folders = [one for one in trees if one.resolve().is_relative_to(root) and one.is_dir()]
    wanted = [agent.git_directory / "modules", *folders]
    return tuple(f"{one.relative_to(agent.folder)}/" for one in wanted)


def _archive(
    repository: Repository, folder: Path, name: str, base: Path, paths: tuple[str, ...]
) -> KeptIgnored:
    if paths:
        make_folder(folder / "ignored", repository.owner)
    kept = keep_ignored(base, paths, folder / "ignored" / name)
    if kept.archive is not None and repository.owner.foreign:
        os.chown(kept.archive, repository.owner.uid, repository.owner.gid)
    return kept


def forget_agents_lost(repository: Repository, places: Places) -> None:
    """forget_lost, with the worktrees held. Raises Fault."""
    folder = hub_folder(repository, places)
    doing = "polis agents remove"
    with hold_hub(repository, writing(WORKTREES), doing, seconds=LONG_PATIENCE) as held:
        forget_lost(held, folder)


def forget_lost(repository: Repository, folder: Path) -> None:
    """Worktree entries and refs of agents whose folder is gone: a removal was cut short."""
    for lost in find_lost(repository, folder):
        unregister_tree(repository, lost.tree)
        own = list_refs(repository, *_own_places(lost.name))
        delete_refs(repository, [ref.name for ref in own])
        forget_in_parts(repository, *_own_places(lost.name))


def _own_places(name: str) -> tuple[str, ...]:
    return tuple(f"{PREFIX}{what}/{name}/" for what in ("keep", "import", "fetching"))


def empty_trash(folder: Path) -> None:
    """Deletes what removed agents left in a repository's folder; may take seconds, never raises.
    Meant for a thread of its own."""
    drop_old(folder)
    for rest in folder.glob("trash/*"):
        remove_tree(rest)
        if rest.exists():  # an agent took write permission from its own folders
            _open_up(rest)
            remove_tree(rest)


def _open_up(folder: Path) -> None:
    """A folder that is closed is opened before it is looked into."""
    left = [os.fspath(folder)]
    while left:
        place = left.pop()
        with contextlib.suppress(OSError):
            os.chmod(place, 0o700)
            with os.scandir(place) as entries:
                left += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]


def _snapshot(repository: Repository, agent: Agent, ref: str) -> Snapshot:
    if not agent.tree.is_dir():
        return Snapshot("")
    entry = find_entry(repository, agent.tree)
    parent = agent.base
    if entry is not None:
        git = replace(repository.git, directory=entry)
        _, out, _ = git.try_run("rev-parse", "--verify", "-q", "HEAD^{commit}")
        parent = out.decode().strip() or parent
    what = f"What {agent.name} had not committed\n\nIncarnation {agent.incarnation}."
    index = entry / "index" if entry else None
    own = agent.folder / "snapshot.index"
    return snapshot_tree(repository, agent.tree, parent, index, ref, what, own=own)


def _save(
    repository: Repository,
    agent: Agent,
    place: str,
    refs: Iterable[Ref],
    dropped: Iterable[Ref],
) -> tuple[str, ...]:
    """Refs for those of the agent's tips that no other branch of the hub holds."""
    found: dict[str, str] = {}
    leaving = [f"--exclude={ref.name.removeprefix('refs/heads/')}" for ref in dropped]
    for ref in refs:
        name = ref.name.removeprefix("refs/").split(f"polis/keep/{agent.name}/")[-1]
        name = name.split(f"polis/import/{agent.name}/")[-1]
        if ref.object not in found.values() and _is_lost(repository, ref.object, leaving):
            found[place + name] = ref.object
    write_refs(repository, found.items(), "polis: kept of a removed agent")
    return tuple(found)


def _is_lost(repository: Repository, tip: str, leaving: Iterable[str]) -> bool:
    held = ("--not", *leaving, "--branches", "--remotes", "--tags")
    status, out, _ = repository.git.try_run("rev-list", "-n1", tip, *held)
    return status == 0 and bool(out.strip())

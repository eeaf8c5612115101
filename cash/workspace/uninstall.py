"""Taking polis away from a repository: the work goes to the user's branches, the rest goes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cash.hub.adoption import as_fault, hub_folder
from cash.hub.levels import EXCLUSIVE
from cash.hub.marker import remove_marker
from cash.hub.mutex import LONG_PATIENCE, hold_hub, remove_locks
from cash.hub.parts import forget_in_parts, list_parts
from cash.hub.refs import PREFIX, delete_refs, list_refs, write_refs
from cash.hub.repository import Repository
from cash.places import Places
from cash.workspace.ignored import list_archives
from cash.workspace.removal import empty_trash, forget_lost, take_away
from cash.workspace.roster import read_agents
from cash.workspace.tree import undo_half_made

# Branches that hold what was only in polis' own refs.
_SAVED = "polis-saved/"
_NO_PARTS: Mapping[str, Sequence[str]] = {}


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """agents: who was removed. branches: the user's branches that hold their work. purged:
    whether the journal went too; journal: where it stays otherwise."""

    agents: tuple[str, ...]
    branches: tuple[str, ...]
    purged: bool
    journal: Path
    archives: int = 0

    def describe(self) -> dict[str, Any]:
        """As JSON values, for people."""
        return {
            "agents": list(self.agents),
            "branches": list(self.branches),
            "purged": self.purged,
            "journal": "" if self.purged else str(self.journal),
            "archives": self.archives,
        }


def uninstall(
    repository: Repository,
    places: Places,
    *,
    purge: bool = False,
    parts: Mapping[str, Sequence[str]] = _NO_PARTS,
) -> Uninstalled:
    """Removes all agents, whose walls are down, every ref of polis' own and its folder; with
    purge the journal as well. What was on no branch (uncommitted files, snapshots of agents
    removed before) becomes branches polis-saved/…. parts: as for remove_agent, by the agent's name.
    Again is fine. Raises Fault."""
    folder = hub_folder(repository, places)
    if not folder.is_dir():
        return Uninstalled((), (), purge, folder)
    taken = hold_hub(repository, EXCLUSIVE, "polis uninstall", seconds=LONG_PATIENCE)
    with taken as repository, as_fault(f"{folder} cannot be removed"):
        undo_half_made(repository, folder)
        agents = read_agents(folder)
        for agent in agents:
            take_away(
                repository,
                folder,
                agent,
                delete_branch=False,
                parts=parts.get(agent.name, ()),
            )
        forget_lost(repository, folder)
        saved = _save_trash(repository)
        delete_refs(repository, [ref.name for ref in list_refs(repository, PREFIX)])
        forget_in_parts(repository, PREFIX)
        empty_trash(folder)
        for name in ("agents", "trash"):
            shutil.rmtree(folder / name, ignore_errors=True)
        for name in ("root", "place"):
            (folder / name).unlink(missing_ok=True)
        archives = len(list_archives(folder))
        remove_marker(repository.common_dir)
        if purge:
            shutil.rmtree(folder, ignore_errors=True)
        remove_locks(repository.common_dir)
        for part in list_parts(repository):
            remove_locks(part.repository.common_dir)
    branches = {agent.branch for agent in agents}
    return Uninstalled(
        agents=tuple(agent.name for agent in agents),
        branches=(*sorted(branches), *saved),
        purged=purge,
        journal=folder,
        archives=archives,
    )


def _save_trash(repository: Repository) -> tuple[str, ...]:
    """polis' snapshots as branches of the user's: of agents that were removed, and of work that
    was discarded."""
    trash, discarded = f"{PREFIX}trash/", f"{PREFIX}discarded/"
    found = {
        _SAVED + ref.name.removeprefix(trash): ref.object for ref in list_refs(repository, trash)
    }
    found |= {
        _SAVED + ref.name.removeprefix(PREFIX): ref.object
        for ref in list_refs(repository, discarded)
        if ref.name.endswith("/work")
    }
    write_refs(
        repository,
        [(f"refs/heads/{name}", value) for name, value in found.items()],
        "polis: saved at uninstall",
    )
    return tuple(found)

"""What an agent sees, as the walls are told it (design §2a)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cash.hub.repository import Repository
from cash.walls.view import FIRST_DEDICATED_ID, Mount, View
from cash.workspace.agent import Agent


def view_of(
    agent: Agent,
    repository: Repository,
    environment: Mapping[str, str],
    mode: Literal["full", "rootless"],
    *,
    mounts: tuple[Mount, ...] = (),
) -> View:
    """The agent's view. environment: the user's, of which only PATH and the language count;
    nothing else of it goes inside. mounts: the user's own extras."""
    owner = (repository.owner.uid, repository.owner.gid)
    return View(
        agent=agent.name,
        tree=agent.tree,
        git_directory=agent.git_directory,
        git_file=agent.git_file,
        hub_objects=repository.objects,
        home=agent.home,
        home_inside=repository.owner.home,
        scratch=agent.scratch,
        path=environment.get("PATH", ""),
        owner=owner,
        ids=ids_of(agent, owner),
        mode=mode,
        mounts=mounts,
        environment=_environment(agent, repository, environment),
    )


def ids_of(agent: Agent, owner: tuple[int, int]) -> tuple[int, int]:
    """Kernel uid and gid inside: the owner's; when that is root, ids of the agent's own, so
    that root's agents are strangers to each other and to the machine."""
    dedicated = FIRST_DEDICATED_ID + agent.number
    uid, gid = owner
    return (uid or dedicated, gid or dedicated)


def _environment(
    agent: Agent, repository: Repository, environment: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    values = {
        "HOME": str(repository.owner.home),
        "USER": repository.owner.name,
        "LOGNAME": repository.owner.name,
        "SHELL": "/bin/bash",
        "TMPDIR": "/tmp",
        "POLIS_AGENT": agent.name,
        "GIT_TERMINAL_PROMPT": "0",
        "LANG": environment.get("LANG", "C.UTF-8"),
    }
    return tuple(values.items())

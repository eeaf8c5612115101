"""What an agent sees, as the walls are told it (design §2a)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from cash.faults import MachineFault, UsageFault
from cash.hub.parts import part_objects
from cash.hub.repository import Repository
from cash.walls.view import FIRST_DEDICATED_ID, Mount, View
from cash.workspace.agent import Agent
from cash.workspace.packages import package_settings


def view_of(
    agent: Agent,
    repository: Repository,
    path: str,
    *,
    mounts: tuple[Mount, ...] = (),
    debug: bool = False,
    private: tuple[str, ...] = (),
    private_to: tuple[str, ...] = (),
    door: Path | None = None,
) -> View:
    """The agent's view. path: the user's PATH, whose toolchains are shown. mounts: the user's
    own extras. debug, private, private_to: as its manifest says. door: where polisd listens for
    it. Raises MachineFault when the agent's mode cannot be had here."""
    owner = (repository.owner.uid, repository.owner.gid)
    return View(
        agent=agent.name,
        tree=agent.tree,
        packages=agent.packages,
        git_directory=agent.git_directory,
        git_file=agent.git_file,
        hub_objects=repository.objects,
        home=agent.home,
        home_inside=home_inside(repository),
        scratch=agent.scratch,
        path=path,
        owner=owner,
        ids=ids_of(agent, owner),
        mode=mode_of(agent),
        mounts=(*_borrowed_objects(repository), *map(Mount, part_objects(repository)), *mounts),
        environment=_environment(agent, repository),
        debug=debug,
        private=private,
        private_to=private_to,
        door=door,
    )


def home_inside(repository: Repository) -> Path:
    """Where the private HOME is shown: the user's own, unless that is no place to mount over."""
    home = repository.owner.home
    return Path("/home", repository.owner.name) if home == Path("/") else home


def mode_of(agent: Agent) -> Literal["full", "rootless"]:
    """How the walls are made: as root in full, else in a user namespace."""
    return choose_mode(agent.name, agent.mode)


def choose_mode(name: str, asked: str) -> Literal["full", "rootless"]:
    """The walls that an agent made for mode `asked` gets here. MachineFault when there are none
    such; UsageFault when there is no such mode."""
    best: Literal["full", "rootless"] = "full" if os.geteuid() == 0 else "rootless"
    match asked:
        case "auto":
            return best
        case "full" | "rootless" as wanted if wanted == best:
            return "full" if wanted == "full" else "rootless"
        case "full" | "rootless":
            needs = "root" if asked == "full" else "a plain user"
            raise MachineFault(
                f"{name} cannot have mode {asked}: that needs polis to run as {needs}",
                hint="run polis so, or make the agent with --mode auto",
            )
        case "degraded":
            raise MachineFault(
                f"{name} cannot have degraded mode: polis cannot do it yet",
                hint="make the agent with --mode auto",
            )
        case _:
            raise UsageFault(f"there is no mode {asked!r}", hint="auto, full or rootless")


def ids_of(agent: Agent, owner: tuple[int, int]) -> tuple[int, int]:
    """Kernel uid and gid inside: the owner's; when that is root, ids of the agent's own, so
    that root's agents are strangers to each other and to the machine."""
    dedicated = FIRST_DEDICATED_ID + agent.number
    uid, gid = owner
    return (uid or dedicated, gid or dedicated)


def _borrowed_objects(repository: Repository) -> tuple[Mount, ...]:
    """Object stores that the hub itself borrows from (git clone --shared or --reference): the
    agent's git follows them too, five deep."""
    found: list[Path] = []
    stores = [repository.objects]
    for _ in range(5):
        stores = [other for store in stores for other in _alternates(store) if other not in found]
        found += stores
    return tuple(Mount(store) for store in found)


def _alternates(store: Path) -> list[Path]:
    try:
        lines = (store / "info/alternates").read_bytes().splitlines()
    except OSError:
        return []
    paths = [os.fsdecode(line) for line in lines if line and line[:1] not in (b"#", b'"')]
    return [Path(os.path.normpath(store / path)) for path in paths]


def _environment(agent: Agent, repository: Repository) -> tuple[tuple[str, str], ...]:
    values = {
        "HOME": str(home_inside(repository)),
        "SHELL": "/bin/bash",
        "TMPDIR": "/tmp",
        "POLIS_AGENT": agent.name,
        "POLIS_INSIDE": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **package_settings(agent),
    }
    return tuple(values.items())

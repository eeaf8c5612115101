"""The sockets of one repository's agents, each inside its own walls."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cash.daemon.inside import Door, door_folder, point_to
from cash.daemon.inside_calls import Insider
from cash.daemon.remote_calls import RemoteCalls
from cash.faults import Fault
from cash.hub.adoption import as_fault, write_whole
from cash.hub.lfs_config import configure_lfs, configure_objects
from cash.hub.parts import configure_parts, initialise_parts, list_parts
from cash.hub.remotes import configure_remotes, list_remotes
from cash.hub.repository import Repository
from cash.walls.plan import PARTS_NAME, REMOTES_NAME
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


class Doors:
    """By incarnation."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._open: dict[str, Door] = {}
        self._shown: dict[str, tuple[int, ...]] = {}
        self._carried: tuple[tuple[int, ...], frozenset[str]] = ((), frozenset())

    def folder(self, agent: Agent) -> Path:
        """Where the agent's socket lies."""
        return door_folder(self._hosted.places.runtime, self._hosted.key_of(agent))

    def open(self, agent: Agent) -> None:
        """Listens to the agent inside its walls; again is fine. Fault when that cannot be."""
        if agent.incarnation in self._open:
            return
        folder = self.folder(agent)
        answer = Insider(self._hosted, agent).answer
        door = Door(folder, answer, RemoteCalls(self._hosted, agent).converse)
        try:
            door.open()
            point_to(folder, agent.folder / "door")
        except OSError as fault:
            raise Fault(f"{folder} cannot be listened in: {fault.strerror}") from fault
        self._open[agent.incarnation] = door

    async def show_remotes(self, agent: Agent) -> None:
        """Tells the agent's git of the user's remotes, if they may have changed. Fault when that
        cannot be written."""
        repository, stamp = self._hosted.repository, self._stamp()
        if agent.incarnation not in self._open or self._shown.get(agent.incarnation) == stamp:
            return
        remotes = await asyncio.to_thread(list_remotes, repository)
        parts = await asyncio.to_thread(list_parts, repository)
        lfs = await asyncio.to_thread(configure_lfs, repository)
        objects = configure_objects(remotes) if lfs else ""
        own = configure_remotes(remotes) + initialise_parts(parts)
        self._show(agent, REMOTES_NAME, own + objects)
        self._show(agent, PARTS_NAME, lfs + configure_parts(parts))
        self._shown[agent.incarnation] = stamp

    def _show(self, agent: Agent, name: str, text: str) -> None:
        place = self.folder(agent) / name
        with as_fault(f"{place} cannot be written"):
            write_whole(place, text.encode("utf-8", "surrogateescape"))
            os.chmod(place, 0o644)  # whatever the umask

    def carried(self) -> frozenset[str]:
        """The addresses that agents' gits reach through polisd; looked up when they may have
        changed, before the first command that may use them is judged."""
        stamp = self._stamp()
        if self._carried[0] != stamp:
            found: set[str] = set()
            with contextlib.suppress(Fault):  # what cannot be read is asked about
                found |= {one.shown for one in list_remotes(self._hosted.repository)}
                found |= {one.shown for one in list_parts(self._hosted.repository)}
            self._carried = (stamp, frozenset(found))
        return self._carried[1]

    def _stamp(self) -> tuple[int, ...]:
        """Changes when what the user has configured may have."""
        files = _files_of(self._hosted.repository)
        return tuple([number for path in files for number in _stamp(path)])

    def close(self, agent: Agent) -> None:
        """Listens no more."""
        self._shown.pop(agent.incarnation, None)
        door = self._open.pop(agent.incarnation, None)
        if door is not None:
            door.close()

    def close_all(self) -> None:
        """The same, to all."""
        for door in self._open.values():
            door.close()


@functools.lru_cache(maxsize=64)
def _files_of(repository: Repository) -> tuple[str, ...]:
    """Where its remotes, submodules and large files are configured."""
    common = repository.common_dir
    files = [common / "config", common / "modules", repository.owner.home / ".gitconfig"]
    return tuple(map(os.fspath, [*files, repository.root / ".lfsconfig"]))


def _stamp(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return (0,)
    return (found.st_ino, found.st_size, found.st_mtime_ns)

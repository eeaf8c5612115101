"""The sockets of one repository's agents, each inside its own walls."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cash.daemon.inside import Door, door_folder, point_to
from cash.daemon.inside_calls import Insider
from cash.faults import Fault
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted


class Doors:
    """By incarnation."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._open: dict[str, Door] = {}

    def folder(self, agent: Agent) -> Path:
        """Where the agent's socket lies."""
        return door_folder(self._hosted.places.runtime, self._hosted.key_of(agent))

    def open(self, agent: Agent) -> None:
        """Listens to the agent inside its walls; again is fine. Fault when that cannot be."""
        if agent.incarnation in self._open:
            return
        folder = self.folder(agent)
        door = Door(folder, Insider(self._hosted, agent).answer)
        try:
            door.open()
            point_to(folder, agent.folder / "door")
        except OSError as fault:
            raise Fault(f"{folder} cannot be listened in: {fault.strerror}") from fault
        self._open[agent.incarnation] = door

    def close(self, agent: Agent) -> None:
        """Listens no more."""
        door = self._open.pop(agent.incarnation, None)
        if door is not None:
            door.close()

    def close_all(self) -> None:
        """The same, to all."""
        for door in self._open.values():
            door.close()

"""What was handed down to a keeper by way of polisd (cash/keeper/estate.py), until all is there."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from typing import Any, Final

from cash.keeper.recorder import Recorder
from cash.walls.enter import Walls
from cash.walls.view import View

_NOTHING: Final = {"predicted": (), "names": ()}
_Piece = tuple[dict[str, Any], list[int]]


class Heir:
    """See the module."""

    def __init__(self) -> None:
        self.is_complete = False
        # The order to enforce a policy, as it came.
        self.policy: tuple[dict[str, Any], list[int]] = ({}, [])
        # What others hold, as it was told.
        self.claims: list[dict[str, Any]] = []
        # What is asked for meanwhile, to be done once there is a keeper that can.
        self.later: list[_Piece] = []
        self._pieces: dict[str, dict[str, _Piece]] = {}

    def take(self, values: dict[str, Any], descriptors: list[int]) -> None:
        """One packet of polisd's."""
        if values["do"] == "enforce":
            self.policy = (values, descriptors)
        elif values["do"] == "claims" and not self.is_complete:
            self.claims.append(values)
        elif values["do"] == "end":
            known, _ = self._piece("process", values["id"])
            known["ended"] = values["end"]
        elif values["do"] != "inherit":
            self.later.append((values, descriptors))
        elif values["what"] == "":
            self.is_complete = True
        else:
            pieces = self._pieces.setdefault(values["what"], {})
            pieces[values["id"]] = (values["values"], descriptors)

    def walls(self, view: View) -> tuple[Walls, Recorder, int]:
        """The walls as they stand, the recorder, and the number of this keeper among theirs."""
        values, (pidfd, proxy, lifeline, recorder, *ruleset) = self._pieces["walls"][""]
        held = (pidfd, proxy, lifeline, ruleset[0] if ruleset else None)
        walls = Walls(view, values["holder"], *held)
        return walls, Recorder(recorder), values["generation"] + 1

    def commands(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What ran: its id; what was known, its client and its news, None where they are gone."""
        for id, (known, news) in self._pieces.get("command", {}).items():
            _, client = self._piece("client", id)
            yield id, {"known": known, "client": _socket(client), "news": _socket(news)}

    def process(self, id: str) -> tuple[int, int, dict[str, Any] | None] | None:
        """Pid, pidfd and end of a command's process, if that was known."""
        values, descriptors = self._piece("process", id)
        return (values["pid"], descriptors[0], values.get("ended")) if descriptors else None

    def terminal(self, id: str) -> int:
        """The master of a command's terminal; -1: there is none."""
        return next(iter(self._piece("terminal", id)[1]), -1)

    def listeners(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Place, listener and what is known of each."""
        for place, (values, descriptors) in self._pieces.get("listener", {}).items():
            predicted, _ = self._piece("prediction", place)
            yield int(place), descriptors[0], {**values, **(predicted or _NOTHING)}

    def _piece(self, what: str, id: str) -> _Piece:
        return self._pieces.get(what, {}).get(id, ({}, []))


def _socket(descriptors: Sequence[int]) -> socket.socket | None:
    return socket.socket(fileno=descriptors[0]) if descriptors else None

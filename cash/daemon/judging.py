"""The policy in force in one repository: loaded, kept fresh, never weaker by accident."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from cash.faults import Fault
from cash.places import Places
from cash.policy.layers import Layer, find_layers
from cash.policy.load import load_policy
from cash.policy.policy import Policy
from cash.syntax.parser import reading_apart

# A saved file is seen within a second at the latest; a busy agent costs no more than two looks
# a second.
_LOOK_AGAIN_SECONDS = 0.5

_Stamp = tuple[tuple[str, int, int], ...]


class PolicyInForce:
    """Loads the layers and reloads what changed. A policy that does not load leaves the last
    good one in force, and `trouble` says why to everyone who looks."""

    def __init__(
        self,
        places: Places,
        repository: Path,
        is_trusted: Callable[[Path], bool],
        on_change: Callable[[Policy | None, str | None], None],
    ) -> None:
        """`on_change` hears of every new policy, and of every one that was not taken."""
        self._places = places
        self._repository = repository
        self._is_trusted = is_trusted
        self._on_change = on_change
        self._policy: Policy | None = None
        self._stamp: _Stamp | None = None
        self._looked = 0.0
        self.trouble: str | None = None

    def policy(self) -> Policy:
        """The policy now. Fault when there is none at all: nothing runs unjudged."""
        now = time.monotonic()
        if self._policy is None or now - self._looked > _LOOK_AGAIN_SECONDS:
            self._looked = now
            self._refresh()
        if self._policy is None:
            raise Fault(
                f"no policy is in force: {self.trouble}", hint="mend it, then: polis policy list"
            )
        return self._policy

    def forget(self) -> None:
        """Loads anew at the next look, whatever the files' times say (trust was given)."""
        self._stamp = None
        self._looked = 0.0

    def files(self) -> list[str]:
        """The files of the policy in force, in the order they are read."""
        return [name for name, _, size in self._stamp or () if size >= 0]

    def _refresh(self) -> None:
        try:
            layers = find_layers(self._places, self._repository, None, self._is_trusted)
            stamp = _stamp(layers)
            if stamp == self._stamp:
                return
            self._stamp = stamp
            # The files' examples are bash, and a repository's files come from anywhere: polisd
            # itself reads none.
            with reading_apart() as read:
                loaded = load_policy(layers, read=read)
        except Fault as fault:
            if fault.message != self.trouble:
                self.trouble = fault.message
                self._on_change(None, fault.message)
            return
        self.trouble = None
        self._policy = loaded
        self._on_change(loaded, None)


def _stamp(layers: tuple[Layer, ...]) -> _Stamp:
    """What tells a changed set of files from the last one: names, times, sizes."""
    found = []
    for layer in layers:
        for path in layer.paths:
            try:
                status = os.stat(path)
            except OSError:
                found.append((str(path), 0, -1))
            else:
                found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(found)

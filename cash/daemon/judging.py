"""The policy in force in one repository: loaded, kept fresh, never weaker by accident."""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import time
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from cash.daemon.collecting import leave_out_what_is_loaded
from cash.faults import Fault
from cash.places import Places
from cash.policy.examples import Example, check_examples
from cash.policy.layers import Layer, find_layers
from cash.policy.load import read_policy
from cash.policy.policy import Policy
from cash.policy.rule import Rule
from cash.syntax.parser import reading_apart

# Where a changed file is not told of (reloading.py), an agent that works still gets it so soon.
_LOOK_AGAIN_SECONDS = 0.5
# A file that changes all the time is left for a later look.
_MOST_TRIES = 5
_MOST_CHECKED = 20_000

_Stamp = tuple[tuple[object, ...], ...]


class PolicyInForce:
    """Loads the layers and reloads what changed. A policy that does not load leaves the last
    good one in force, and `trouble` says why to everyone who looks. Belongs to the event loop;
    what it loads is loaded in one of `threads`."""

    def __init__(
        self,
        places: Places,
        repository: Path,
        is_trusted: Callable[[Path], bool],
        on_change: Callable[[Policy | None, str | None], None],
        threads: Executor,
    ) -> None:
        """`on_change` hears of every new policy, and of every one that was not taken."""
        self._places = places
        self._repository = repository
        self._is_trusted = is_trusted
        self._on_change = on_change
        self._threads = threads
        self._turn = asyncio.Lock()
        self._policy: Policy | None = None
        self._stamp: _Stamp | None = None
        self._looked = float("-inf")
        self._files: tuple[Path, ...] = ()
        self.trouble: str | None = None

    def policy(self) -> Policy:
        """The policy now. Fault when there is none at all: nothing runs unjudged."""
        if self._policy is None:
            # Whoever is first waits for it, and everyone else with them: once, in some 0.3 s.
            try:
                layers, stamp = self._find()
                self._take(stamp, _load(layers))
            except Fault as fault:
                self._refuse(fault)
        if self._policy is None:
            raise Fault(
                f"no policy is in force: {self.trouble}", hint="mend it, then: polis policy list"
            )
        return self._policy

    async def current(self) -> Policy:
        """The same, and what was saved half a second ago is in it."""
        if time.monotonic() - self._looked > _LOOK_AGAIN_SECONDS:
            await self.look()
        return self.policy()

    async def look(self) -> None:
        """Looks for what has changed, and loads it without keeping the loop."""
        async with self._turn:
            for _ in range(_MOST_TRIES):
                if await self._look_once():
                    return

    def files(self) -> tuple[Path, ...]:
        """The files of every layer as they were last found, in the order they are read."""
        return self._files

    async def _look_once(self) -> bool:
        """Whether what is there now is what was judged last."""
        self._looked = time.monotonic()
        try:
            layers, stamp = self._find()
            if stamp == self._stamp:
                return True
            loop = asyncio.get_running_loop()
            outcome = await loop.run_in_executor(self._threads, _load, layers)
            if self._find()[1] != stamp:
                return False  # written meanwhile: it may have been read by half
        except Fault as fault:
            # Not even the files could be listed: whatever is found next is new.
            self._stamp = None
            self._refuse(fault)
            return True
        self._take(stamp, outcome)
        return True

    def _find(self) -> tuple[tuple[Layer, ...], _Stamp]:
        layers = find_layers(self._places, self._repository, None, self._is_trusted)
        self._files = tuple(path for layer in layers for path in layer.paths)
        return layers, _stamp(layers)

    def _take(self, stamp: _Stamp, outcome: Policy | Fault) -> None:
        if stamp == self._stamp:
            return  # somebody could not wait for it
        self._stamp = stamp
        if isinstance(outcome, Fault):
            self._refuse(outcome)
            return
        was, self.trouble = self.trouble, None
        if was is None and self._policy is not None and self._policy.version == outcome.version:
            return  # touched, with nothing changed
        self._policy = outcome
        self._on_change(outcome, None)
        leave_out_what_is_loaded()

    def _refuse(self, fault: Fault) -> None:
        if fault.message != self.trouble:
            self.trouble = fault.message
            self._on_change(None, fault.message)


def _load(layers: tuple[Layer, ...]) -> Policy | Fault:
    """In a thread, some 0.3 s for all of it: most of that is waiting for the parser process. The
    files' examples are bash, and a repository's files come from anywhere: polisd itself reads
    none of it."""
    try:
        loaded = read_policy(layers)
        new = {mark: pair for pair in loaded.examples if (mark := _mark(*pair)) not in _checked}
        if new:
            with reading_apart() as read:
                for rule, examples in new.values():
                    check_examples(rule, examples, read)
    except Fault as fault:
        return fault
    if len(_checked) > _MOST_CHECKED:
        _checked.clear()
    _checked.update(new)
    return loaded.policy


# Rules whose examples held, in whatever repository: they hold again.
_checked: set[bytes] = set()


def _mark(rule: Rule, examples: tuple[Example, ...]) -> bytes:
    return hashlib.sha256(pickle.dumps((rule, examples))).digest()


def _stamp(layers: tuple[Layer, ...]) -> _Stamp:
    """What tells a changed set of files from the last one. The time of the inode's change: the
    other one can be set by whoever writes, and says nothing of who may read."""
    found: list[tuple[object, ...]] = []
    for layer in layers:
        for path in layer.paths:
            try:
                status = os.stat(path)
            except OSError:
                found.append((layer.tighten_only, str(path)))
            else:
                inode = (status.st_dev, status.st_ino, status.st_size)
                found.append((layer.tighten_only, str(path), status.st_ctime_ns, *inode))
    return tuple(found)

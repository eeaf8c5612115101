"""Taking back what an agent's commands have done: which, whether that can be, and that it was."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cash.faults import Fault, UsageFault
from cash.hub.adoption import as_fault
from cash.settings import UNDO_SETTINGS
from cash.store.reader import open_reader
from cash.undo.ground import Ground, is_gits
from cash.undo.history import attribute, versions_of
from cash.undo.objects import Damaged, Objects
from cash.undo.plan import changes_anything
from cash.undo.state import State
from cash.undo.steps import Step, Steps
from cash.undo.store import Budget, Store, settle
from cash.undo.taking import fathom, read
from cash.undo.taking_back import take_back, with_meaning
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# How long the saver may take to look how everything is in the end.
_SECONDS: Final = 5.0
_MOMENT: Final = 0.05
_SHORTEST: Final = 4
_MOST_TOLD: Final = 200
# What polis does in an agent's tree, by what the journal calls it. Each changes git's own files.
DOINGS: Final = {
    "committed": "polis, which has committed what was left,",
    "discarded": "polis agents discard",
    "restored": "polis agents discard --undo",
}
_MOST_LOOKED_AT: Final = 20
_LONGEST: Final = 4 << 20  # of a file whose lines are looked at, in bytes


@dataclass(frozen=True, slots=True)
class Undoing:
    """One agent's steps."""

    hosted: Hosted
    agent: Agent

    @property
    def store(self) -> Store:
        """Where its commands' changes are kept."""
        agent = self.agent
        each, total = (int(self.hosted.settings.value(name)) << 20 for name in UNDO_SETTINGS)
        ground = Ground(agent.tree, agent.git_directory)
        return Store(agent.saved, ground, Budget(each, total))

    async def undo(self, id: str, *, dry: bool) -> dict[str, Any]:
        """Takes back the step `id` ("" for the last that changed anything), as far as that can be;
        what was done, or would be. Raises UsageFault where there is nothing, Fault where it still
        goes on, or the disk refuses."""
        step = await self.find(id)
        with as_fault(f"{step.id} of {self.agent.name} cannot be taken back"):
            done = await asyncio.to_thread(self._take_back, step, dry=dry)
        if dry:
            return done
        if done["undo"] is not None:
            await self._tell(done)
        if any(is_gits(file["path"]) for file in done["files"]):
            with contextlib.suppress(Fault):  # else with its next command
                await self.hosted.enter(self.agent)
                await self.hosted.importing.import_changes(self.agent)
        return done

    async def _tell(self, done: dict[str, Any]) -> None:
        files, refused = done["files"], done["refused"]
        body = {
            "id": done["undo"],
            "undoes": done["id"],
            "files": [file["path"] for file in files[:_MOST_TOLD]],
            "more": max(0, len(files) - _MOST_TOLD),
            "refused": [file["path"] for file in refused[:_MOST_TOLD]],
        }
        await self.hosted.journal(self.agent, f"{done['undo']}:undone", "undone", body)

    # Which

    async def find(self, id: str) -> Step:
        """The step `id`, or the last that changed anything and was not taken back. UsageFault:
        there is none; Fault: it still goes on."""
        objects, steps = self.store.open()
        if id:
            return await self._settled(steps, self.named(id))
        undone: set[str] = set()
        for one in reversed(steps.ids()):
            step = await asyncio.to_thread(steps.read, one)
            if step is None or one in undone:
                continue
            if step.undoes:
                undone.add(step.undoes)
            elif changes_anything(with_meaning(objects, await self._settled(steps, step))):
                return await self._settled(steps, step)
        raise self._nothing("")

    def named(self, id: str) -> Step:
        """The step `id`, or the only one that begins so. UsageFault."""
        if not self.agent.saved.is_dir():
            raise self._nothing(id)
        _, steps = self.store.open()
        found = [one for one in steps.ids() if one == id]
        if not found and len(id) >= _SHORTEST:
            found = [one for one in steps.ids() if one.startswith(id)]
        step = steps.read(found[0]) if len(found) == 1 else None
        if step is None:
            raise self._nothing(id)
        return step

    def _nothing(self, id: str) -> UsageFault:
        name = self.agent.name
        if id:
            message = f"nothing is kept of a command {id} of {name}"
        else:
            message = f"{name} has changed nothing that can be taken back"
        return UsageFault(message, hint=f"polis undo --agent {name} --list")

    async def _settled(self, steps: Steps, step: Step) -> Step:
        """The step once it is known how it ended."""
        deadline = time.monotonic() + _SECONDS
        while step.ended is None and self._goes_on(step) and time.monotonic() < deadline:
            if self._is_at_work(step):
                name = self.agent.name
                raise Fault(
                    f"{step.id} of {name} still runs",
                    hint=f"wait for it, or polis agents stop {name}",
                )
            await asyncio.sleep(_MOMENT)
            step = steps.read(step.id) or step
        if step.ended is None:
            with as_fault(f"{step.id} of {self.agent.name} cannot be looked at"):
                await asyncio.to_thread(settle, self.store, step)
            step = steps.read(step.id) or step
        return step

    def _goes_on(self, step: Step) -> bool:
        """Whether somebody is there who says how it ended."""
        return self.hosted.is_inside(self.agent) and not step.undoes

    def _is_at_work(self, step: Step) -> bool:
        household = self.hosted.keeping.standing(self.hosted.key_of(self.agent))
        if household is None:
            return False
        if step.id != step.command:
            return step.id in {*household.lines, *self.hosted.tool_calls.steps(self.agent.name)}
        return step.command in household.running

    def newest(self, most: int) -> list[Step]:
        """The last steps, the newest first."""
        if not self.agent.saved.is_dir():
            return []
        _, steps = self.store.open()
        found = (steps.read(id) for id in reversed(steps.ids()[-most:]))
        return [step for step in found if step is not None]

    @staticmethod
    def undone(steps: Iterable[Step]) -> set[str]:
        """Those of these steps, the newest first, that were taken back and not brought back."""
        found: set[str] = set()
        for step in steps:
            if step.undoes and step.id not in found:
                found.add(step.undoes)
        return found

    def blame(self, path: str) -> list[tuple[str, str]]:
        """Each line of a file, with the step that wrote it; "" where that is not known. UsageFault:
        it is no text of the tree's."""
        objects, steps = self.store.open()
        now = fathom(self.store.ground, path)
        versions = versions_of(path, steps.all(), now)
        states = [version.before for version in versions]
        makers = ["", *(version.step if version.is_its else "" for version in versions)]
        texts = [self._kept_lines(objects, state) for state in states]
        contents = list(zip(makers, [*texts, self._lines_now(path)], strict=True))
        return list(zip(attribute(contents), contents[-1][1], strict=True))

    def _lines_now(self, path: str) -> list[str]:
        content = None
        with contextlib.suppress(OSError):
            content = read(self.store.ground, path, _LONGEST)
        if content is None or b"\0" in content:
            raise UsageFault(f"{path} is no text file in the tree of {self.agent.name}")
        return _lines(content)

    @staticmethod
    def _kept_lines(objects: Objects, state: State) -> list[str]:
        with contextlib.suppress(Damaged):
            return _lines(objects.read(state.object, state.place)) if state.object else []
        return []

    def _changed_by_polis(self, step: Step) -> dict[str, str]:
        """Path → what polis itself has done to it since, at the user's word: no step tells that,
        but the journal."""
        found: dict[str, str] = {}
        reader = open_reader(self.hosted.store)
        try:
            entries = [
                entry
                for kind in DOINGS
                for entry in reader.newest(_MOST_LOOKED_AT, self.agent.name, kind)
            ]
        finally:
            reader.close()
        since = step.ended if step.ended is not None else step.time
        for entry in sorted(entries, key=lambda one: -one.id):
            if entry.event.time >= since:
                said = entry.event.body.get("changed")
                named = set(said) if isinstance(said, list) else set[object]()
                done = [path for path in step.paths if path in named or is_gits(path)]
                found |= dict.fromkeys(done, DOINGS[entry.event.kind])
        return found

    def _take_back(self, step: Step, *, dry: bool) -> dict[str, Any]:
        done = take_back(self.store, step, dry=dry, others=lambda: self._changed_by_polis(step))
        # The first of a path tells: what is made in between may go again.
        files = {one.path: one.word for one in reversed(done.actions)}
        return {
            "agent": self.agent.name,
            "id": step.id,
            "undo": done.undo or None,
            "dry_run": dry,
            "files": [{"path": path, "what": word} for path, word in reversed(files.items())],
            "refused": [{"path": one.path, "why": one.why} for one in done.refused],
        }


def _lines(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()

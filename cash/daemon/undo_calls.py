"""Calls about what commands have changed: take back, list, show, blame."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cash.daemon.caller import Caller, Fields
from cash.daemon.hosting import Hosted
from cash.daemon.undoing import Undoing
from cash.faults import UsageFault
from cash.store.reader import Reader, open_reader
from cash.undo.plan import describe_changes
from cash.undo.steps import Step
from cash.undo.taking_back import with_meaning

_MOST_LISTED: Final = 50


async def undo(caller: Caller, fields: Fields) -> dict[str, Any]:
    undoing = _undoing(caller, fields)
    return await undoing.undo(str(fields.get("id") or ""), dry=bool(fields.get("dry_run")))


async def undo_list(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The commands of which something is kept, the newest first."""
    undoing = _undoing(caller, fields)
    await asyncio.to_thread(undoing.hosted.writer.flush)
    return {"steps": await asyncio.to_thread(_list, undoing)}


async def undo_files(caller: Caller, fields: Fields) -> dict[str, Any]:
    """What a command has changed; whose it was need not be said."""
    hosted, id = caller.hosted(fields), str(fields["id"])
    for agent in hosted.agents():
        undoing = Undoing(hosted, agent)
        with contextlib.suppress(UsageFault):
            step = undoing.named(id)
            await asyncio.to_thread(hosted.writer.flush)
            return await asyncio.to_thread(_show, undoing, step)
    raise UsageFault(f"nothing is kept of a command {id}", hint="polis undo --agent NAME --list")


async def blame(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Who wrote each line of a file in the agent's tree."""
    undoing = _undoing(caller, fields)
    await asyncio.to_thread(undoing.hosted.writer.flush)
    path = _in_tree(undoing, Path(str(fields["path"])))
    lines = await asyncio.to_thread(undoing.blame, path)
    ids = dict.fromkeys(id for id, _ in lines if id)
    return {
        "agent": undoing.agent.name,
        "commands": await asyncio.to_thread(_tell, undoing.hosted, ids),
        "lines": [{"id": id or None, "text": text} for id, text in lines],
    }


def _undoing(caller: Caller, fields: Fields) -> Undoing:
    hosted, agent, _ = caller.agent(fields)
    return Undoing(hosted, agent)


def _in_tree(undoing: Undoing, path: Path) -> str:
    """A path of the agent's tree, or of the user's own, as seen from its top."""
    for top in (undoing.agent.tree, undoing.hosted.repository.root):
        if path.is_relative_to(top) and path != top:
            return path.relative_to(top).as_posix()
    raise UsageFault(f"{path} lies outside the repository", hint="name a file in it")


def _list(undoing: Undoing) -> list[dict[str, Any]]:
    steps = undoing.newest(_MOST_LISTED)
    objects, _ = undoing.store.open()
    told = _tell(undoing.hosted, [step.id for step in steps])
    undone = undoing.undone(steps)
    return [
        told[step.id] | _describe(step) | {"undone": step.id in undone}
        for step in (with_meaning(objects, one) for one in steps)
        if step.ended is None or describe_changes(step)
    ]


def _describe(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "time": step.time,
        "ended": step.ended,
        "undoes": step.undoes or None,
        "files": len(describe_changes(step)),
    }


def _show(undoing: Undoing, step: Step) -> dict[str, Any]:
    told = _tell(undoing.hosted, [step.id])[step.id]
    step = with_meaning(undoing.store.open()[0], step)
    files = [
        {"path": one.path, "what": one.what, "unsaved": one.unsaved or None}
        for one in describe_changes(step)
    ]
    return {"agent": undoing.agent.name, **told, **_describe(step), "files": files}


def _tell(hosted: Hosted, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What the journal knows of commands: the line, and who let it through."""
    reader = open_reader(hosted.store)
    try:
        return {id: _tell_one(reader, id) for id in ids}
    finally:
        reader.close()


def _tell_one(reader: Reader, id: str) -> dict[str, Any]:
    entry = reader.find(f"{id}:line")
    if entry is None:
        return {"line": None, "approval": None, "time": None}
    body = entry.event.body
    argv = body.get("argv")
    line = body.get("line") or (" ".join(map(str, argv)) if isinstance(argv, list) else None)
    if line is None and body.get("tool"):  # a tool of the agent's own program
        paths = body.get("paths")
        line = " ".join([str(body["tool"]), *map(str, paths if isinstance(paths, list) else ())])
    return {"line": line, "approval": body.get("approval"), "time": entry.event.time}

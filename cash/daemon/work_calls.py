"""Calls about an agent's work on its way home: look at it, commit it, discard it, push it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

from cash.daemon.caller import Caller, Fields
from cash.daemon.discarding import Discarding, discard_work, restore_work
from cash.daemon.hosting import Hosted
from cash.daemon.taking import Taken, commit_work, take_work
from cash.faults import UsageFault
from cash.hub.levels import remote as remote_lock
from cash.hub.levels import writing
from cash.hub.mutex import hold_hub
from cash.hub.pushing import Pushed, push_branch
from cash.workspace.agent import Agent

# What the command line, which merges and opens pull requests itself, tells the journal.
_TOLD = ("merging", "merged", "pr-opened")
_MOST_NAMED = 200


async def work_look(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Everything the agent has done is in the hub afterwards; what it is called there."""
    hosted, agent, _ = caller.agent(fields)
    return _describe(hosted, agent, await take_work(hosted, agent))


async def work_commit(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    message = str(fields.get("message") or "").strip()
    if not message:
        raise UsageFault("a commit needs a message", hint='--commit "what was done"')
    taken = await commit_work(hosted, agent, message)
    await _note(hosted, agent, "committed", {"commit": taken.head})
    return _describe(hosted, agent, taken)


async def work_discard(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    paths = [str(path) for path in fields.get("paths") or ()]
    wanted = Discarding(str(fields["seen"]), str(fields["to"]), paths)
    done = await discard_work(hosted, agent, wanted, force=bool(fields.get("force")))
    body = {
        "saved": done["saved"],
        "to": wanted.to,
        "head": done["head"],
        **_changed(done["paths"]),
    }
    await _note(hosted, agent, "discarded", body)
    return done


async def work_restore(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted, agent, _ = caller.agent(fields)
    number = str(fields.get("number") or "")
    done = await restore_work(hosted, agent, number, force=bool(fields.get("force")))
    body = {"restored": done["restored"], "saved": done["saved"], **_changed(done["paths"])}
    await _note(hosted, agent, "restored", body)
    return done


async def work_push(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Pushes the agent's branch; its commits are carried over by then."""
    hosted, agent, _ = caller.agent(fields)
    remote = str(fields["remote"])
    environment = {str(key): str(value) for key, value in fields.get("environment", {}).items()}
    branch = str(fields.get("branch") or agent.branch)
    pushed = await asyncio.to_thread(_push, hosted, remote, branch, environment)
    body = {"remote": remote, "branch": branch, "commit": pushed.commit, "moved": pushed.moved}
    await _note(hosted, agent, "pushed", body)
    return {**body, "fresh": pushed.fresh}


async def work_told(caller: Caller, fields: Fields) -> dict[str, Any]:
    """What the user's own programs did with an agent's work goes into the journal."""
    hosted, agent, _ = caller.agent(fields)
    kind = str(fields["kind"])
    if kind not in _TOLD:
        raise UsageFault(f"nothing is known of {kind!r}")
    await _note(hosted, agent, kind, dict(fields["body"]))
    return {}


def _push(hosted: Hosted, remote: str, branch: str, environment: dict[str, str]) -> Pushed:
    # No ref of the hub's: a remote that hangs must not keep the agents' imports waiting.
    need = writing(remote_lock(remote))
    with hold_hub(hosted.repository, need, f"push of {branch} to {remote}") as held:
        return push_branch(held, remote, branch, environment)


def _changed(paths: Sequence[str]) -> dict[str, object]:
    """Of what was changed, for the journal: undo names who it was."""
    return {"files": len(paths), "changed": list(paths[:_MOST_NAMED])}


async def _note(hosted: Hosted, agent: Agent, kind: str, body: dict[str, Any]) -> None:
    await hosted.journal(agent, uuid.uuid4().hex, kind, body)


def _describe(hosted: Hosted, agent: Agent, taken: Taken) -> dict[str, Any]:
    return {
        "name": agent.name,
        **taken.describe(),
        "base": agent.base,
        "path": str(agent.tree),
        "running": hosted.is_running(agent),
        "root": str(hosted.repository.root),
        "folder": str(hosted.folder),
    }

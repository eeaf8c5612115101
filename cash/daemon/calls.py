"""What the user's programs can ask of polisd: a literal table of verbs, each one a function."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cash import __version__
from cash.daemon import (
    agent_calls,
    batch_calls,
    foresight_calls,
    hook_calls,
    journal_calls,
    line_calls,
    lock_calls,
    provider_calls,
    session_calls,
    setup_calls,
    undo_calls,
    uninstall_calls,
    waiting,
    work_calls,
    write_calls,
)
from cash.daemon.caller import Caller, Fields, Verb
from cash.faults import Fault, UsageFault
from cash.policy.verdict import Level


async def _ping(_caller: Caller, _fields: Fields) -> dict[str, Any]:
    return {"version": __version__, "pid": os.getpid()}


async def _up(caller: Caller, _fields: Fields) -> dict[str, Any]:
    """Starts polisd (it runs, since it answers); agents' walls stand up at first use."""
    return {
        "pid": os.getpid(),
        "repositories": [str(hosted.repository.root) for hosted in caller.repositories.all()],
        "broken": caller.repositories.broken,
    }


async def _down(caller: Caller, _fields: Fields) -> dict[str, Any]:
    caller.stopping.set()
    return {"pid": os.getpid()}


async def _init(caller: Caller, fields: Fields) -> dict[str, Any]:
    path = Path(str(fields["path"]))
    repository, fresh, notes = await asyncio.to_thread(caller.repositories.find_to_adopt, path)
    hosted = caller.repositories.host(repository)
    try:
        rules = len((await hosted.in_force.current()).rules)
    except Fault as fault:
        words = f"{repository.root} is adopted, but nothing can run there: {fault.message}"
        raise Fault(words, hint=fault.hint) from fault
    if hosted.in_force.trouble:
        notes = (*notes, f"{hosted.in_force.trouble}; the last good rules stay in force")
    return {
        "id": hosted.repository.id,
        "root": str(hosted.repository.root),
        "fresh": fresh,
        "notes": list(notes),
        "rules": rules,
    }


async def _policy_level(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The level in force; `level` changes it."""
    hosted = caller.hosted(fields)
    if fields.get("level"):
        level = str(fields["level"])
        if level not in {known.value for known in Level}:
            raise UsageFault(f"there is no level {level!r}")
        hosted.state.set_setting("level", level)
        await hosted.reloading.renew()
        await hosted.journal(None, uuid.uuid4().hex, "level", {"level": level})
    return {"level": hosted.level.value}


async def _policy_show(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    policy = await hosted.in_force.current()
    return {
        "version": policy.version,
        "rules": len(policy.rules),
        "level": hosted.level.value,
        "trouble": hosted.in_force.trouble,
        "files": [str(path) for path in hosted.in_force.files()],
    }


async def _policy_trust(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The user trusts the exact bytes of a policy file of the repository's."""
    hosted = caller.hosted(fields)
    path = Path(str(fields["path"]))
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise UsageFault(f"{path}: {fault.strerror}") from fault
    trusted = hosted.state.trust(content, str(path), time.time())
    await hosted.in_force.look()
    await hosted.reloading.renew()
    await hosted.journal(None, uuid.uuid4().hex, "trusted", {"sha256": trusted.sha256})
    return {"path": str(path), "sha256": trusted.sha256}


CALLS: dict[str, Verb] = {
    "ping": _ping,
    "up": _up,
    "down": _down,
    "init": _init,
    "uninstall": uninstall_calls.uninstall_repository,
    "uninstall.look": uninstall_calls.uninstall_look,
    "agents.add": agent_calls.agents_add,
    "agents.list": agent_calls.agents_list,
    "agents.show": agent_calls.agents_show,
    "agents.explain": agent_calls.agents_explain,
    "agents.remove": agent_calls.agents_remove,
    "agents.stop": session_calls.stop,
    "agents.run": session_calls.run,
    "agents.prompt": session_calls.prompt,
    "agents.broadcast": session_calls.broadcast,
    "agents.pause": session_calls.pause,
    "agents.resume": session_calls.resume,
    "agents.attach": session_calls.attach,
    "agents.logs": session_calls.logs,
    "agents.wait": waiting.wait,
    "session.launch": session_calls.launch,
    "session.begun": session_calls.begun,
    "session.ended": session_calls.ended,
    "providers.list": provider_calls.providers_list,
    "accounts.changed": provider_calls.accounts_changed,
    "conflicts.look": foresight_calls.conflicts_look,
    "work.look": work_calls.work_look,
    "work.commit": work_calls.work_commit,
    "work.discard": work_calls.work_discard,
    "work.restore": work_calls.work_restore,
    "work.push": work_calls.work_push,
    "work.told": work_calls.work_told,
    "setup.look": setup_calls.setup_look,
    "setup.consent": setup_calls.setup_consent,
    "setup.begin": setup_calls.setup_begin,
    "setup.ended": setup_calls.setup_ended,
    "files.write": write_calls.write,
    "judge": line_calls.judge,
    "ask": line_calls.ask,
    "line.ended": line_calls.line_ended,
    "approvals.list": line_calls.approvals_list,
    "approvals.answer": line_calls.approvals_answer,
    "explain": line_calls.explain,
    "policy.level": _policy_level,
    "policy.show": _policy_show,
    "policy.trust": _policy_trust,
    "hook.install": hook_calls.hook_install,
    "hook.remove": hook_calls.hook_remove,
    "locks.list": lock_calls.locks_list,
    "locks.reserve": lock_calls.locks_reserve,
    "locks.release": lock_calls.locks_release,
    "undo": undo_calls.undo,
    "undo.list": undo_calls.undo_list,
    "undo.files": undo_calls.undo_files,
    "blame": undo_calls.blame,
    "log": journal_calls.log,
    "log.verify": journal_calls.log_verify,
    "log.prune": journal_calls.log_prune,
}

# Verbs with many replies; they end when the caller hangs up.
FOLLOWED: dict[str, Callable[[Caller, Fields], Awaitable[None]]] = {
    "agents.follow": agent_calls.agents_follow,
    "agents.watch": batch_calls.watch,
    "agents.multi": batch_calls.multi,
    "agents.fanout": batch_calls.fanout,
    "locks.follow": lock_calls.locks_follow,
    "conflicts.follow": foresight_calls.conflicts_follow,
    "locks.hold": lock_calls.locks_hold,
    "log.follow": journal_calls.log_follow,
}

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
from cash.daemon import agent_calls, journal_calls, line_calls
from cash.daemon.caller import Caller, Fields, Verb
from cash.faults import UsageFault
from cash.policy.verdict import Level
from cash.workspace.uninstall import uninstall


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
    if fields.get("path_variable"):
        hosted.state.set_setting("path", str(fields["path_variable"]))
    hosted.in_force.policy()
    return {
        "id": hosted.repository.id,
        "root": str(hosted.repository.root),
        "fresh": fresh,
        "notes": list(notes),
        "rules": len(hosted.in_force.policy().rules),
    }


async def _uninstall(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    for agent in hosted.agents():
        await hosted.leave(agent, "removed")
    caller.repositories.forget(hosted)
    report = await asyncio.to_thread(
        uninstall, hosted.repository, caller.repositories.places, purge=bool(fields.get("purge"))
    )
    return {"root": str(hosted.repository.root), **report.describe()}


async def _config(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Settings of the repository that polisd keeps; `set`: {name: value} changes some."""
    hosted = caller.hosted(fields)
    for name, value in dict(fields.get("set") or {}).items():
        check = _SETTINGS.get(name)
        if check is None:
            raise UsageFault(f"there is no setting {name!r}", hint=f"known: {', '.join(_SETTINGS)}")
        if value and not check(str(value)):
            raise UsageFault(f"{name} cannot be {value!r}")
        hosted.state.set_setting(name, str(value))
        hosted.note(None, uuid.uuid4().hex, "setting", {"name": name, "value": str(value)})
    return {"settings": {name: hosted.state.setting(name) for name in _SETTINGS}}


def _is_seconds(text: str) -> bool:
    try:
        return 0 < float(text) <= 86400
    except ValueError:
        return False


_SETTINGS: dict[str, Callable[[str], bool]] = {
    "level": lambda text: text in {level.value for level in Level},
    "installer": lambda text: text in {"pnpm", "npm"},
    "ask-seconds": _is_seconds,
    "path": lambda text: text.startswith("/"),
}


async def _policy_show(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    policy = hosted.in_force.policy()
    return {
        "version": policy.version,
        "rules": len(policy.rules),
        "level": hosted.level.value,
        "trouble": hosted.in_force.trouble,
        "files": hosted.in_force.files(),
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
    hosted.in_force.forget()
    await hosted.journal(None, uuid.uuid4().hex, "trusted", {"sha256": trusted.sha256})
    return {"path": str(path), "sha256": trusted.sha256}


CALLS: dict[str, Verb] = {
    "ping": _ping,
    "up": _up,
    "down": _down,
    "init": _init,
    "uninstall": _uninstall,
    "config": _config,
    "agents.add": agent_calls.agents_add,
    "agents.list": agent_calls.agents_list,
    "agents.show": agent_calls.agents_show,
    "agents.remove": agent_calls.agents_remove,
    "agents.stop": agent_calls.agents_stop,
    "judge": line_calls.judge,
    "ask": line_calls.ask,
    "line.ended": line_calls.line_ended,
    "approvals.list": line_calls.approvals_list,
    "approvals.answer": line_calls.approvals_answer,
    "explain": line_calls.explain,
    "policy.show": _policy_show,
    "policy.trust": _policy_trust,
    "log": journal_calls.log,
    "log.verify": journal_calls.log_verify,
    "log.prune": journal_calls.log_prune,
}

# Verbs with many replies; they end when the caller hangs up.
FOLLOWED: dict[str, Callable[[Caller, Fields], Awaitable[None]]] = {
    "log.follow": journal_calls.log_follow
}

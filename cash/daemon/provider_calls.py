"""Calls about providers: what programs there are, and whose account they use."""

from __future__ import annotations

import os
from typing import Any

from cash.daemon.caller import Caller, Fields
from cash.faults import UsageFault
from cash.providers.manifest import find_manifest


async def providers_list(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Every provider, with its program as found on the PATH of the caller's repository; on
    polisd's own where the caller stands in none. provider: only that one."""
    repositories = caller.repositories
    manifests = repositories.manifests
    chosen = dict(manifests)
    if fields.get("provider"):
        manifest = find_manifest(str(fields["provider"]), manifests)
        chosen = {manifest.name: manifest}
    found = await repositories.programs.look_at_all(chosen, _path(caller, fields))
    broken = {str(path): what for path, what in manifests.broken.items()}
    rows = [one.describe(chosen[one.provider]) for one in found]
    return {"providers": rows, "broken": broken}


async def accounts_changed(caller: Caller, fields: Fields) -> dict[str, Any]:
    """A login, or a logout, has just been done."""
    provider = str(fields["provider"])
    repositories = caller.repositories
    await repositories.lending.renew(provider)
    names = [one.name for _, one in repositories.everyone() if one.provider == provider]
    return {"agents": names}


def _path(caller: Caller, fields: Fields) -> str:
    try:
        return caller.hosted(fields).path()
    except UsageFault:
        return os.environ.get("PATH", os.defpath)

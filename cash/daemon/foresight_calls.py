"""Calls about conflicts between agents: look once, and follow."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from cash import wire
from cash.daemon.caller import Caller, Fields

# Between two looks of who follows: each reads all trees.
_LOOK_SECONDS: Final = 3.0


async def conflicts_look(caller: Caller, fields: Fields) -> dict[str, Any]:
    return await _look(caller, fields)


async def conflicts_follow(caller: Caller, fields: Fields) -> None:
    """The same, again each time it has changed, until the caller hangs up."""
    hanging = asyncio.ensure_future(caller.connection.gone())
    last = ""
    try:
        while not hanging.done():
            now = json.dumps(await _look(caller, fields))
            if now != last:
                await caller.connection.send(wire.REPLY, now.encode())
                last = now
            await asyncio.wait({hanging}, timeout=_LOOK_SECONDS)
    finally:
        hanging.cancel()


async def _look(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    into = str(fields.get("into") or "") or None
    look = await hosted.foreseeing.look(Path(str(fields["cwd"])), into)
    return look.describe()

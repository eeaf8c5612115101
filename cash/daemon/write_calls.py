"""Calls about files that a tool writes for an agent."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any

from cash.daemon.caller import Caller, Fields
from cash.daemon.write_orders import describe_written, read_order
from cash.faults import UsageFault


async def write(caller: Caller, fields: Fields) -> dict[str, Any]:
    """change: a Kind; path, to: from "cwd" (in the user's own checkout: from the same place in the
    agent's tree), or from the top of the tree; texts: in base64, of a replacement the old first."""
    hosted, agent, cwd = caller.agent(fields)
    here = Path(str(fields.get("cwd") or "/"))
    if here.is_relative_to(hosted.repository.root) and not here.is_relative_to(agent.tree):
        cwd = str(agent.tree / here.relative_to(hosted.repository.root))
    texts = [_decode(text) for text in fields.get("texts") or ()]
    to = str(fields.get("to") or "")
    order = read_order(str(fields["change"]), str(fields["path"]), to, texts, cwd, str(agent.tree))
    return describe_written(await hosted.writing.carry_out(agent, order))


def _decode(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise UsageFault("a text is not in base64") from fault

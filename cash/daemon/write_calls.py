"""Calls about files that a tool writes for an agent."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from cash.daemon.caller import Caller, Fields
from cash.daemon.write_orders import describe_written, read_order
from cash.faults import UsageFault


async def write(caller: Caller, fields: Fields) -> dict[str, Any]:
    """change: a Kind; path, to: from "cwd", or from the agent's tree where that is elsewhere;
    texts: in base64, of a replacement the old one first."""
    hosted, agent, cwd = caller.agent(fields)
    texts = [_decode(text) for text in fields.get("texts") or ()]
    to = str(fields.get("to") or "")
    order = read_order(str(fields["change"]), str(fields["path"]), to, texts, cwd, str(agent.tree))
    return describe_written(await hosted.writing.carry_out(agent, order))


def _decode(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise UsageFault("a text is not in base64") from fault

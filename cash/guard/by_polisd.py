"""Writes that polisd carries out, for programs of the user's outside the walls."""

from __future__ import annotations

import base64
import os
from typing import Any

from cash.calling import call_running
from cash.faults import UsageFault
from cash.guard.change import Append, Move, Order, Replace, Write, kind_of
from cash.guard.draft import Hashes
from cash.guard.tool_file_writer import ToolFileWriter, Written
from cash.places import find_places

# As base64 in one frame.
MOST_SENT = 8 << 20


def writer_of(agent: str, cwd: str | None = None) -> ToolFileWriter:
    """The writer of an agent of the repository in `cwd` (the working directory). Its paths are
    from there, in the agent's tree or in the user's checkout."""
    folder = os.getcwd() if cwd is None else cwd

    def carry(order: Order) -> Written:
        asked = pack_call(order)
        return _read(
            call_running(find_places(os.environ), "files.write", agent=agent, cwd=folder, **asked)
        )

    return ToolFileWriter(carry)


def pack_call(order: Order) -> dict[str, Any]:
    """The fields of polisd's verb `files.write`. UsageFault when the text is too long."""
    texts: list[bytes] = []
    to = ""
    match order.change:
        case Write(content) | Append(content):
            texts = [content]
        case Replace(old, new):
            texts = [old, new]
        case Move(to):
            pass
        case _:
            pass
    if sum(map(len, texts)) > MOST_SENT:
        raise UsageFault(f"more than {MOST_SENT >> 20} MB cannot be sent at once")
    encoded = [base64.b64encode(text).decode() for text in texts]
    return {"change": kind_of(order.change), "path": order.path, "to": to, "texts": encoded}


def _read(told: dict[str, Any]) -> Written:
    paths = (told["path"],) if told["from"] is None else (told["from"], told["path"])
    hashes = Hashes(told["before"], told["after"])
    return Written(paths, told["change"], hashes, told["fence"], told["since"])

"""Calls about the journal: read, follow, verify, prune."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from cash import wire
from cash.daemon.caller import Caller, Fields
from cash.daemon.hosting import Hosted
from cash.store.event import Entry
from cash.store.reader import open_reader
from cash.store.verify import verify_journal
from cash.workspace.agent import find_agent


async def log(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    await asyncio.to_thread(hosted.writer.flush)
    found = await asyncio.to_thread(_read_log, hosted, fields)
    # One that was removed has its events still.
    if fields.get("name") and not found and "after" not in fields and not fields.get("kind"):
        find_agent(str(fields["name"]), hosted.agents())
    return {"entries": found}


def _read_log(hosted: Hosted, fields: Fields) -> list[dict[str, Any]]:
    reader = open_reader(hosted.store)
    try:
        agent, kind = fields.get("name") or None, fields.get("kind") or None
        limit = int(fields.get("limit") or 1000)
        if "after" in fields:
            found = reader.read(int(fields["after"]), agent, kind, limit)
        else:
            found = reader.newest(limit, agent, kind)
    finally:
        reader.close()
    return [describe_entry(entry) for entry in found]


def describe_entry(entry: Entry) -> dict[str, Any]:
    """The JSON of one journaled event."""
    return {
        "id": entry.id,
        "time": entry.event.time,
        "agent": entry.event.agent,
        "kind": entry.event.kind,
        "body": dict(entry.event.body),
    }


async def log_verify(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    await asyncio.to_thread(hosted.writer.flush)
    report = await asyncio.to_thread(verify_journal, hosted.store)
    return {"ok": report.ok, "count": report.count, "text": str(report)}


async def log_prune(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    before = float(fields["before"])
    pruned = await asyncio.wrap_future(hosted.writer.prune(before))
    return {"pruned": pruned}


async def log_follow(caller: Caller, fields: Fields) -> None:
    """Sends entries as they are committed until the caller hangs up."""
    hosted = caller.hosted(fields)
    loop = asyncio.get_running_loop()
    fresh: asyncio.Queue[tuple[Entry, ...]] = asyncio.Queue()
    stop = hosted.writer.follow(lambda new: loop.call_soon_threadsafe(fresh.put_nowait, new))
    hanging = asyncio.ensure_future(caller.connection.gone())
    try:
        last = 0
        for entry in (await log(caller, fields))["entries"]:
            last = entry["id"]
            await caller.connection.send(wire.REPLY, json.dumps(entry).encode())
        while True:
            waiting = asyncio.ensure_future(fresh.get())
            await asyncio.wait({waiting, hanging}, return_when=asyncio.FIRST_COMPLETED)
            if hanging.done():
                waiting.cancel()
                return
            for new in waiting.result():
                if new.id > last and fields.get("name") in (None, "", new.event.agent):
                    said = json.dumps(describe_entry(new)).encode()
                    await caller.connection.send(wire.REPLY, said)
    finally:
        stop()
        hanging.cancel()

"""polisd's own small commands inside an agent's walls, and what they say."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cash.faults import Fault
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Longer than git needs to read every file of a large tree anew.
SECONDS = 180.0
# What an errand says is paths; one that says more is not ours any more.
_MOST_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Told:
    """How an errand ended. out: standard output; err: the last line of standard error."""

    status: int
    out: bytes
    err: str


async def run_errand(
    hosted: Hosted,
    agent: Agent,
    script: str,
    arguments: Sequence[str | bytes],
    given: bytes = b"",
) -> Told:
    """Runs a shell script in the agent's tree, by no rule, and hears what it says; the walls are
    raised if they do not stand. given: its standard input. What an agent has put in its way (a
    git of its own, a pipe in place of a file) can make it lie or wait, but not reach out: it
    ends after SECONDS. Raises Fault then, and when the walls cannot be raised."""
    await hosted.enter(agent)
    argv = [b"/bin/sh", b"-c", script.encode(), b"polis", *map(os.fsencode, arguments)]
    source = os.memfd_create("polis-errand", os.MFD_CLOEXEC)
    os.write(source, given) if given else None
    os.lseek(source, 0, os.SEEK_SET)
    readers, writers = zip(*(os.pipe() for _ in range(2)), strict=True)
    heard = [asyncio.ensure_future(asyncio.to_thread(_read, reader)) for reader in readers]
    running = asyncio.ensure_future(
        hosted.keeping.run_own(
            hosted.key_of(agent),
            f"errand-{uuid.uuid4().hex[:12]}",
            argv,
            {0: source, 1: writers[0], 2: writers[1]},
        )
    )
    try:
        await asyncio.sleep(0)  # it has taken the descriptors by then
        for descriptor in (source, *writers):
            os.close(descriptor)
        ended = await asyncio.wait_for(running, SECONDS)
        out, err = await asyncio.wait_for(asyncio.gather(*heard), SECONDS)
    except TimeoutError as late:
        raise Fault(
            f"{agent.name}'s tree gave no answer within {SECONDS:g} s",
            hint=f"polis exec {agent.name} -- git status shows what it waits on",
        ) from late
    return Told(ended.status, out, _last_line(err))


def _read(descriptor: int) -> bytes:
    """All that is said, up to the limit; who says more is cut off."""
    found = bytearray()
    with open(descriptor, "rb", buffering=0) as pipe, contextlib.suppress(OSError):
        while len(found) < _MOST_BYTES and (part := pipe.read(1 << 16)):
            found += part
    return bytes(found)


def _last_line(err: bytes) -> str:
    """The agent's git said it: nothing in it may move a terminal's cursor."""
    lines = [line for line in err.decode(errors="replace").splitlines() if line.strip()]
    told = "".join(char if char.isprintable() else "?" for char in (lines or [""])[-1])
    return told.removeprefix("fatal: ").removeprefix("error: ")[:300]

"""One agent's program at its terminal, from its start to its end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from cash.providers.launch import Launch
from cash.sessions.ansi import PasteMode
from cash.sessions.log import Log
from cash.workspace.agent import Agent


@dataclass(frozen=True, slots=True)
class End:
    """How it ended. status: as a shell gives it, None when nobody knows. reason: one line."""

    status: int | None
    reason: str


@dataclass(slots=True, eq=False)
class Session:
    """number: its id. launch: how it is started; None for one that an earlier polisd started.
    conversation: the provider's own id of it, "" for none. prompted: it was told
    something. window, pane: tmux's ids. pid: of the
    client in the window. command: the journal's id of what runs there. written: when it last
    wrote (time.monotonic()). why: why polis is ending it, "" when it is not. placed: it has its
    window. begun: its program runs. lasted: seconds, once it has ended. ended: settled
    once. turn: one prompt at a time."""

    number: str
    agent: Agent
    purpose: str
    log: Log
    launch: Launch | None = None
    task: str = ""
    batch: str = ""
    conversation: str = ""
    prompted: bool = False
    window: str = ""
    pane: str = ""
    pid: int = 0
    command: str = ""
    why: str = ""
    began: float = field(default_factory=time.time)
    written: float = field(default_factory=time.monotonic)
    paste: PasteMode = field(default_factory=PasteMode)
    placed: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    lasted: float = 0.0
    ended: asyncio.Future[End] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

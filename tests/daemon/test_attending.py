"""What is made of a program's output: lines of a stream, and screens once they stand still."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cash.daemon import attending
from cash.daemon.attending import Attending
from cash.daemon.hosting import Hosted
from cash.providers.manifest import load_manifests
from cash.sessions.log import Log
from cash.sessions.session import Session
from cash.sessions.signal import Signal
from cash.workspace.agent import Agent


@dataclass
class Stage:
    """What Attending asks of polisd: one session's screen, and an ear."""

    screen: list[str] = field(default_factory=list)
    heard: list[Signal] = field(default_factory=list)
    looks: int = 0
    listener: Callable[[Session, bytes], None] | None = None
    session: Session | None = None

    def attend(self) -> Attending:
        sessions = SimpleNamespace(
            listen=self._listen, screen=self._screen, screens=self._screens, living=self._living
        )
        hosted = SimpleNamespace(
            manifests=load_manifests(),
            sessions=sessions,
            states=SimpleNamespace(hear=lambda _agent, signal: self.heard.append(signal)),
            spawn=asyncio.ensure_future,
        )
        return Attending(cast(Hosted, hosted))

    def _listen(self, listener: Callable[[Session, bytes], None]) -> None:
        self.listener = listener

    async def _screen(self, _session: Session) -> list[str]:
        self.looks += 1
        return self.screen

    async def _screens(self, sessions: Sequence[Session]) -> list[tuple[Session, list[str]]]:
        return [(one, await self._screen(one)) for one in sessions]

    def _living(self) -> tuple[Session, ...]:
        return (self.session,) if self.session else ()

    def write(self, data: bytes) -> None:
        assert self.listener is not None
        assert self.session is not None
        self.session.written = time.monotonic()
        self.listener(self.session, data)


def _session(folder: Path, purpose: str) -> Session:
    agent = cast(Agent, SimpleNamespace(name="alice", provider="claude"))
    return Session("s1", agent, purpose, Log(folder / "output.log"))


def _line(**event: Any) -> bytes:
    return json.dumps(event).encode() + b"\n"


def test_a_stream_is_read_line_by_line_however_it_comes(tmp_path: Path) -> None:
    async def run() -> Stage:
        stage = Stage()
        stage.attend()
        stage.session = _session(tmp_path, "headless")
        data = _line(type="system", subtype="init") + _line(
            type="result", subtype="success", is_error=False, result="done"
        )
        for at in range(0, len(data), 7):
            stage.write(data[at : at + 7])
        return stage

    stage = asyncio.run(run())
    assert [one.source.name for one in stage.heard] == ["PROTOCOL"] * len(stage.heard)
    assert stage.heard[-1].status in ("idle", "completed")
    assert stage.looks == 0


def test_a_screen_is_read_once_it_stands_still_and_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> tuple[Stage, int]:
        stage = Stage(screen=["* Thinking… (esc to interrupt)"])
        watching = stage.attend()
        stage.session = _session(tmp_path, "interactive")
        for _ in range(4):
            stage.write(b"x")
            await asyncio.sleep(0.1)
        drawn = stage.looks
        await asyncio.sleep(0.6)
        once = stage.looks
        again = asyncio.ensure_future(watching.live())
        await asyncio.sleep(0.8)
        again.cancel()
        assert (drawn, once) == (0, 1)
        return stage, once

    monkeypatch.setattr(attending, "_AGAIN", 0.1)
    stage, once = asyncio.run(run())
    assert stage.looks > once

"""A desk whose agents have a small program of the tests' own (echoing.py) in their windows."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import echoing
from desk import Desk, next_name
from installation import Installation

_MANIFEST = """\
name: echoing
description: A program of the tests'
programs: [echoing]
install: none
version: {pattern: 'echoing (\\d+(?:\\.\\d+)+)'}
starts:
  interactive: []
  prompt: ["{prompt}"]
  headless: {words: [--print], input: true}
  resumed: [--resumed]
tool_timeout: 120
memory: 1G
hosts: []
signs:
  - {pattern: 'ready', status: running, reason: its screen says so}
quota: ['usage limit reached']
exits: {0: completed, 143: stopped}
"""


@dataclass(frozen=True)
class Office(Desk):
    """Where several agents of that provider work."""

    def home(self, agent: str = "alice") -> Path:
        return self.state / "agents" / agent / "home"

    def heard(self, agent: str = "alice") -> bytes:
        """Every byte that the program has read from its terminal."""
        path = self.home(agent) / "heard.bin"
        return path.read_bytes() if path.exists() else b""

    def told(self, *argv: str, **how: Any) -> str:
        """A command that must go well; what it printed."""
        ran = self.polis(*argv, **how)
        assert ran.status == 0, f"{argv}: {ran.status}\n{ran.out}{ran.err}"
        return ran.out

    def logs(self, agent: str = "alice", *more: str) -> str:
        return self.told("agents", "logs", agent, *more)

    def status(self, agent: str = "alice") -> str:
        found = json.loads(self.told("agents", "list", "--json"))
        return next(str(one["status"]) for one in found if one["name"] == agent)

    def begin(self, agent: str = "alice") -> None:
        """Starts its program, and waits until it takes prompts."""
        self.told("agents", "start", agent)
        wait_until(lambda: "ready" in self.logs(agent), "the program is ready")


def make_office(installation: Installation, *agents: str) -> Office:
    """Another repository under polis with these agents (default: alice)."""
    bin = installation.folder / "bin"
    bin.mkdir(exist_ok=True)
    program = bin / "echoing"
    program.write_text(f"#!/usr/bin/python3 -I\n{Path(echoing.__file__).read_text()}")
    program.chmod(0o755)
    manifests = installation.home / ".config/polis/agents"
    manifests.mkdir(parents=True, exist_ok=True)
    (manifests / "echoing.yaml").write_text(_MANIFEST)
    office = Office(installation, installation.make_repository(next_name(installation)))
    office.told("init")
    office.told("config", "set", "path", f"{bin}{os.pathsep}{installation.environment['PATH']}")
    office.told("config", "set", "ask-seconds", "30")
    for name in agents or ("alice",):
        office.told("agents", "add", name, "--provider", "echoing")
    return office


def wait_until(happened: Callable[[], object], what: str, seconds: float = 15) -> None:
    """AssertionError when it does not come in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.1)


def reason_to_skip() -> str | None:
    """Why this machine cannot run agents' windows."""
    return None if shutil.which("tmux") else "tmux is not installed: apt-get install tmux"

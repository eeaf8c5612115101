"""Calls about making a new agent's tree ready: what that would take, the user's consent to exactly
that, and the files. The commands are run by the command line, as the agent, through the pipeline.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

from cash.daemon.caller import Caller, Fields
from cash.daemon.hosting import Hosted
from cash.faults import UsageFault
from cash.workspace.included import (
    NAME,
    Included,
    copy_included,
    list_included,
    read_patterns,
)


@dataclass(frozen=True, slots=True)
class Setup:
    """commands: lines for the agent's shell, in order. patterns: of files to copy, as written.
    files: what they name now."""

    commands: tuple[str, ...]
    patterns: bytes
    files: tuple[Included, ...]

    @property
    def content(self) -> bytes:
        """What is consented to, byte for byte. The files may be others tomorrow; which ones may
        be copied is what the patterns say."""
        said = {"setup": self.commands, NAME: self.patterns.decode("latin-1")}
        return b"polis setup 1\n" + json.dumps(said, sort_keys=True).encode()

    @property
    def sha256(self) -> str:
        """Its name."""
        return hashlib.sha256(self.content).hexdigest()


def has_setup(hosted: Hosted) -> bool:
    """Whether there is anything to set up; costs nothing."""
    return bool(hosted.settings.value("setup")) or (hosted.repository.root / NAME).exists()


def _read_setup(hosted: Hosted) -> Setup:
    commands = tuple(str(hosted.settings.value("setup")).splitlines())
    patterns = read_patterns(hosted.repository.root)
    return Setup(commands, patterns, list_included(hosted.repository, patterns))


async def setup_look(caller: Caller, fields: Fields) -> dict[str, Any]:
    hosted = caller.hosted(fields)
    setup = await asyncio.to_thread(_read_setup, hosted)
    return {
        "commands": list(setup.commands),
        "patterns": setup.patterns.decode("utf-8", "replace").splitlines(),
        "files": [one.describe() for one in setup.files],
        "sha256": setup.sha256,
        "consented": hosted.state.is_trusted(setup.content),
    }


async def setup_consent(caller: Caller, fields: Fields) -> dict[str, Any]:
    """The user agrees to what was shown; not to what it has become meanwhile."""
    hosted = caller.hosted(fields)
    setup = await _as_shown(hosted, fields)
    hosted.state.trust(setup.content, f"setup of {hosted.repository.root}", time.time())
    body = {"what": "setup", "sha256": setup.sha256, "commands": list(setup.commands)}
    await hosted.journal(None, uuid.uuid4().hex, "consented", body)
    return {"sha256": setup.sha256}


async def setup_begin(caller: Caller, fields: Fields) -> dict[str, Any]:
    """Copies the files, and says which commands are to be run. Consent comes first."""
    hosted, agent, _ = caller.agent(fields)
    setup = await _as_shown(hosted, fields)
    if not hosted.state.is_trusted(setup.content):
        raise UsageFault(
            f"nobody has agreed to the setup of {hosted.repository.root}",
            hint=f"polis agents setup {agent.name} shows it, and --yes agrees",
        )
    copied, skipped = await asyncio.to_thread(
        copy_included, hosted.repository, agent.tree, setup.files
    )
    body = {"sha256": setup.sha256, "copied": len(copied), "commands": len(setup.commands)}
    await hosted.journal(agent, uuid.uuid4().hex, "setup-begun", body)
    return {"commands": list(setup.commands), "copied": list(copied), "skipped": skipped}


async def setup_ended(caller: Caller, fields: Fields) -> dict[str, Any]:
    """How it went: journaled. status: of the command that failed, else 0."""
    hosted, agent, _ = caller.agent(fields)
    body = {"status": int(fields["status"]), "ran": int(fields["ran"])}
    await hosted.journal(agent, uuid.uuid4().hex, "setup-ended", body)
    return {}


async def _as_shown(hosted: Hosted, fields: Fields) -> Setup:
    setup = await asyncio.to_thread(_read_setup, hosted)
    if setup.sha256 != fields["sha256"]:
        raise UsageFault("the setup has changed meanwhile", hint="look again")
    return setup

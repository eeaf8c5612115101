"""Accounts lent to agents: copies in their homes, and what their programs renew, taken back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import traceback
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cash.faults import Fault
from cash.places import Places
from cash.providers.accounts import Held, has_copies, lend, read_account, take_back, withdraw
from cash.providers.manifest import Manifest
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# A renewed token reaches the account, and the other agents, within this. Until then another may
# try an old one; it then gets the new one by this and tries again.
_LOOK_SECONDS = 1.0


class Lending:
    """Of all repositories: an account is the user's, not a repository's. everyone: all agents
    there are."""

    def __init__(self, places: Places, everyone: Callable[[], list[tuple[Hosted, Agent]]]) -> None:
        self._places = places
        self._everyone = everyone
        self._lent: dict[str, tuple[Hosted, Agent]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def prepare(self, hosted: Hosted, agent: Agent) -> Held | None:
        """Puts the account of the agent's provider into its home; None where there is none. What
        the agent has renewed since is taken first. Fault when it cannot be put there."""
        manifest = hosted.manifests.get(agent.provider)
        if manifest is None or manifest.account is None:
            return None
        held = await asyncio.to_thread(self._lend, hosted, agent, manifest)
        if held is not None and held.files:
            self._lent[hosted.key_of(agent)] = hosted, agent
            self._look_on()
        return held

    async def entries(self, hosted: Hosted, agent: Agent, argv: Sequence[bytes]) -> list[bytes]:
        """NAME=value for a command of the agent's: the API key, where the command is the
        provider's own program (also as `env NAME=value PROGRAM …`); and has its files lent."""
        manifest = hosted.manifests.get(agent.provider)
        if manifest is None or _program_of(argv) not in manifest.programs:
            return []
        held = await self.prepare(hosted, agent)
        if held is None or not held.key or manifest.account is None:
            return []
        return [os.fsencode(f"{manifest.account.key}={held.key}")]

    async def resume(self, hosted: Hosted, agent: Agent) -> None:
        """The agent's walls outlived an earlier polisd: what it was lent is looked after again."""
        manifest = hosted.manifests.get(agent.provider)
        account = manifest.account if manifest else None
        if account is not None and await asyncio.to_thread(has_copies, account, agent.home):
            with contextlib.suppress(Fault):  # told when its program is started again
                await self.prepare(hosted, agent)

    async def renew(self, provider: str) -> None:
        """The account has changed: agents that have copies get the new ones, or lose the old."""
        for hosted, agent in self._everyone():
            manifest = hosted.manifests.get(agent.provider)
            account = manifest.account if manifest else None
            if agent.provider != provider or manifest is None or account is None:
                continue
            if await asyncio.to_thread(has_copies, account, agent.home):
                if read_account(self._places, manifest) is None:
                    self._lent.pop(hosted.key_of(agent), None)
                    await asyncio.to_thread(withdraw, account, agent.home)
                else:
                    await asyncio.to_thread(self._lend, hosted, agent, manifest, back=False)

    def close(self) -> None:
        """Looks no more; what was renewed by then is taken back."""
        if self._looking is not None:
            self._looking.cancel()
        for hosted, agent in self._lent.values():
            manifest = hosted.manifests.get(agent.provider)
            if manifest is not None:
                self._take_back(manifest, agent)

    def _lend(
        self, hosted: Hosted, agent: Agent, manifest: Manifest, *, back: bool = True
    ) -> Held | None:
        # Another's program may have renewed it while no polisd was there to see that.
        for _, other in self._everyone() if back else ():
            if other.provider == manifest.name:
                self._take_back(manifest, other)
        held = read_account(self._places, manifest)
        if held is not None:
            owner = hosted.repository.owner
            lend(held, agent.home, (owner.uid, owner.gid))
        if held is not None and held.key and manifest.account is not None:
            withdraw(manifest.account, agent.home)  # what an earlier login has left there
        return held

    def _look_on(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._live())

    async def _live(self) -> None:
        """While something is lent to an agent whose walls stand."""
        while self._lent:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._look()
            except Exception as fault:  # whatever it is, the next token must be seen
                traceback.print_exception(fault, file=sys.stderr)

    async def _look(self) -> None:
        lent = list(self._lent.items())
        renewed = await asyncio.to_thread(self._take_all_back, [pair for _, pair in lent])
        for key, (hosted, agent) in lent:
            if agent in renewed:
                body = {"provider": agent.provider}
                hosted.note(agent, uuid.uuid4().hex, "token-renewed", body)
            if not hosted.is_inside(agent):
                self._lent.pop(key, None)
        for provider in {agent.provider for agent in renewed}:
            await self._hand_on(provider)

    def _take_all_back(self, lent: list[tuple[Hosted, Agent]]) -> list[Agent]:
        found = ((hosted.manifests.get(agent.provider), agent) for hosted, agent in lent)
        return [one for manifest, one in found if manifest and self._take_back(manifest, one)]

    def _take_back(self, manifest: Manifest, agent: Agent) -> bool:
        try:
            return take_back(self._places, manifest, agent.home)
        except Fault as fault:  # the disk is full: it is tried again
            print(f"{agent.name}: {fault.message}", file=sys.stderr, flush=True)
            return False

    async def _hand_on(self, provider: str) -> None:
        for hosted, agent in list(self._lent.values()):
            manifest = hosted.manifests.get(provider)
            if agent.provider == provider and manifest is not None:
                try:
                    await asyncio.to_thread(self._lend, hosted, agent, manifest, back=False)
                except Fault as fault:  # its home is its own affair; the others get theirs
                    print(f"{agent.name}: {fault.message}", file=sys.stderr, flush=True)


def _program_of(argv: Sequence[bytes]) -> str:
    words = argv
    if argv[0] in (b"env", b"/usr/bin/env"):
        words = [word for word in argv[1:] if b"=" not in word]
    return os.path.basename(os.fsdecode(words[0])) if words else ""

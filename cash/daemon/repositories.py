"""All repositories of one user's polisd, and the processes they share: parser and zygote."""

from __future__ import annotations

import asyncio
from pathlib import Path

from cash.daemon.hosting import Hosted
from cash.daemon.household import Household
from cash.daemon.keeping import Keeping
from cash.daemon.lending import Lending
from cash.daemon.maintaining import Maintaining
from cash.daemon.moved import settle
from cash.daemon.programs import Programs
from cash.daemon.quotas import Quotas
from cash.daemon.reloading import Loading
from cash.faults import Fault, UsageFault
from cash.hub.adoption import adopt, adopted_roots, hub_folder
from cash.hub.marker import Marker, nearest_marker
from cash.hub.moving import Move, drop_copied_trees, follow_move, recognise
from cash.hub.quick_reads import load_libgit2
from cash.hub.repository import Repository, find_repository
from cash.keeper.link import Asked, Ended, Ready, Seen, Wrote
from cash.places import Places
from cash.providers.login_homes import sweep_login_homes
from cash.providers.manifest import Catalogue
from cash.syntax.parser import Parser
from cash.workspace.agent import Agent, find_agent
from cash.workspace.roster import read_agents


class Repositories:
    """Finds the repository and the agent a request means."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.parser = Parser()
        self.manifests = Catalogue(places)
        self.programs = Programs(places)
        self.lending = Lending(places, self.everyone)
        self.quotas = Quotas()
        self.loading = Loading()
        self.maintaining = Maintaining(self.all)
        self.keeping = Keeping(places.runtime, self._note_end, self._note_loss, self._note_exec)
        self._hosted: dict[str, Hosted] = {}
        self.broken: dict[str, str] = {}
        self._following = asyncio.Lock()
        self._libgit2: asyncio.Future[bool] | None = None

    async def open(self) -> None:
        """Starts what is shared and takes up every adopted repository that is still there."""
        self.keeping.start()
        await self.parser.start()
        await asyncio.to_thread(sweep_login_homes, self.places)
        for number, root in adopted_roots(self.places).items():
            try:
                self._take_up(number, root)
            except Fault as fault:
                self.broken[str(root)] = fault.message
        for hosted in self._hosted.values():
            for agent in hosted.agents():
                hosted.spawn(hosted.rejoin(agent))
            hosted.sessions.begin()
        self.maintaining.begin()
        self._libgit2 = asyncio.ensure_future(asyncio.to_thread(load_libgit2))
        await asyncio.sleep(0)  # each has begun: whoever calls can wait for it

    async def close(self) -> None:
        """Takes all walls down, writes what waits, ends what is shared."""
        self.maintaining.close()
        await asyncio.gather(*(hosted.sessions.close() for hosted in self._hosted.values()))
        await self.keeping.close()
        self.lending.close()
        await self.parser.stop()
        for hosted in self._hosted.values():
            hosted.close()
        self.loading.close()

    def find_to_adopt(self, path: Path) -> tuple[Repository, bool, tuple[str, ...]]:
        """Takes a repository's folder into polis' state (git runs: not on the event loop): the
        repository, whether it is new, notes for people."""
        found = recognise(find_repository(path), self.places)
        repository = found.repository if isinstance(found, Move) else found
        adoption = adopt(repository, self.places)
        drop_copied_trees(repository, self.places)
        return repository, adoption.fresh, adoption.notes

    def _take_up(self, number: str, root: Path) -> None:
        found = recognise(find_repository(root), self.places)
        if isinstance(found, Move) or found.id != number:
            raise UsageFault(f"another repository is at {root} now")
        self.host(found)

    async def follow(self, path: Path, *, adopting: bool) -> str:
        """Takes up a repository that the user moved, when `path` lies in it; one line that says
        so, "" when nothing was moved. adopting: the user says that it is this one, so that a
        directory is followed that may be a copy."""
        found = nearest_marker(path)
        if found is None or self._knows(*found):
            return ""
        async with self._following:
            try:
                repository = await asyncio.to_thread(find_repository, path)
            except Fault:
                return ""  # whatever is wrong there, the call itself finds out and says
            move = recognise(repository, self.places)
            if not isinstance(move, Move) or not (move.certain or adopting):
                return ""
            return await self._follow(move)

    def _knows(self, common_dir: Path, marker: Marker) -> bool:
        hosted = self._hosted.get(marker.id)
        return hosted is not None and hosted.repository.common_dir == common_dir

    async def _follow(self, move: Move) -> str:
        repository = move.repository
        folder = hub_folder(repository, self.places)
        before = adopted_roots(self.places).get(repository.id, move.before.common_dir.parent)
        trees = [agent.tree for agent in read_agents(folder)]
        await asyncio.to_thread(follow_move, move, self.places, trees)
        self.broken.pop(str(before), None)
        hosted = self.host(repository)
        await settle(hosted, repository, before, keep_walls=move.certain)
        count = len(trees)
        follow = "1 agent follows" if count == 1 else f"{count} agents follow"
        return f"repository moved from {before} to {repository.root}: {follow}"

    def host(self, repository: Repository) -> Hosted:
        """Takes an adopted repository up, once."""
        if repository.id not in self._hosted:
            self._hosted[repository.id] = Hosted(
                self.places,
                repository,
                hub_folder(repository, self.places),
                self.parser,
                self.keeping,
                self.manifests,
                self.programs,
                self.lending,
                self.quotas,
                self.loading,
            )
            self._hosted[repository.id].begin()
        return self._hosted[repository.id]

    def all(self) -> tuple[Hosted, ...]:
        """Every repository under care."""
        return tuple(self._hosted.values())

    def everyone(self) -> list[tuple[Hosted, Agent]]:
        """All agents of all repositories."""
        return [(hosted, agent) for hosted in self.all() for agent in hosted.agents()]

    def forget(self, hosted: Hosted) -> None:
        """Lets go of a repository that polis was removed from."""
        hosted.close()
        del self._hosted[hosted.repository.id]

    def find_repository(self, cwd: str) -> Hosted:
        """The adopted repository around a directory, or around the agent's tree it lies in.
        UsageFault when it is in none: never another one that happens to be there."""
        for hosted in self._hosted.values():
            if _is_below(cwd, hosted.repository.root) or _is_below(cwd, hosted.folder):
                return hosted
        roots = [str(hosted.repository.root) for hosted in self._hosted.values()]
        known = [root for root in roots if Path(root).exists()]
        lost = [root for root in (*self.broken, *roots) if not Path(root).exists()]
        if not known and not lost:
            raise UsageFault("no repository is under polis yet", hint="cd REPO; polis init")
        hint = f"cd {' or cd '.join(known)}, or polis init here" if known else "polis init"
        if lost:
            hint += f" ({', '.join(lost)} is gone: if you moved it, polis init where it is now)"
        raise UsageFault(f"{cwd} is in no repository under polis", hint=hint)

    def find_agent(self, name: str, cwd: str) -> tuple[Hosted, Agent, str]:
        """The agent of that name (or, without one, the agent whose tree `cwd` lies in), and the
        directory to work in: `cwd` where that is in the tree, else the tree."""
        hosted = self.find_repository(cwd)
        agents = hosted.agents()
        if name:
            agent = find_agent(name, agents)
        else:
            inside = [one for one in agents if _is_below(cwd, one.tree)]
            if not inside:
                raise UsageFault(
                    f"{cwd} is no agent's workspace",
                    hint="name the agent: --agent NAME (polis agents list shows them)",
                )
            agent = inside[0]
        return hosted, agent, cwd if _is_below(cwd, agent.tree) else str(agent.tree)

    def _agent_of(self, key: str) -> tuple[Hosted, Agent] | None:
        identity, _, name = key.partition("/")
        hosted = self._hosted.get(identity)
        if hosted is None:
            return None
        return next(((hosted, one) for one in hosted.agents() if one.name == name), None)

    async def _note_end(self, key: str, ended: Ended) -> None:
        found = self._agent_of(key)
        if found is not None:
            await found[0].hearing.note_end(found[1], ended)

    async def _note_exec(
        self, key: str, household: Household, message: Asked | Seen | Wrote | Ready
    ) -> None:
        found = self._agent_of(key)
        if found is not None:
            await found[0].hearing.note_exec(found[1], household, message)

    async def _note_loss(self, key: str, reason: str) -> None:
        found = self._agent_of(key)
        if found is not None:
            await found[0].hearing.note_loss(found[1], reason)


def _is_below(cwd: str, folder: Path) -> bool:
    """Whether it is the folder, or lies in it. Of every call: as texts where that shows it."""
    known = str(folder)
    return cwd == known or cwd.startswith(f"{known}/") or Path(cwd).is_relative_to(folder)

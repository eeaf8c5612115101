"""One adopted repository under polisd's care: its store, policy, questions and agents."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cash.daemon.answering import Answering
from cash.daemon.attending import Attending
from cash.daemon.connecting import Connecting
from cash.daemon.doors import Doors
from cash.daemon.egress import Admission, Admit
from cash.daemon.enforcing import snapshot_of
from cash.daemon.exporting import Exporting
from cash.daemon.foreseeing import Foreseeing
from cash.daemon.hearing import Hearing
from cash.daemon.household import Household
from cash.daemon.importing import Importing
from cash.daemon.judged import LastJudged
from cash.daemon.judging import PolicyInForce
from cash.daemon.keeping import Claims, Keeping
from cash.daemon.lending import Lending
from cash.daemon.lock_sessions import LockSessions
from cash.daemon.locks import Locks
from cash.daemon.ports import Ports
from cash.daemon.programs import Programs
from cash.daemon.promises import Promises
from cash.daemon.prompting import Prompting
from cash.daemon.quotas import Quotas, QuotaWatch
from cash.daemon.reloading import Loading, Reloading
from cash.daemon.sessions import Sessions
from cash.daemon.starting import Starting
from cash.daemon.states import States
from cash.daemon.sweeping import sweep
from cash.daemon.tool_calls import ToolCalls
from cash.daemon.tool_locks import ToolLocks
from cash.daemon.write_leave import WriteLeave
from cash.daemon.writing import Writing
from cash.faults import Fault
from cash.hub.moving import mend_objects
from cash.hub.repository import Repository
from cash.keeper.link import Snapshot
from cash.places import Places
from cash.policy.context import Context
from cash.policy.identity import Identities, find_identities
from cash.policy.policy import Policy
from cash.policy.verdict import Level
from cash.providers.manifest import Manifest
from cash.settings import UNDO_SETTINGS, LiveSettings, settings_files
from cash.store.event import Event
from cash.store.state import State
from cash.store.writer import Writer
from cash.syntax.parser import Parser
from cash.walls.view import View
from cash.workspace.agent import Agent
from cash.workspace.certificates import certificate_settings
from cash.workspace.facts import gather_facts
from cash.workspace.roster import read_agents
from cash.workspace.sight import home_inside, view_of

# A question ends this long before the provider's own tool call would time out (design §1).
_BEFORE_TOOL_TIMEOUT = 10.0


def _environment() -> list[bytes]:
    """What every command gets besides what the walls set: NAME=value."""
    settings = certificate_settings(os.environ)
    return [os.fsencode(f"{name}={value}") for name, value in settings.items()]


class Hosted:
    """What the stages, the calls and the proxy of one repository share."""

    def __init__(
        self,
        places: Places,
        repository: Repository,
        folder: Path,
        parser: Parser,
        keeping: Keeping,
        manifests: Mapping[str, Manifest],
        programs: Programs,
        lending: Lending,
        quotas: Quotas,
        loading: Loading,
    ) -> None:
        self.places = places
        self.folder = folder
        self.parser = parser
        self.keeping = keeping
        self.manifests = manifests
        self.programs = programs
        self.lending = lending
        self.store = folder / "store.db"
        self.writer = Writer.open(self.store)
        self.state = State.open(self.store)
        self.importing = Importing(self)
        self.exporting = Exporting(self)
        self.answering = Answering(self)
        self.promises = Promises()
        self.judged = LastJudged()
        self.ports = Ports(self)
        self.foreseeing = Foreseeing(self)
        self.connecting = Connecting(self)
        self.hearing = Hearing(self)
        self.tool_calls = ToolCalls()
        self.tool_locks = ToolLocks(self)
        self.write_leave = WriteLeave()
        self.writing = Writing(self)
        self.locks = Locks(self)
        self.lock_sessions = LockSessions(self)
        self.states = States(self)
        self.doors = Doors(self)
        self.loading = loading
        self.reloading = Reloading(self, loading)
        self.lie_at(repository)
        self.sessions = Sessions(self)
        self.prompting = Prompting(self)
        self.starting = Starting(self, self.prompting)
        self.quotas = quotas
        self.quota_watch = QuotaWatch(self, quotas)
        self.attending = Attending(self)
        self.sessions.observers.append(self.states)
        self.environment = _environment()
        self._level = Level.BALANCED
        self._identities: tuple[tuple[object, ...], Identities] | None = None
        self._agents: tuple[Agent, ...] | None = None
        self._live: list[asyncio.Task[object]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._rejoining: set[asyncio.Future[None]] = set()
        self.answering.take_up()
        self.locks.take_up()
        self.lock_sessions.take_up()

    def lie_at(self, repository: Repository) -> None:
        """The repository is there, now if it was elsewhere before: what is read from its checkout
        is read from that one."""
        self.repository = repository
        files = settings_files(self.places, repository.root, self.folder)
        self.settings = LiveSettings(files, os.environ)
        self.in_force = PolicyInForce(
            self.places,
            repository.root,
            self._is_trusted,
            self._note_policy,
            self.loading.threads,
        )
        self.reloading.wake()

    def begin(self) -> None:
        """Keeps what is in force fresh and what agents do known, until close()."""
        works = (
            *(self.reloading, self.states, self.attending, self.exporting, self.foreseeing),
            *(self.tool_locks, self.locks, self.lock_sessions),
        )
        self._live = [self.spawn(work.live()) for work in works]

    # Journal

    def note(self, agent: Agent | None, key: str, kind: str, body: Mapping[str, Any]) -> None:
        """Journals without waiting; the order of notes is kept."""
        name = agent.name if agent else ""
        self.writer.note(Event(key, time.time(), name, kind, body))

    async def journal(
        self, agent: Agent | None, key: str, kind: str, body: Mapping[str, Any]
    ) -> int:
        """Journals and returns the id when it is on the disk. Fault when it cannot be."""
        name = agent.name if agent else ""
        event = Event(key, time.time(), name, kind, body)
        return await asyncio.wrap_future(self.writer.submit(event))

    def _note_policy(self, policy: Policy | None, trouble: str | None) -> None:
        body = {"version": policy.version} if policy else {"refused": trouble}
        self.note(None, uuid.uuid4().hex, "policy-loaded" if policy else "policy-refused", body)
        self.reloading.wake()

    # Judging

    def _is_trusted(self, path: Path) -> bool:
        try:
            return self.state.is_trusted(path.read_bytes())
        except OSError:
            return False  # whoever loads it says what is wrong with it

    @property
    def level(self) -> Level:
        """The level in force; a store that cannot be read keeps the last one."""
        with contextlib.suppress(Fault, ValueError):
            self._level = Level(self.state.setting("level") or Level.BALANCED.value)
        return self._level

    def context_of(self, agent: Agent, cwd: str) -> Context:
        """What a judgement of this agent may know."""
        facts = gather_facts(agent, cwd, str(self.settings.value("installer")))
        facts = replace(facts, carried=self.doors.carried())
        return replace(self._context_of(agent), cwd=cwd, facts=facts, enforced=True)

    def _context_of(self, agent: Agent) -> Context:
        """The same, but for what lies in the tree."""
        manifest, tree = self.manifests.get(agent.provider), str(agent.tree)
        return Context(
            agent=agent.name,
            branch=agent.branch,
            level=self.level,
            tree=tree,
            home=str(home_inside(self.repository)),
            cwd=tree,
            identities=self.identities_of(self.in_force.policy()),
            hosts=frozenset(manifest.hosts) if manifest else frozenset(),
            locks=self.locks.others(agent),
            conflicts=self.foreseeing.paths_of(agent),
        )

    def identities_of(self, policy: Policy) -> Identities:
        """The files behind the names that rules use; looked up once for each policy and PATH."""
        path = self.path()
        if self._identities is None or self._identities[0] != (policy.version, path):
            self._identities = ((policy.version, path), find_identities(policy.programs, path))
        return self._identities[1]

    # Keepers

    def snapshot(self, agent: Agent) -> Snapshot:
        """What the agent's keeper judges by."""
        return snapshot_of(self.in_force.policy(), self._context_of(agent))

    # Questions

    def ask_seconds(self, agent: Agent) -> float:
        """How long a question may hold a command."""
        said = float(self.settings.value("ask-seconds"))
        if said:
            return said
        manifest = self.manifests.get(agent.provider)
        return max(1.0, manifest.tool_timeout - _BEFORE_TOOL_TIMEOUT) if manifest else 110.0

    def session(self, name: str) -> str:
        """The id of this stand of an agent's walls, "" where they do not stand."""
        household = self.keeping.standing(self._key(name))
        return household.session if household else ""

    # Walls

    def key_of(self, agent: Agent) -> str:
        """The agent's name among all households of this polisd."""
        return self._key(agent.name)

    def _key(self, name: str) -> str:
        return f"{self.repository.id}/{name}"

    async def enter(self, agent: Agent) -> Household:
        """The agent's walls, raised if they do not stand, and no dead lock in its git directory.
        UsageFault while it is paused."""
        household = await self._enter(agent)
        await sweep(self, agent)
        return household

    async def _enter(self, agent: Agent) -> Household:
        await self.sessions.ready()
        self.sessions.stillness.check(agent)
        if not agent.tree.is_dir():
            raise Fault(
                f"the tree of {agent.name} is gone: {agent.tree}",
                hint=f"polis agents remove {agent.name} --force (commits stay on {agent.branch})",
            )
        household = self.keeping.standing(self.key_of(agent))
        if household is not None and household.ready.done():
            await self.doors.show_remotes(agent)
            return household
        if not self.repository.common_dir.is_dir():
            raise Fault(
                f"the repository {self.repository.root} is gone",
                hint="if you moved it: cd to where it is now, and polis init",
            )
        if household is None:
            await asyncio.to_thread(mend_objects, self.repository, self.folder, agent.git_directory)
        await self.in_force.current()
        self.doors.open(agent)
        await self.doors.show_remotes(agent)
        household = await self.keeping.enter(*await self._view(agent), self.snapshot(agent))
        self.reloading.renew_one(agent, household)  # it may have changed while they were raised
        return household

    async def rejoin(self, agent: Agent) -> None:
        """Takes up the agent's walls if they outlived an earlier polisd. Walls that do not
        answer are taken down: the next command raises new ones."""
        found = asyncio.get_running_loop().create_future()
        self._rejoining.add(found)
        try:
            await self.in_force.current()
            if not await self.keeping.rejoin(*await self._view(agent), self.snapshot(agent)):
                return
            self.doors.open(agent)
            await self.doors.show_remotes(agent)
        except Fault as fault:
            await self.keeping.leave(self.key_of(agent))
            await self.hearing.note_loss(agent, fault.message)
            return
        finally:
            self._rejoining.discard(found)
            found.set_result(None)
        await self.reloading.renew()
        await self.lending.resume(self, agent)
        await self.importing.import_changes(agent)

    async def rejoined(self) -> None:
        """Waits until it is known which walls outlived an earlier polisd."""
        if self._rejoining:
            await asyncio.wait(self._rejoining)

    async def _view(self, agent: Agent) -> tuple[str, View, Admit, Claims]:
        manifest = self.manifests.get(agent.provider)
        key = manifest.account.key if manifest and manifest.account else ""
        view = await asyncio.to_thread(
            view_of,
            agent,
            self.repository,
            self.path(),
            debug=manifest is not None and manifest.debug,
            private=(key,) if key else (),
            private_to=manifest.programs if manifest else (),
            door=self.doors.folder(agent),
        )

        async def admit(host: str, port: int) -> Admission:
            return await self.connecting.admit(agent, host, port)

        each, total = (int(self.settings.value(name)) << 20 for name in UNDO_SETTINGS)
        kept = replace(view, saved=agent.saved, saved_each=each, saved_total=total)
        return self.key_of(agent), kept, admit, lambda: self.locks.told_to(agent)

    def path(self) -> str:
        """The PATH inside the walls."""
        return str(self.settings.value("path")) or os.environ.get("PATH", os.defpath)

    def import_soon(self, agent: Agent) -> None:
        """Imports what is new without keeping anybody waiting."""
        self.spawn(self.importing.import_changes(agent))

    def spawn(self, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
        """Does something nobody has to wait for; it is not forgotten before it is done."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Agents

    def agents(self) -> tuple[Agent, ...]:
        """The agents there are, by name."""
        if self._agents is None:
            self._agents = read_agents(self.folder)
        return self._agents

    def forget_agents(self) -> None:
        """Looks at the disk again next time: an agent came or went."""
        self._agents = None

    def is_inside(self, agent: Agent) -> bool:
        """Whether the agent's walls stand."""
        return self.keeping.standing(self.key_of(agent)) is not None

    def is_running(self, agent: Agent) -> bool:
        """Whether a command runs inside now."""
        household = self.keeping.standing(self.key_of(agent))
        return household is not None and bool(household.running)

    async def leave(self, agent: Agent, why: str) -> bool:
        """Takes the agent's walls down with what runs in them; whether they stood."""
        self.answering.withdraw(agent)
        if session := self.sessions.of(agent):
            session.why = session.why or why
        await self.sessions.stillness.resume(agent)
        left = await self.keeping.leave(self.key_of(agent))
        self.doors.close(agent)
        self.tool_calls.end_all(agent.name)
        await self.tool_locks.end_all(agent)
        if left:
            self.state.forget_answers(agent.incarnation, sessions_only=True)
            await self.journal(agent, uuid.uuid4().hex, "stopped", {"why": why})
            self.states.fall(agent)
        return left

    def close(self) -> None:
        """Writes what waits and lets go of the store."""
        for task in self._live:
            task.cancel()
        self.doors.close_all()
        self.locks.close()
        self.reloading.end()
        self.writer.close()
        self.state.close()

"""What git inside asks of the hub and of the user's remotes: a literal table of verbs.

The objects that a fetch brings land in the hub, where the agent's git finds them; what a push
sends comes out as commits do (cash/daemon/importing.py). So no pack passes here, and no key.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cash.daemon.conversation import Listener
from cash.daemon.lfs_calls import download, upload, upload_pushed
from cash.daemon.remote_git import Ran, run_remote, without_secrets
from cash.daemon.remote_judging import Ruling, rule
from cash.faults import FAILED_CLOSED, Fault, UsageFault
from cash.hub.listing import describe_hub, describe_remote, keep_fetched, keep_listed
from cash.hub.parts import find_part
from cash.hub.pushing import SECONDS
from cash.hub.refs import PREFIX
from cash.hub.remotes import (
    Move,
    check_wanted,
    find_remote,
    flags_of,
    list_remotes,
    read_move,
    results_of,
)
from cash.hub.repository import Repository
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

_HUB: Final = ("hub", "polis::hub")
_MOST_REFS: Final = 20_000
_MOST_MOVES: Final = 2_000


@dataclass(frozen=True, slots=True)
class RemoteCalls:
    """Of one agent, whose socket it came by."""

    hosted: Hosted
    agent: Agent

    async def converse(self, fields: list[str], listener: Listener) -> int:
        """Does what is asked for; the status. Whatever goes wrong is told in one line."""
        try:
            verb, name, address, *rest = fields
            return await _VERBS[verb](Call(self.hosted, self.agent, listener, name, address), rest)
        except (ValueError, KeyError, IndexError):
            await listener.tell("polis: that is no request\n")
        except Fault as fault:
            hint = f"hint: {fault.hint}\n" if fault.hint else ""
            await listener.tell(f"polis: {without_secrets(fault.message)}\n{hint}")
        return FAILED_CLOSED


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for. repository: the hub, or a submodule's. remote: as git there calls it;
    name: as rules and people do."""

    repository: Repository
    remote: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request. name, address: of the remote, as the agent's git knows it."""

    hosted: Hosted
    agent: Agent
    listener: Listener
    name: str
    address: str

    @property
    def is_hub(self) -> bool:
        return self.address in _HUB

    async def target(self) -> Target:
        """The user's remote that is meant. UsageFault when there is none."""
        return await asyncio.to_thread(self._find)

    def _find(self) -> Target:
        hub = self.hosted.repository
        address = self.address.removeprefix("polis::")
        found = find_remote(list_remotes(hub), self.name, address)
        if found is not None:
            return Target(hub, found.name, found.name)
        part = find_part(hub, address)
        if part is None:
            raise UsageFault(
                f"{without_secrets(self.address)[:100]!r} is no remote of this repository",
                hint=f"git remote -v; the user adds one: git -C {self.hosted.repository.root} "
                "remote add NAME URL",
            )
        # By its address: `origin` is the hub's.
        return Target(part[0].repository, part[1], part[0].shown)

    def source(self, target: Target, options: Sequence[str]) -> Path:
        """The git directory inside whose objects are pushed. What is said of it is believed: all
        that is done there is done inside."""
        said = [one.partition("=")[2] for one in options if one.startswith("git-dir=/")]
        is_part = target.repository != self.hosted.repository
        return Path(said[-1]) if said and is_part else self.agent.git_directory

    async def judge(self, words: Sequence[str]) -> Ruling:
        """Judged, asked about and told; whoever goes on looks at its status."""
        return await rule(self.hosted, self.agent, words, self.listener.tell)

    async def run(
        self,
        arguments: Sequence[str],
        target: Target,
        given: bytes = b"",
        *,
        seconds: float = SECONDS,
        aloud: bool = False,
    ) -> Ran:
        """git in the hub, which says to the agent's terminal what it says."""
        # A mirror's pushes take no refspecs, and its fetches would prune.
        settings = (f"remote.{target.remote}.mirror=false", "lfs.forceprogress=true")
        try:
            return await run_remote(
                target.repository,
                arguments,
                self.listener.tell,
                given=given,
                settings=settings,
                seconds=seconds,
                aloud=aloud,
            )
        except Fault as fault:
            raise Fault(f"{target.name}: {fault.message}") from fault

    async def answer_refs(self, repository: Repository, lines: Sequence[str]) -> None:
        """Tells git the listing; what it will borrow of it stays alive from now on."""
        await asyncio.to_thread(keep_listed, repository, self.agent.name, lines)
        await self.listener.answer("\n".join((*lines, "")))

    async def journal(
        self, operation: str, remote: str, ruling: Ruling, began: float, **more: object
    ) -> None:
        """What was asked for and what became of it."""
        body = {
            "operation": operation,
            "remote": remote,
            "decision": ruling.verdict.decision.word,
            "approval": ruling.approval,
            "rules": [match.rule for match in ruling.verdict.matches],
            "seconds": round(time.monotonic() - began, 3),
            **more,
        }
        await self.hosted.journal(self.agent, uuid.uuid4().hex, "remote", body)


async def _list(call: Call, fields: list[str]) -> int:
    """`<object> <ref>` of all there is, the branch that HEAD stands for, and last an empty line
    of git's own."""
    (why,) = fields
    if call.is_hub:
        if why == "push":
            raise UsageFault(
                "nothing is pushed to the hub: what you commit comes out by itself",
                hint=f"git commit; it is {call.agent.branch} there",
            )
        own = f"refs/heads/{call.agent.branch}"
        hub = call.hosted.repository
        lines = await asyncio.to_thread(describe_hub, hub, own)
        await call.answer_refs(hub, lines)
        return 0
    began, target = time.monotonic(), await call.target()
    ruling = await call.judge(("git", "ls-remote", target.name))
    if not ruling.status:
        words = ("ls-remote", "--symref", "--end-of-options", target.remote)
        ran = await call.run(words, target)
        if ran.status:
            await call.journal("ls-remote", target.name, ruling, began, failed=ran.word)
            return FAILED_CLOSED
        if target.repository != call.hosted.repository:
            await call.listener.borrow(str(target.repository.objects))
        await call.answer_refs(target.repository, describe_remote(target.repository, ran.out))
    await call.journal("ls-remote", target.name, ruling, began)
    return ruling.status


async def _fetch(call: Call, fields: list[str]) -> int:
    """Has the hub get what git inside wants, and keeps it for as long as the agent lives."""
    count = int(fields[0])
    options, names = fields[1 : 1 + count], fields[1 + count :]
    if not 0 < len(names) <= _MOST_REFS:
        raise UsageFault(f"at most {_MOST_REFS} refs at a time", hint="git fetch REMOTE BRANCH")
    wanted = [check_wanted(name) for name in dict.fromkeys(names)]
    if call.is_hub:
        return 0  # it is there, and kept
    began, target = time.monotonic(), await call.target()
    ruling = await call.judge(("git", "fetch", target.name, *wanted))
    failed = ""
    if not ruling.status:
        place = f"{PREFIX}fetching/{call.agent.name}/{uuid.uuid4().hex[:12]}/"
        ran = await _fetch_into(call, target, place, wanted, "progress=true" in options)
        failed = ran.word if ran.status else ""
    more = {"failed": failed} if failed else {}
    await call.journal("fetch", target.name, ruling, began, refspecs=wanted[:100], **more)
    return FAILED_CLOSED if failed else ruling.status


async def _fetch_into(
    call: Call, target: Target, place: str, wanted: Sequence[str], progress: bool
) -> Ran:
    """By standard input, so that no name is an option; the user's own remote-tracking refs stay
    as they are (--refmap): a `push --force-with-lease` of theirs goes by them."""
    arguments = (
        *("fetch", "--quiet", "--progress" if progress else "--no-progress", "--no-tags"),
        *("--refmap=", "--no-prune", "--no-write-fetch-head", "--no-recurse-submodules"),
        *("--no-auto-maintenance", "--stdin", "--end-of-options", target.remote),
    )
    given = "".join(f"+{name}:{place}{number}\n" for number, name in enumerate(wanted))
    try:
        return await call.run(arguments, target, given.encode("utf-8", "surrogateescape"))
    finally:
        name = call.agent.name
        # What has come stays, also when nobody waits for it any more.
        await asyncio.shield(asyncio.to_thread(keep_fetched, target.repository, name, place))


async def _push(call: Call, fields: list[str]) -> int:
    """`ok <ref>` or `error <ref> <why>` of each."""
    count = int(fields[0])
    options, rest = fields[1 : 1 + count], fields[1 + count :]
    groups = [rest[at : at + 4] for at in range(0, len(rest), 4)]
    moves = [read_move(force, value, name, ref) for force, value, name, ref in groups]
    if not 0 < len(moves) <= _MOST_MOVES or call.is_hub:
        raise UsageFault(f"1 to {_MOST_MOVES} refs at a time are pushed to a remote")
    flags = flags_of(options)
    began, target = time.monotonic(), await call.target()
    words = ("git", "push", *flags, target.name, *(move.refspec for move in moves))
    ruling = await call.judge(words)
    failed, status = "", ruling.status
    if not status:
        failed, status = await _send(call, target, moves, options)
    more = {"failed": failed} if failed else {}
    refspecs = [move.refspec for move in moves][:100]
    await call.journal("push", target.name, ruling, began, refspecs=refspecs, **more)
    return status


async def _send(
    call: Call, target: Target, moves: Sequence[Move], options: Sequence[str]
) -> tuple[str, int]:
    """What failed, and the status."""
    objects = list(dict.fromkeys(move.object for move in moves if move.object))
    if objects:
        places = (target.repository, call.source(target, options))
        await call.hosted.importing.fetch_objects(call.agent, objects, *places)
        if "dry-run=true" not in options:
            failed = await upload_pushed(call, target, objects, options)
            if failed:
                await call.listener.tell(f"polis: nothing is pushed: {failed}\n")
                return failed, FAILED_CLOSED
    progress = "--progress" if "progress=true" in options else "--no-progress"
    arguments = ("push", "--porcelain", "--no-verify", progress, *flags_of(options))
    orders = [move.order for move in moves]
    ran = await call.run((*arguments, "--end-of-options", target.remote, *orders), target)
    results = results_of(moves, ran.out)
    if results:
        await call.listener.answer(_answer(moves, results))
    return (ran.word if ran.status else ""), FAILED_CLOSED if not results else 0


def _answer(moves: Sequence[Move], results: Mapping[str, str]) -> str:
    lines = []
    for move in moves:
        why = results.get(move.target, "the other side said nothing of it")
        lines.append(f"error {move.target} {without_secrets(why)}" if why else f"ok {move.target}")
    return "\n".join((*lines, ""))


Verb = Callable[[Call, list[str]], Awaitable[int]]
_VERBS: Final[dict[str, Verb]] = {
    "list": _list,
    "fetch": _fetch,
    "push": _push,
    "lfs-download": download,
    "lfs-upload": upload,
}

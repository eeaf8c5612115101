"""Where fetched commits go: the hub's branches move, and the linked worktree follows them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cash.hub.changes import contains
from cash.hub.git import GitFault
from cash.hub.reading import RefsRead
from cash.hub.refs import PREFIX, keep_more, list_refs, write_refs
from cash.hub.repository import Repository
from cash.hub.worktree import checked_out, find_entry, follow, git_of

# Further branches than these stay inside: a list of thousands is no help to anybody.
_MOST_BRANCHES = 200


class Source(Protocol):
    """The agent, as far as its commits go (cash.workspace.agent.Agent)."""

    @property
    def name(self) -> str: ...
    @property
    def branch(self) -> str: ...
    @property
    def folder(self) -> Path: ...
    @property
    def tree(self) -> Path: ...
    @property
    def git_directory(self) -> Path: ...
    @property
    def imported(self) -> Path: ...


@dataclass(frozen=True, slots=True)
class Update:
    """A branch of the hub that moved. old: "" when it is new. kept: the ref that holds the old
    tip when the new one does not contain it, else ""."""

    ref: str
    old: str
    new: str
    kept: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that stayed inside. ref: "*" for the whole import. reason: one line."""

    ref: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """head: what the linked worktree is on now (a full branch name or a commit), "" when it
    did not move. seconds: how long it all took."""

    updated: tuple[Update, ...] = ()
    refused: tuple[Refusal, ...] = ()
    head: str = ""
    seconds: float = 0.0


def move_branches(repository: Repository, agent: Source, reading: RefsRead) -> ImportReport:
    """The agent's branch is held; its further ones, of which there may be many, move by
    compare-and-set. Moves branches, then HEAD and index of the linked worktree."""
    place = f"{PREFIX}import/{agent.name}/"
    fetched = {ref.name.removeprefix(place): ref.object for ref in list_refs(repository, place)}
    keep_more(repository, agent.name, fetched.values())
    heads = {
        name.removeprefix("heads/"): value
        for name, value in fetched.items()
        if name.startswith("heads/")
    }
    holders = checked_out(repository)
    done: list[Update | Refusal] = []
    targets: dict[str, str] = {}
    # Its own branch first: the others are compared with what the hub has then.
    for choose in (_own_target, _further_targets):
        present = {ref.name: ref.object for ref in list_refs(repository, "refs/heads/")}
        chosen, left_out = choose(repository, agent, heads, present)
        for name, target in chosen.items():
            done += _move_branch(
                repository, agent, target, present.get(target, ""), heads[name], holders
            )
        targets |= chosen
        done += left_out
    commit, head = _head_outside(reading, heads, fetched.get("HEAD"), targets)
    moved = ""
    try:
        moved = _follow(repository, agent, head, commit, holders) if commit else ""
    except GitFault as fault:
        done.append(Refusal("HEAD", fault.message))
    return ImportReport(
        updated=tuple(one for one in done if isinstance(one, Update)),
        refused=tuple(one for one in done if isinstance(one, Refusal)),
        head=moved,
    )


_Chosen = tuple[dict[str, str], list[Refusal]]


def _own_target(
    _repository: Repository, agent: Source, heads: Mapping[str, str], _present: Mapping[str, str]
) -> _Chosen:
    """The agent's own branch has the same name on both sides."""
    return ({agent.branch: f"refs/heads/{agent.branch}"} if agent.branch in heads else {}), []


def _further_targets(
    repository: Repository, agent: Source, heads: Mapping[str, str], present: Mapping[str, str]
) -> _Chosen:
    """Name inside → full ref in the hub. agent/<name> and agent/<name>/x cannot both be refs,
    so further branches go below polis/<name>/. One that holds nothing new is left out."""
    place = f"refs/heads/polis/{agent.name}/"
    others = [name for name in sorted(heads) if name != agent.branch]
    fresh = _tips_of_nobody(repository, [heads[n] for n in others if place + n not in present])
    found = {name: place + name for name in others if place + name in present}
    more = [name for name in others if name not in found and heads[name] in fresh]
    room = max(0, _MOST_BRANCHES - len(found))
    found |= {name: place + name for name in more[:room]}
    if len(more) <= room:
        return found, []
    reason = f"{len(more) - room} branches: more than {_MOST_BRANCHES} beside its own stay inside"
    return found, [Refusal(f"{place}*", reason)]


def _tips_of_nobody(repository: Repository, tips: Iterable[str]) -> frozenset[str]:
    """Those of the commits that no branch or tag of the hub holds."""
    asked = "".join(f"{tip}\n" for tip in tips).encode()
    if not asked:
        return frozenset()
    out = repository.git.run(
        "rev-list", "--stdin", "--not", "--branches", "--remotes", "--tags", given=asked
    )
    return frozenset(out.decode().split())


def _move_branch(
    repository: Repository,
    agent: Source,
    target: str,
    old: str,
    new: str,
    holders: Mapping[str, Path],
) -> list[Update | Refusal]:
    if old == new:
        return []
    holder = holders.get(target, agent.tree)
    if holder != agent.tree:
        return [Refusal(printable(target), f"it is checked out in {holder}")]
    kept = ""
    if old and not contains(repository, new, old):
        kept = f"{PREFIX}keep/{agent.name}/old/{old}"
    try:
        if kept:
            write_refs(repository, [(kept, old)], "polis: rewritten by the agent")
        _set_branch(repository, target, old, new, f"polis: import from {agent.name}")
    except GitFault as fault:
        return [Refusal(printable(target), printable(fault.message))]
    return [Update(target, old, new, kept)]


def _set_branch(repository: Repository, ref: str, old: str, new: str, why: str) -> None:
    """Compare and set: a ref that the user moved in between stays."""
    command = b"update %b\0%b\0%b\0" % (
        os.fsencode(ref),
        new.encode(),
        (old or "0" * len(new)).encode(),
    )
    repository.git.run(
        "update-ref", "--no-deref", "--create-reflog", "-m", why, "-z", "--stdin", given=command
    )


def _head_outside(
    reading: RefsRead, heads: Mapping[str, str], detached: str | None, targets: Mapping[str, str]
) -> tuple[str, str]:
    """(commit, full branch name in the hub or "" for a detached HEAD); commit "" when HEAD
    inside is on no commit that was fetched."""
    name = reading.head.removeprefix("refs/heads/")
    if name in heads:
        return heads[name], targets.get(name, "")
    if reading.head and not reading.head.startswith("refs/"):
        return detached or "", ""
    return "", ""


def _follow(
    repository: Repository, agent: Source, head: str, commit: str, holders: Mapping[str, Path]
) -> str:
    """What the linked worktree is on afterwards, "" when it did not have to move."""
    entry = find_entry(repository, agent.tree)
    if entry is None:
        raise GitFault(f"{agent.tree} is no worktree any more")
    status, out, _ = repository.git.try_run("rev-parse", "--verify", "-q", head or commit)
    if status or out.decode().strip() != commit or holders.get(head, agent.tree) != agent.tree:
        head = ""  # its branch could not move, or the user has it: show the commit alone
    git = git_of(repository, entry, agent.tree)
    follow(git, head, commit)
    return head or commit


def printable(text: str) -> str:
    # The agent chose some of these bytes, and a terminal may read them.
    return text.encode("ascii", "backslashreplace").decode()[:300].translate(_CONTROLS)


_CONTROLS = dict.fromkeys((*range(32), 127), "?")

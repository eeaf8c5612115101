"""Carrying an agent's commits into the hub (design §8).

`git upload-pack` runs inside the walls, on the agent's git directory; outside, git reads the
stream it sends, checks every object (transfer.fsckObjects) and that nothing is missing, and only
then do refs of the hub move. An agent that sends nonsense gets a refusal.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from cash.faults import Fault
from cash.hub.adoption import hold_hub, write_whole
from cash.hub.git import Git, GitFault
from cash.hub.reading import RefsRead, read_refs
from cash.hub.refs import PREFIX, list_refs, write_refs
from cash.hub.repository import Repository
from cash.hub.worktree import checked_out, find_entry, follow, git_of

# An agent that never ends its stream keeps only its own import waiting.
SECONDS = 120.0
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


def refs_fingerprint(agent: Source) -> str:
    """Changes whenever the agent's refs do. Reads files as bytes, starts no process."""
    return read_refs(agent.git_directory).fingerprint


def import_commits(
    repository: Repository,
    agent: Source,
    upload_pack: Sequence[str] | tuple[int, int],
    *,
    seconds: float = SECONDS,
) -> ImportReport:
    """Fetches the agent's branches and moves the hub's: its own branch under its own name,
    others as polis/<agent>/<name>; then the linked worktree's HEAD and index.

    upload_pack: the command that runs `git-upload-pack` inside, to which the git directory is
    added; or two descriptors of one that runs already: what it says, what it is told. Never
    raises for what an agent did: what could not be done is in the report."""
    started = time.monotonic()
    reading = read_refs(agent.git_directory)
    refused: list[Refusal] = []
    try:
        refused += _fetch(repository, agent, reading, upload_pack, seconds)
        with hold_hub(agent.folder.parent.parent):
            report = _move(repository, agent, reading)
    except Fault as fault:
        refused.append(Refusal("*", fault.message))
        report = ImportReport()
    refused += report.refused
    if not refused:
        write_whole(agent.imported, reading.fingerprint.encode())
    took = time.monotonic() - started
    return replace(report, refused=tuple(refused), seconds=took)


def _command(upload_pack: Sequence[str] | tuple[int, int]) -> tuple[list[str], list[int]]:
    """The command git starts, and the descriptors it needs. A running upload-pack is reached
    through a relay: bash, because a plain sh takes no descriptor above 9 in a redirection."""
    words = [word for word in upload_pack if isinstance(word, str)]
    pipes = [pipe for pipe in upload_pack if isinstance(pipe, int)]
    if not pipes:
        return words, []
    said, told = pipes
    script = f"cat <&{said} {told}>&- & exec cat >&{told} {said}<&-"
    return ["bash", "-c", script, "relay"], pipes


def _fetch(
    repository: Repository,
    agent: Source,
    reading: RefsRead,
    upload_pack: Sequence[str] | tuple[int, int],
    seconds: float,
) -> list[Refusal]:
    """Brings the objects and refs/polis/import/<agent>/…; what was left out."""
    command, descriptors = _command(upload_pack)
    place = f"{PREFIX}import/{agent.name}"
    refspecs = [f"+refs/heads/*:{place}/heads/*"]
    if reading.head and not reading.head.startswith("refs/"):
        refspecs.append(f"+HEAD:{place}/HEAD")
    status, _, err = _strict(repository.git).try_run(
        "fetch",
        "--quiet",
        "--no-tags",
        "--prune",
        "--no-write-fetch-head",
        "--no-recurse-submodules",
        "--no-auto-maintenance",
        f"--upload-pack={shlex.join(command)}",
        agent.git_directory,
        *refspecs,
        descriptors=descriptors,
        seconds=seconds,
    )
    if status == 0:
        return []
    return [Refusal("*", reason) for reason in _reasons(err)]


def _strict(git: Git) -> Git:
    return replace(
        git,
        settings=(
            "transfer.fsckObjects=true",
            "fetch.fsckObjects=true",
            "fetch.writeCommitGraph=false",
            "fetch.showForcedUpdates=false",
            # A path is the only thing fetched here, whatever url.*.insteadOf makes of it.
            "protocol.allow=never",
            "protocol.file.allow=always",
        ),
    )


def _reasons(err: str) -> list[str]:
    lines = [line.strip() for line in err.splitlines()]
    told = [line for line in lines if line.startswith(("fatal:", "error:"))]
    plain = [line.partition(": ")[2] for line in told] or ["git fetch gave no reason"]
    return [_printable(line) for line in dict.fromkeys(plain)][:5]


def _printable(text: str) -> str:
    # The agent chose some of these bytes, and a terminal may read them.
    return text.encode("ascii", "backslashreplace").decode()[:300].translate(_CONTROLS)


_CONTROLS = dict.fromkeys((*range(32), 127), "?")


def _move(repository: Repository, agent: Source, reading: RefsRead) -> ImportReport:
    """The hub is held. Moves branches, then HEAD and index of the linked worktree."""
    place = f"{PREFIX}import/{agent.name}/"
    fetched = {ref.name.removeprefix(place): ref.object for ref in list_refs(repository, place)}
    heads = {
        name.removeprefix("heads/"): value
        for name, value in fetched.items()
        if name.startswith("heads/")
    }
    updated: list[Update] = []
    refused: list[Refusal] = []
    targets = _targets(repository, agent, heads, refused)
    holders = checked_out(repository)
    for name, target in targets.items():
        match _move_branch(repository, agent, target, heads[name], holders.get(target)):
            case Update() as update:
                updated.append(update)
            case Refusal() as refusal:
                refused.append(refusal)
            case None:
                pass
    commit, head = _head_outside(reading, heads, fetched.get("HEAD"), targets)
    try:
        moved = _follow(repository, agent, head, commit, holders) if commit else ""
    except GitFault as fault:
        moved = ""
        refused.append(Refusal("HEAD", fault.message))
    return ImportReport(tuple(updated), tuple(refused), head=moved)


def _targets(
    repository: Repository, agent: Source, heads: Mapping[str, str], refused: list[Refusal]
) -> dict[str, str]:
    """Name inside → full ref in the hub. agent/<name> and agent/<name>/x cannot both be refs,
    so further branches go below polis/<name>/. One that holds nothing new is left out."""
    chosen: dict[str, str] = {}
    for name in sorted(heads, key=lambda name: (name != agent.branch, name)):
        target = f"refs/heads/polis/{agent.name}/{name}"
        if name == agent.branch:
            target = f"refs/heads/{name}"
        elif len(chosen) > _MOST_BRANCHES:
            refused.append(Refusal(target, f"more than {_MOST_BRANCHES} further branches"))
            break
        elif not _is_new(repository, target, heads[name]):
            continue
        chosen[name] = target
    return chosen


def _is_new(repository: Repository, target: str, tip: str) -> bool:
    """Whether the hub has this branch already, or its tip in none of its branches."""
    if repository.git.try_run("rev-parse", "--verify", "-q", target)[0] == 0:
        return True
    out = repository.git.run("rev-list", "-n1", tip, "--not", "--branches", "--remotes", "--tags")
    return bool(out.strip())


def _move_branch(
    repository: Repository, agent: Source, target: str, new: str, holder: Path | None
) -> Update | Refusal | None:
    status, out, _ = repository.git.try_run("rev-parse", "--verify", "-q", target)
    old = out.decode().strip() if status == 0 else ""
    if old == new:
        return None
    if holder is not None and holder != agent.tree:
        return Refusal(_printable(target), f"it is checked out in {holder}")
    kept = ""
    if old and repository.git.try_run("merge-base", "--is-ancestor", old, new)[0]:
        kept = f"{PREFIX}keep/{agent.name}/old/{old}"
    try:
        if kept:
            write_refs(repository, [(kept, old)], "polis: rewritten by the agent")
        _set_branch(repository, target, old, new, f"polis: import from {agent.name}")
    except GitFault as fault:
        return Refusal(_printable(target), _printable(fault.message))
    return Update(target, old, new, kept)


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

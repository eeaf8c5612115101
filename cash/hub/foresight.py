"""Which agents' work conflicts with which, and in what order it is best merged.

Each pair is merged in the object store by `git merge-tree`, all in one process: 0.3 ms a pair,
where a process each took 8, and libgit2 4 (and it misses folders that were renamed). Only pairs
are tried, so three that conflict only together are not foreseen.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from cash.faults import MachineFault
from cash.hub.adoption import as_fault
from cash.hub.changes import contains
from cash.hub.git import Git
from cash.hub.order import order_merges
from cash.hub.quick_reads import Touched, read_touched_quickly
from cash.hub.repository import Repository
from cash.hub.squashed import find_squashed, list_squashes
from cash.hub.targets import Target

_MOST_TRIED = 1000
# Bytes of addresses. A file of lines alone takes git eighty times its size to merge, and agents
# choose what is merged here; of packs it maps no more than it needs.
_MOST_MEMORY = 4 << 30
_SMALL = ("core.packedGitWindowSize=32m", "core.packedGitLimit=512m")
# One that has touched more than this many commits' worth is compared with everybody.
_MOST_COMMITS = 500


@dataclass(frozen=True, slots=True)
class Work:
    """All that an agent has, as one commit in the hub: what is not committed is on top."""

    agent: str
    commit: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two whose work does not merge. agents: one, where it does not merge into the user's branch.
    files: (path, git's word for the kind), each once, in order."""

    agents: tuple[str, ...]
    files: tuple[tuple[str, str], ...]

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        files = [{"path": path, "kind": kind} for path, kind in self.files]
        return {"agents": list(self.agents), "files": files}


@dataclass(frozen=True, slots=True)
class Foresight:
    """order: all with work of their own, as they are best merged. conflicting: those of them whose
    merge is expected to conflict then."""

    meetings: tuple[Meeting, ...]
    order: tuple[str, ...]
    conflicting: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "conflicts": [meeting.describe() for meeting in self.meetings],
            "order": list(self.order),
            "conflicting": list(self.conflicting),
        }

    def paths_of(self, agent: str) -> frozenset[str]:
        """The files in which its work conflicts with somebody's."""
        met = [meeting for meeting in self.meetings if agent in meeting.agents]
        return frozenset(path for meeting in met for path, _ in meeting.files)


def foresee(repository: Repository, target: Target, works: Sequence[Work]) -> Foresight:
    """What would come of merging them all into the target. Work that is in it already is left
    out. GitFault; MachineFault where git is too old."""
    squashes = list_squashes(repository)
    left = [
        work
        for work in works
        if not contains(repository, target.tip, work.commit)
        and work.commit
        != find_squashed(repository, squashes.get(work.agent, ()), target.tip, work.commit)
    ]
    pairs = [(target.tip, work.commit) for work in left]
    names: list[tuple[str, ...]] = [(work.agent,) for work in left]
    for one, other in _candidates(repository, target, left):
        pairs.append((one.commit, other.commit))
        names.append((one.agent, other.agent))
    found = merge_pairs(repository, target, pairs)
    meetings = tuple(
        Meeting(agents, files) for agents, files in zip(names, found, strict=True) if files
    )
    weights = {meeting.agents: len(meeting.files) for meeting in meetings}
    order, conflicting = order_merges([work.agent for work in left], weights)
    return Foresight(meetings, order, conflicting)


def _candidates(
    repository: Repository, target: Target, works: Sequence[Work]
) -> list[tuple[Work, Work]]:
    """The pairs that have to be tried: all, unless that takes longer than to look which can meet
    at all (a look at the commits of one costs as much as dozens of pairs)."""
    pairs = list(combinations(works, 2))
    if len(pairs) <= _MOST_TRIED:
        return pairs
    touched = {
        work: read_touched_quickly(repository, work.commit, target.tip, _MOST_COMMITS)
        for work in works
    }
    return [(one, other) for one, other in pairs if may_meet(touched[one], touched[other])]


def may_meet(one: Touched | None, other: Touched | None) -> bool:
    """Whether a conflict is possible: both have touched a path, one a folder in whose place the
    other has a file, or one may have renamed a folder into which the other puts something."""
    if one is None or other is None or one.commit == other.commit:
        return one is None or other is None
    if (one.removes and other.adds) or (other.removes and one.adds):
        return True
    return not one.paths.isdisjoint(other.above) or not other.paths.isdisjoint(one.above)


def merge_pairs(
    repository: Repository, target: Target, pairs: Sequence[tuple[str, str]]
) -> list[tuple[tuple[str, str], ...]]:
    """For each pair of commits the files that conflict, with git's word for how. Two without any
    common history conflict as wholes: ("", "unrelated")."""
    with _throwing_away(repository) as kept_apart:
        settings = (*kept_apart.settings, *_SMALL, *_without_drivers(repository))
        tree = target.tree or repository.root
        git = replace(kept_apart, work_tree=tree, settings=settings, memory=_MOST_MEMORY)
        return list(_merge_all(git, pairs)) if pairs else []


def _without_drivers(repository: Repository) -> tuple[str, ...]:
    """Settings by which git merges with what it has itself: nobody has said that a program of the
    user's may run on what agents wrote (a driver that calls a package manager runs what a package
    says). What such a driver is for is taken for a conflict."""
    pattern = r"^merge\..*\.driver$"
    listed = repository.git.run("config", "-z", "--name-only", "--get-regexp", pattern, fine=(0, 1))
    names = (os.fsdecode(name) for name in listed.split(b"\0")[:-1])
    return ("merge.renormalize=false", *(f"{name}=false" for name in names))


@contextlib.contextmanager
def _throwing_away(repository: Repository) -> Iterator[Git]:
    """git that puts what it makes into a folder of its own, which goes: else each look would leave
    the trees of all merges, and files with conflicts as large as agents like, in the user's
    repository. The folder is called as receive-pack calls its own: git's prune takes one that a
    kill left."""
    objects = repository.objects
    with as_fault("merges cannot be foreseen"):
        folder = tempfile.mkdtemp(prefix="tmp_objdir-polis-", dir=objects)
    try:
        if repository.owner.foreign:
            os.chown(folder, repository.owner.uid, repository.owner.gid)
        escaped = str(objects).replace("\\", "\\\\").replace('"', '\\"')
        places = {
            "GIT_OBJECT_DIRECTORY": folder,
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{escaped}"',
        }
        yield replace(repository.git, extra={**repository.git.extra, **places})
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _merge_all(git: Git, pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], ...]]:
    """One pair is none of the others' business: an agent can make commits on which git dies, and
    what it had to say of others by then dies with it."""
    left = [pairs]
    while left:
        some = left.pop()
        found, why = _merge_some(git, some)
        yield from found
        rest = some[len(found) :]
        if rest and len(some) == 1:
            yield (("", why),)
        elif rest:
            first = 1 if found else len(rest) // 2
            left += [part for part in (rest[first:], rest[:first]) if part]


def _merge_some(
    git: Git, pairs: Sequence[tuple[str, str]]
) -> tuple[list[tuple[tuple[str, str], ...]], str]:
    """What came of the first of them, and why it ended there."""
    given = "".join(f"{one} {other}\n" for one, other in pairs).encode()
    words = ("merge-tree", "--write-tree", "--stdin", "--messages")
    status, out, err = git.try_run(*words, given=given, cwd=git.work_tree)
    if status == 129:
        raise MachineFault("this git cannot foresee merges", hint="install git 2.39 or newer")
    found = list(_read_merges(out))[: len(pairs)]
    return found, "unrelated" if "unrelated" in err else "cannot be merged"


def _read_merges(out: bytes) -> Iterator[tuple[tuple[str, str], ...]]:
    """What `merge-tree --stdin` says of each merge: whether it is clean, the tree, the files that
    are not up to an empty field, then messages (how many paths, these, the kind, the sentence) up
    to another."""
    *whole, _ = os.fsdecode(out).split("\0") if out else [""]
    fields = iter(whole)
    while (found := _read_merge(fields)) is not None:
        yield found


def _read_merge(fields: Iterator[str]) -> tuple[tuple[str, str], ...] | None:
    """The next; None where there is none, or a git that died has said only a part of it."""
    found: dict[tuple[str, str], None] = {}
    try:
        next(fields), next(fields)
        while next(fields):
            pass
        while count := next(fields):
            paths = [next(fields) for _ in range(int(count))]
            word, _ = next(fields), next(fields)
            if word.startswith("CONFLICT"):
                found[paths[0], word.removeprefix("CONFLICT (").removesuffix(")")] = None
    except (StopIteration, RuntimeError, ValueError):
        return None
    return tuple(sorted(found))

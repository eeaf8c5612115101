"""What an agent has done, whole: its commits and all that it has not committed, as one commit.

The snapshot is made inside the walls, by git on the agent's own git directory with an index of
its own: outside, a path that turns into a symlink in the wrong moment would let git read a file
of the user's into objects that every agent can borrow.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from cash.daemon.errand import Told, run_errand
from cash.daemon.own_git import NEUTRAL
from cash.faults import Fault
from cash.hub.arrival import printable
from cash.hub.git import GitFault
from cash.hub.quick_reads import has_quickly
from cash.hub.worktree import find_entry
from cash.workspace.agent import Agent, AgentFault

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

_OBJECT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# Of the paths that git cannot take, in bytes: the agent may name any number of them.
_MOST_LEFT: Final = 1 << 20
# Nothing asks.
_GIT: Final = (
    NEUTRAL
    + """
git() {
    command git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.untrackedCache=false \\
        -c core.splitIndex=false -c gc.auto=0 -c maintenance.auto=false -c commit.gpgSign=false "$@"
}
# Everything that is not ignored, but for other repositories inside: git would take their commit,
# not their files. One by one, as a file that cannot be read must not keep the others out. What git
# has not taken is in $list.left. Nothing is written through a link that stands in place of a list.
set -C
differing() { git ls-files -z --modified --deleted --others --exclude-standard; }
stage() {
    differing >"$list.all"
    if [ ! -s "$list.all" ]; then return; fi
    grep -z '/$' "$list.all" >"$list.left"
    grep -zv '/$' "$list.all" >"$list" || return
    GIT_LITERAL_PATHSPECS=1 git -c advice.addEmbeddedRepo=false add -A --ignore-errors \\
        --pathspec-from-file="$list" --pathspec-file-nul 2>/dev/null && return
    rm -f "$list.left"
    differing >"$list.left"
}
directory=$1
list=$directory/polis-$2
trap 'rm -f "$list" "$list.all" "$list.left" "$list.index" "$list.index.lock"' EXIT
# Not `log`, which would start the gpg of the agent's choice where it has asked for signatures.
found=$(git rev-list -1 --format='%T %ct' HEAD -- 2>/dev/null) || {
    echo "HEAD is on no commit" >&2
    exit 4
}
"""
)
# $1: git directory, $2: a name of its own. Says HEAD and the snapshot, then what git cannot take.
# Its date is HEAD's, so that one tree gives one commit. Each program that is started costs as much
# as looking at a thousand files.
_SNAPSHOT: Final = f"""{_GIT}
{{ read -r _ head; read -r was date; }} <<FOUND
$found
FOUND
export GIT_INDEX_FILE="$list.index"
if [ -f "$directory/index" ]; then cp -p --remove-destination "$directory/index" "$GIT_INDEX_FILE"
else git read-tree "$head"; fi
stage
tree=$(git write-tree) || exit 5
commit=$head
if [ "$tree" != "$was" ]; then
    export GIT_AUTHOR_NAME=polis GIT_AUTHOR_EMAIL=polis@localhost GIT_AUTHOR_DATE="$date +0000"
    export GIT_COMMITTER_NAME=polis GIT_COMMITTER_EMAIL=polis@localhost
    export GIT_COMMITTER_DATE="$GIT_AUTHOR_DATE"
    commit=$(git commit-tree -p "$head" -m "Not committed yet" "$tree") || exit 5
fi
printf '%s %s\\n' "$head" "$commit"
if [ -s "$list.left" ]; then cat "$list.left"; fi
"""
# $3: the message.
_COMMIT: Final = f"""{_GIT}
if [ -n "$(git ls-files --unmerged)" ]; then
    echo "there are conflicts to resolve first" >&2
    exit 3
fi
stage
git commit -q --no-verify -m "$3"
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """head: the commit the agent is on, in the hub now. branch: the hub's branch for it, "" when
    it is on none. work: a commit with everything in the tree on top of head; head itself when
    nothing is uncommitted. left_out: what git cannot take (unreadable files, repositories inside).
    """

    head: str
    branch: str
    work: str
    left_out: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "left_out": list(self.left_out)}


async def take_work(hosted: Hosted, agent: Agent) -> Taken:
    """Carries commits over, then what is not committed. The agent may be working. Raises Fault:
    its git does not answer, or what it has cannot be carried over."""
    await hosted.enter(agent)
    await hosted.importing.import_changes(agent)
    told = await run_errand(hosted, agent, _SNAPSHOT, _place(agent, "snapshot"))
    taken = await asyncio.to_thread(_read_snapshot, agent, told)
    if taken.work != taken.head and not await asyncio.to_thread(is_here, hosted, taken.work):
        await hosted.importing.fetch_commit(agent, taken.work)
    branch, tip = await asyncio.to_thread(_outside, hosted, agent)
    if tip != taken.head:
        raise Fault(
            f"{agent.name} is on {taken.head[:12]}, which could not be carried over",
            hint="polis log says why",
        )
    return replace(taken, branch=branch)


async def commit_work(hosted: Hosted, agent: Agent, message: str) -> Taken:
    """Commits everything in the agent's tree, inside, in its own name; hooks do not run. Raises
    AgentFault where it is in the middle of a merge with conflicts."""
    told = await run_errand(hosted, agent, _COMMIT, [*_place(agent, "commit"), message])
    if told.status:
        raise AgentFault(
            "AGENT_BUSY",
            f"the work of {agent.name} cannot be committed: {printable(told.err)}",
            hint=f"polis shell {agent.name}, and git status there",
        )
    return await take_work(hosted, agent)


def is_here(hosted: Hosted, commit: str) -> bool:
    """Whether a snapshot was carried over before: one tree gives one commit."""
    found = has_quickly(hosted.repository, commit)
    if found is None:
        found = hosted.repository.git.try_run("cat-file", "-e", f"{commit}^{{commit}}")[0] == 0
    return found


def _place(agent: Agent, name: str) -> list[str]:
    return [str(agent.git_directory), f"{name}-{uuid.uuid4().hex[:12]}"]


def _read_snapshot(agent: Agent, told: Told) -> Taken:
    line, _, rest = told.out.partition(b"\n")
    head, _, work = line.decode("ascii", "replace").partition(" ")
    if told.status or not (_OBJECT.fullmatch(head) and _OBJECT.fullmatch(work)):
        raise Fault(
            f"the tree of {agent.name} cannot be read: {printable(told.err) or 'no reason given'}",
            hint=f"polis exec {agent.name} -- git status says more",
        )
    if len(rest) > _MOST_LEFT:
        raise Fault(
            f"the tree of {agent.name} has too much that git cannot take",
            hint="repositories inside, or files that cannot be read: move them away",
        )
    left = tuple(sorted({printable(_text(path)) for path in rest.split(b"\0") if path}))
    return Taken(head, "", work, left)


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


def _outside(hosted: Hosted, agent: Agent) -> tuple[str, str]:
    """The linked worktree's branch ("" when detached) and commit, after an import."""
    entry = find_entry(hosted.repository, agent.tree)
    if entry is None:
        raise GitFault(f"{agent.tree} is no worktree any more")
    git = replace(hosted.repository.git, directory=entry)
    _, name, _ = git.try_run("symbolic-ref", "-q", "HEAD")
    _, tip, _ = git.try_run("rev-parse", "--verify", "-q", "HEAD^{commit}")
    branch = name.decode(errors="surrogateescape").strip().removeprefix("refs/heads/")
    return branch, tip.decode().strip()

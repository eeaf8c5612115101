"""Throwing an agent's work away: kept first, then taken back by git inside the walls, so that the
agent's own index and refs say the same as its files."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cash.daemon.errand import run_errand
from cash.daemon.own_git import NEUTRAL
from cash.daemon.taking import Taken, take_work
from cash.faults import Fault
from cash.hub.arrival import printable
from cash.hub.changes import Change, list_changes
from cash.hub.levels import writing
from cash.hub.mutex import hold_hub
from cash.hub.refs import PREFIX, write_refs
from cash.hub.saving import find_saved, save_commits
from cash.workspace.agent import Agent, AgentFault

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

_GIT: Final = (
    "git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c gc.auto=0 -c maintenance.auto=false"
)
# $1: the commit. Ignored files stay, and so do repositories inside.
_WHOLE: Final = f'{NEUTRAL}{_GIT} reset -q --hard "$1" && {_GIT} clean -fdq'
# $1: the commit. Standard input: paths it has, a line `.`, paths it has not; each ends in NUL.
_PATHS: Final = f"""{NEUTRAL}
list=$(mktemp) && trap 'rm -f "$list" "$list.has" "$list.new"' EXIT
cat >"$list"
sed -z '/^\\.$/,$d' "$list" >"$list.has"
sed -z '0,/^\\.$/d' "$list" >"$list.new"
export GIT_LITERAL_PATHSPECS=1
if [ -s "$list.new" ]; then
    {_GIT} rm -q -f --cached --ignore-unmatch --pathspec-from-file="$list.new" \\
        --pathspec-file-nul || exit 5
    xargs -0 rm -f -- <"$list.new" || exit 5
fi
if [ -s "$list.has" ]; then
    {_GIT} restore --source="$1" --staged --worktree --pathspec-from-file="$list.has" \\
        --pathspec-file-nul || exit 5
fi
"""
# $1: the snapshot. $2: the commit to be on again, "" for the one it is on. Standard input: as
# above. The index stays as it is: what was new is new again.
_RESTORE: Final = f"""{NEUTRAL}
list=$(mktemp) && trap 'rm -f "$list" "$list.has" "$list.new"' EXIT
cat >"$list"
sed -z '/^\\.$/,$d' "$list" >"$list.has"
sed -z '0,/^\\.$/d' "$list" >"$list.new"
export GIT_LITERAL_PATHSPECS=1
[ -z "$2" ] || {_GIT} merge -q --ff-only "$2" || exit 5
[ ! -s "$list.new" ] || xargs -0 rm -f -- <"$list.new" || exit 5
if [ -s "$list.has" ]; then
    {_GIT} restore --source="$1" --worktree --pathspec-from-file="$list.has" \\
        --pathspec-file-nul || exit 5
fi
"""


@dataclass(frozen=True, slots=True)
class Discarding:
    """What is to go. seen: the snapshot that was shown to who decided. to: the commit to go back
    to. paths: just these, as list_changes names them; none for all."""

    seen: str
    to: str
    paths: Sequence[str]


async def discard_work(
    hosted: Hosted, agent: Agent, wanted: Discarding, *, force: bool
) -> dict[str, Any]:
    """Keeps the agent's tree below refs/polis/discarded/, then takes it back. Raises AgentFault
    when the agent works (unless force), or its tree is another one than was shown."""
    _refuse_running(hosted, agent, force=force)
    taken = await take_work(hosted, agent)
    if taken.work != wanted.seen:
        raise AgentFault(
            "AGENT_BUSY", f"the tree of {agent.name} has changed meanwhile", hint="look again"
        )
    _refuse_unkept(agent, taken)
    saved = await asyncio.to_thread(_save, hosted, agent, taken)
    between = (wanted.to, wanted.seen, wanted.paths)
    listed = _split(await asyncio.to_thread(list_changes, hosted.repository, *between))
    script = _PATHS if wanted.paths else _WHOLE
    told = await run_errand(hosted, agent, script, [wanted.to], _given(*listed))
    if told.status:
        raise Fault(
            f"not all of it could be taken back: {printable(told.err)}",
            hint=f"what was there is kept as {saved}",
        )
    after = await take_work(hosted, agent)
    await asyncio.to_thread(_keep_after, hosted, saved, after)
    paths = sorted({*listed[0], *listed[1]})
    return {"saved": saved, "head": taken.head, "work": taken.work, "paths": paths}


async def restore_work(hosted: Hosted, agent: Agent, number: str, *, force: bool) -> dict[str, Any]:
    """Brings back what was discarded as `number` ("" for the last time), and keeps the tree as it
    was until then, as if that were discarded. Raises AgentFault where there is nothing, or the
    agent has gone on from elsewhere."""
    _refuse_running(hosted, agent, force=force)
    found = await asyncio.to_thread(_find, hosted, agent, number)
    taken = await take_work(hosted, agent)
    _refuse_unkept(agent, taken)
    moves = taken.head != found["head"]
    listed = await asyncio.to_thread(_differing, hosted, found, taken, moves=moves)
    saved = await asyncio.to_thread(_save, hosted, agent, taken)
    head = found["head"] if moves else ""
    told = await run_errand(hosted, agent, _RESTORE, [found["work"], head], _given(*listed))
    if told.status:
        raise AgentFault(
            "AGENT_BUSY",
            f"not all of it could be brought back: {printable(told.err)}",
            hint=f"it is all in {found['place']}work; polis agents diff {agent.name}",
        )
    await hosted.importing.import_changes(agent)
    paths = sorted({*listed[0], *listed[1]})
    return {"restored": f"{found['place']}work", "saved": saved, "paths": paths}


def _owner(agent: Agent) -> str:
    """A later agent of the same name has nothing to bring back."""
    return f"{agent.name}-{agent.incarnation}"


def _find(hosted: Hosted, agent: Agent, number: str) -> dict[str, str]:
    """The commits kept then, by their names, and the place of their refs."""
    refs = find_saved(hosted.repository, _owner(agent), "discarded")
    chosen = refs.get(number) if number else refs[max(refs, key=int)] if refs else None
    if chosen is None:
        which = f" {number}" if number else ""
        raise AgentFault(
            "NOTHING_DISCARDED",
            f"nothing of {agent.name} was discarded{f' as{which}' if which else ''}",
            hint=f"kept: {', '.join(refs)}" if refs else f"polis agents diff {agent.name}",
        )
    return dict(chosen)


def _differing(
    hosted: Hosted, found: dict[str, str], taken: Taken, *, moves: bool
) -> tuple[list[str], list[str]]:
    """Paths that the snapshot has otherwise, and those it has not. Where the branch moves back,
    it brings the rest."""
    since = found["head"] if moves else found.get("after", taken.work)
    return _split(list_changes(hosted.repository, found["work"], since))


def _refuse_running(hosted: Hosted, agent: Agent, *, force: bool) -> None:
    if hosted.is_running(agent) and not force:
        raise AgentFault(
            "AGENT_BUSY",
            f"{agent.name} is running",
            hint=f"polis agents stop {agent.name}, or --force",
        )


def _refuse_unkept(agent: Agent, taken: Taken) -> None:
    """Another repository inside stays where it is; a file that cannot be read would be lost."""
    lost = [path for path in taken.left_out if not path.endswith("/")]
    if lost:
        raise Fault(
            f"{lost[0]} in the tree of {agent.name} cannot be read, so it cannot be kept",
            hint=f"polis exec {agent.name} -- chmod u+r {lost[0]}, or move it away",
        )


def _save(hosted: Hosted, agent: Agent, taken: Taken) -> str:
    need = writing(f"{PREFIX}discarded/{_owner(agent)}")
    with hold_hub(hosted.repository, need, "discard", who=agent.name) as held:
        kept = {"work": taken.work, "head": taken.head}
        saved = save_commits(held, _owner(agent), "discarded", kept)
    return saved[0]


def _keep_after(hosted: Hosted, saved: str, taken: Taken) -> None:
    place = saved.removesuffix("work")
    with hold_hub(hosted.repository, writing(place), "discard") as held:
        write_refs(held, [(f"{place}after", taken.work)], "polis: after a discard")


def _split(changes: Iterable[Change]) -> tuple[list[str], list[str]]:
    """Of changes from a commit to another: the paths the first has, and those it has not."""
    changes = tuple(changes)
    has = [change.before or change.path for change in changes if change.kind != "added"]
    new = [change.path for change in changes if change.kind in ("added", "renamed")]
    return has, new


def _given(has: Iterable[str], new: Iterable[str]) -> bytes:
    """The scripts' standard input."""
    return "".join(f"{path}\0" for path in (*has, ".", *new)).encode("utf-8", "surrogateescape")

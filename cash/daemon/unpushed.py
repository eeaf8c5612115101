"""What of an agent's submodules is nowhere else: asked of their own git, inside, before the agent
goes. Each is a repository below the agent's git directory, which no import carries over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cash.daemon.errand import run_errand
from cash.daemon.own_git import NEUTRAL
from cash.faults import Fault
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Says the path of each that has a commit which no remote's branch holds, a stash, or files that are
# not committed. One that git cannot look into is said as well.
_LIST: Final = f"""{NEUTRAL}
unset GIT_DIR GIT_WORK_TREE
git -c core.quotePath=false ls-files --stage | while IFS=' ' read -r mode object rest; do
    path=${{rest#*	}}
    [ "$mode" = 160000 ] && [ -e "$path/.git" ] || continue
    found=$(git -C "$path" for-each-ref refs/stash && git -C "$path" status --porcelain) &&
        found=$found$(git -C "$path" rev-list -n 1 HEAD --branches --not --remotes) || found=trouble
    [ -z "$found" ] || printf '%s\\0' "$path"
done
"""


async def find_unpushed(hosted: Hosted, agent: Agent) -> tuple[str, ...]:
    """The paths of its submodules that hold work which is nowhere else; the walls are raised where
    it has any. Raises Fault: nobody knows."""
    if not (agent.git_directory / "modules").is_dir():
        return ()
    told = await run_errand(hosted, agent, _LIST, [])
    if told.status:
        raise Fault(f"the submodules of {agent.name} cannot be looked into: {told.err}")
    return tuple(path.decode("utf-8", "backslashreplace") for path in told.out.split(b"\0")[:-1])

"""An agent's own git directory is kept in order, as the hub is. git inside does not ask for that
after each commit: it is a program more for each, judged and journaled, which seldom does anything.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from cash.daemon.errand import run_errand
from cash.daemon.own_git import NEUTRAL
from cash.faults import Fault
from cash.hub.maintenance import TASKS, is_crowded
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# One by one, as in one process the second does not see the pack that the first has made. None
# prunes: `gc` would ask a program of the agent's (gc.recentObjectsHook).
_TIDY: Final = f"""{NEUTRAL}
for task in {" ".join(TASKS)}; do
    git -c core.hooksPath=/dev/null -c core.fsmonitor=false \\
        maintenance run --quiet --task=$task || exit
done
"""


async def tidy(hosted: Hosted, agent: Agent) -> bool:
    """Puts together what lies loose, if there is much of it; whether there was. Only while the
    walls stand: where nothing runs, nothing comes. Fault."""
    if not hosted.is_inside(agent):
        return False
    if not await asyncio.to_thread(is_crowded, agent.git_directory):
        return False
    told = await run_errand(hosted, agent, _TIDY, [])
    if told.status:
        raise Fault(told.err or "git maintenance gave no reason")
    return True

"""Who does what: a hundred agents at a glance, beside what git takes for their worktrees."""

from __future__ import annotations

import time

from bench.home import Home
from bench.measure import Budget, Row, Turn, compare, program, ratio
from bench.sides import inside

_AGENTS = 100
# Of these the walls stand and a program runs inside, as on a busy day.
_AT_WORK = 10
_DAEMON_MS, _PROMPT_MS = 50, 150


def measure_list(home: Home, rounds: int) -> Row:
    """The list as polisd answers it, by its socket, and as a person gets it who types it."""
    names = home.agents(_AGENTS)
    for name in names[:_AT_WORK]:
        inside(home, "setsid sleep 3600 >/dev/null 2>&1 &", name)()
    home.stand_in_repository()
    subjects = {
        "polisd's answer": _asking(home),
        "polis agents list": program(["polis", "agents", "list"], home.environment),
        "git worktree list": program(["git", "worktree", "list"], home.environment),
    }
    figures = compare(subjects, rounds)
    for name in names[:_AT_WORK]:
        home.polis("agents", "stop", name)
    times = ratio(figures, "polis agents list", "git worktree list")
    return Row(
        name="list",
        title=f"A list of {_AGENTS} agents, {_AT_WORK} of them up",
        figures=figures,
        budgets=[
            Budget("polisd's answer", figures["polisd's answer"].median * 1000, _DAEMON_MS, "ms"),
            Budget(
                "polis agents list, typed",
                figures["polis agents list"].median * 1000,
                _PROMPT_MS,
                "ms",
            ),
        ],
        notes=[
            f"{times:.2g} × `git worktree list`, which says the paths and branches alone.",
            "polis adds what each agent does, what runs inside and what that takes.",
        ],
    )


def _asking(home: Home) -> Turn:
    from cash.daemon.client import call
    from cash.places import find_places

    places = find_places(home.environment)
    where = str(home.repository)

    def turn() -> float:
        began = time.perf_counter()
        answer = call(places, "agents.list", cwd=where)
        seconds = time.perf_counter() - began
        if len(answer["agents"]) < _AGENTS:
            raise RuntimeError(f"only {len(answer['agents'])} agents are listed")
        return seconds

    return turn

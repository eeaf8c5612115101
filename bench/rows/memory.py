"""What an agent costs in memory: its keeper, and all that stands for it."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from bench.home import Home
from bench.material import C_BUILD, MANY_TRUE, lay_out_c
from bench.measure import Budget, Row, summarise
from bench.sides import inside

_MOST = 20
_AGENTS = 10


def measure_memory(home: Home, rounds: int) -> Row:
    """Proportional set sizes: a page that several processes share is divided among them."""
    lay_out_c(home.tree)
    lines = [inside(home, line) for line in (MANY_TRUE, C_BUILD)]
    alice = []
    for _ in range(max(3, rounds // 12)):
        for line in lines:
            line()
            alice.append(_pss(_keeper_of(home, "alice")))
    names = home.agents(_AGENTS)
    for name in names:
        inside(home, MANY_TRUE, name)()
    keepers = {name: _keeper_of(home, name) for name in names}
    each = [sum(map(_pss, _family(keeper))) for keeper in keepers.values()]
    one = f"of {_AGENTS} agents that are up"
    figures = {
        "alice's keeper, after 300 × true or a C build": summarise(alice, "MB"),
        f"a keeper {one}": summarise([_pss(keeper) for keeper in keepers.values()], "MB"),
        f"all of one {one}": summarise(each, "MB"),
    }
    return Row(
        name="memory",
        title="The memory of an agent that is up",
        figures=figures,
        budgets=[
            Budget("alice's keeper, the most seen", max(alice), _MOST, "MB"),
            Budget(
                f"{_AGENTS} agents, keepers and all, per agent", sum(each) / len(each), _MOST, "MB"
            ),
        ],
        notes=["PSS, from smaps_rollup. All of one: its keeper and what that keeps for the walls."],
    )


def _keeper_of(home: Home, name: str) -> int:
    """The keeper whose walls show what is the agent's."""
    volume = f"/agents/{name}/volume "
    for zygote in _children(_polisd(home)):
        for keeper in _children(zygote):
            for inner in _children(keeper):
                if volume in Path(f"/proc/{inner}/mountinfo").read_text():
                    return keeper
    raise RuntimeError(f"no keeper of {name} is up")


def _polisd(home: Home) -> int:
    """Who listens on polisd's socket."""
    address = Path(home.environment["XDG_RUNTIME_DIR"]) / "polis/polisd.sock"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(os.fspath(address))
        told = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid: int = struct.unpack("3i", told)[0]
    return pid


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in _children(pid):
        yield from _family(child)


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name before it may hold anything, a bracket too.
            parent = path.read_text().rpartition(") ")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid:
            found.append(int(path.parent.name))
    return found


def _pss(pid: int) -> float:
    """Megabytes."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0

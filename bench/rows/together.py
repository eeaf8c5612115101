"""How many commits agents make when all of them commit at once, beside plain worktrees."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.home import Home
from bench.measure import Budget, Figures, Row, Turn, compare

_MANY = (10, 30)
# Commits of all together in a turn.
_COMMITS = 300
# Resident, so that no start is in the figure. A line: the number of commits.
_PROGRAM = """
import subprocess, sys
me = sys.argv[1]
for line in sys.stdin:
    for number in range(int(line)):
        with open(me, "a") as file:
            file.write("one more line\\n")
        subprocess.run(["git", "add", me], check=True)
        subprocess.run(["git", "commit", "-q", "-m", f"Write {number}"], check=True)
    print("done", flush=True)
"""


def measure_together(home: Home, rounds: int) -> Row:
    """Each writes a line to a file, adds and commits it, again and again: agents of one hub
    inside their walls, and plain git in as many worktrees of one repository."""
    figures: dict[str, Figures] = {}
    budgets = []
    names = home.agents(max(_MANY))
    places = _worktrees(home, max(_MANY))
    for many in _MANY:
        here, there = f"{many} agents, inside", f"{many} worktrees, plain git"
        with ExitStack() as stack:
            argvs = [_inside(name) for name in names[:many]]
            agents = stack.enter_context(_residents(argvs, [home.repository] * many, home))
            plain = [["python3", "-c", _PROGRAM, place.name] for place in places[:many]]
            worktrees = stack.enter_context(_residents(plain, places[:many], home))
            turns = {here: _turn(agents), there: _turn(worktrees)}
            took = compare(turns, max(3, rounds // 8), warm=1)
        figures |= {name: _per_second(took[name]) for name in turns}
        slower = took[here].median / took[there].median
        budgets.append(Budget(f"{many} agents: plain git's commits/s / theirs", slower, 1 / 0.9))
    missing = _missing(home, names)
    if missing:
        raise RuntimeError(f"commits of {missing} did not come out")
    return Row(
        name="together",
        title="Commits of many agents at once",
        figures=figures,
        budgets=budgets,
        notes=[
            f"A turn: {_COMMITS} commits by all together, a file written and added before each.",
            "After the last turn all of them are in the hub.",
        ],
    )


def _inside(name: str) -> list[str]:
    return ["polis", "exec", name, "--", "python3", "-c", _PROGRAM, name]


def _worktrees(home: Home, count: int) -> list[Path]:
    hub = home.folder / "plain"
    _git(home, home.folder, "clone", "-q", str(home.repository), str(hub))
    for key, value in (("name", "Ada"), ("email", "ada@example.org")):
        _git(home, hub, "config", f"user.{key}", value)
    places = [home.folder / f"together-{number}" for number in range(count)]
    for place in places:
        _git(home, hub, "worktree", "add", "-q", "-b", place.name, str(place))
    return places


def _git(home: Home, folder: Path, *words: str) -> str:
    ran = subprocess.run(
        ["git", *words], cwd=folder, env=home.environment, check=True, capture_output=True
    )
    return os.fsdecode(ran.stdout).strip()


@contextmanager
def _residents(
    argvs: Sequence[Sequence[str]], places: Sequence[Path], home: Home
) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    try:
        for argv, place in zip(argvs, places, strict=True):
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            started.append(
                subprocess.Popen(argv, cwd=place, env=home.environment, text=True, **pipes)
            )
        yield started
    finally:
        for process in started:
            process.communicate(timeout=100)


def _turn(residents: Sequence[subprocess.Popen[str]]) -> Turn:
    """All of them at once, to the end of the last."""

    def turn() -> float:
        began = time.perf_counter()
        for one in residents:
            assert one.stdin
            one.stdin.write(f"{_COMMITS // len(residents)}\n")
            one.stdin.flush()
        for one in residents:
            assert one.stdout
            if one.stdout.readline() != "done\n":
                raise RuntimeError("a commit failed")
        return time.perf_counter() - began

    return turn


def _per_second(took: Figures) -> Figures:
    """The slow end of the time is the low end of the rate."""
    low, middle, high = (_COMMITS / seconds for seconds in (took.p90, took.median, took.p10))
    return Figures(middle, low, high, took.turns, "/s")


def _missing(home: Home, names: Sequence[str]) -> str:
    """An agent whose branch in the hub is not what it is inside, a while after its last commit."""
    deadline = time.monotonic() + 60
    while True:
        there = _tips(home)
        late = [name for name in names if _inner(home, name) != there[f"agent/{name}"]]
        if not late or time.monotonic() > deadline:
            return ", ".join(late)
        time.sleep(0.2)


def _tips(home: Home) -> Mapping[str, str]:
    told = _git(home, home.repository, "for-each-ref", "--format=%(refname:lstrip=2) %(objectname)")
    return dict(line.split() for line in told.splitlines())


def _inner(home: Home, name: str) -> str:
    return home.polis("exec", name, "--", "git", "rev-parse", "HEAD").strip()

"""Work with many execs under polis and the peers, of whom sandlock asks a callback as well."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bench.home import Home
from bench.material import C_BUILD, C_FILES, MANY_TRUE, lay_out_c
from bench.measure import Budget, Figures, Row, Turn, Unready, compare, ratio
from bench.sides import bare, inside, timed

_SANDLOCK = Path(__file__).parents[2] / ".tools/sandlock/bin/python"
_PATIENCE = 20
# The line in $1, under a callback that allows all it is asked: None allows, what is true denies.
_ALLOWING = """
import sys
from sandlock import Sandbox

def allow(event, context):
    return None

box = Sandbox(fs_readable=["/"], fs_writable=[".", "/dev", "/tmp"], policy_fn=allow)
sys.exit(box.run_interactive(["bash", "-c", sys.argv[1]]))
"""
_SRT = {
    "network": {"allowedDomains": [], "deniedDomains": []},
    "filesystem": {"denyRead": [], "allowWrite": ["."], "denyWrite": []},
}
_TRUE, _BUILD = "300 × true", f"C build, {C_FILES} files, -j2"
_DIFFERENCE = (
    "codex and srt put walls around the line and judge nothing below it. sandlock asks its "
    "callback about execs, clones, opens (of which polis judges those for writing) and "
    "connections; the callback here allows all, reads no rules and records nothing."
)


def measure_peers(home: Home, rounds: int) -> Row:
    """Each peer may write in the folder of the C project, as the agent may."""
    for folder in (home.tree, home.bare):
        lay_out_c(folder)
    (home.bare / "srt.json").write_text(json.dumps(_SRT))
    figures: dict[str, Figures] = {}
    notes = []
    few = max(3, rounds // 8)
    for name, line, turns in ((_TRUE, MANY_TRUE, few), (_BUILD, C_BUILD, max(3, few // 2))):
        failed = _try_sandlock(home, line)
        notes += [f"{name}: {failed}"] if failed else []
        subjects = _subjects(home, line, sandlock=not failed)
        named = {f"{name}, {who}": turn for who, turn in subjects.items()}
        figures |= compare(named, turns, warm=1)
    return Row(
        name="peers",
        title="300 × true and a C build beside sandlock with a callback, codex and srt",
        figures=figures,
        budgets=_budgets(figures),
        notes=[*notes, _DIFFERENCE],
    )


def _budgets(figures: dict[str, Figures]) -> list[Budget]:
    return [
        Budget(f"{name}, polis / sandlock", ratio(figures, f"{name}, polis", other), 1)
        for name in (_TRUE, _BUILD)
        if (other := f"{name}, sandlock") in figures
    ]


def _subjects(home: Home, line: str, *, sandlock: bool) -> dict[str, Turn]:
    settings = str(home.bare / "srt.json")
    peers = {
        "sandlock": [str(_SANDLOCK), "-c", _ALLOWING, line],
        "codex": ["codex", "sandbox", "-c", 'sandbox_mode="workspace-write"', "--", *_bash(line)],
        "srt": ["srt", "--settings", settings, "-c", line],
    }
    if not sandlock:
        del peers["sandlock"]
    return {
        "polis": inside(home, line),
        "bare": bare(home, line),
        **{name: timed(argv, home.bare, home.bare_environment) for name, argv in peers.items()},
    }


def _bash(line: str) -> list[str]:
    return ["bash", "-c", line]


def _try_sandlock(home: Home, line: str) -> str:
    """Why sandlock cannot run a line under a callback here; nothing when it can."""
    if not _SANDLOCK.exists():
        raise Unready("missing peer: sandlock; make bench installs it")
    limit = ("timeout", "-k", "1", str(_PATIENCE))
    ended = subprocess.run(
        [*limit, str(_SANDLOCK), "-c", _ALLOWING, line],
        cwd=home.bare,
        env=home.bare_environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode == 0:
        return ""
    said = [line for line in ended.stderr.splitlines() if line.startswith("sandlock: ")]
    how = f"in {_PATIENCE} s" if ended.returncode == 124 else f"(status {ended.returncode})"
    why = f": {said[0]}" if said else f": {ended.stderr.strip()[-200:]}"
    return f"sandlock does not finish under a callback {how}{why}"

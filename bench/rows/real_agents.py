"""The agent CLIs themselves, inside the walls beside the same bare."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from bench.home import Home
from bench.measure import Budget, Row, Turn, Unready, compare, program, ratio

_AGENTS = ("claude", "codex", "gemini")
_MODEL = Path(__file__).parents[2] / "tests" / "support" / "model.py"
_LINES = ("ls -la", "node build.js", "git log --oneline -3")
_MOST = 1.15

_METHOD = (
    f"From its start to its end, with {len(_LINES)} shell calls that a scripted model on loopback "
    "asks for. The model runs where the CLI does; the CLIs report nothing to their makers."
)


def measure_real_agents(home: Home, rounds: int) -> Row:
    """One headless run: the CLI starts, makes its calls, sends what came of them, ends. A turn
    takes seconds, so there are few."""
    missing = [name for name in _AGENTS if not shutil.which(name, path=home.environment["PATH"])]
    if missing:
        raise Unready(f"missing agents: {', '.join(missing)}; make agents installs them")
    home.stand_in_repository()
    subjects: dict[str, Turn] = {}
    for name in _AGENTS:
        subjects[f"{name} in the walls"] = _inside(home, name)
        subjects[f"{name} bare"] = _bare(home, name)
    figures = compare(subjects, min(rounds, 20), warm=1)
    times = {name: ratio(figures, f"{name} in the walls", f"{name} bare") for name in _AGENTS}
    return Row(
        name="real_agents",
        title="A run of Claude Code, Codex and Gemini CLI, in the walls and bare",
        figures=figures,
        budgets=[Budget(f"{name}, in the walls / bare", times[name], _MOST) for name in _AGENTS],
        notes=[_METHOD],
    )


def _inside(home: Home, name: str) -> Turn:
    return program(
        ["polis", "exec", "alice", "--", *_prepare(home.own, home.folder / "home", name)],
        home.environment,
    )


def _bare(home: Home, name: str) -> Turn:
    folder = home.bare / name
    scratch = folder / "tmp"  # bare, a CLI leaves folders in it
    scratch.mkdir(parents=True)
    environment = {**home.environment, "HOME": str(folder), "TMPDIR": str(scratch)}
    return program(_prepare(folder, folder, name), environment)


def _prepare(folder: Path, seen: Path, name: str) -> list[str]:
    """Puts what is played into a home; the command that plays it. seen: the home as the CLI
    sees it."""
    shutil.copy(_MODEL, folder / "model.py")
    calls = [("shell", line) for line in _LINES]
    play = {"calls": calls, "say": "All is done.", "quiet": True}
    (folder / "play.json").write_text(json.dumps(play))
    words = (seen / "model.py", name, seen / "play.json", seen / "record.jsonl")
    return ["python3", "-I", *map(str, words)]

"""What a hook costs the agent's own program: a process inside the walls, from start to end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from bench.home import Home
from bench.measure import Budget, Figures, Row, summarise

_MOST: Final = 15.0
_HOOK: Final = ("/run/polis/bin/polis", "hook", "claude")
_CALLS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "before a shell call": ("Bash", {"command": "npm test -- --watch=false && git status --short"}),
    "before an edit": ("Write", {"file_path": "src/cart.py", "content": "x" * 4000}),
}
# Runs inside: starts each program in turn, with its input, and prints how long each took.
_RUNNER: Final = """
import json, os, sys, time
inputs, rounds = json.loads(sys.argv[1])
taken = {name: [] for name in inputs}
for round in range(rounds + 2):
    for name, (words, text) in inputs.items():
        with open("/tmp/hook-input", "w") as file:
            file.write(text)
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/tmp/hook-input", os.O_RDONLY, 0)]
        actions += [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        began = time.perf_counter()
        pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
        _, ended = os.waitpid(pid, 0)
        if ended:
            sys.exit(f"{name}: {ended}")
        if round > 1:
            taken[name].append(time.perf_counter() - began)
        time.sleep(0.03)  # a model is slower
print(json.dumps(taken))
"""


def measure_hooks(home: Home, rounds: int) -> Row:
    """`polis hook claude` as Claude Code starts it, beside a program that does nothing."""
    inputs: dict[str, tuple[tuple[str, ...], str]] = {
        name: (_HOOK, _payload(tool, given)) for name, (tool, given) in _CALLS.items()
    }
    inputs["`true`, for comparison"] = (("/bin/true",), "")
    asked = json.dumps([inputs, max(rounds, 10)])
    home.polis("exec", "alice", "--", "true")
    told = home.polis("exec", "alice", "--", "python3", "-I", "-c", _RUNNER, asked)
    figures = {name: summarise(taken) for name, taken in json.loads(told).items()}
    return Row(
        name="hooks",
        title="A hook of an agent's own program",
        figures=figures,
        budgets=[_budget(name, figures) for name in _CALLS],
        notes=["The whole process inside the walls, judged and journaled like any other."],
    )


def _payload(tool: str, given: Mapping[str, str]) -> str:
    event = {"hook_event_name": "PreToolUse", "session_id": "s", "tool_use_id": "toolu_1"}
    return json.dumps({**event, "tool_name": tool, "tool_input": given})


def _budget(name: str, figures: Mapping[str, Figures]) -> Budget:
    return Budget(f"a hook {name}, median", figures[name].median * 1000, _MOST, "ms")
